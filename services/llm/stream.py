"""A streamed reply on its way from an upstream to the caller."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from huiyin.services.llm import trouble
from huiyin.services.llm.http_client import Exchange, Watch
from huiyin.services.llm.sse import DONE, EVENT_LIMIT, EventReader
from huiyin.services.llm.think import ThinkFilter
from huiyin.services.llm.upstream import JsonObject, Upstream

_REASONING = ("reasoning_content", "reasoning")
_SHOWN = 80  # characters of an event that cannot be read
_DRAIN_S = 0.2  # after the last event, for the end of the transfer: then the connection can be used again


@dataclass(frozen=True)
class Chunk:
    """One event: its JSON text, and the same parsed."""

    text: str
    body: JsonObject

    @property
    def said(self) -> str:
        """What it adds to the reply's text."""
        parts = [choice.get("delta") for choice in _choices(self.body)]
        said = [part.get("content") for part in parts if isinstance(part, dict)]
        return "".join(text for text in said if isinstance(text, str))


class ReplyStream:
    """Iterate to get the chunks of a reply; ends at its end. `close` gives it up.

    `watch` tells whether the client has left; then ClientLeft is raised within 0.2 s, and the upstream let go.
    """

    def __init__(
        self, upstream: Upstream, exchange: Exchange, watch: Watch, *, idle_s: float, hide_thinking: bool
    ) -> None:
        self.upstream = upstream
        self._exchange, self._watch, self._idle_s = exchange, watch, idle_s
        self._thoughts: dict[str, ThinkFilter] | None = {} if hide_thinking else None
        self._reader = EventReader()
        self._events: list[str] = []
        self._first: list[Chunk] = []
        self._finished = False  # a finish_reason was seen: some servers send no [DONE]

    def wait(self, until: float) -> None:
        """Until the model has said something. What came before that (its role, say) is kept.

        Raises UpstreamError, ClientLeft and TimeoutError.
        """
        while (chunk := self._next(until)) is not None:
            self._first.append(chunk)
            if _says_something(chunk.body):
                return
        raise trouble.bad_answer(self.upstream.name, "llm.stream_without_reply")

    @property
    def more(self) -> bool:
        """Another chunk is at hand: words that came together may go on together."""
        return bool(self._first) or (bool(self._events) and self._events[0] != DONE)

    def __iter__(self) -> Iterator[Chunk]:
        """Raises UpstreamError when the reply breaks off or falls silent, ClientLeft when nobody listens."""
        try:
            while self._first:
                yield self._shown(self._first.pop(0))
            while True:
                try:
                    following = self._next(time.monotonic() + self._idle_s)
                except TimeoutError:
                    raise trouble.stalled(self.upstream.name, self._idle_s) from None
                if following is None:
                    break
                yield self._shown(following)
            yield from self._held_back()
        finally:
            self.close()

    def close(self) -> None:
        """Let the upstream go."""
        self._exchange.close()

    def _next(self, until: float) -> Chunk | None:
        """The next chunk, or None at the end of the reply."""
        name = self.upstream.name
        while not self._events:
            try:
                piece = self._exchange.piece(until, self._watch)
                self._events = self._reader.feed(piece)
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException) as error:
                raise trouble.broke_off(name, error) from error
            except ValueError as error:
                raise trouble.bad_answer(name, "llm.line_too_long", limit=EVENT_LIMIT) from error
            if not piece:
                if self._finished:
                    return None
                raise trouble.broke_off(name)
        text = self._events.pop(0).strip()
        if text == DONE:
            self._drain()
            return None
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise trouble.bad_answer(name, "llm.event_not_an_object", text=self.upstream.clean(text)[:_SHOWN])
        if body.get("error"):
            raise trouble.said_error(name, body["error"], self.upstream.clean)
        self._finished = self._finished or any(choice.get("finish_reason") for choice in _choices(body))
        return Chunk(text, body)

    def _drain(self) -> None:
        try:
            until = time.monotonic() + _DRAIN_S
            while self._exchange.piece(until, lambda: False):
                pass
        except (OSError, http.client.HTTPException):
            pass  # the reply is whole; how its connection ended is of no interest

    def _shown(self, chunk: Chunk) -> Chunk:
        if self._thoughts is None:
            return chunk
        changes = [
            _hide_in_delta(choice, self._thoughts.setdefault(str(choice.get("index")), ThinkFilter()))
            for choice in _choices(chunk.body)
        ]
        return Chunk(json.dumps(chunk.body), chunk.body) if any(changes) else chunk

    def _held_back(self) -> Iterator[Chunk]:
        """What might have been the beginning of a tag, where no finish_reason told that the reply was over."""
        for index, thoughts in (self._thoughts or {}).items():
            if left := thoughts.end():
                choice = {
                    "index": int(index) if index.isdecimal() else 0,
                    "delta": {"content": left},
                    "finish_reason": None,
                }
                body = {"object": "chat.completion.chunk", "choices": [choice]}
                yield Chunk(json.dumps(body), body)


def hide_thoughts(answer: JsonObject) -> None:
    """Takes the thoughts out of a whole chat completion, in place."""
    for choice in _choices(answer):
        message = choice.get("message")
        if not isinstance(message, dict):
            continue
        for name in _REASONING:
            message.pop(name, None)
        if isinstance(message.get("content"), str):
            message["content"] = ThinkFilter().whole(message["content"])


def _hide_in_delta(choice: JsonObject, thoughts: ThinkFilter) -> bool:
    """Takes the thoughts out of a choice of a streamed chunk, in place; whether anything changed."""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        delta = {}
    reasoning = [delta.pop(name, None) for name in _REASONING]
    content = delta.get("content")
    shown = content
    if isinstance(content, str) and ("<" in content or not thoughts.idle):
        shown = thoughts.feed(content)
    if choice.get("finish_reason") and (rest := thoughts.end()):
        shown = (shown or "") + rest
    if shown != content:
        choice["delta"] = {**delta, "content": shown}
    return shown != content or any(value is not None for value in reasoning)


def _choices(body: JsonObject) -> list[JsonObject]:
    choices = body.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _says_something(body: JsonObject) -> bool:
    """More than a role: text, thoughts, a tool call, or the end."""
    for choice in _choices(body):
        delta: Any = choice.get("delta")
        if choice.get("finish_reason") or (isinstance(delta, dict) and any(v for k, v in delta.items() if k != "role")):
            return True
    return False
