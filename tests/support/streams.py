"""Answers of services that are not asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import TypeVar

from huiyin.assistant.clients.stream import Stream

T = TypeVar("T")


def stream_of(items: Iterable[T]) -> Stream[T]:
    """A `Stream` of these."""

    async def call() -> AsyncGenerator[T, None]:
        for item in items:
            yield item

    return Stream(call)
