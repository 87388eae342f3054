"""The last responses, for requests that refer to them: in memory, and gone when the service ends."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass

from huiyin.services.common.errors import ApiError, shortened
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.responses.request import Items


@dataclass(frozen=True)
class Kept:
    """A response with all that was said up to its end."""

    response: JsonObject
    items: Items
    size: int  # bytes, as JSON


class ResponseMemory:
    """At most `most_bytes` of responses; the oldest go first. Thread-safe."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, response: JsonObject, items: Items) -> None:
        """`items`: the whole input of `response`; one that is too large is not kept."""
        items = [*items, *response["output"]]
        size = len(json.dumps([response, items]))
        if size > self._most_bytes:
            return
        with self._lock:
            self._kept[response["id"]] = Kept(response, items, size)
            self._size += size
            while self._size > self._most_bytes:
                self._size -= self._kept.popitem(last=False)[1].size

    def get(self, name: str) -> Kept:
        """The response of that id. Raises ApiError 404."""
        with self._lock:
            kept = self._kept.get(name)
        if kept is None:
            raise ApiError(404, "llm.no_response", code="previous_response_not_found", name=shortened(name))
        return kept

    def item(self, name: str) -> JsonObject:
        """The item of that id, of any response. Raises ApiError 404."""
        with self._lock:
            for kept in reversed(self._kept.values()):
                output: Items = kept.response["output"]
                for item in output:
                    if item["id"] == name:
                        return item
        raise ApiError(404, "llm.no_item", name=shortened(name))
