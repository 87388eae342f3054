"""A cache of results: the same bytes with the same options are recognised once."""

from __future__ import annotations

import hashlib
import pickle
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

_CHUNK_BYTES = 2**18
_QUICK = 1  # zlib's level: an hour's segments shrink to a tenth in some milliseconds

T = TypeVar("T")


class AnswerCache(Generic[T]):
    """The steps of the last `entries` results, least recently used dropped first. Safe from any thread.

    They are packed: an hour with emotions takes about 30 kB instead of 1 MB, and every caller gets objects of its own.
    """

    def __init__(self, entries: int) -> None:
        """0 `entries`: no cache."""
        self.entries = entries
        self.hits = 0
        self._lock = threading.Lock()
        self._packed: OrderedDict[Hashable, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._packed)

    def get(self, key: Hashable) -> list[T] | None:
        """The steps of the result, or None."""
        with self._lock:
            packed = self._packed.get(key)
            if packed is None:
                return None
            self._packed.move_to_end(key)
            self.hits += 1
        steps: list[T] = pickle.loads(zlib.decompress(packed))  # made below, by this process
        return steps

    def put(self, key: Hashable, steps: Sequence[T]) -> None:
        """Add the steps of a result."""
        if not self.entries:
            return
        packed = zlib.compress(pickle.dumps(list(steps), pickle.HIGHEST_PROTOCOL), _QUICK)
        with self._lock:
            self._packed[key] = packed
            self._packed.move_to_end(key)
            while len(self._packed) > self.entries:
                self._packed.popitem(last=False)


def digest_of(source: bytes | Path | BinaryIO, check: Callable[[], object] = lambda: None) -> str:
    """sha256 of a recording's bytes; an open file is put back to its start. `check` is called often, and may raise."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    if isinstance(source, Path):
        with source.open("rb") as file:
            return digest_of(file, check)
    sha256 = hashlib.sha256()
    while chunk := source.read(_CHUNK_BYTES):
        check()
        sha256.update(chunk)
    source.seek(0)
    return sha256.hexdigest()
