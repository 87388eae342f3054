"""Only the user is answered, or it is known who is: what another voice than that of `huiyin enroll` says.

A turn is recognised and its voice embedded at the same time. What another voice says has no words: to the turn machine
a cough, which is no turn. Where such turns are only marked it has them, with the mark. Speech over a reply is judged
sooner, by its first tenths of a second, and does not stop it (`turns/whose_voice.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.stages import Parts, Recogniser, TurnSoFar
from huiyin.assistant.conversation.world import Answer, Computation, Plan, Source
from huiyin.assistant.ears.voiceprint import Voiceprint
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.whose_voice import FULL_S
from huiyin.configs.settings import Settings

_LEAST_S = FULL_S  # of a turn: less tells too little, and "stop!" must be heard whoever says it
_MOST_S = 8.0  # of its end; more tells no more
_LIMIT_S = 1.0  # a voice that is known later is not waited for

VoiceOf = Callable[[TurnSoFar], Source[Voiceprint]]
"""The voice of a turn, one item."""


def http_voice(services: Services) -> VoiceOf:
    """Voices as the speech service tells them."""

    def voice_of(turn: TurnSoFar) -> Source[Voiceprint]:
        kind, sound = f"audio/pcm;rate={SAMPLE_RATE}", _end_of(turn)
        return services.speaker(sound.astype("<i2").tobytes(), kind, Voiceprint.of, timeout_s=_LIMIT_S)

    return voice_of


def _end_of(turn: TurnSoFar) -> Pcm16:
    return turn.sound()[-round(_MOST_S * SAMPLE_RATE) :]


def knowing(own: Voiceprint, voice_of: VoiceOf, parts: Parts, settings: Settings) -> Parts:
    """`parts` that know the voice `own` from others, as `talk.other_voices` has it."""
    marks, least = settings.talk.other_voices == "marked", settings.turns.least_likeness
    gated = GatedRecogniser(parts.recogniser, voice_of, own, least, marks=marks)
    return replace(parts, recogniser=gated, by_voice=None if marks else VoiceJudge(voice_of, own))


class VoiceJudge:
    """A `Judge`: how like the voice `own` a piece of sound is."""

    def __init__(self, voice_of: VoiceOf, own: Voiceprint) -> None:
        self._voice_of, self._own = voice_of, own

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        """As `Judge.judge`: the cosine of the two, None where they cannot be compared."""
        voice = self._voice_of(turn)
        if isinstance(voice, Plan):
            return Plan([(due_s, self._own.likeness(heard)) for due_s, heard in voice.items], voice.ends_s, voice.error)
        assert not isinstance(voice, Computation)
        return Stream(lambda: self._likeness(voice))

    async def _likeness(self, voice: Answer[Voiceprint]) -> AsyncGenerator[float | None, None]:
        heard = await _first(voice)
        yield self._own.likeness(heard) if heard else None


class GatedRecogniser:
    """A `Recogniser` for one voice. What cannot be judged is let through."""

    def __init__(
        self, recogniser: Recogniser, voice_of: VoiceOf, own: Voiceprint, least_likeness: float, *, marks: bool = False
    ) -> None:
        """A voice that is less like `own` is another's. `marks`: what it says keeps its words."""
        self._recogniser, self._voice_of, self._own = recogniser, voice_of, own
        self._least, self._marks = least_likeness, marks

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`; without words where another voice speaks, or marked."""
        words = self._recogniser.transcribe(turn)
        if turn.end_s - turn.start_s < _LEAST_S:
            return words
        voice = self._voice_of(turn)
        if isinstance(words, Plan) and isinstance(voice, Plan):
            heard = next((item for _, item in voice.items), None)
            items = [(max(due_s, voice.ends_s), self._judged(said, heard)) for due_s, said in words.items]
            return replace(words, items=items, ends_s=max(words.ends_s, voice.ends_s))
        assert not isinstance(words, (Plan, Computation)) and not isinstance(voice, (Plan, Computation))
        return Stream(lambda: self._both(words, voice))

    async def _both(self, words: Answer[Transcript], voice: Answer[Voiceprint]) -> AsyncGenerator[Transcript, None]:
        heard = asyncio.ensure_future(_first(voice))
        try:
            async for transcript in words:
                yield self._judged(transcript, await heard)
        finally:
            heard.cancel()

    def _judged(self, transcript: Transcript, voice: Voiceprint | None) -> Transcript:
        likeness = self._own.likeness(voice) if voice else None
        if likeness is None or likeness >= self._least:
            return transcript
        return replace(transcript, other_voice=True) if self._marks else replace(transcript, text="")


async def _first(voice: Answer[Voiceprint]) -> Voiceprint | None:
    with contextlib.suppress(ServiceError):
        async for heard in voice:
            return heard
    return None
