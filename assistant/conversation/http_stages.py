"""The stages as the three services do them over HTTP, and the endpoint model as the judge by sound."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

import numpy as np

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.stages import Judge, Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Computation, Plan, Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.summary import SUMMARY_TOKENS
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns.events import Transcript

_JUDGE_LIMIT_S = 0.5  # a later judgement is not used
_SUMMARY_LIMIT_S = 60.0  # no reply waits for it
_HOLD_S = 2.0  # at most; a clause that takes longer must not cost the next one's words
_HOLD_LIMIT_S = 0.3  # for a request that takes 3 ms: the voice does not wait for it longer
_ENDPOINT_S = 0.06  # what the endpoint model takes beside a running conversation


def http_parts(services: Services, voice: str, *, session: str, speak: bool, by_sound: Judge | None) -> Parts:
    """The stages of one conversation.

    `session`: its name, by which the language model's service knows it. `speak` false: replies are shown, not
    synthesised.
    """
    return Parts(
        recogniser=HttpRecogniser(services, session=session),
        model=HttpModel(services, session),
        voice=HttpVoice(services, voice, session) if speak else NoVoice(),
        by_sound=by_sound,
        by_words=HttpJudge(services, session) if services.settings.words_are_judged else None,
        model_invents=services.settings.llm.is_embedded,
    )


def _named(services: Services, session: str, generation: int) -> Services:
    """For a reply: all that the services log of it has one name."""
    return services.for_request(f"{session}.{generation}") if session else services


class HttpRecogniser:
    """A `Recogniser`."""

    def __init__(self, services: Services, language: str = "", session: str = "") -> None:
        """`language`: a code, where it is known what is spoken."""
        self._services, self._language, self._session = services, language, session

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`."""
        timeout_s = self._services.settings.turns.asr_timeout_s
        services = _named(self._services, self._session, turn.generation)
        return services.transcribe(turn.sound(), timeout_s=timeout_s, language=self._language)


class HttpJudge:
    """A `Judge` by the words: the language model's service."""

    def __init__(self, services: Services, session: str = "") -> None:
        self._services, self._session = services, session

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        """As `Judge.judge`."""
        services = _named(self._services, self._session, turn.generation)
        return services.judge_words(turn.text, timeout_s=_JUDGE_LIMIT_S)


class EndpointJudge:
    """A `Judge` by the sound."""

    def __init__(self, endpoint: Callable[[Pcm16], float]) -> None:
        """`endpoint`: the probability that a turn (int16, 16 kHz, shape (n,)) is complete at its end."""
        self._endpoint = endpoint

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        """As `Judge.judge`."""
        sound = turn.sound()
        return Computation(lambda: self._endpoint(sound), _ENDPOINT_S)


class HttpModel:
    """A `Model`."""

    def __init__(self, services: Services, session: str, max_tokens: int | None = None) -> None:
        """`max_tokens`: of a reply, at most; None: as the settings have it."""
        self._services, self._session, self._max_tokens = services, session, max_tokens

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        timeout_s = self._services.settings.turns.llm_timeout_s
        return _named(self._services, self._session, generation).ask(
            messages, timeout_s=timeout_s, max_tokens=self._max_tokens, session=self._session, tools=tools,
            tool_choice=tool_choice,
        )  # fmt: skip

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Source[str | CalledTool] | None:
        """The embedded model's prompt cache then has all but the user's next words (0.29 s instead of 0.43 s to the
        first token). A remote model would be paid for it."""
        settings = self._services.settings
        if not settings.llm.is_embedded:
            return None
        timeout_s = settings.turns.llm_timeout_s
        return self._services.ask(
            messages, timeout_s=timeout_s, max_tokens=1, session=self._session, background=True, tools=tools
        )

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return self._services.ask(messages, timeout_s=_SUMMARY_LIMIT_S, max_tokens=SUMMARY_TOKENS, background=True)


class HttpVoice:
    """A `Voice`. While it is in a hurry the embedded model, which runs on the same cores, holds still until the first
    sound is there: it then comes sooner (`python -m benchmarks.tts_beside_llm`)."""

    def __init__(self, services: Services, voice: str, session: str, speed: float = 1.0) -> None:
        """`speed`: times the usual pace."""
        self._services, self._voice, self._session, self._speed = services, voice, session, speed

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        settings = self._services.settings
        sound = _named(self._services, self._session, speech.generation).speak(
            speech.text, self._voice, timeout_s=settings.turns.tts_timeout_s, emotion=speech.style, words=True,
            speed=self._speed, pronunciations=speech.pronunciations,
        )  # fmt: skip
        if not (speech.is_urgent and settings.llm.is_embedded):
            return sound
        return Stream(lambda: self._hurried(sound))

    async def _hurried(self, sound: Stream[Pcm16 | list[HeardUntil]]) -> AsyncGenerator[Pcm16 | list[HeardUntil], None]:
        held = True
        try:
            await self._hold(_HOLD_S)
            async for item in sound:
                if held and not isinstance(item, list):
                    held = False
                    await self._hold(0.0)
                yield item
        finally:
            if held:
                await self._hold(0.0)

    async def _hold(self, seconds: float) -> None:
        with contextlib.suppress(ServiceError):
            async for _ in self._services.hold(seconds, session=self._session, timeout_s=_HOLD_LIMIT_S):
                pass


class NoVoice:
    """A `Voice` that says nothing: clauses are shown and count as heard."""

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        return Plan([(0.0, np.zeros(0, np.int16))], 0.0)
