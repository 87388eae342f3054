"""The answer of /v1/responses, made of the chunks of a chat completion: its events, and the response as it grows. Pure.

Of several calls the first is sent as it comes, the others at the end: their pieces may come in any order, and clients
take one call after the other. So it is with words after a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from huiyin.services.common.errors import ApiError
from huiyin.services.llm.chunks import JsonObject, choices_of, delta_of

Event = JsonObject
Events = Iterator[Event]

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a chat completion ended -> why the response is incomplete."""
_RATE_LIMIT = 429


class ResponseWriter:
    """One response. Call `begin`, `add` for each chunk, then `end` or `fail`; each gives the events to send."""

    def __init__(self, echo: JsonObject, new_id: Callable[[str], str], now_s: float) -> None:
        """`echo`: what it repeats of the request; `new_id` gives an id that begins with a prefix such as "msg_"."""
        self._new_id = new_id
        self._number = 0  # of the next event
        self._live: JsonObject | None = None  # the item that is being written: the last of the output
        self._calls: dict[int, JsonObject] = {}  # by their index in the chunks; the first is among the output
        self._later = ""  # words after a call
        self._why_ended = ""
        self.response: JsonObject = {
            "id": new_id("resp_"),
            "object": "response",
            "created_at": now_s,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": "",
            "output": [],
            "usage": None,
            **echo,
        }
        """As it is now."""

    def begin(self, model: str) -> Events:
        """`model` answers."""
        self.response["model"] = model
        yield self._event("response.created", response=self._snapshot())
        yield self._event("response.in_progress", response=self._snapshot())

    def add(self, chunk: JsonObject) -> Events:
        """A chunk of a chat completion, of which the first choice counts."""
        if isinstance(chunk.get("usage"), dict):
            self.response["usage"] = _usage(chunk["usage"])
        for choice in choices_of(chunk):
            if choice.get("index", 0) == 0:
                delta = delta_of(choice)
                if isinstance(delta.get("content"), str) and delta["content"]:
                    yield from self._add_words(delta["content"])
                for part in delta.get("tool_calls") or ():
                    yield from self._add_call(part)
                self._why_ended = choice.get("finish_reason") or self._why_ended

    def end(self) -> Events:
        """The reply is complete, or as long as it may be."""
        self.response["usage"] = self.response["usage"] or _usage({})
        reason = _INCOMPLETE.get(self._why_ended)
        yield from self._finish("incomplete" if reason else "completed")
        if reason:
            self.response |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
        else:
            self.response["status"] = "completed"
        yield self._event(f"response.{self.response['status']}", response=self._snapshot())

    def fail(self, error: ApiError) -> Events:
        """The reply broke off."""
        code = "rate_limit_exceeded" if error.status == _RATE_LIMIT else "server_error"
        message = error.body()["error"]["message"]
        self.response |= {"status": "failed", "error": {"code": code, "message": message}}
        yield self._event("response.failed", response=self._snapshot())

    def _finish(self, status: str) -> Events:
        yield from self._close(status)
        for call in list(self._calls.values())[1:]:
            arguments, call["arguments"] = call["arguments"], ""
            yield from self._open(call)
            yield from self._arguments(arguments)
            yield from self._close(status)
        if self._later.strip():
            yield from self._words(self._later)
            yield from self._close(status)

    def _add_words(self, words: str) -> Events:
        if self._calls:
            self._later += words
        else:
            yield from self._words(words)

    def _add_call(self, part: JsonObject) -> Events:
        function, index = part.get("function") or {}, part.get("index", len(self._calls))
        call, arguments = self._calls.get(index), function.get("arguments") or ""
        if call is None:
            call = self._calls[index] = {
                "id": self._new_id("fc_"),
                "type": "function_call",
                "status": "in_progress",
                "call_id": part.get("id") or self._new_id("call_"),
                "name": function.get("name") or "",
                "arguments": "",
            }
            if len(self._calls) == 1:
                yield from self._close("completed")
                yield from self._open(call)
        if call is self._live:
            yield from self._arguments(arguments)
        else:
            call["arguments"] += arguments

    def _words(self, words: str) -> Events:
        if self._live is None:
            message = {"id": self._new_id("msg_"), "type": "message", "role": "assistant", "status": "in_progress"}
            yield from self._open({**message, "content": []})
            self._item["content"].append(_text_part(""))
            yield self._event("response.content_part.added", **self._part_place(), part=_text_part(""))
        self._item["content"][0]["text"] += words
        yield self._event("response.output_text.delta", **self._part_place(), delta=words, logprobs=[])

    def _arguments(self, arguments: str) -> Events:
        self._item["arguments"] += arguments
        if arguments:
            yield self._event("response.function_call_arguments.delta", **self._place(), delta=arguments)

    def _open(self, item: JsonObject) -> Events:
        self._live = item
        self.response["output"].append(item)
        yield self._event("response.output_item.added", output_index=self._index, item=_copy(item))

    def _close(self, status: str) -> Events:
        if self._live is None:
            return
        item, self._item["status"] = self._item, status
        if item["type"] == "message":
            part = dict(item["content"][0])
            yield self._event("response.output_text.done", **self._part_place(), text=part["text"], logprobs=[])
            yield self._event("response.content_part.done", **self._part_place(), part=part)
        else:
            item["arguments"] = item["arguments"] or "{}"
            told = {"name": item["name"], "arguments": item["arguments"]}
            yield self._event("response.function_call_arguments.done", **self._place(), **told)
        yield self._event("response.output_item.done", output_index=self._index, item=_copy(item))
        self._live = None

    @property
    def _item(self) -> JsonObject:
        assert self._live is not None
        return self._live

    @property
    def _index(self) -> int:
        return len(self.response["output"]) - 1

    def _place(self) -> JsonObject:
        return {"item_id": self._item["id"], "output_index": self._index}

    def _part_place(self) -> JsonObject:
        return {**self._place(), "content_index": 0}

    def _snapshot(self) -> JsonObject:
        return {**self.response, "output": [_copy(item) for item in self.response["output"]]}

    def _event(self, kind: str, **fields: Any) -> Event:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return event


def as_one_chunk(completion: JsonObject) -> JsonObject:
    """A whole chat completion as the only chunk of a streamed one."""
    choices = []
    for choice in choices_of(completion):
        said = choice.get("message") or {}
        calls = [{"index": index, **call} for index, call in enumerate(said.get("tool_calls") or ())]
        choices.append({**choice, "delta": {**said, "tool_calls": calls}})
    return {**completion, "choices": choices}


def _text_part(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _copy(item: JsonObject) -> JsonObject:
    """As it is now: it goes on growing."""
    return {**item, "content": [dict(part) for part in item["content"]]} if "content" in item else dict(item)


def _usage(usage: JsonObject) -> JsonObject:
    """Of a chat completion's. Where a server tells nothing it is all 0: clients take none for a broken answer."""
    prompt, reply = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    thoughts = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": reply,
        "output_tokens_details": {"reasoning_tokens": thoughts},
        "total_tokens": prompt + reply,
    }
