"""The bodies of answers, made items of as they come. Nothing here reads from a connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from huiyin.assistant.clients.http import ServiceError, in_its_words
from huiyin.assistant.ports.port import Pcm16

T = TypeVar("T")

_BYTES_SHOWN = 80  # of a stream that is not JSON
_LAST_EVENT = "speech.audio.done"  # OpenAI's speech events end with it, others with [DONE]


class Raw:
    """A `Decoder` that gives the pieces themselves."""

    done = False

    def feed(self, piece: bytes) -> Iterable[bytes]:
        """As `Decoder.feed`."""
        return [piece] if piece else []


class Samples:
    """A `Decoder` of 16-bit little-endian samples."""

    done = False

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterable[Pcm16]:
        """As `Decoder.feed`."""
        whole = self._rest + piece
        even = len(whole) - len(whole) % 2
        self._rest = whole[even:]
        return [np.frombuffer(whole[:even], "<i2").astype(np.int16)] if even else []


class Json(Generic[T]):
    """A `Decoder` of one JSON document."""

    done = False

    def __init__(self, item_of: Callable[[Any], T], otherwise: ServiceError) -> None:
        """`otherwise` is raised for what is not JSON, or is not what `item_of` expects."""
        self._item_of, self._otherwise, self._body = item_of, otherwise, b""

    def feed(self, piece: bytes) -> Iterable[T]:
        """As `Decoder.feed`: the document, at its end."""
        self._body += piece
        if piece:
            return []
        try:
            return [self._item_of(json.loads(self._body))]
        except (ValueError, KeyError, TypeError) as error:
            raise self._otherwise from error


class Events(Generic[T]):
    """A `Decoder` of server-sent events: the JSON of each ``data:`` line. Comments and other fields are skipped."""

    def __init__(
        self,
        service: str,
        items_of: Callable[[dict[str, Any]], Iterable[T]],
        last_items: Callable[[], Iterable[T]] = tuple,
    ) -> None:
        """`last_items` is called at the end."""
        self._service, self._items_of, self._last_items, self._rest = service, items_of, last_items, b""
        self.done = False

    def feed(self, piece: bytes) -> Iterator[T]:
        """As `Decoder.feed`. Raises ServiceError for an event with an error, and for an end before the last event:
        the end of an answer must not be guessed."""
        if not piece:
            raise ServiceError("clients.broke_off")
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for data in (line[5:].strip() for line in lines if line.startswith(b"data:")):
            if data == b"[DONE]":
                self.done = True
                yield from self._last_items()
                return
            try:
                event = json.loads(data)
            except ValueError as error:
                raise ServiceError("clients.stream_not_json", data=data[:_BYTES_SHOWN]) from error
            if event.get("error"):
                raise in_its_words(self._service, event)
            yield from self._items_of(event)
            if event.get("type") == _LAST_EVENT:
                self.done = True
                return
