"""What became of the recordings that ``huiyin transcribe`` was given."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from tqdm import tqdm

from huiyin.assistant.faces.cli.shared import to_people
from huiyin.configs.messages import colon, said

_MINUTE_S, _HOUR_S = 60.0, 3600.0
_SHORT = 2.0  # so many of the smaller unit are still told in it


class Summary:
    """A context: at its end, however it comes, it tells what was done, what failed and why, and what is left."""

    def __init__(self, count: int, *, shown: bool) -> None:
        """Of `count` recordings. `shown`: at the end; failures are told as they come in any case."""
        self._count, self._shown = count, shown
        self._transcribed, self._before = 0, 0
        self.sound_s = 0.0
        """Of what was transcribed."""
        self._began_s = time.monotonic()
        self.failures: list[tuple[str, str]] = []
        """Recordings, and why they could not be transcribed."""

    def __enter__(self) -> Summary:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            print_line("\n".join(self.lines(time.monotonic() - self._began_s)), sys.stderr)

    @property
    def left(self) -> int:
        """How many have not been looked at, or could not be transcribed."""
        return self._count - self._transcribed - self._before

    def transcribed(self, sound_s: float) -> None:
        """One more, of `sound_s` seconds."""
        self._transcribed += 1
        self.sound_s += sound_s

    def done_before(self) -> None:
        """One more needs not be transcribed."""
        self._before += 1

    def failed(self, label: str, why: object) -> None:
        """One more cannot be transcribed."""
        self.failures.append((label, str(why)))
        print_problem(label, why)

    def lines(self, took_s: float) -> list[str]:
        """What to tell after `took_s` seconds."""
        lines = []
        if self._transcribed:
            sound, took, speed = _length(self.sound_s), _length(took_s), self.sound_s / max(took_s, 1e-3)
            lines.append(said("cli.transcribed", count=self._transcribed, sound=sound, took=took, speed=speed))
        if self._before:
            lines.append(said("cli.transcribed_before", count=self._before))
        if self.failures:
            lines.append(said("cli.transcribed_not", count=len(self.failures)))
            lines += [f"  {label}{colon()}{why}" for label, why in self.failures]
        if left := self.left - len(self.failures):
            lines.append(said("cli.transcribed_later", count=left))
        return lines


def print_problem(label: str, problem: object) -> None:
    """A line about a recording, to standard error."""
    print_line(to_people(label, problem), sys.stderr)


def print_line(text: str, file: TextIO) -> None:
    """A line; a progress bar may stand there."""
    tqdm.write(text, file=file)


def _length(seconds: float) -> str:
    """In words, of a sensible unit."""
    if seconds >= _SHORT * _HOUR_S:
        return said("cli.hours", hours=seconds / _HOUR_S)
    if seconds >= _SHORT * _MINUTE_S:
        return said("cli.minutes", minutes=seconds / _MINUTE_S)
    return said("cli.seconds", seconds=seconds)
