"""A streamed reply on its way from an upstream to the caller."""

from __future__ import annotations

import http.client
import json
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from huiyin.services.common.strict_json import lenient
from huiyin.services.common.think import ThoughtFilter, without_thoughts
from huiyin.services.common.upstreams import trouble
from huiyin.services.common.upstreams.http_client import Exchange, Watch
from huiyin.services.common.watch import ClientLeft
from huiyin.services.llm.chunks import JsonObject, as_chunk, choices_of, delta_of, error_in
from huiyin.services.llm.sse import EVENT_LIMIT, EventReader, is_done
from huiyin.services.llm.upstream import CHAT, Upstream

_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
_SHOWN = 80  # characters of an event that cannot be read
_PIECE = 65536  # bytes of a whole body that are read as events at once
_MOST_EVENTS = 2**18  # of a reply that is wanted whole: twice as many as a model has tokens
_DRAIN_S = 0.2  # after the last event, for the end of the transfer: then the connection can be used again
_AFTER_FINISH_S = 1.0  # after the last finish_reason, for the usage: then a stream without [DONE] is at its end


@dataclass(frozen=True)
class Chunk:
    """One event: its JSON text, and the same parsed."""

    text: str
    body: JsonObject

    @property
    def content(self) -> str:
        """What it adds to the reply's text."""
        texts = [delta_of(choice).get("content") for choice in choices_of(self.body)]
        return "".join(text for text in texts if isinstance(text, str))


class ReplyStream:
    """Iterate for the chunks of a reply, then `close` it: that ends the exchange with the upstream.

    `watch` tells whether the client has left; then ClientLeft is raised within 0.2 s.
    """

    def __init__(
        self,
        upstream: Upstream,
        exchange: Exchange,
        watch: Watch,
        *,
        kind: str,
        idle_s: float,
        hide_thinking: bool,
        placed: bool,
        model: str = "",
    ) -> None:
        """`kind`: the answer's content type, for messages: what it is shows in its bytes. `placed`: see Request.

        `model`: as the upstream calls it, '' where it was asked without a name.
        """
        self.upstream, self.model, self._kind, self._placed = upstream, model, kind, placed
        self._exchange, self._watch, self._idle_s = exchange, watch, idle_s
        self._hide_thinking = hide_thinking
        self._thoughts: dict[str, ThoughtFilter] = defaultdict(ThoughtFilter)  # of each choice, by its index
        self._reader = EventReader()
        self._events: deque[str] = deque()
        self._first: deque[Chunk] = deque()
        self._unfinished: set[str] = set()  # the choices begun, without those that have a finish_reason
        self._over_at = math.inf  # when the reply is over at the latest, once all have one: some send no [DONE]
        self._ended = False  # no more bytes will come
        self._is_done = False  # there was a [DONE], yet the transfer may not be at its end
        self.tokens = 0
        """Of the reply so far: as the upstream counts them, else pieces with words."""
        self._first_s = self._last_s = 0.0  # when the first and the last of them came

    @property
    def _finished(self) -> bool:
        """All choices have a finish_reason."""
        return self._over_at < math.inf

    def wait(self, until: float) -> None:
        """Wait for the first word. Raises UpstreamError, ClientLeft and TimeoutError (`until`, of `time.monotonic`)."""
        while (chunk := self._next(until)) is not None:
            self._first.append(chunk)
            if _has_words(chunk.body):
                self._placed = True
                return
        raise trouble.bad_answer(self.upstream, "llm.stream_without_reply")

    @property
    def name(self) -> str:
        """Of the model that answers, or of the upstream where it was asked without one."""
        return self.model or self.upstream.name

    @property
    def writing_s(self) -> float:
        """Seconds from its first word to its last so far."""
        return self._last_s - self._first_s

    @property
    def more(self) -> bool:
        """Another chunk has arrived: words that came together may be sent together."""
        return bool(self._first) or (bool(self._events) and not is_done(self._events[0]))

    def __iter__(self) -> Iterator[Chunk]:
        """Raises UpstreamError when the reply breaks off or falls silent, ClientLeft when the client has left."""
        try:
            while self._first:
                yield self._shown(self._first.popleft())
            patience_s = self._idle_s
            while True:
                since = time.monotonic()
                try:
                    following = self._next(since + patience_s)
                except TimeoutError:
                    raise trouble.stalled(self.upstream, self._idle_s, "llm.idle_timeout_s") from None
                if following is None:
                    break
                is_sign_of_life = not _has_words(following.body)
                patience_s = patience_s - (time.monotonic() - since) if is_sign_of_life else self._idle_s
                yield self._shown(following)
            yield from self._withheld()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the exchange with the upstream. Takes up to 0.2 s, so that the connection can be used again."""
        if self._is_done:
            self._is_done = False
            self._drain()
        self._exchange.close()

    def _next(self, until: float) -> Chunk | None:
        """The next chunk, or None at the end of the reply."""
        while True:
            while not self._events:
                if self._ended and not self._reader.has_begun:
                    raise trouble.bad_answer(self.upstream, "llm.stream_without_reply")
                if self._ended and not self._finished:
                    raise trouble.broke_off(self.upstream)
                if self._ended or not self._read(until):
                    return None
            text = self._events.popleft().strip()
            if is_done(text):
                self._is_done = True
                return None
            if not self._in_time(until):
                return None
            if chunk := self._chunk(text):
                return chunk

    def _in_time(self, until: float) -> bool:
        """False when a finished reply is over. Raises TimeoutError for any other, and ClientLeft."""
        try:
            self._exchange.look(min(until, self._over_at), self._watch)
        except TimeoutError:
            if not self._finished:
                raise
            return False
        return True

    def _read(self, until: float) -> bool:
        """Wait for bytes, and read the events in them. False at the end of the reply."""
        try:
            piece = self._exchange.piece(min(until, self._over_at), self._watch)
            self._events.extend(self._reader.feed(piece) if piece else self._reader.end())
        except (OSError, http.client.HTTPException) as error:
            if self._finished:
                return False
            if isinstance(error, TimeoutError):
                raise
            raise trouble.broke_off(self.upstream, error) from error
        except ValueError as error:
            raise trouble.bad_answer(self.upstream, "llm.event_too_long", limit=EVENT_LIMIT) from error
        if self._reader.is_foreign:
            kind = self._kind or "nothing"
            raise trouble.bad_answer(self.upstream, "llm.not_a_stream", misplaced=True, kind=kind)
        self._ended = not piece
        return True

    def _chunk(self, text: str) -> Chunk | None:
        """The chunk in the data of an event; None where it says nothing."""
        try:
            body = lenient(text)
        except ValueError:
            body = text
        if isinstance(body, list) and body:
            body = body[0]  # Gemini's errors
        if body in (None, [], {}):
            return None
        if not isinstance(body, dict):
            raise trouble.bad_answer(self.upstream, "llm.event_not_an_object", text=self.upstream.clean(text)[:_SHOWN])
        if error := error_in(body):
            raise trouble.failed_in_stream(self.upstream, error, path=CHAT, placed=self._placed)
        is_known = isinstance(body.get("choices"), list)
        if not is_known and not body.get("usage"):
            return None  # a sign of life
        if not is_known:
            body["choices"] = []
        if as_chunk(body) or not is_known:
            text = json.dumps(body)
        self._count(body)
        choices = choices_of(body)
        for choice in choices:
            index = str(choice.get("index"))
            (self._unfinished.discard if choice.get("finish_reason") else self._unfinished.add)(index)
        if choices:
            self._over_at = math.inf if self._unfinished else min(self._over_at, time.monotonic() + _AFTER_FINISH_S)
        return Chunk(text, body)

    def _count(self, body: JsonObject) -> None:
        usage = body.get("usage")
        counted = usage.get("completion_tokens") if isinstance(usage, dict) else None
        if isinstance(counted, int) and counted > self.tokens:
            self.tokens = counted
        elif Chunk("", body).content:
            self.tokens += 1
            self._last_s = time.monotonic()
            self._first_s = self._first_s or self._last_s

    def _drain(self) -> None:
        try:
            until = time.monotonic() + _DRAIN_S
            while self._exchange.piece(until, self._watch):
                pass
        except (OSError, http.client.HTTPException, ClientLeft):
            pass  # the reply is complete; its connection cannot be used again

    def _shown(self, chunk: Chunk) -> Chunk:
        if not self._hide_thinking:
            return chunk
        changes = [_hide_in_delta(each, self._thoughts[str(each.get("index"))]) for each in choices_of(chunk.body)]
        return Chunk(json.dumps(chunk.body), chunk.body) if any(changes) else chunk

    def _withheld(self) -> Iterator[Chunk]:
        """What might have been the beginning of a tag, where the reply ended without a finish_reason."""
        for index, thoughts in self._thoughts.items():
            if text := thoughts.end():
                number = int(index) if index.isdecimal() else 0
                choice = {"index": number, "delta": {"content": text}, "finish_reason": None}
                body = {"object": "chat.completion.chunk", "choices": [choice]}
                yield Chunk(json.dumps(body), body)


def documents(body: bytes, look: Callable[[], None]) -> tuple[list[JsonObject], bool]:
    """The JSON objects in a whole body, itself or those of a stream of events, and whether the stream has its [DONE].

    Empty ones are left out. `look` is called for each event, and may raise. Raises ValueError for anything else.
    """
    done, found = True, list[Any]()
    try:
        found = [lenient(body)]
    except ValueError:
        done = False
        for text in _events_in(body):
            look()
            if is_done(text):
                done = True
            elif event := lenient(text):
                found.append(event)
            if len(found) > _MOST_EVENTS:
                raise
        if not found:
            raise
    flat = [each[0] if isinstance(each, list) and each else each for each in found]
    return [each for each in flat if isinstance(each, dict)], done


def _events_in(body: bytes) -> Iterator[str]:
    reader = EventReader()
    for at in range(0, len(body), _PIECE):
        yield from reader.feed(body[at : at + _PIECE])
    yield from reader.end()


def hide_thoughts(answer: JsonObject) -> None:
    """Remove the thoughts from a whole chat completion, in place."""
    for choice in choices_of(answer):
        message = choice.get("message")
        if not isinstance(message, dict):
            continue
        for name in _REASONING:
            message.pop(name, None)
        if isinstance(message.get("content"), str):
            message["content"] = without_thoughts(message["content"])


def _hide_in_delta(choice: JsonObject, thoughts: ThoughtFilter) -> bool:
    """Remove the thoughts from a choice of a streamed chunk, in place. True: something changed."""
    delta = delta_of(choice)
    reasoning = [delta.pop(name, None) for name in _REASONING]
    content = delta.get("content")
    shown = thoughts.feed(content) if isinstance(content, str) else content
    if choice.get("finish_reason") and (rest := thoughts.end()):
        shown = (shown or "") + rest
    if shown != content:
        choice["delta"] = {**delta, "content": shown}
    return shown != content or any(value is not None for value in reasoning)


def _has_words(body: JsonObject) -> bool:
    """More than a role: text, thoughts, a tool call, or the end."""
    return any(
        choice.get("finish_reason") or any(value for name, value in delta_of(choice).items() if name != "role")
        for choice in choices_of(body)
    )
