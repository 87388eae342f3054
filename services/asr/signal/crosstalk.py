"""The two sides of a call, cut into pieces each by itself, without what is the other's voice.

A noise gate silences a channel where it is not clearly louder than the crosstalk of the other
(`huiyin.services.common.two_channels`), stretch by stretch, so that a sentence is recognised once: where it was said.
Where both speak at once, both are heard.

In memory: at most one piece of each side, and some seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.signal.detector import Detectors
from huiyin.services.asr.signal.pieces import Cutter, Piece
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.two_channels import FRAME, frame_powers, reach, smoothed

# As those of `pieces`, but a turn of the other fits into a shorter pause.
_PAUSES = ((0.0, 0.7), (4.0, 0.45), (8.0, 0.25))
_BLOCK = SAMPLE_RATE // FRAME  # frames that are decided at once
_CONTEXT = _BLOCK  # frames before and after them that are looked at: more than all that follows reaches
_SHORTEST = 2  # frames: what is open for less than twice as long is a mistake
_BRIDGED = 5  # frames: what is closed for less than twice as long is a gap between words
_AROUND = 5  # frames before and after speech: consonants are quieter than vowels

_Mask = npt.NDArray[np.bool_]


def split_channels(
    blocks: Iterable[Samples], max_s: float, detectors: Detectors, own: tuple[float, float]
) -> Iterator[Piece]:
    """Pieces of both channels, in the order in which they begin; those of one channel never overlap.

    `blocks`: float32 (n, 2) of any sizes, 16 kHz; `own` as in `two_channels.Survey`.
    """
    cutters = [Cutter(detectors(), max_s, _PAUSES) for _ in own]
    waiting: list[Piece] = []
    for block in gated(blocks, own):
        for channel, cutter in enumerate(cutters):
            waiting += (
                Piece(piece.start, piece.samples, channel)
                for piece in cutter.push(np.ascontiguousarray(block[:, channel]))
            )
        waiting.sort(key=lambda piece: piece.start)
        reached = min(cutter.begin for cutter in cutters)
        while waiting and waiting[0].start <= reached:
            yield waiting.pop(0)
    for channel, cutter in enumerate(cutters):
        waiting += (Piece(piece.start, piece.samples, channel) for piece in cutter.finish())
    yield from sorted(waiting, key=lambda piece: piece.start)


def gated(blocks: Iterable[Samples], own: tuple[float, float]) -> Iterator[Samples]:
    """The same sound in blocks of a second; each channel is silent where only the other speaks."""
    context = _CONTEXT * FRAME
    step = _BLOCK * FRAME
    sound = np.zeros((context, 2), np.float32)  # with what is before and after the next block
    for block in blocks:
        sound = np.concatenate([sound, block])
        while len(sound) >= context + step + context:
            yield _decided(sound[: context + step + context], own)[context : context + step]
            sound = sound[step:]
    rest = len(sound) - context
    padded = np.concatenate([sound, np.zeros((-len(sound) % FRAME, 2), np.float32)])
    if rest:
        yield _decided(padded, own)[context : context + rest]


def _decided(sound: Samples, own: tuple[float, float]) -> Samples:
    """All of it, (frames * FRAME, 2), with gains."""
    powers = smoothed(frame_powers(sound))
    middles = (np.arange(len(powers)) + 0.5) * FRAME
    moments = np.arange(len(sound))
    gains = []
    for channel, share in enumerate(own):
        is_open = powers[:, channel] >= share * reach(powers[:, 1 - channel])
        is_open = _grown(_shrunk(is_open, _SHORTEST), _SHORTEST)
        is_open = _shrunk(_grown(is_open, _BRIDGED), _BRIDGED)
        gains.append(np.interp(moments, middles, _grown(is_open, _AROUND)))
    return cast(Samples, sound * np.stack(gains, axis=1).astype(np.float32))


def _grown(mask: _Mask, by: int) -> _Mask:
    """`mask` with so many frames more at each end of each stretch."""
    return cast(_Mask, np.convolve(mask, np.ones(2 * by + 1), "same")[: len(mask)] > 0)


def _shrunk(mask: _Mask, by: int) -> _Mask:
    return ~_grown(~mask, by)
