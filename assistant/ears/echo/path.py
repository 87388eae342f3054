"""The echo path: from what the microphone heard and what was played to what the user said.

Two cancellers run side by side. Speex leaves the user's voice whole and is what the recogniser hears, but needs
seconds to learn a room. WebRTC's AEC3 learns at once, but suppresses a user who barges in: it only gives a second
opinion on whether there is speech, until Speex has learnt the room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huiyin.assistant.ears.echo.absence import EchoAbsence
from huiyin.assistant.ears.echo.align import Aligner
from huiyin.assistant.ears.echo.canceller import CancellerMissing, EchoCanceller, Framed, NoCanceller
from huiyin.assistant.ears.echo.delay import PhaseCorrelator, highest
from huiyin.assistant.ears.echo.gate import ECHO_PROMINENCE
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.delay_line import Tail
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.configs.messages import said

CHUNK = 512  # samples cleaned at once, 32 ms: what voice activity looks at
CHUNK_S = CHUNK / SAMPLE_RATE
_RELEARN = 16384  # samples (1 s) of the past that are learnt again when the delay was wrong
_LEARNING_S = 0.5  # of active far end, once its delay is known, until Speex has learnt a room
# Likewise in all. Of speech it is that much by then; but a chime is enough to know the delay by, and in 7 of 20 rooms
# the reply after it, learnt for half a second, stopped itself (1 of 20 with this).
_LEAST_S = 1.2
_NO_ECHO_S = 2.0  # of active far end without a delay to be found: no echo to speak of (see also `absence.py`)
_FAR_END_RMS = 80.0  # int16 level above which the assistant counts as audible (-52 dBFS)
_FAR_END_HANG_S = 0.3  # its echo rings on in the room, from when it arrives
_RESIDUAL_WINDOW = 3584  # samples of cleaned sound (0.22 s) that are compared with the far end
_RESIDUAL_LAGS = 512  # samples (32 ms) by which they may be late


@dataclass(frozen=True)
class Cleaned:
    """`CHUNK` samples of the conversation, int16.

    `near` is the microphone without the echo; `second` the other canceller's opinion, where it is wanted.
    `far_end`: the assistant is audible, or has just been. `settled`: `near` can be trusted to hold little echo.
    """

    mic: Pcm16
    near: Pcm16
    second: Pcm16 | None
    far_end: bool
    settled: bool


class EchoPath:
    """Push blocks of any length in, get cleaned chunks out. Not thread-safe."""

    def __init__(self, canceller: EchoCanceller, second: EchoCanceller | None = None) -> None:
        self.name = canceller.name if second is None else "both"
        self.aligner = Aligner() if canceller.needs_alignment else None
        self._canceller = Framed(canceller, CHUNK)
        self._second = Framed(second, CHUNK) if second else None
        self._second_awake = False
        self._mic: Pcm16 = np.zeros(0, np.int16)
        self._far: Pcm16 = np.zeros(0, np.int16)
        self._judged = Tail(_RESIDUAL_WINDOW)  # the sound the gate goes by: of the second canceller while it is asked
        self._correlate = PhaseCorrelator(_RESIDUAL_WINDOW, _RESIDUAL_LAGS)
        self._absence = EchoAbsence()
        self._active_s = self._learnt_s = 0.0
        self._hang_s = 0.0

    def push(self, mic: Pcm16, far_end: Pcm16) -> Iterator[Cleaned]:
        """`mic` and `far_end`: int16, the same length, heard and played at the same time. Iterate it to its end."""
        self._mic, self._far = np.concatenate([self._mic, mic]), np.concatenate([self._far, far_end])
        while len(self._mic) >= CHUNK:
            chunk, far_chunk = self._mic[:CHUNK], self._far[:CHUNK]
            self._mic, self._far = self._mic[CHUNK:], self._far[CHUNK:]
            yield self._clean(chunk, far_chunk)

    @property
    def finds_no_echo(self) -> bool:
        """Whether the assistant has spoken and no echo of it was found so far."""
        if self._is_locked:
            return False
        has_looked = self.aligner is not None and self._active_s > _NO_ECHO_S
        return self._absence.is_sure or (has_looked and not self._absence.hears_echo)

    @property
    def _is_locked(self) -> bool:
        return self.aligner is not None and self.aligner.locked

    def residual_prominence(self, *, realign: bool = True) -> float | None:
        """How much the newest cleaned sound still follows the far end: the prominence of their correlation's peak.

        4 to 6 for anybody but the assistant, 7 and more for its residual echo; None where the delay is not known, or
        nothing has just been played. While the second canceller is asked it is its sound that is looked at.
        `realign`: look soon whether the delay has jumped, where it is echo.
        """
        if self.aligner is None or not self.aligner.locked:
            return None
        far_end = self.aligner.aligned(_RESIDUAL_WINDOW + _RESIDUAL_LAGS)
        if rms(far_end) <= _FAR_END_RMS:
            return None
        prominence = highest(self._correlate(self._judged.last(_RESIDUAL_WINDOW), far_end)).prominence
        if realign and prominence >= ECHO_PROMINENCE:
            self.aligner.request_realignment()
        return prominence

    def past_levels(self, chunks: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Of the newest `chunks` (up to 64), as int16 amplitude: levels of the microphone, and of what was played as it
        was due then, by what is known now. None where the delay is not known."""
        if self.aligner is None or not self.aligner.locked:
            return None
        mic, far_end = (sound.reshape(-1, CHUNK).astype(np.float32) for sound in self.aligner.past(chunks * CHUNK))
        return np.sqrt(np.mean(mic**2, axis=1)), np.sqrt(np.mean(far_end**2, axis=1))

    def _clean(self, mic: Pcm16, far_end: Pcm16) -> Cleaned:
        level, heard = rms(far_end), rms(mic)
        if level > _FAR_END_RMS:
            self._active_s += CHUNK_S if heard else 0.0  # of a muted microphone no echo is to be expected
            self._hang_s = _FAR_END_HANG_S + (self.aligner.delay / SAMPLE_RATE if self.aligner else 0.0)
        else:
            self._hang_s -= CHUNK_S
        audible = self._hang_s > 0
        if not self._is_locked:
            self._absence.push(heard, level)
        settled = self._settled()
        # After a slip AEC3 is not asked: Speex is right again at once, AEC3 was wrong 0.4 times a minute more often.
        asking = audible and not settled and not self._has_learnt
        second = self._ask_second(mic, far_end) if asking else None
        aligned = self._align(mic, far_end)
        near = self._canceller.process(mic, aligned)
        self._judged.push(near if second is None else second)
        if self.aligner is None:
            # A canceller that sees to the delay itself has no other to be asked: its own opinion is the second.
            second = near
        elif self.aligner.locked and rms(aligned) > _FAR_END_RMS:
            self._learnt_s += CHUNK_S
        self._second_awake = second is not None
        return Cleaned(mic, near, second if asking else None, audible, settled)

    def _ask_second(self, mic: Pcm16, far_end: Pcm16) -> Pcm16 | None:
        if self._second is None:
            return None
        if not self._second_awake and self.aligner is not None:
            # It sleeps while it is not asked, which halves the cost of the path; it gets now what it missed.
            self._second.learn(*self.aligner.played(_RELEARN))
        return self._second.process(mic, far_end)

    @property
    def _has_learnt(self) -> bool:
        """Whether enough was heard of the far end for Speex to know the room."""
        return self._learnt_s > _LEARNING_S and self._active_s > _LEAST_S

    def _settled(self) -> bool:
        if self.aligner is None:
            return self.name == "off"
        return self.finds_no_echo or (self._has_learnt and self.aligner.settled)

    def _align(self, mic: Pcm16, far_end: Pcm16) -> Pcm16:
        if self.aligner is None:
            return far_end
        revision, resets = self.aligner.revision, self.aligner.resets
        aligned = self.aligner.push(mic, far_end)
        if self.aligner.resets > resets:
            self._learnt_s = 0.0
        if self.aligner.revision > revision:
            # What was heard with the wrong delay is learnt again with the right one, once: 17 dB half a second later
            # and 22 after a second, where waiting for new words took three (12 rooms). Learning it twice overfits.
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
    key = "ports.one_canceller" if cancellers else "ports.no_canceller"
    return path, said(key, name=path.name, missing=missing)


def rms(samples: Pcm16 | Samples) -> float:
    """Level as int16 amplitude, 0..32768."""
    floats = samples.astype(np.float32)
    return float(np.sqrt(np.dot(floats, floats) / max(1, len(floats))))


def _speex() -> EchoCanceller:
    from huiyin.assistant.ears.echo.speex import SpeexCanceller

    return SpeexCanceller()


def _webrtc() -> EchoCanceller:
    from huiyin.assistant.ears.echo.webrtc import WebrtcCanceller

    return WebrtcCanceller()


_MAKERS: dict[str, Callable[[], EchoCanceller]] = {"speex": _speex, "webrtc": _webrtc}
