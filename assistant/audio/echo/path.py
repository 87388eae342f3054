"""The echo path: from what the microphone heard and what was played to what the user said.

Two cancellers run side by side. Speex leaves the user's voice whole and is what the recogniser hears, but needs
seconds to learn a room. WebRTC's AEC3 needs 0.2 s, but swallows a user who barges in: it only gives a second opinion
on whether somebody speaks, for as long as Speex cannot be trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assistant.audio import SAMPLE_RATE
from assistant.audio.echo.align import Aligner
from assistant.audio.echo.canceller import CancellerMissing, EchoCanceller, Framed, NoCanceller
from assistant.audio.ports import Samples

CHUNK = 512  # samples cleaned at once, 32 ms: what voice activity looks at
CHUNK_S = CHUNK / SAMPLE_RATE
_RELEARN = 16384  # samples (1 s)
_LEARNING_S = 3.0  # of active far end until Speex has learnt a room
_FAR_END_RMS = 80.0  # int16 level above which the assistant counts as audible (-52 dBFS)
_FAR_END_HANG_S = 0.3  # its echo rings on in the room


@dataclass(frozen=True)
class Cleaned:
    """`CHUNK` samples of the conversation, int16.

    `near` is the microphone without the echo; `second` the other canceller's opinion, where there is one.
    `far_end`: the assistant is audible, or has just been. `settled`: `near` can be trusted to hold no echo.
    """

    mic: Samples
    near: Samples
    second: Samples | None
    far_end: bool
    settled: bool


class EchoPath:
    """Push blocks of any length in, get cleaned chunks out. Not thread-safe."""

    def __init__(self, canceller: EchoCanceller, second: EchoCanceller | None = None) -> None:
        self.name = canceller.name if second is None else "both"
        self.aligner = Aligner() if canceller.needs_alignment else None
        self._canceller = Framed(canceller, CHUNK)
        self._second = Framed(second, CHUNK) if second else None
        self._waiting: Samples = np.zeros((2, 0), np.int16)
        self._learnt_s = 0.0
        self._hang_s = 0.0

    def push(self, mic: Samples, far_end: Samples) -> list[Cleaned]:
        """`mic` and `far_end`: int16, the same length, heard and played at the same time."""
        self._waiting = np.concatenate([self._waiting, np.stack([mic, far_end])], axis=1)
        chunks = []
        while self._waiting.shape[1] >= CHUNK:
            chunk, self._waiting = self._waiting[:, :CHUNK], self._waiting[:, CHUNK:]
            chunks.append(self._clean(chunk[0], chunk[1]))
        return chunks

    def _clean(self, mic: Samples, far_end: Samples) -> Cleaned:
        if rms(far_end) > _FAR_END_RMS:
            self._learnt_s += CHUNK_S
            self._hang_s = _FAR_END_HANG_S
        else:
            self._hang_s -= CHUNK_S
        near = self._canceller.process(mic, self._align(mic, far_end))
        second = self._second.process(mic, far_end) if self._second else None
        return Cleaned(mic, near, second, self._hang_s > 0, self._learnt_s > _LEARNING_S)

    def _align(self, mic: Samples, far_end: Samples) -> Samples:
        if self.aligner is None:
            return far_end
        known = len(self.aligner.slips)
        aligned = self.aligner.push(mic, far_end)
        if len(self.aligner.slips) > known:
            # What was heard with the wrong delay is learnt again with the right one: 20 dB within half a second of
            # the first words, where waiting for new ones took three (16 rooms; docs/echo.md).
            self._canceller.learn(*self.aligner.past(_RELEARN))
        return aligned


def make_echo_path(name: str) -> tuple[EchoPath, str]:
    """(the echo path `both`, `speex`, `webrtc` or `off`; a warning for the user, or '').

    Where a library is missing the best that is left is taken.
    """
    wanted = {"both": ("speex", "webrtc"), "off": ()}.get(name, (name,))
    cancellers: list[EchoCanceller] = []
    missing: list[str] = []
    for kind in wanted:
        try:
            cancellers.append(_MAKERS[kind]())
        except CancellerMissing as error:
            missing.append(str(error))
    path = EchoPath(*cancellers) if cancellers else EchoPath(NoCanceller())
    if not missing:
        return path, ""
    left = f"hearing you through {path.name} alone" if cancellers else "no echo cancellation"
    return path, f"{left}: {'; '.join(missing)}"


def rms(samples: Samples) -> float:
    """Level as int16 amplitude, 0..32768."""
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float32)))))


def _speex() -> EchoCanceller:
    from assistant.audio.echo.speex import SpeexCanceller

    return SpeexCanceller()


def _webrtc() -> EchoCanceller:
    from assistant.audio.echo.webrtc import WebrtcCanceller

    return WebrtcCanceller()


_MAKERS: dict[str, Callable[[], EchoCanceller]] = {"speex": _speex, "webrtc": _webrtc}
