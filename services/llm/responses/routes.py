"""``POST /v1/responses``: the Responses API over the chat completions of the proxy."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response

from huiyin.services.common.app import json_body
from huiyin.services.common.errors import ApiError
from huiyin.services.common.model_names import model_header
from huiyin.services.common.watch import ClientLeft
from huiyin.services.llm.checks import check_chat
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.proxy import Completion
from huiyin.services.llm.responses.memory import ResponseMemory
from huiyin.services.llm.responses.request import messages_of, read_request, resolved
from huiyin.services.llm.responses.writer import ResponseWriter, as_one_chunk
from huiyin.services.llm.stream import ReplyStream

Stream = Callable[[JsonObject, Callable[[ReplyStream], Iterator[bytes]], str], Response]
"""From a checked request, what makes bytes of its reply, and their content type, to the answer."""
Complete = Callable[[JsonObject], Completion]
"""From a checked request to its whole reply."""

_ID_BYTES = 16


def add_responses(app: Flask, most_bytes: int, stream: Stream, complete: Complete) -> None:
    """Add the address to `app`. At most `most_bytes` of responses are kept for requests that refer to them."""
    memory = ResponseMemory(most_bytes)

    @app.post("/v1/responses")
    def responses() -> Response:
        """A response, as OpenAI's Responses API gives it, whole or as its typed events.

        Text, pictures where the model sees them, and tools of the type `function`. `model` is as for chat completions.
        `previous_response_id` and items of the type `item_reference` work for what was answered lately: the last
        responses are kept in memory, unless the request says `"store": false`. Thoughts of the model are left out.
        """
        asked = read_request(json_body())
        earlier = memory.get(asked.previous).items if asked.previous else []
        items = [*earlier, *resolved(asked.items, memory.item)]
        chat = check_chat({**asked.chat, "messages": messages_of(asked.instructions, items)})
        writer = ResponseWriter(asked.echo, lambda prefix: prefix + secrets.token_hex(_ID_BYTES), time.time())

        def finish() -> None:
            if asked.keep:
                memory.keep(writer.response, items)

        if chat["stream"]:
            return stream(chat, lambda reply: _events(reply, writer, finish), "text/event-stream")
        completion = complete(chat)
        for events in (writer.begin(completion.name), writer.add(as_one_chunk(completion.body)), writer.end()):
            for _ in events:
                pass
        finish()
        answer = Response(json.dumps(writer.response), mimetype="application/json")
        answer.headers.update(model_header(completion.name))
        return answer


def _events(reply: ReplyStream, writer: ResponseWriter, finish: Callable[[], None]) -> Iterator[bytes]:
    pending = _bytes(writer.begin(reply.name))
    try:
        for chunk in reply:
            pending += _bytes(writer.add(chunk.body))
            if pending and not reply.more:
                yield pending
                pending = b""
    except ApiError as error:
        yield pending + _bytes(writer.fail(error))
    except ClientLeft:
        return
    else:
        pending += _bytes(writer.end())
        finish()
        yield pending


def _bytes(events: Iterator[JsonObject]) -> bytes:
    """Server-sent events that name their type."""
    lines = (f"event: {each['type']}\ndata: {json.dumps(each, ensure_ascii=False)}\n\n" for each in events)
    return "".join(lines).encode("utf-8", "replace")
