"""Whether a stretch of speech begins with the wake phrase: by how likely that is, and in doubt by its words.

A recogniser writes what is likeliest, and in noise that is something else. Asked how likely the phrase is it need not
win, and is found much more often (docs/performance.md), in less time. The echo path's noise suppression helps with some
noise and takes from the voice with other: where the phrase is neither clear nor out of the question the microphone's
own sound is asked, too, and the mean of both counts.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.http_stages import HttpRecogniser
from huiyin.assistant.conversation.stages import TurnSoFar
from huiyin.assistant.conversation.world import Source
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns.events import Transcript

SURE = 2.0
"""Score of `POST /phrase` from which the phrase was said; chosen, as those below, on the *dev* half of
`python -m benchmarks.wake`, where other speech came up to 0.8 and of 84 phrases one lay between that and 3."""
CLEAR = 5.0
"""Of the cleaned sound: from here on it suffices, and the conversation listens a tenth of a second sooner. Other speech
came up to 2.0, nine in ten phrases lie above."""
DOUBTFUL = -5.0
"""From here on its words decide."""
NEAR = -14.0
"""Of the cleaned sound: from here on, and where no speech is left in it, the microphone's is asked, too. A quarter of
other speech has it, and 99 % of what is the phrase in the loudest noise."""
PHRASE_END_S = "phrase_end_s"
"""Name of a transcript's fact: where the phrase ends in the sound that was looked at, in seconds."""
IS_NEAR = "phrase_near"
"""Likewise: the phrase was not there, but more of the sound may show it."""


class PhraseListener:
    """A `Recogniser` for a conversation that sleeps: what it gives begins with the phrase where that was said."""

    def __init__(self, services: Services, phrase: WakePhrase, language: str) -> None:
        """`language`: the phrase's."""
        self._services, self._phrase, self._language = services, phrase, language
        self._words = HttpRecogniser(services, language)

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`."""
        sound, microphone = turn.sound(), turn.microphone() if turn.microphone else None
        return Stream(lambda: self._heard(replace(turn, sound=lambda: sound), sound, microphone))

    async def _heard(self, turn: TurnSoFar, sound: Pcm16, microphone: Pcm16 | None) -> AsyncGenerator[Transcript, None]:
        score, end_s = await self._score(sound)
        is_near = score is None or score >= NEAR
        is_clear = score is not None and score >= CLEAR
        if is_near and not is_clear and microphone is not None:
            other, other_end_s = await self._score(microphone)
            if other is not None and (score is None or other > score):
                end_s = other_end_s
            known = [each for each in (score, other) if each is not None]
            score = sum(known) / len(known) if known else None
        if score is not None and score >= SURE:
            yield Transcript(self._phrase.text, self._language, facts={PHRASE_END_S: end_s})
        elif score is not None and score >= DOUBTFUL:
            words = self._words.transcribe(turn)
            assert isinstance(words, Stream)
            async for transcript in words:
                yield replace(transcript, facts={**transcript.facts, IS_NEAR: True})
        else:
            yield Transcript("", self._language, facts={IS_NEAR: is_near})

    async def _score(self, sound: Pcm16) -> tuple[float | None, float]:
        """Of `POST /phrase`; doubtful where the recogniser has none: the words are all there is."""
        timeout_s = self._services.settings.turns.asr_timeout_s
        with contextlib.suppress(ServiceError):
            async for found in self._services.phrase(sound, self._phrase.text, self._language, timeout_s=timeout_s):
                return found
        return DOUBTFUL, 0.0
