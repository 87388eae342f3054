"""A scenario's simulated services behind a Realtime server in the same process, seen by its scripted client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Judge, Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.ports.remote_stream import StreamMicrophone
from huiyin.assistant.scenario import voices
from huiyin.assistant.scenario.agents.realtime import RealtimeLine
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario, ServiceTimes, Step
from huiyin.assistant.scenario.scripted_client import ScriptedClient
from huiyin.assistant.scenario.simulated_services import SimulatedServices, unjudged
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import Settings


class WatchedServices:
    """`parts` are the stages of the server's session; what they are asked is reported to the client's director.

    The script goes by the client's clock, which counts the samples that it sent; the session has one of its own, and
    its microphone knows both. `join` gets the session before it begins.
    """

    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        client: ScriptedClient,
        line: RealtimeLine,
        by_sound: Judge | None = None,
    ) -> None:
        """`line`: the client's own. `by_sound` judges where the script does not."""
        turns = settings.turns
        self._voice = scenario.voice or MADE_VOICE
        self._world, self._director = client.world, client.director
        self._sent_s: Callable[[float], float] = lambda at_s: at_s
        self._services = SimulatedServices(
            scenario.services or ServiceTimes(),
            self._director.log.utterances,
            {"asr": turns.asr_timeout_s, "llm": turns.llm_timeout_s, "tts": turns.tts_timeout_s},
            self.synthesise,
            by_sound,
            unjudged if settings.words_are_judged else None,
        )
        line.typed = self._type
        inner = self._services.parts
        self.parts = Parts(
            recogniser=self,
            model=self,
            voice=self,
            by_sound=_Shifted(inner.by_sound, self._shifted) if inner.by_sound else None,
            by_words=_Shifted(inner.by_words, self._shifted, self._judged) if inner.by_words else None,
        )

    def join(self, session: Session) -> None:
        """The server's session."""
        microphone = session.port.microphone
        assert isinstance(microphone, StreamMicrophone)
        self._sent_s = microphone.sent_s

    def synthesise(self, text: str) -> Pcm16:
        """The assistant's voice."""
        return (voices.say(text, "assistant", self._voice) * 32767).astype("int16")

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`."""
        shifted = self._shifted(turn)
        self._tell(on.RecognitionAsked(turn.generation, start_s=shifted.start_s, end_s=shifted.end_s))
        return self._services.transcribe(shifted)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        self._tell(on.ModelAsked(generation, messages=list(messages), style="neutral"))
        return self._services.ask(generation, messages, tools, tool_choice)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """As `Model.warm`."""

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return self._services.summarise(messages)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        self._tell(on.SpeechAsked(speech.generation, clause=speech.clause, text=speech.text))
        self._director.log.styles.append((self._world.now, speech.style))
        return self._services.speak(speech)

    def _type(self, step: Step) -> None:
        self._services.latest = step

    def _judged(self, turn: TurnSoFar, probability: float | None) -> None:
        self._tell(on.PauseJudged(turn.generation, by="words", probability=probability))

    def _shifted(self, turn: TurnSoFar) -> TurnSoFar:
        """The turn on the client's clock."""
        return replace(turn, start_s=self._sent_s(turn.start_s), end_s=self._sent_s(turn.end_s))

    def _tell(self, event: on.Public) -> None:
        self._director.observe(self._world.now, event)


class _Shifted:
    """A `Judge` that is asked by the client's clock."""

    def __init__(
        self,
        judge: Judge,
        shifted: Callable[[TurnSoFar], TurnSoFar],
        tell: Callable[[TurnSoFar, float | None], None] = lambda turn, probability: None,
    ) -> None:
        self._judge, self._shifted, self._tell = judge, shifted, tell

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        """As `Judge.judge`."""
        self._tell(turn, None)
        return self._judge.judge(self._shifted(turn))
