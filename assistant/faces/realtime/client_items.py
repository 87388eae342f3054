"""What a client does to the items of the conversation: create, retrieve, truncate, delete."""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.conversation.session import Session
from huiyin.assistant.faces.connections.audio import Decoder
from huiyin.assistant.faces.connections.wire import ServerEvent, WireError
from huiyin.assistant.faces.realtime import requests, wire
from huiyin.assistant.faces.realtime.contents import entry_of, item_body, sound_of
from huiyin.assistant.faces.realtime.items import ROOT, Items, WireItem
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.faces.realtime.translator import Translator
from huiyin.assistant.faces.realtime.user_sound import UserSound
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker

_TOLERANCE_MS = 100  # a client may count a packet more than it has got


class ClientItems:
    """Each method takes an event, and raises WireError where it cannot be done."""

    def __init__(
        self, send: Callable[[ServerEvent], None], config: SessionConfig,
        items: Items, translator: Translator, session: Session, sound: UserSound, loudspeaker: RemoteLoudspeaker,
        most: int,
    ) -> None:  # fmt: skip
        """`most`: items that a client may create."""
        self._send, self._config, self._items, self._most = send, config, items, most
        self._translator, self._session, self._sound, self._loudspeaker = translator, session, sound, loudspeaker

    def create(self, event: requests.ItemCreate) -> None:
        """Put an item into the conversation."""
        body = item_body(event.item, "item")
        if body["id"] == ROOT:
            raise WireError("realtime.reserved_id", code="item_create_invalid_item_id", param="item.id", id=ROOT)
        if body["id"] in self._items:
            raise WireError("realtime.same_id", code="item_create_invalid_item_id", param="item.id", id=body["id"])
        if len(self._items) >= self._most:
            raise WireError("connections.too_many_items", code="too_many_items", most=self._most)
        if body["type"] == "function_call_output" and not self._items.calls(body["call_id"]):
            raise WireError(
                "connections.unknown_call", code="invalid_call_id", param="item.call_id", id=body["call_id"]
            )
        if body["type"] == "function_call" and not self._items.can_call(body["call_id"]):
            raise WireError("realtime.same_id", code="invalid_call_id", param="item.call_id", id=body["call_id"])
        audio = sound_of(body)
        sound = Decoder(self._config.input_format).feed(audio) if audio else None
        for part in body.get("content", ()):
            part.pop("audio", None)
        item = self._items.add(body, event.previous_item_id)
        self._items.done(item)
        if sound is not None:
            self._sound.transcribe(item, sound)
        elif entry := entry_of(body):
            self._items.when_settled(lambda: self._items.enter(item, entry))

    def retrieve(self, event: requests.ItemRetrieve) -> None:
        """Tell what an item is."""
        item = self._items.find(event.item_id, code="item_retrieve_invalid_item_id")
        self._send(wire.ItemRetrieved(dict(item.body)))

    def delete(self, event: requests.ItemDelete) -> None:
        """Remove an item."""
        item = self._items.find(event.item_id, code="item_delete_invalid_item_id")
        self._items.remove(item)
        self._send(wire.ItemDeleted(item.id))

    def truncate(self, event: requests.ItemTruncate) -> None:
        """Keep of a reply what was heard. One that is still being heard is stopped: its client has."""
        code = "item_truncate_invalid_item_id"
        item = self._items.find(event.item_id, code=code)
        spoken = item.spoken
        if spoken is None or event.content_index != 0:
            raise WireError("realtime.not_spoken", code=code, param="item_id", id=item.id)
        length_ms = round(spoken.samples / SAMPLE_RATE * 1000)
        if not 0 <= event.audio_end_ms <= length_ms + _TOLERANCE_MS:
            raise WireError(
                "realtime.beyond_sound", code="invalid_value", param="audio_end_ms", ms=event.audio_end_ms,
                length_ms=length_ms,
            )  # fmt: skip
        samples = min(spoken.samples, round(event.audio_end_ms / 1000 * SAMPLE_RATE))
        if spoken.text_until is None:
            self._stop(spoken.generation, samples)
        heard = spoken.text_until(samples) if spoken.text_until else self._translator.heard(spoken.generation, samples)
        self._cut(item, heard)
        self._send(wire.ItemTruncated(item.id, event.content_index, event.audio_end_ms))

    def _stop(self, generation: int, samples: int) -> None:
        self._loudspeaker.correct(generation, samples)
        self._translator.stop_by_client()
        self._translator.end_active("cancelled", "client_cancelled")
        self._session.interrupt()

    def _cut(self, item: WireItem, heard: str) -> None:
        item.body["content"] = [{"type": "output_audio", "transcript": heard}]

        def cut() -> None:
            if item.history_id and item.id in self._items:
                self._session.history.truncate(item.history_id, heard)

        self._items.when_settled(cut)
