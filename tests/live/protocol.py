"""The order that clients of the Live protocol rely on, whatever happens. The form of each event: `test_types.py`."""

from __future__ import annotations

import base64
from typing import Any

from huiyin.assistant.faces.live.output import AHEAD_S
from tests.realtime.protocol import Event

_BYTES_S = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}  # a sample
_BLOCK_S = 0.05  # sound is sent in steps of 40 ms
_ACKNOWLEDGE = {
    "session.input_audio.muted", "session.input_audio.unmuted", "session.output_audio.fixture.playing",
    "session.output_audio.fixture.played", "session.instructions.appended", "session.thinking.appended",
    "session.commentary.appended", "session.updated", "session.started",
}  # fmt: skip


class LiveInvariants:
    """Takes the events of one session in order, with their times, and fails at the first that breaks a rule."""

    def __init__(self) -> None:
        self.delegations: list[str] = []
        """Ids, in order."""
        self.is_started = self.is_closed = False
        self._ids: set[str] = set()
        self._acknowledged: set[tuple[str, str]] = set()
        self._responses: dict[str, _Response] = {}
        self._announced: str | None = None  # the response of a delegation that was just created
        self._is_playing = False  # a fixture
        self._sounds_until_s = 0.0
        self._said_until_ms = 0
        self._used_s = 0.0
        self._session: Event = {}

    def take(self, event: Event, now_s: float) -> None:
        kind = event["type"]
        assert not self.is_closed, f"{kind} after session.closed"
        if kind == "session.output_audio.delta":
            self._take_sound(event, now_s)
        else:
            assert event["event_id"] not in self._ids
            self._ids.add(event["event_id"])
        assert self.is_started or kind in ("session.started", "error"), f"{kind} before session.started"
        if kind in _ACKNOWLEDGE and (client_event := event.get("client_event_id")):
            assert (kind, client_event) not in self._acknowledged, "each event is acknowledged once"
            self._acknowledged.add((kind, client_event))
        match kind:
            case "session.started":
                assert not self.is_started
                self.is_started, self._session = True, event["session"]
            case "session.closed":
                self.is_closed = True
            case "session.output_audio.fixture.playing":
                assert not self._is_playing
                self._is_playing = True
            case "session.output_audio.fixture.played":
                assert self._is_playing
                self._is_playing = False
            case "session.input_transcript.delta" | "session.output_transcript.delta":
                self._take_words(event)
            case "session.usage.updated":
                assert event["usage"]["seconds"] >= self._used_s
                self._used_s = event["usage"]["seconds"]
                assert 0 <= event["context_window"]["usage_ratio"] <= 1
            case "session.delegation.created":
                self._take_delegation(event["delegation"])
            case "response.event":
                self._take_response(event)

    def finish(self) -> None:
        """Nothing is open."""
        assert not self._is_playing
        assert [each.id for each in self._responses.values() if not each.is_complete] == []

    def _take_sound(self, event: Event, now_s: float) -> None:
        form = self._session["audio"]["format"]
        seconds = len(base64.b64decode(event["delta"])) / _BYTES_S[form["type"]] / (form.get("rate") or 8000)
        assert seconds > 0, "a delta is never empty"
        self._sounds_until_s = max(now_s, self._sounds_until_s) + seconds
        assert self._sounds_until_s - now_s <= AHEAD_S + _BLOCK_S, "nothing can be taken back"

    def _take_words(self, event: Event) -> None:
        assert event["delta"].strip(), "a delta is never empty"
        assert 0 <= event["start_ms"] <= event["end_ms"]
        if event["type"] == "session.output_transcript.delta":
            assert event["start_ms"] >= self._said_until_ms - 1, "one word after the other"
            self._said_until_ms = event["end_ms"]

    def _take_delegation(self, delegation: Event) -> None:
        assert delegation["id"] not in self.delegations and self._announced is None
        assert delegation["target"] == self._session["delegation"]["type"]
        self.delegations.append(delegation["id"])
        self._announced = delegation.get("response_id")

    def _take_response(self, event: Event) -> None:
        body, delegation = event["event"], event.get("delegation_id")
        assert delegation is None or delegation in self.delegations
        if body["type"] == "response.created":
            response = _Response(body["response"]["id"])
            assert response.id not in self._responses and self._announced in (None, response.id)
            self._responses[response.id] = response
            self._announced = None
        (response,) = [each for each in self._responses.values() if not each.is_complete][-1:]
        response.take(body)


class _Response:
    """The events of the Responses API of one response."""

    def __init__(self, response_id: str) -> None:
        self.id = response_id
        self.is_complete = False
        self._events = self._items = 0
        self._open: set[str] = set()
        self._texts: dict[Any, str] = {}

    def take(self, event: Event) -> None:
        assert event["sequence_number"] == self._events
        self._events += 1
        match event:
            case {"type": "response.output_item.added", "output_index": index, "item": item}:
                assert index == self._items and not self._open
                self._open.add(item["id"])
            case {"type": "response.output_item.done", "item": item}:
                self._open.remove(item["id"])
                self._items += 1
            case {"type": "response.completed", "response": response}:
                assert response["id"] == self.id and not self._open
                self.is_complete = True
            case {"type": str(kind), "delta": delta, "item_id": item}:
                assert item in self._open and delta
                self._texts[kind, item] = self._texts.get((kind, item), "") + delta
            case {"type": str(kind), "item_id": item} if kind.endswith(("text.done", "arguments.done")):
                whole = event["text" if "text" in event else "arguments"]
                assert whole == self._texts.pop((kind.replace(".done", ".delta"), item), ""), "deltas are increments"
