"""What an echo canceller is, and how one that works in frames of its own is fed any number of samples."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.errors import HuiyinError


class CancellerMissing(HuiyinError):
    """The canceller's library is not on this machine."""


class EchoCanceller(Protocol):
    """Microphone and far end in, near end out, frame by frame and sample for sample."""

    name: str
    frame: int
    """Pcm16 it takes at once."""
    needs_alignment: bool
    """Whether it wants the far end in time with its echo, and can `learn` from what was heard before."""

    def process(self, mic: Pcm16, far_end: Pcm16) -> Pcm16:
        """`mic` and `far_end` int16 of `frame` samples; returns as many. Raises ValueError on other lengths."""

    def learn(self, mic: Pcm16, far_end: Pcm16) -> None:
        """Adapt to `frame` samples each without giving anything out."""


class NoCanceller:
    """For headsets, and where no library is: the microphone as it is."""

    name = "off"
    frame = 256
    needs_alignment = False

    def process(self, mic: Pcm16, far_end: Pcm16) -> Pcm16:
        """`mic`, unchanged."""
        return checked(self, mic, far_end)[0]

    def learn(self, mic: Pcm16, far_end: Pcm16) -> None:
        """Nothing to learn."""


def checked(canceller: EchoCanceller, mic: Pcm16, far_end: Pcm16) -> tuple[Pcm16, Pcm16]:
    """Both as contiguous int16 of the canceller's frame: the C libraries read whatever memory they are given.

    Raises ValueError on a wrong length or on samples that are not int16.
    """
    shape = (canceller.frame,)
    if mic.shape != shape or far_end.shape != shape:
        raise ValueError(f"{canceller.name} wants {canceller.frame} samples each, got {mic.shape} and {far_end.shape}")
    if mic.dtype != np.int16 or far_end.dtype != np.int16:
        raise ValueError(f"{canceller.name} wants int16 samples, got {mic.dtype} and {far_end.dtype}")
    return np.ascontiguousarray(mic), np.ascontiguousarray(far_end)


class Framed:
    """Feeds a canceller any number of samples and returns as many.

    Where the blocks are not a whole number of its frames, what it returns is late by less than one frame.
    """

    def __init__(self, canceller: EchoCanceller, block: int) -> None:
        self._canceller = canceller
        self._whole = block % canceller.frame == 0
        self._mic: Pcm16 = np.zeros(0, np.int16)
        self._far: Pcm16 = np.zeros(0, np.int16)
        self._out: Pcm16 = np.zeros(0 if self._whole else canceller.frame, np.int16)

    def process(self, mic: Pcm16, far_end: Pcm16) -> Pcm16:
        """`mic` and `far_end` int16 of the block's length; returns as many samples."""
        if self._whole:
            return np.concatenate(self._frames(mic, far_end))
        self._mic, self._far = np.concatenate([self._mic, mic]), np.concatenate([self._far, far_end])
        done = len(self._mic) // self._canceller.frame * self._canceller.frame
        out = np.concatenate([self._out, *self._frames(self._mic, self._far)])
        self._mic, self._far, self._out = self._mic[done:], self._far[done:], out[len(mic) :]
        return out[: len(mic)]

    def _frames(self, mic: Pcm16, far_end: Pcm16) -> list[Pcm16]:
        size = self._canceller.frame
        return [
            self._canceller.process(mic[at : at + size], far_end[at : at + size])
            for at in range(0, len(mic) - size + 1, size)
        ]

    def learn(self, mic: Pcm16, far_end: Pcm16) -> None:
        """Adapt to sound heard before; what is left over of a frame at the beginning is left out."""
        size = self._canceller.frame
        for at in range(len(mic) % size, len(mic), size):
            self._canceller.learn(mic[at : at + size], far_end[at : at + size])
