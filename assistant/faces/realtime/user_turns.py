"""The user's turns on the wire: from the start of speech to an item with its words.

A turn may go on after its end, until its reply has begun; so its item is sent only once it is settled, and a turn
that goes on has the same item.
"""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.faces.connections.wire import ServerEvent, new_id
from huiyin.assistant.faces.realtime import wire
from huiyin.assistant.faces.realtime.items import Items, WireItem, new_body
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.turns.events import Transcript

_FAILED = {"type": "server_error", "code": "transcription_failed"}


class UserTurns:
    """`sent_s`: a time of the conversation -> seconds of the client's sound before it."""

    def __init__(
        self,
        send: Callable[[ServerEvent], None],
        config: SessionConfig,
        items: Items,
        sent_s: Callable[[float], float],
    ) -> None:
        self._send, self._config, self._items, self._sent_s = send, config, items, sent_s
        self._item_id = ""  # of the turn that is not settled
        self._started_s = 0.0
        self.is_speaking = False
        """The client has been told that the user speaks."""
        self.generation = 0
        """The reply whose words are those of the turn that is over and not settled; 0 without one."""

    @property
    def item_id(self) -> str:
        """The id of the item to come."""
        self._item_id = self._item_id or new_id("item")
        return self._item_id

    def begin(self, onset_s: float) -> None:
        """The user has the floor since `onset_s`."""
        if self.is_speaking:
            return
        if not self.generation:
            self._started_s = onset_s
        self.is_speaking, self.generation = True, 0
        padding_ms = (self._config.turn_detection or {}).get("prefix_padding_ms", 0)
        start_ms = max(0, round(self._sent_s(onset_s) * 1000) - padding_ms)
        self._send(wire.SpeechStarted(self.item_id, start_ms))

    def end(self, generation: int, end_s: float) -> None:
        """The turn is over, unless it goes on."""
        if self.is_speaking:
            self._send(wire.SpeechStopped(self.item_id, max(0, round(self._sent_s(end_s) * 1000))))
        self.is_speaking, self.generation = False, generation

    def give_up(self, at_s: float) -> None:
        """What was taken for a turn was not one."""
        self.end(0, at_s)
        self._item_id = ""

    def settle(self) -> WireItem:
        """The turn that is over will not go on: it becomes an item."""
        item = self.commit(self.item_id)
        self._item_id, self.generation = "", 0
        return item

    def commit(self, item_id: str) -> WireItem:
        """Sound becomes an item, whose words may come later."""
        self._send(wire.BufferCommitted(item_id, self._items.last_id))
        content = [{"type": "input_audio", "transcript": None}]
        item = self._items.add(new_body("message", item_id=item_id, role="user", content=content))
        self._items.done(item)
        return item

    def transcribed(self, item: WireItem, transcript: Transcript, seconds: float) -> None:
        """The words of an item are there."""
        item.body["content"] = [{"type": "input_audio", "transcript": transcript.text}]
        if self._config.transcription is None:
            return
        if transcript.text:
            self._send(wire.TranscriptionDelta(item.id, 0, transcript.text))
        usage = {"type": "duration", "seconds": round(seconds, 3)}
        self._send(wire.TranscriptionCompleted(item.id, 0, transcript.text, usage))

    def failed(self, item: WireItem, reason: str) -> None:
        """The words of an item cannot be had."""
        if self._config.transcription is not None:
            self._send(wire.TranscriptionFailed(item.id, 0, {**_FAILED, "message": reason}))
