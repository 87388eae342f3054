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
page of another site, 429 when too many streams are open.

A stream never falls behind: a partial is skipped while the model has other work. Finals always come. A client that
sends faster than the model recognises is slowed down.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from aiohttp import web
from flask import Flask

from huiyin.configs.settings import Settings
from huiyin.services.asr.dictation import WINDOW_S, Dictation, Recognise, TimedRecognition
from huiyin.services.asr.http.fields import hints_from, whole_number
from huiyin.services.asr.http.stream_session import RECEIVED_BYTES, LiveSession
from huiyin.services.asr.queue import Caller
from huiyin.services.asr.recogniser import Hints
from huiyin.services.asr.serving import Serving
from huiyin.services.asr.transcribe import Clock, Recogniser
from huiyin.services.common.audio import Samples
from huiyin.services.common.routes import add_route, check_websocket, in_thread, open_websocket

RATES_HZ = (8_000, 48_000)
PARTIALS_MS = (200, 2_000)


def add_live(app: Flask, settings: Settings, serving: Serving) -> None:
    """Add ``/v1/stream`` to `app`."""
    max_duration_s = settings.asr.max_duration_s

    def start(options: StreamOptions) -> tuple[Dictation, dict[str, object]]:
        """What a stream computes with, and the message that it is ready."""
        recogniser = serving.recogniser
        dictation = Dictation(
            _recognise(recogniser, options.hints),
            recogniser.detectors(),
            model=recogniser.engine.model,
            rate=options.rate,
            partial_s=options.partial_ms / 1000,
            max_s=min(WINDOW_S, recogniser.plan.piece_s),
        )
        return dictation, {
            "type": "ready",
            "model": recogniser.engine.model,
            "languages": list(settings.asr.languages),
            "rate": options.rate,
            "partial_ms": options.partial_ms,
            "max_duration_s": max_duration_s,
        }

    async def stream(request: web.Request) -> web.StreamResponse:
        """Live transcription over a WebSocket.

        Send 16-bit mono PCM as binary messages and {"type": "end"} at the end; partial and final texts come back as
        JSON messages. See docs/live.md.
        """
        check_websocket(request)
        engine = await in_thread(request, serving.host.get)
        options = stream_options(request.query, engine.languages)
        with ExitStack() as place:
            place.enter_context(serving.streams.take())
            place.enter_context(serving.live.going_on())
            dictation, ready = await in_thread(request, start, options)
            socket = await open_websocket(request, max_message_bytes=RECEIVED_BYTES)
            await LiveSession(request, socket, dictation, options.rate, max_duration_s, place.close).run(ready)
        return socket

    add_route(app, "GET", "/v1/stream", stream)


@dataclass(frozen=True)
class StreamOptions:
    """Checked query parameters."""

    rate: int
    partial_ms: int
    hints: Hints


def stream_options(fields: Mapping[str, str], languages: tuple[str, ...]) -> StreamOptions:
    """The options in a stream's address. Raises ApiError 400."""
    rate = whole_number(fields, "rate", 16_000, *RATES_HZ)
    partial_ms = 0 if fields.get("partial_ms") == "0" else whole_number(fields, "partial_ms", 400, *PARTIALS_MS)
    return StreamOptions(rate, partial_ms, hints_from(fields, languages))


def _recognise(recogniser: Recogniser, hints: Hints) -> Recognise:
    """The engine behind its queue, for `Dictation`."""

    def recognise(samples: Samples, only_if_free: bool) -> TimedRecognition | None:
        if only_if_free and recogniser.queue.in_use:
            return None
        clock = Clock()
        (recognition,) = recogniser.recognise([samples], hints, Caller(accepted=True), clock)
        return recognition, clock.busy_s

    return recognise
