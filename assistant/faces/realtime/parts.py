"""The model and the voice of a conversation, shaped for each response as its client has asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from huiyin.assistant.conversation.http_stages import NoVoice
from huiyin.assistant.conversation.stages import Model, Speech, Voice
from huiyin.assistant.conversation.world import Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tokens import message_tokens
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.faces.connections.wire import Json
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.ports.port import HeardUntil, Pcm16


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


class ShapedModel:
    """A `Model`."""

    def __init__(self, model: Model, request_of: RequestOf) -> None:
        self._model, self._request_of = model, request_of

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
        return self._model.ask(generation, asked, tools, tool_choice)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Source[str | CalledTool] | None:
        """As `Model.warm`."""
        return self._model.warm(messages, tools)

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return self._model.summarise(messages)


class ShapedVoice:
    """A `Voice`: none where a response is text alone."""

    def __init__(self, voice_named: Callable[[str], Voice], request_of: RequestOf) -> None:
        """`voice_named`: name -> the voice."""
        self._voice_named, self._request_of = voice_named, request_of
        self._silent = NoVoice()

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        config = self._request_of(speech.generation).config
        return (self._voice_named(config.voice) if config.speaks else self._silent).speak(speech)


def tools_of(described: Sequence[Json]) -> list[Tool]:
    """The wire's functions."""
    return [Tool(tool["name"], tool["description"], tool["parameters"]) for tool in described]


def choice_of(choice: str | Json) -> ToolChoice:
    """The wire's choice, as chat completions have it."""
    return choice if isinstance(choice, str) else {"type": "function", "function": {"name": choice["name"]}}
