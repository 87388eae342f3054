"""Only the user is answered: what another voice says has no words.

A turn is recognised and its voice embedded at the same time. Where that is not the voice of `huiyin enroll` the
transcript is empty: to the turn machine a cough, which is no turn. Over a reply the machine decides sooner than a voice
can be known, so that another voice still stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.stages import Recogniser, TurnSoFar
from huiyin.assistant.conversation.world import Answer, Computation, Plan, Source
from huiyin.assistant.ears.voiceprint import Voiceprint
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns.events import Transcript

OTHER_VOICE = 0.25
"""Likeness below which a voice is another's (docs/performance.md: how often it is wrong)."""
_LEAST_S = 1.5  # of a turn: less tells too little, and "stop!" must be heard whoever says it
_MOST_S = 8.0  # of its end; more tells no more
_LIMIT_S = 1.0  # a voice that is known later is not waited for

VoiceOf = Callable[[Pcm16], Source[Voiceprint]]


def http_voice(services: Services) -> VoiceOf:
    """Voices as the speech service tells them."""

    def voice_of(sound: Pcm16) -> Source[Voiceprint]:
        kind = f"audio/pcm;rate={SAMPLE_RATE}"
        return services.speaker(sound.astype("<i2").tobytes(), kind, Voiceprint.of, timeout_s=_LIMIT_S)

    return voice_of


class GatedRecogniser:
    """A `Recogniser` for one voice. What cannot be judged is let through."""

    def __init__(self, recogniser: Recogniser, voice_of: VoiceOf, own: Voiceprint) -> None:
        self._recogniser, self._voice_of, self._own = recogniser, voice_of, own

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`; without words where another voice speaks."""
        words = self._recogniser.transcribe(turn)
        if turn.end_s - turn.start_s < _LEAST_S:
            return words
        voice = self._voice_of(turn.sound()[-round(_MOST_S * SAMPLE_RATE) :])
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
        return transcript if likeness is None or likeness >= OTHER_VOICE else replace(transcript, text="")


async def _first(voice: Answer[Voiceprint]) -> Voiceprint | None:
    with contextlib.suppress(ServiceError):
        async for heard in voice:
            return heard
    return None
