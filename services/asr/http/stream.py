"""``WS /v1/stream``: text while somebody speaks.

Query parameters
    rate        Hz of the samples, 8000 to 48000; default 16000
    partial_ms  between two partials, 200 to 2000; 0: none; default 400
    and what ``POST /asr`` takes: language, prompt, temperature, hotwords, itn

Client to server
    binary               16-bit little-endian mono PCM, any number of bytes up to 1 MiB; a sample may be cut in two
    {"type": "end"}      that was all

Server to client: JSON objects as text, told apart by "type"
    ready    model, languages, rate, partial_ms, max_duration_s
    partial  text, stable, start_s, end_s, language, processing_s: what the sentence being spoken sounds like so far.
             Each replaces the one before. `stable` is the beginning of `text` that the last two agree on. An empty
             text: it was nothing after all
    final    segment, processing_s: a sentence, ended by a pause of 0.6 s or after 15 s; the segment is as in the answer
             of POST /asr, with its tags; times count from the first sample
    done     result: all segments together, as POST /asr answers; follows "end", then the server closes
    error    error (code, message, hint): then the server closes

The handshake is refused with an ordinary HTTP error: 400 for bad parameters, 401 without the service's key, 403 to a
page of another site, 429 when too many streams are open, 501 where the web server cannot carry WebSockets (Windows).

A stream never falls behind: a partial is left out while the model has other work. Finals always come. Who sends faster
than the model recognises is slowed down.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from huiyin.configs.settings import Settings
from huiyin.services.asr.dictation import WINDOW_S, Dictation, Recognise, TimedRecognition
from huiyin.services.asr.http.request import hints_from
from huiyin.services.asr.http.stream_session import IDLE_S, MESSAGE_BYTES, LiveSession
from huiyin.services.asr.planner import recognise_all
from huiyin.services.asr.recogniser import Hints, Recognition
from huiyin.services.asr.serving import Serving
from huiyin.services.asr.text.hotwords import recognise as recognise_with_hotwords
from huiyin.services.asr.transcribe import Recogniser
from huiyin.services.common.app import documented
from huiyin.services.common.audio import Samples
from huiyin.services.common.errors import ApiError
from huiyin.services.common.serve import most_streams
from huiyin.services.common.websocket import Handled, WebSocket, refuse_others

_RATES_HZ = (8_000, 48_000)
_PARTIALS_MS = (200, 2_000)
_DEFAULTS = {"rate": 16_000, "partial_ms": 400}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def add_live(app: Flask, settings: Settings, serving: Serving) -> None:
    """Add ``/v1/stream`` to `app`."""
    most, max_duration_s = most_streams(settings.service), settings.asr.max_duration_s
    places = threading.Semaphore(most)

    @documented(parameters=_QUERY, responses={"101": {"description": "a WebSocket"}})
    def stream() -> Response:
        """Text while somebody speaks, over a WebSocket.

        Send 16-bit mono PCM as binary messages and {"type": "end"} at the end; partial and final texts come back as
        JSON messages. See docs/live.md.
        """
        refuse_others(request.environ)
        _refuse_strangers(request.headers.get("Origin", ""), request.host)
        recogniser = serving.recogniser
        engine = recogniser.engine
        ask = live_ask(request.args, engine.languages)
        if not places.acquire(blocking=False):
            raise ApiError(429, "asr.too_many_streams", most=most, retry_after_s=IDLE_S)
        try:
            dictation = Dictation(
                _recognise(recogniser, ask.hints),
                recogniser.detectors(),
                model=engine.model,
                rate=ask.rate,
                partial_s=ask.partial_ms / 1000,
                max_s=min(WINDOW_S, recogniser.plan.piece_s),
            )
            socket = WebSocket(request.environ, MESSAGE_BYTES)
            g.pop("started", None)  # the length of a talk is no latency: out of the metrics
            ready = {
                "type": "ready",
                "model": engine.model,
                "languages": list(settings.asr.languages),
                "rate": ask.rate,
                "partial_ms": ask.partial_ms,
                "max_duration_s": max_duration_s,
            }
            LiveSession(socket, dictation, ask.rate, max_duration_s).run(ready)
        finally:
            places.release()
        return Handled()

    app.add_url_rule("/v1/stream", view_func=stream, websocket=True)
    app.add_url_rule("/v1/stream", view_func=stream)  # a plain GET is told what to do


@dataclass(frozen=True)
class LiveAsk:
    """Checked query parameters."""

    rate: int
    partial_ms: int
    hints: Hints


def live_ask(fields: Mapping[str, str], languages: tuple[str, ...]) -> LiveAsk:
    """What a stream's address asks for. Raises ApiError 400."""
    rate = _number(fields, "rate", _RATES_HZ)
    partial_ms = 0 if fields.get("partial_ms") == "0" else _number(fields, "partial_ms", _PARTIALS_MS)
    return LiveAsk(rate, partial_ms, hints_from(fields, languages))


def _number(fields: Mapping[str, str], name: str, limits: tuple[int, int]) -> int:
    given = fields.get(name) or str(_DEFAULTS[name])
    # isdecimal() alone would let in a number of a million digits, or Arabic ones
    if not (given.isascii() and given.isdecimal() and len(given) < 10 and limits[0] <= int(given) <= limits[1]):
        least, most = limits
        raise ApiError(
            400, "asr.not_a_whole_number", code=f"bad_{name}", name=name, value=given[:20], least=least, most=most
        )
    return int(given)


def _refuse_strangers(origin: str, host: str) -> None:
    """A WebSocket is open to every web page that the user visits, unless the server looks where the page is from."""
    allowed = {*_LOOPBACK, urlsplit(f"//{host}").hostname}
    if origin and urlsplit(origin).hostname not in allowed:
        raise ApiError(403, "asr.foreign_origin")


def _recognise(recogniser: Recogniser, hints: Hints) -> Recognise:
    """The engine behind its queue, as `Dictation` wants it."""
    queue = recogniser.queue

    def recognise(samples: Samples, now_or_never: bool) -> TimedRecognition | None:
        if now_or_never and queue.in_use:
            return None
        busy_s = 0.0

        def call(pieces: Sequence[Samples]) -> list[Recognition]:
            nonlocal busy_s
            with queue.turn(accepted=True):
                started = time.perf_counter()
                recognitions = recognise_with_hotwords(recogniser.engine, pieces, hints)
                busy_s += time.perf_counter() - started
            recogniser.count(len(pieces))
            return recognitions

        (recognition,) = recognise_all(call, [samples], recogniser.plan)
        return recognition, busy_s

    return recognise


_QUERY = [
    {"name": "rate", "in": "query", "schema": {"type": "integer", "minimum": _RATES_HZ[0], "maximum": _RATES_HZ[1]}},
    {"name": "partial_ms", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": _PARTIALS_MS[1]}},
    {"name": "language", "in": "query", "schema": {"type": "string"}},
    {"name": "hotwords", "in": "query", "schema": {"type": "string"}},
    {"name": "itn", "in": "query", "schema": {"type": "boolean"}},
]
