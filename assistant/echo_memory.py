"""How late the echo was the last time, for each pair of devices: where the next conversation begins to look.

Only a place to begin: what the microphone hears decides (`Aligner.expect`). It takes 0.6 s off the two seconds until
the canceller is trusted in the first reply (12 rooms).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assistant.audio import SAMPLE_RATE
from assistant.audio.echo import EchoPath
from assistant.command import CommandError, whole_file

_MOST_PAIRS = 20
_LONGEST_MS = 1000.0


class EchoMemory:
    """One file, in the user's cache; `devices` names the pair. A file that cannot be read or written is no matter."""

    def __init__(self, file: Path, devices: str) -> None:
        self._file, self._devices = file, devices

    @contextmanager
    def used_by(self, path: EchoPath) -> Iterator[None]:
        """`path` begins with the delay of the last time, if there was one; at the end its own is kept."""
        delay_ms = self._known().get(self._devices)
        if path.aligner is not None and delay_ms is not None:
            path.aligner.expect(delay_ms / 1000 * SAMPLE_RATE)
        try:
            yield
        finally:
            if path.aligner is not None and path.aligner.locked:
                self._keep(path.aligner.delay / SAMPLE_RATE * 1000)

    def _keep(self, delay_ms: float) -> None:
        known = {name: old_ms for name, old_ms in self._known().items() if name != self._devices}
        newest = [*known.items(), (self._devices, round(delay_ms, 2))][-_MOST_PAIRS:]
        with suppress(OSError, CommandError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._file) as file:
                file.write(json.dumps(dict(newest), ensure_ascii=False, indent=2).encode() + b"\n")

    def _known(self) -> dict[str, float]:
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict):
            return {}
        return {
            name: float(delay_ms)
            for name, delay_ms in known.items()
            if isinstance(delay_ms, int | float) and 0 <= delay_ms <= _LONGEST_MS
        }
