"""The client's ear: voice activity where the server is to detect turns, and nothing else while it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from huiyin.assistant.conversation.session import Ear
from huiyin.assistant.ears.listener import PRE_ROLL_S, SpeechChange
from huiyin.assistant.faces.connections.engines import MakeEar
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16


class ClientEar:
    """An `Ear`. `open` begins with a fresh one; it knows nothing of the sound before."""

    def __init__(self, make: MakeEar) -> None:
        self._make = make
        self._ear: Ear | None = None
        self._threshold, self._has_echo = 0.0, False
        self._padding_s = PRE_ROLL_S
        self._heard = 0  # samples
        self._began_s = 0.0  # when the ear was opened
        self._earlier: tuple[Ear, float] | None = None  # the one before, where its sound still counts
        self.is_speaking = False
        """The user speaks."""

    def open(self, threshold: float, padding_s: float, *, has_echo: bool) -> None:
        """Detect speech, and take `padding_s` of sound before it. Nothing changes where that is as it was.

        `threshold` and `has_echo` as for `MakeEar`.
        """
        self._padding_s = padding_s
        if self._ear is None or (threshold, has_echo) != (self._threshold, self._has_echo):
            self._threshold, self._has_echo = threshold, has_echo
            self.restart(keep=True)

    def close(self) -> None:
        """Detect nothing more. A turn that was heard can still be cut."""
        if self._ear:
            self._earlier = self._ear, self._began_s
        self._ear, self.is_speaking = None, False

    def restart(self, *, keep: bool = False) -> None:
        """Detect speech anew; what was heard so far is forgotten, unless it is to be kept."""
        self._earlier = (self._ear, self._began_s) if keep and self._ear else None
        self._ear, self.is_speaking = self._make(self._threshold, has_echo=self._has_echo), False
        self._began_s = self._heard / SAMPLE_RATE

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        """As `Ear.push`."""
        self._heard += len(mic)
        if self._ear is None:
            return []
        changes = [replace(change, at_s=change.at_s + self._began_s) for change in self._ear.push(mic, far_end)]
        for change in changes:
            if change.kind in ("started", "paused"):
                self.is_speaking = change.kind == "started"
        return changes

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """As `Ear.cut`."""
        start_s -= self._padding_s - PRE_ROLL_S
        parts: list[Pcm16] = [np.zeros(0, np.int16)]
        if self._earlier and (self._ear is None or start_s < self._began_s):
            ear, began_s = self._earlier
            until_s = end_s if self._ear is None else min(end_s, self._began_s)
            parts.append(ear.cut(start_s - began_s, until_s - began_s))
        if self._ear and end_s > self._began_s:
            parts.append(self._ear.cut(start_s - self._began_s, end_s - self._began_s))
        return np.concatenate(parts)
