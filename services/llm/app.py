"""The LLM service: one address for any language model, streamed, with another upstream when the first fails."""

from __future__ import annotations

import errno
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from huiyin.configs.messages import Message
from huiyin.configs.settings import Settings
from huiyin.services.common.app import create_app, json_body
from huiyin.services.common.errors import ApiError, shortened
from huiyin.services.common.live_work import LiveWork
from huiyin.services.common.loading import EngineHost
from huiyin.services.common.model_names import ModelNames, model_header
from huiyin.services.common.openapi import operations
from huiyin.services.common.watch import ClientLeft, client_left
from huiyin.services.llm.checks import (
    PRIORITIES,
    ROLES,
    SESSION,
    SUSPEND_MAX_S,
    TEMPERATURE_MAX,
    TOKENS_MAX,
    check_chat,
    check_generate,
    check_priority,
    check_session,
    check_suspend,
)
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.end_of_turn import TEXT_MAX, WITH_WORDS, TurnJudge, check_turn
from huiyin.services.llm.meter import ReplyMeter
from huiyin.services.llm.proxy import Completion, Proxy
from huiyin.services.llm.responses.request import ITEM_ROLES
from huiyin.services.llm.responses.routes import add_responses
from huiyin.services.llm.sse import DONE, event, json_event
from huiyin.services.llm.stream import ReplyStream
from huiyin.services.llm.upstream import Caller, open_all

log = logging.getLogger(__name__)

_BODY_LIMIT_MB = 16  # a long history with a few pictures
_MB = 2**20
_UPSTREAM_HEADER = "X-Huiyin-Upstream"
_SESSION_HEADER = "X-Huiyin-Session"
_PRIORITY_HEADER = "X-Huiyin-Priority"
_STRICT_HEADER = "X-Huiyin-Strict-Model"


def make_app(settings: Settings) -> Flask:
    """The service with the upstreams of ``settings.llm``; the embedded model loads in the background."""
    names = ModelNames(settings.service.strict_models)
    meter = ReplyMeter()

    def load() -> Proxy:
        proxy = Proxy(open_all(settings), settings.llm, names)
        meter.watch(proxy)
        return proxy

    host = EngineHost(
        load,
        name=Message("services.language_model"),
        wait_s=settings.service.load_wait_s,
    )
    judge = TurnJudge(settings)

    def describe() -> Mapping[str, Any]:
        proxy = host.peek()
        upstreams = proxy.chain.facts() if proxy else []
        model = upstreams[0].get("model") if upstreams else None
        return {"upstreams": upstreams, "model": model, "turn_model": judge.facts()}

    def ready_facts() -> Mapping[str, Any]:
        proxy = host.peek()
        return {"upstreams": proxy.chain.reachable() if proxy else [], "turn_model": judge.state}

    places = threading.BoundedSemaphore(settings.llm.streams)

    live = LiveWork(settings.asr.port)

    def take_place(asker: Caller) -> ExitStack:
        """Closing it frees the place. Raises ApiError 429 when all are taken."""
        if not places.acquire(blocking=False):
            raise ApiError(429, "llm.busy", streams=settings.llm.streams, retry_after_s=1)
        meter.count_in()
        place = ExitStack()
        place.callback(places.release)
        place.callback(meter.count_out)
        if not asker.background:
            place.enter_context(live.going_on())
        return place

    app = create_app(
        "llm",
        settings.service,
        host,
        max_upload_mb=_BODY_LIMIT_MB,
        operations=lambda: operations(
            Path(__file__).with_name("openapi.yaml"),
            roles=list(ROLES),
            item_roles=list(ITEM_ROLES),
            tokens_max=TOKENS_MAX,
            temperature_max=TEMPERATURE_MAX,
            suspend_max_s=SUSPEND_MAX_S,
            session=SESSION,
            priorities=list(PRIORITIES),
            turn_max=TEXT_MAX,
            turn_pattern=WITH_WORDS,
        ),
        describe=describe,
        ready_facts=ready_facts,
        metrics=meter.registry,
    )

    def caller() -> Caller:
        return Caller(
            client_left(request.environ),
            check_session(request.headers.get(_SESSION_HEADER, "")),
            check_priority(request.headers.get(_PRIORITY_HEADER, "")),
            request.headers.get(_STRICT_HEADER, "").lower() == "true",
        )

    def streaming(body: JsonObject, encode: Callable[[ReplyStream], Iterator[bytes]], kind: str) -> Response:
        asker, asked_s = caller(), time.perf_counter()
        with take_place(asker) as place:
            stream = host.get().stream(body, asker)
            meter.first_word(stream.upstream.name, time.perf_counter() - asked_s)
            place.callback(meter.ended, stream)
            place.callback(stream.close)
            until_sent = place.pop_all()

        def pieces() -> Iterator[bytes]:
            with until_sent:
                yield from encode(stream)

        response = Response(pieces(), content_type=kind)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Accel-Buffering"] = "no"  # for a reverse proxy: words must not wait in its buffer
        response.headers.update({_UPSTREAM_HEADER: stream.upstream.name, **model_header(stream.model)})
        response.call_on_close(until_sent.close)  # where the client leaves before the server iterates
        return response

    def complete(body: JsonObject) -> Completion:
        asker = caller()
        with take_place(asker):
            return host.get().complete(body, asker)

    @app.post("/v1/chat/completions")
    def chat() -> Response:
        """Chat completion, as OpenAI's, streamed or whole.

        `model` is a name of /v1/models, or empty: the first upstream that answers. Any other name stands for that, too,
        unless service.strict_models is set, or the header X-Huiyin-Strict-Model is true. Unknown fields go to the
        upstream unchanged. The headers X-Huiyin-Upstream and X-Huiyin-Model name what answered. A stream that fails
        after its first word ends with an event {"error": {…}}.

        The embedded model answers one request at a time, sessions in turn. A background request waits for all others,
        and is ended with 503 `preempted` when one comes.
        """
        body = check_chat(json_body())
        if body["stream"]:
            return streaming(body, _events, "text/event-stream")
        completion = complete(body)
        response = Response(json.dumps(completion.body), mimetype="application/json")
        response.headers.update({_UPSTREAM_HEADER: completion.upstream, **model_header(completion.model)})
        return response

    add_responses(app, settings.llm.responses_mb * _MB, streaming, complete)

    @app.post("/generate")
    def generate() -> Response:
        """Reply to a prompt as plain text, streamed.

        Takes `prompt` (or `messages`), `model` and `max_new_tokens`; other fields go to the upstream. A reply that
        fails after its first word ends without the end of the transfer, an error for the client's HTTP library.
        """
        return streaming(check_generate(json_body()), _text, "text/plain; charset=utf-8")

    @app.post("/hold")
    def suspend() -> Response:
        """Suspend the embedded model for `seconds` (at most 5), so that a voice on the same cores goes first.

        For one `session`: the model runs on while a reply to another is written or waited for. The reply on its way
        waits and loses nothing. 0 resumes it at once, as does the session's next request for a reply. `held` is false
        where no embedded model runs.
        """
        seconds, session = check_suspend(json_body())
        return jsonify(held=host.get().suspend(seconds, session))

    @app.post("/end_of_turn")
    def end_of_turn() -> Response:
        """How likely the speaker is done, by the words.

        Takes `text`, the words recognised so far; gives `probability`, 0 to 1. The first request loads the model; until
        then the answer is 503 `turn_model_loading`, at once. 501: no model is set.
        """
        return jsonify(judge.judge(check_turn(json_body()), client_left(request.environ)))

    @app.get("/v1/models")
    def models() -> Response:
        """All models, each with its upstreams. Upstreams that cannot be asked are listed under `unreachable`."""
        data, unreachable = host.get().models()
        return jsonify(object="list", data=data, unreachable=unreachable)

    @app.get("/v1/models/<path:name>")
    def model(name: str) -> Response:
        """One model."""
        for entry in host.get().models()[0]:
            if entry["id"] == name:
                return jsonify(entry)
        raise ApiError(404, "llm.model_not_found", model=shortened(name))

    return app


def _events(stream: ReplyStream) -> Iterator[bytes]:
    pending = b""
    try:
        for chunk in stream:
            pending += event(chunk.text)
            if not stream.more:
                yield pending
                pending = b""
        yield pending + event(DONE)
    except ApiError as error:
        yield pending + json_event(error.body())
    except ClientLeft:
        return


def _text(stream: ReplyStream) -> Iterator[bytes]:
    pending = ""
    failure: ApiError | None = None
    try:
        for chunk in stream:
            pending += chunk.content
            if pending and not stream.more:
                yield pending.encode("utf-8", "replace")
                pending = ""
    except ApiError as error:
        failure = error
    except ClientLeft:
        return
    if pending:
        yield pending.encode("utf-8", "replace")
    if failure:
        log.warning("%s", failure)
        # Plain text has no place for an error: on this one the server closes the connection in mid-transfer.
        raise ConnectionResetError(errno.ECONNRESET, failure.message)
