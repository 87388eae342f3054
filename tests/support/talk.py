"""A conversation whose user speaks by events and whose model says and calls what a test states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.stages import Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.items import Item
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns import events as ev
from huiyin.configs.settings import load
from tests.support.desk import Desk

PERSONA = Persona("P", "You are P.", language="en")
WEATHER = Tool("weather", "How the weather is.", {"type": "object", "properties": {"city": {"type": "string"}}})
CALL = CalledTool("call_1", "weather", '{"city": "Ulm"}')
SETTINGS = load(environ={})
TAKES_S = 0.1


class Talk(Desk):
    """A session whose stages answer 0.1 s after they were asked. `replies` are the model's, in order."""

    def __init__(self, *replies: Sequence[str | CalledTool], heard: str = "How is the weather?") -> None:
        self.replies, self.heard = list(replies), [heard]
        self.asked: list[tuple[list[Message], Sequence[Tool], ToolChoice]] = []
        self.spoken: list[str] = []
        self.lasts_s = 1.0  # a clause
        super().__init__(Parts(self, self, self), SETTINGS, persona=PERSONA)
        self.session.start()

    def transcribe(self, turn: TurnSoFar) -> Source[ev.Transcript]:
        text = self.heard[0] if len(self.heard) == 1 else self.heard.pop(0)
        return Plan([(TAKES_S, ev.Transcript(text, "en"))], TAKES_S)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        self.asked.append((list(messages), tools, tool_choice))
        reply = self.replies.pop(0) if self.replies else ["All right."]
        return Plan([(TAKES_S, item) for item in reply], TAKES_S)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        pass

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        return Plan([], 0.0)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        self.spoken.append(speech.text)
        return Plan([(TAKES_S, np.full(round(self.lasts_s * SAMPLE_RATE), 1000, np.int16))], TAKES_S)

    def user_speaks(self, lasts_s: float = 1.0) -> None:
        """From now on; goes on until the pause is known."""
        start_s = self.now
        self.listen(0.1)
        self.session.post(ev.SpeechStarted(self.now, start_s))
        self.listen(lasts_s)
        self.session.post(ev.SpeechPaused(self.now, self.now - 0.1))
        self.listen(0.05)

    def committed(self, count: int) -> list[on.TurnCommitted]:
        return self.wait(on.TurnCommitted, count)

    def story(self, *kinds: type[on.Public]) -> list[str]:
        """The names of what happened, in order; of these kinds alone where some are named."""
        return [type(event).__name__ for _, event in self.log if not kinds or isinstance(event, kinds)]


def kinds(items: Sequence[Item]) -> list[type[Item]]:
    return [type(item) for item in items]
