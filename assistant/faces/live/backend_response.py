"""Delegated work as the Responses API tells of it: the functions that the model calls, then what it says of them."""

from __future__ import annotations

import time
from collections.abc import Callable

from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.faces.connections.wire import Json, ServerEvent, new_id
from huiyin.assistant.faces.live.wire import ResponseEvent


class BackendResponse:
    """One response, from `begin` to `complete`. Its events stand within those of the Live protocol."""

    def __init__(self, send: Callable[[ServerEvent], None], delegation_id: str | None, model: str) -> None:
        """`delegation_id` None: the client asked for it itself."""
        self._send, self._delegation_id, self._model = send, delegation_id, model
        self.id = new_id("resp")
        self._begun_s = time.time()
        self._items = self._events = 0

    def begin(self) -> None:
        """It is there."""
        self._tell("response.created", response=self._snapshot("in_progress"))

    def call(self, call: CalledTool) -> None:
        """The client is to call this function."""
        body = {"id": new_id("fc"), "type": "function_call", "call_id": call.call_id, "name": call.name}
        place = {"item_id": body["id"], "output_index": self._items}
        self._add({**body, "arguments": "", "status": "in_progress"})
        self._tell("response.function_call_arguments.delta", **place, delta=call.arguments)
        self._tell("response.function_call_arguments.done", **place, arguments=call.arguments)
        self._done({**body, "arguments": call.arguments, "status": "completed"})

    def message(self, text: str) -> None:
        """The model says this."""
        body: Json = {"id": new_id("msg"), "type": "message", "role": "assistant"}
        place = {"item_id": body["id"], "output_index": self._items, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        self._add({**body, "content": [], "status": "in_progress"})
        self._tell("response.content_part.added", **place, part=part)
        self._tell("response.output_text.delta", **place, delta=text, logprobs=[])
        self._tell("response.output_text.done", **place, text=text, logprobs=[])
        self._tell("response.content_part.done", **place, part={**part, "text": text})
        self._done({**body, "content": [{**part, "text": text}], "status": "completed"})

    def complete(self) -> None:
        """There is no more."""
        self._tell("response.completed", response=self._snapshot("completed"))

    def _add(self, item: Json) -> None:
        self._tell("response.output_item.added", output_index=self._items, item=item)

    def _done(self, item: Json) -> None:
        self._tell("response.output_item.done", output_index=self._items, item=item)
        self._items += 1

    def _snapshot(self, status: str) -> Json:
        return {
            "id": self.id, "object": "response", "created_at": self._begun_s, "status": status, "model": self._model,
            "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "output": [], "tools": [],
            "tool_choice": "auto", "parallel_tool_calls": True, "temperature": None, "top_p": None, "usage": None,
        }  # fmt: skip

    def _tell(self, kind: str, **fields: object) -> None:
        event = {"type": kind, "sequence_number": self._events, **fields}
        self._events += 1
        self._send(ResponseEvent(event=event, delegation_id=self._delegation_id))
