"""A streamed reply on its way from an upstream to the caller."""

from __future__ import annotations

import http.client
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

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
    def content(self) -> str:
        """What it adds to the reply's text."""
        texts = [_delta(choice).get("content") for choice in _choices(self.body)]
        return "".join(text for text in texts if isinstance(text, str))


class ReplyStream:
    """Iterate for the chunks of a reply. `close` ends the exchange with the upstream.

    `watch` tells whether the client has left; then ClientLeft is raised within 0.2 s.
    """

    def __init__(
        self, upstream: Upstream, exchange: Exchange, watch: Watch, *, idle_s: float, hide_thinking: bool
    ) -> None:
        self.upstream = upstream
        self._exchange, self._watch, self._idle_s = exchange, watch, idle_s
        self._hide_thinking = hide_thinking
        self._thoughts: dict[str, ThinkFilter] = defaultdict(ThinkFilter)  # of each choice, by its index
        self._reader = EventReader()
        self._events: list[str] = []
        self._first: list[Chunk] = []
        self._finished = False  # a finish_reason was seen: some servers send no [DONE]

    def wait(self, until: float) -> None:
        """Wait for the first word. Raises UpstreamError, ClientLeft and TimeoutError (`until`, of `time.monotonic`)."""
        while (chunk := self._next(until)) is not None:
            self._first.append(chunk)
            if _has_words(chunk.body):
                return
        raise trouble.bad_answer(self.upstream.name, "llm.stream_without_reply")

    @property
    def more(self) -> bool:
        """Another chunk has arrived: words that came together may be sent together."""
        return bool(self._first) or (bool(self._events) and self._events[0] != DONE)

    def __iter__(self) -> Iterator[Chunk]:
        """Raises UpstreamError when the reply breaks off or falls silent, ClientLeft when the client has left."""
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
            yield from self._withheld()
        finally:
            self.close()

    def close(self) -> None:
        """End the exchange with the upstream."""
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
            raise trouble.failed_in_stream(name, body["error"], self.upstream.clean)
        self._finished = self._finished or any(choice.get("finish_reason") for choice in _choices(body))
        return Chunk(text, body)

    def _drain(self) -> None:
        try:
            until = time.monotonic() + _DRAIN_S
            while self._exchange.piece(until, lambda: False):
                pass
        except (OSError, http.client.HTTPException):
            pass  # the reply is complete; its connection cannot be used again

    def _shown(self, chunk: Chunk) -> Chunk:
        if not self._hide_thinking:
            return chunk
        changes = [_hide_in_delta(each, self._thoughts[str(each.get("index"))]) for each in _choices(chunk.body)]
        return Chunk(json.dumps(chunk.body), chunk.body) if any(changes) else chunk

    def _withheld(self) -> Iterator[Chunk]:
        """What might have been the beginning of a tag, where the reply ended without a finish_reason."""
        for index, thoughts in self._thoughts.items():
            if text := thoughts.end():
                number = int(index) if index.isdecimal() else 0
                choice = {"index": number, "delta": {"content": text}, "finish_reason": None}
                body = {"object": "chat.completion.chunk", "choices": [choice]}
                yield Chunk(json.dumps(body), body)


def hide_thoughts(answer: JsonObject) -> None:
    """Remove the thoughts from a whole chat completion, in place."""
    for choice in _choices(answer):
        message = choice.get("message")
        if not isinstance(message, dict):
            continue
        for name in _REASONING:
            message.pop(name, None)
        if isinstance(message.get("content"), str):
            message["content"] = ThinkFilter().whole(message["content"])


def _hide_in_delta(choice: JsonObject, thoughts: ThinkFilter) -> bool:
    """Remove the thoughts from a choice of a streamed chunk, in place. True: something changed."""
    delta = _delta(choice)
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


def _delta(choice: JsonObject) -> JsonObject:
    delta = choice.get("delta")
    return delta if isinstance(delta, dict) else {}


def _has_words(body: JsonObject) -> bool:
    """More than a role: text, thoughts, a tool call, or the end."""
    return any(
        choice.get("finish_reason") or any(value for name, value in _delta(choice).items() if name != "role")
        for choice in _choices(body)
    )
