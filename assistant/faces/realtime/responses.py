"""Responses that a client asks for, in the conversation and beside it, and their end at its wish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.faces.connections import checks
from huiyin.assistant.faces.connections.checks import choice, listed, nullable, record, text
from huiyin.assistant.faces.connections.engines import Engines
from huiyin.assistant.faces.connections.tools import choice_of, tool_choice, tools, tools_of
from huiyin.assistant.faces.connections.wire import Json, ServerEvent, WireError
from huiyin.assistant.faces.realtime import requests
from huiyin.assistant.faces.realtime.beta import as_ga
from huiyin.assistant.faces.realtime.contents import item_body, messages_of
from huiyin.assistant.faces.realtime.items import Items
from huiyin.assistant.faces.realtime.out_of_band import OutOfBand
from huiyin.assistant.faces.realtime.parts import Request, shaped
from huiyin.assistant.faces.realtime.response import Response
from huiyin.assistant.faces.realtime.session_config import (
    SessionConfig,
    audio_output,
    max_tokens,
    modalities,
)
from huiyin.assistant.faces.realtime.translator import Translator
from huiyin.assistant.turns.transitions import State

_PAIRS, _KEY, _VALUE = 16, 64, 512  # metadata: how many, and their lengths in characters
_INPUT = 1000  # items
_BESIDE = 4  # out of band, at once


def _metadata(value: Any, param: str) -> Json:
    pairs = checks.an_object(value, param)
    if len(pairs) > _PAIRS:
        raise WireError("connections.too_many", code="object_above_max_properties", param=param, most=_PAIRS)
    return {text(_KEY)(key, param): text(_VALUE)(entry, f"{param}.{key}") for key, entry in pairs.items()}


_spec = record(
    {
        "conversation": nullable(choice("auto", "none")),
        "instructions": nullable(text()),
        "output_modalities": nullable(modalities),
        "audio": nullable(record({"output": audio_output})),
        "tools": nullable(tools),
        "tool_choice": nullable(tool_choice),
        "max_output_tokens": nullable(max_tokens),
        "metadata": nullable(_metadata),
        "input": nullable(listed(checks.an_object, _INPUT)),
    }
)
_OVERRIDES = ("output_modalities", "audio", "max_output_tokens")


class Responses:
    """`create` and `cancel` take an event, and raise WireError where it cannot be done."""

    def __init__(
        self, send: Callable[[ServerEvent], None], config: SessionConfig,
        items: Items, translator: Translator, session: Session, world: World, engines: Engines,
    ) -> None:  # fmt: skip
        self._send, self._config, self._items = send, config, items
        self._translator, self._session, self._world, self._engines = translator, session, world, engines
        self._beside: dict[str, OutOfBand] = {}
        self._is_asked = False  # the conversation has been asked for the active response
        translator.when_free = self._when_free

    def automatic(self, request: Request | None = None) -> Response:
        """One that the client has not asked for, not yet begun."""
        return self._response(request or Request(self._config.override({})), None, self._items)

    def create(self, event: requests.ResponseCreate) -> None:
        """Respond."""
        if self._config.is_transcription:
            raise WireError("realtime.no_responses", code="invalid_event_for_session")
        spec = {
            name: value for name, value in _spec(as_ga(event.response or {}), "response").items() if value is not None
        }
        request = Request(
            self._config.override({name: spec[name] for name in _OVERRIDES if name in spec}),
            instructions=spec.get("instructions"),
            messages=self._messages(spec["input"]) if "input" in spec else None,
            tools=tools_of(spec["tools"]) if "tools" in spec else None,
            tool_choice=choice_of(spec["tool_choice"]) if "tool_choice" in spec else None,
        )
        if spec.get("conversation") == "none":
            self._begin_beside(request, spec.get("metadata"))
        else:
            self._begin(self._response(request, spec.get("metadata"), self._items))

    def prompt(self) -> None:
        """Respond unasked, as to a user who says nothing, unless a response is active."""
        if not self._translator.active:
            self._begin(self.automatic())

    def cancel(self, event: requests.ResponseCancel) -> None:
        """End a response."""
        if event.response_id in self._beside:
            self._beside[event.response_id].end("cancelled", "client_cancelled")
            return
        active = self._translator.active
        if active is None and self._translator.is_answering and event.response_id is None:
            self._translator.settle_turn()  # an answer is being prepared, of which the client does not know yet
            active = self.automatic()
            self._translator.activate(active)
            self._is_asked = True
        if active is None or event.response_id not in (None, active.id):
            raise WireError("realtime.response_cancel_not_active")
        self.stop()

    def stop(self) -> None:
        """The assistant is silent at once."""
        self._translator.stop_by_client()
        self._translator.end_active("cancelled", "client_cancelled")
        if self._is_asked or self._translator.state is not State.LISTENING:
            self._session.interrupt()

    def close(self) -> None:
        """Nothing more of any response is made."""
        for beside in list(self._beside.values()):
            beside.end("cancelled", "client_cancelled")

    def _begin(self, response: Response) -> None:
        if self._translator.active or self._translator.is_answering:
            raise WireError("realtime.conversation_already_has_active_response")
        self._is_asked = False
        self._translator.activate(response)
        self._when_free()

    def _when_free(self) -> None:
        """Ask the conversation for what the client wants, once the floor is free and all items have their entries."""
        self._items.when_settled(self._ask)

    def _ask(self) -> None:
        active = self._translator.active
        if active and not active.generation and not self._is_asked and self._translator.state is State.LISTENING:
            self._is_asked = True
            self._session.respond()

    # -- beside the conversation

    def _begin_beside(self, request: Request, metadata: Json | None) -> None:
        if len(self._beside) >= _BESIDE:
            raise WireError("realtime.too_many_responses", code="too_many_responses", most=_BESIDE)
        response = self._response(request, metadata, None)
        response.begin()
        parts = shaped(self._engines, lambda generation: request, self._config)
        beside = OutOfBand(self._world, parts, response, lambda: self._forget(response))
        self._beside[response.id] = beside
        if request.tools is None:
            request.tools = tools_of(self._config["tools"])
            request.tool_choice = request.tool_choice or choice_of(self._config["tool_choice"])

        def start() -> None:
            if not response.is_over:
                beside.start(self._session.messages(None))

        if request.messages is None:
            self._items.when_settled(start)
        else:
            start()

    def _forget(self, response: Response) -> None:
        self._beside.pop(response.id, None)

    def _messages(self, described: list[Json]) -> list[Message]:
        bodies = []
        for number, value in enumerate(described):
            param = f"response.input[{number}]"
            if value.get("type") == "item_reference":
                item_id = text()(value.get("id"), f"{param}.id")
                bodies.append(dict(self._items.find(item_id, code="invalid_item_id", param=f"{param}.id").body))
            else:
                bodies.append(item_body(value, param))
        return messages_of(bodies)

    def _response(self, request: Request, metadata: Json | None, items: Items | None) -> Response:
        return Response(self._send, request, items, metadata)
