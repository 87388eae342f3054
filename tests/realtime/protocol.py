"""What every event of the server must be: of the openai SDK's own types, and in an order that clients rely on."""

from __future__ import annotations

import json
import typing
from collections import Counter
from functools import cache
from typing import Any

from pydantic import BaseModel

Event = dict[str, Any]

_BEYOND = {"huiyin"}  # fields of ours
_ENDS = {
    "response.output_audio.delta": "response.output_audio.done",
    "response.output_audio_transcript.delta": "response.output_audio_transcript.done",
    "response.output_text.delta": "response.output_text.done",
    "response.function_call_arguments.delta": "response.function_call_arguments.done",
}
_WHOLE = {
    "response.output_audio_transcript.done": "transcript",
    "response.output_text.done": "text",
    "response.function_call_arguments.done": "arguments",
}


@cache
def _classes() -> dict[str, type[BaseModel]]:
    # Not while tests are collected, which every worker does.
    from openai.types.realtime.realtime_server_event import RealtimeServerEvent

    union = typing.get_args(typing.get_args(RealtimeServerEvent)[0])
    return {typing.get_args(kind.model_fields["type"].annotation)[0]: kind for kind in union}


def check_type(event: Event) -> None:
    """It validates as the SDK's class, and has no field that the class does not know."""
    if event["type"].startswith("huiyin."):
        return
    kind = _classes()[event["type"]]
    shown = json.loads(json.dumps(event))
    session = shown.get("session", {})
    for half in (session.get("audio") or {}).values():
        if half["format"].get("rate"):
            half["format"]["rate"] = 24000  # others are an extension
    audio = ((shown.get("response") or {}).get("audio") or {}).get("output") or {}
    if audio.get("format", {}).get("rate"):
        audio["format"]["rate"] = 24000
    for name in ("id", "object", "expires_at"):
        session.pop(name, None)  # in the SDK only in the answer to client_secrets
    _check_extra(kind.model_validate(shown), event["type"])


def _check_extra(value: Any, path: str) -> None:
    if isinstance(value, BaseModel):
        extra = set(value.model_extra or {}) - _BEYOND
        assert not extra, f"{path} has {extra}"
        for name in type(value).model_fields:
            _check_extra(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            _check_extra(each, path)


class Invariants:
    """Takes the events of one session in order, and fails at the first that breaks a rule."""

    def __init__(self) -> None:
        self.order: list[str] = []  # ids of the items
        self.active: str | None = None  # the response in the conversation
        self._ids: set[str] = set()
        self._open: dict[str, set[Any]] = {}  # response -> what of it is open
        self._over: set[str] = set()
        self._texts: dict[Any, str] = {}
        self._outputs: dict[str, list[Event]] = {}
        self._is_speaking = False
        self.seen: Counter[str] = Counter()

    def take(self, event: Event) -> None:
        check_type(event)
        kind = event["type"]
        assert bool(self._ids) or kind == "session.created", "session.created is the first"
        assert event["event_id"] not in self._ids
        self._ids.add(event["event_id"])
        self.seen[kind] += 1
        if kind.startswith("huiyin."):
            return
        if kind.startswith("response."):
            self._take_response(kind, event)
        elif kind.startswith("conversation.item."):
            self._take_item(kind, event)
        elif kind == "input_audio_buffer.committed":
            assert event["previous_item_id"] == (self.order[-1] if self.order else None)
        elif kind == "input_audio_buffer.speech_started":
            assert not self._is_speaking
            self._is_speaking = True
        elif kind == "input_audio_buffer.speech_stopped":
            assert self._is_speaking
            self._is_speaking = False

    def finish(self) -> None:
        """Nothing is open."""
        assert self.active is None and not any(self._open.values()), self._open

    def _take_item(self, kind: str, event: Event) -> None:
        if kind in ("conversation.item.added", "conversation.item.done"):
            item, previous = event["item"], event["previous_item_id"]
            if kind == "conversation.item.added":
                assert item["id"] not in self.order
                assert previous is None or previous in self.order
                self.order.insert(0 if previous is None else self.order.index(previous) + 1, item["id"])
            else:
                at = self.order.index(item["id"])
                assert previous == (self.order[at - 1] if at else None)
                assert item["status"] != "in_progress"
        elif kind == "conversation.item.deleted":
            self.order.remove(event["item_id"])
        elif "input_audio_transcription" in kind:
            key = kind.rpartition(".")[2], event["item_id"]
            if key[0] == "delta":
                self._texts[event["item_id"]] = self._texts.get(event["item_id"], "") + event["delta"]
            else:
                assert (event["item_id"], "told") not in self._texts, "the words of an item are told once"
                self._texts[event["item_id"], "told"] = ""
                if key[0] == "completed":
                    assert event["transcript"] == self._texts.get(event["item_id"], "")

    def _take_response(self, kind: str, event: Event) -> None:
        if kind == "response.created":
            response = event["response"]
            assert response["id"] not in self._open and response["status"] == "in_progress" and response["output"] == []
            self._open[response["id"]] = set()
            self._outputs[response["id"]] = []
            if response["conversation_id"] is not None:
                assert self.active is None, "one at a time"
                self.active = response["id"]
            return
        if kind == "response.done":
            self._end_response(event["response"])
            return
        response_id = event["response_id"]
        assert response_id in self._open and response_id not in self._over, f"{kind} after response.done"
        is_open = self._open[response_id]
        if kind == "response.output_item.added":
            assert event["output_index"] == len(self._outputs[response_id])
            self._outputs[response_id].append(event["item"])
            is_open.add(("item", event["output_index"]))
        elif kind == "response.output_item.done":
            is_open.remove(("item", event["output_index"]))
            assert not any(key[1] == event["output_index"] for key in is_open)
            self._outputs[response_id][event["output_index"]] = event["item"]
            assert event["item"]["status"] in ("completed", "incomplete")
        elif kind == "response.content_part.added":
            assert ("item", event["output_index"]) in is_open
            is_open.add(("part", event["output_index"]))
            texts = ("audio", "audio_transcript") if event["part"]["type"] == "audio" else ("text",)
            is_open.update((f"response.output_{text}.done", event["output_index"]) for text in texts)
        elif kind == "response.content_part.done":
            is_open.remove(("part", event["output_index"]))
        else:
            self._take_stream(kind, event, is_open)

    def _take_stream(self, kind: str, event: Event, is_open: set[Any]) -> None:
        index = event["output_index"]
        end = _ENDS.get(kind, kind)
        key = event["item_id"], end
        if kind in _ENDS:
            assert event["delta"], "a delta is never empty"
            if "arguments" not in kind:
                assert (end, index) in is_open
            self._texts[key] = self._texts.get(key, "") + (event["delta"] if end in _WHOLE else "")
        else:
            if "arguments" not in kind:
                is_open.remove((end, index))
            if end in _WHOLE:
                assert event[_WHOLE[end]] == self._texts.pop(key, ""), "deltas are increments"

    def _end_response(self, response: Event) -> None:
        response_id = response["id"]
        assert response_id not in self._over, "response.done comes once"
        assert not self._open[response_id], f"{self._open[response_id]} was not ended"
        assert response["output"] == self._outputs[response_id]
        assert response["status"] in ("completed", "cancelled", "incomplete", "failed")
        for name in ("input_token_details", "output_token_details"):
            assert response["usage"][name] is not None
        self._over.add(response_id)
        if response_id == self.active:
            self.active = None
