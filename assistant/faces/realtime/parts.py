"""The stages of a conversation, shaped as its client has asked, for the session or for one response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from huiyin.assistant.conversation.http_stages import NoVoice
from huiyin.assistant.conversation.stages import Model, Parts, Recogniser, Speech, TurnSoFar, Voice
from huiyin.assistant.conversation.world import Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tokens import message_tokens
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.faces.connections.engines import Engines, Wishes
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns.events import Transcript


@dataclass
class Request:
    """What one response is made from, where it is not as the session's others are. None: as these."""

    config: SessionConfig
    instructions: str | None = None
    messages: Sequence[Message] | None = None
    """Instead of the conversation."""
    tools: Sequence[Tool] | None = None
    tool_choice: ToolChoice | None = None
    input_tokens: int = 0
    """Estimated, of what the model was asked."""

    def shaped(self, messages: Sequence[Message]) -> list[Message]:
        """What the model is asked."""
        system = list(messages[:1])
        if self.instructions is not None:
            system = [{"role": "system", "content": self.instructions}]
        asked = [*system, *(messages[1:] if self.messages is None else self.messages)]
        self.input_tokens = sum(message_tokens(message["content"]) for message in asked)
        return asked


RequestOf = Callable[[int], Request]  # generation -> what its response is made from


def shaped(engines: Engines, request_of: RequestOf, config: SessionConfig) -> Parts:
    """The stages of a session."""
    parts = engines.parts
    return replace(
        parts,
        recogniser=ShapedRecogniser(engines.recogniser_for or (lambda config: parts.recogniser), config),
        model=ShapedModel(parts.model, engines.model_for or (lambda config: parts.model), request_of),
        voice=ShapedVoice(engines.voice_for, request_of),
    )


class ShapedRecogniser:
    """A `Recogniser`."""

    def __init__(self, recogniser_for: Callable[[Wishes], Recogniser], config: SessionConfig) -> None:
        self._recogniser_for, self._config = recogniser_for, config

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`."""
        return self._recogniser_for(self._config).transcribe(turn)


class ShapedModel:
    """A `Model`."""

    def __init__(self, model: Model, model_for: Callable[[Wishes], Model], request_of: RequestOf) -> None:
        """`model`: for what is no response."""
        self._model, self._model_for, self._request_of = model, model_for, request_of

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        request = self._request_of(generation)
        tools = tools if request.tools is None else request.tools
        tool_choice = tool_choice if request.tool_choice is None else request.tool_choice
        asked = request.shaped(messages)
        if tool_choice == "none":
            tools, tool_choice = (), "auto"
        return self._model_for(request.config).ask(generation, asked, tools, tool_choice)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Source[str | CalledTool] | None:
        """As `Model.warm`."""
        return self._model.warm(messages, tools)

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return self._model.summarise(messages)


class ShapedVoice:
    """A `Voice`: none where a response is text alone."""

    def __init__(self, voice_for: Callable[[Wishes], Voice], request_of: RequestOf) -> None:
        self._voice_for, self._request_of = voice_for, request_of
        self._silent = NoVoice()

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        config = self._request_of(speech.generation).config
        return (self._voice_for(config) if config.speaks else self._silent).speak(speech)
