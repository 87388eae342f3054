"""``WS /v1/stream``: live transcription.

Query parameters
    rate        Hz of the samples, 8000 to 48000; default 16000
    partial_ms  between two partials, 200 to 2000; 0: no partials; default 400
    and those of ``POST /asr``: language, prompt, temperature, hotwords, itn

Client to server
    binary               16-bit little-endian mono PCM, any number of bytes up to 1 MiB; a sample may be cut in two
    {"type": "end"}      the end of the sound

Server to client: JSON objects as text, of these types
    ready    model, languages, rate, partial_ms, max_duration_s
    partial  text, stable, start_s, end_s, language, processing_s: the sentence being spoken, so far. Each replaces the
             one before. `stable` is the beginning of `text` that the last two agree on. An empty text: no speech after
             all
    final    segment, processing_s: a sentence, ended by a pause of 0.6 s or after 15 s; the segment has the form of
             POST /asr, with its tags; times count from the first sample
    done     result: all segments together, in the form of POST /asr; follows "end", then the server closes
    error    error (code, message, hint): then the server closes

The handshake is refused with an ordinary HTTP error: 400 for bad parameters, 401 without the service's key, 403 to a
page of another site, 429 when too many streams are open, 501 where the web server cannot carry WebSockets (Windows).

A stream never falls behind: a partial is skipped while the model has other work. Finals always come. A client that
sends faster than the model recognises is slowed down.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from flask import Flask, Response, g, request

from huiyin.configs.settings import Settings
from huiyin.services.asr.dictation import WINDOW_S, Dictation, Recognise, TimedRecognition
from huiyin.services.asr.http.request import hints_from, whole_number
from huiyin.services.asr.http.stream_session import IDLE_S, MESSAGE_BYTES, LiveSession
from huiyin.services.asr.queue import Caller
from huiyin.services.asr.recogniser import Hints
from huiyin.services.asr.serving import Serving
from huiyin.services.asr.transcribe import Clock, Recogniser
from huiyin.services.common.app import documented
from huiyin.services.common.audio import Samples
from huiyin.services.common.errors import ApiError
from huiyin.services.common.serve import most_streams
from huiyin.services.common.websocket import Handled, WebSocket, refuse_others

_RATES_HZ = (8_000, 48_000)
_PARTIALS_MS = (200, 2_000)
OPERATIONS = yaml.safe_load(Path(__file__).with_name("openapi.yaml").read_text(encoding="utf-8"))["operations"]
"""What the addresses of the service take, for its OpenAPI document."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def add_live(app: Flask, settings: Settings, serving: Serving) -> None:
    """Add ``/v1/stream`` to `app`."""
    most, max_duration_s = most_streams(settings.service), settings.asr.max_duration_s
    places = threading.Semaphore(most)

    @documented(**OPERATIONS["stream"])
    def stream() -> Response:
        """Live transcription over a WebSocket.

        Send 16-bit mono PCM as binary messages and {"type": "end"} at the end; partial and final texts come back as
        JSON messages. See docs/live.md.
        """
        refuse_others(request.environ)
        _refuse_other_sites(request.headers.get("Origin", ""), request.host)
        recogniser = serving.recogniser
        engine = recogniser.engine
        options = stream_options(request.args, engine.languages)
        if not places.acquire(blocking=False):
            raise ApiError(429, "asr.too_many_streams", most=most, retry_after_s=IDLE_S)
        try:
            dictation = Dictation(
                _recognise(recogniser, options.hints),
                recogniser.detectors(),
                model=engine.model,
                rate=options.rate,
                partial_s=options.partial_ms / 1000,
                max_s=min(WINDOW_S, recogniser.plan.piece_s),
            )
            socket = WebSocket(request.environ, MESSAGE_BYTES)
            g.pop("started", None)  # the length of a stream is not a latency: out of the metrics
            ready = {
                "type": "ready",
                "model": engine.model,
                "languages": list(settings.asr.languages),
                "rate": options.rate,
                "partial_ms": options.partial_ms,
                "max_duration_s": max_duration_s,
            }
            LiveSession(socket, dictation, options.rate, max_duration_s).run(ready)
        finally:
            places.release()
        return Handled()

    app.add_url_rule("/v1/stream", view_func=stream, websocket=True)
    app.add_url_rule("/v1/stream", view_func=stream)  # a plain GET gets an error that says what to do


@dataclass(frozen=True)
class StreamOptions:
    """Checked query parameters."""

    rate: int
    partial_ms: int
    hints: Hints


def stream_options(fields: Mapping[str, str], languages: tuple[str, ...]) -> StreamOptions:
    """The options in a stream's address. Raises ApiError 400."""
    rate = whole_number(fields, "rate", 16_000, *_RATES_HZ)
    partial_ms = 0 if fields.get("partial_ms") == "0" else whole_number(fields, "partial_ms", 400, *_PARTIALS_MS)
    return StreamOptions(rate, partial_ms, hints_from(fields, languages))


def _refuse_other_sites(origin: str, host: str) -> None:
    """A WebSocket is open to every web page that the user visits, unless the server checks where the page is from."""
    allowed = {*_LOOPBACK, urlsplit(f"//{host}").hostname}
    if origin and urlsplit(origin).hostname not in allowed:
        raise ApiError(403, "asr.foreign_origin")


def _recognise(recogniser: Recogniser, hints: Hints) -> Recognise:
    """The engine behind its queue, for `Dictation`."""

    def recognise(samples: Samples, only_if_free: bool) -> TimedRecognition | None:
        if only_if_free and recogniser.queue.in_use:
            return None
        clock = Clock()
        (recognition,) = recogniser.recognise([samples], hints, Caller(accepted=True), clock)
        return recognition, clock.busy_s

    return recognise
