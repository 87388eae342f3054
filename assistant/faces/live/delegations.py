"""Work that the model hands over: to the client itself, or, in the form of function calls, by the Responses API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from huiyin.assistant.conversation.session import Session
from huiyin.assistant.dialogue.items import SystemNote, ToolResult, UserItem
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.faces.connections.checks import by_type, choice, listed, record, text
from huiyin.assistant.faces.connections.wire import Json, ServerEvent, WireError, new_id
from huiyin.assistant.faces.live.backend_response import BackendResponse
from huiyin.assistant.faces.live.requests import ItemCreate, ResponseCreate
from huiyin.assistant.faces.live.session_config import SessionConfig
from huiyin.assistant.faces.live.wire import DelegationCreated

_PARTS = 100
_part = record({"type": choice("input_text", "output_text", "text"), "text": text()}, needed=("text",))


def _words(value: Any, param: str) -> str:
    """Text, as it is or in parts."""
    if isinstance(value, str):
        return str(text()(value, param))
    return "".join(part["text"] for part in listed(_part, _PARTS)(value, param))


_item = by_type(
    {
        "function_call_output": record({"call_id": text(), "output": _words}, needed=("call_id", "output")),
        "message": record(
            {"role": choice("user", "developer", "system"), "content": _words}, needed=("role", "content")
        ),
    }
)


class Delegations:
    """Those of a session. Replies are known by their numbers."""

    def __init__(
        self, send: Callable[[ServerEvent], None], config: SessionConfig,
        session: Callable[[], Session], now_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self._send, self._config, self._session, self._now_ms = send, config, session, now_ms
        self._calls: dict[str, tuple[str, ...]] = {}  # delegation to the client -> the calls that have no result yet
        self._open: set[str] = set()  # ids of calls of functions that have no result yet
        self._id: str | None = None  # the last delegation by the Responses API
        self._is_asked = False  # the client has asked for a response, which has not begun
        self._responses: dict[int, BackendResponse] = {}

    # -- what the model does

    def begin(self, generation: int) -> None:
        """A reply of the model begins to be heard: it is what the client has asked for, if it has."""
        if self._is_asked:
            self._is_asked = False
            self._responses[generation] = self._begin(self._id)

    def call(self, generation: int, calls: Sequence[CalledTool], *, is_spoken: bool) -> None:
        """The model calls functions, in a reply that answers speech or one that the client has asked for."""
        if self._config.target == "client":
            delegation_id = new_id("dlg")
            self._calls[delegation_id] = tuple(call.call_id for call in calls)
            self._tell({"id": delegation_id, "type": "delegation", "target": "client"})
            return
        response = self._responses.pop(generation, None)
        if response is None:
            if is_spoken:
                self._id = new_id("dlg")
            response = self._begin(self._id, is_new=is_spoken)
        for call in calls:
            self._open.add(call.call_id)
            response.call(call)
        response.complete()

    def end(self, generation: int, words: str) -> None:
        """The reply is over."""
        if response := self._responses.pop(generation, None):
            if words:
                response.message(words)
            response.complete()

    # -- what the client does

    def check(self, delegation_id: str | None) -> None:
        """Raise WireError for a delegation that the client has not been given."""
        if delegation_id is not None and delegation_id not in self._calls:
            raise WireError("live.unknown_delegation", code="invalid_value", param="delegation_id", id=delegation_id)

    def answer(self, delegation_id: str, words: str) -> None:
        """What came of work that was delegated to the client."""
        for call_id in self._calls[delegation_id]:
            self._session().history.add(ToolResult(call_id, words))
        self._calls[delegation_id] = ()

    def create_item(self, event: ItemCreate) -> None:
        """Give the model an item. Raises WireError."""
        self._need_responses(event.TYPE)
        item = _item({"type": "message", **event.item}, "item")
        history = self._session().history
        if item["type"] == "message":
            kind = UserItem if item["role"] == "user" else SystemNote
            history.add(kind(item["content"]))
        elif item["call_id"] not in self._open:
            raise WireError(
                "connections.unknown_call", code="invalid_call_id", param="item.call_id", id=item["call_id"]
            )
        else:
            self._open.remove(item["call_id"])
            history.add(ToolResult(item["call_id"], item["output"]))

    def create_response(self, event: ResponseCreate) -> None:
        """Let the model go on. Raises WireError."""
        self._need_responses(event.TYPE)
        if self._open:
            raise WireError("live.calls_open", code="invalid_state", ids=sorted(self._open))
        self._is_asked = True
        self._session().respond()

    def _need_responses(self, kind: str) -> None:
        if self._config.target != "responses":
            raise WireError("live.needs_responses", code="invalid_event_for_session", param="type", type=kind)

    def _begin(self, delegation_id: str | None, *, is_new: bool = False) -> BackendResponse:
        response = BackendResponse(self._send, delegation_id, self._config.model)
        if is_new:
            delegation = {"id": delegation_id, "type": "delegation", "target": "responses", "response_id": response.id}
            self._tell(delegation)
        response.begin()
        return response

    def _tell(self, delegation: Json) -> None:
        self._send(DelegationCreated(offset_ms=self._now_ms(), delegation=delegation))
