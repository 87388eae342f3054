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

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from configs.settings import Settings
from services.asr.asking import hints_from
from services.asr.dictation import WINDOW_S, Dictation, Event, Heard, Recognise
from services.asr.engine import Hints, Recognition
from services.asr.hotwords import recognise as recognise_with_hotwords
from services.asr.planner import recognise_all
from services.asr.serving import Serving
from services.asr.transcribe import Recogniser
from services.common.app import documented
from services.common.audio import Samples
from services.common.errors import ApiError
from services.common.serve import most_streams
from services.common.websocket import (
    NORMAL,
    OUR_FAULT,
    REFUSED,
    TOO_BIG,
    Gone,
    Handled,
    TooBig,
    WebSocket,
    refuse_others,
)

log = logging.getLogger(__name__)

_RATES_HZ = (8_000, 48_000)
_PARTIALS_MS = (200, 2_000)
_DEFAULTS = {"rate": 16_000, "partial_ms": 400}
_MESSAGE_BYTES = 2**20  # half a minute at 16 kHz; microphones send 20 to 100 ms
_AHEAD_S = 10.0  # sound that may wait for the model; then the client is made to wait
_IDLE_S = 30.0  # an open microphone is never silent in this sense; its program has hung, or the network is gone
_TICK_S = 0.1  # how soon the end of the work is noticed
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def add_live(app: Flask, settings: Settings, serving: Serving) -> None:
    """Add ``/v1/stream`` to `app`."""
    most, max_duration_s = most_streams(settings.service), settings.asr.max_duration_s
    places = threading.Semaphore(most)

    @documented(parameters=_QUERY, responses={"101": {"description": "WebSocket"}, "200": {"description": "never"}})
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
            raise ApiError(
                429,
                "too_many_streams",
                f"no more than {most} live streams fit",
                "try again later, or raise service.threads (one stream for every 4)",
                retry_after_s=_IDLE_S,
            )
        try:
            dictation = Dictation(
                _recognise(recogniser, ask.hints),
                recogniser.detectors(),
                model=engine.model,
                rate=ask.rate,
                partial_s=ask.partial_ms / 1000,
                max_s=min(WINDOW_S, recogniser.plan.piece_s),
            )
            socket = WebSocket(request.environ, _MESSAGE_BYTES)
            g.pop("started", None)  # the length of a talk is no latency: out of the metrics
            ready = {
                "type": "ready",
                "model": engine.model,
                "languages": list(settings.asr.languages),
                "rate": ask.rate,
                "partial_ms": ask.partial_ms,
                "max_duration_s": max_duration_s,
            }
            _Session(socket, dictation, ask.rate, max_duration_s).run(ready)
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
        what = f"{name} {given[:20]!r} is not a number from {least} to {most}"
        raise ApiError(400, f"bad_{name}", what, "leave it out")
    return int(given)


def _refuse_strangers(origin: str, host: str) -> None:
    """A WebSocket is open to every web page that the user visits, unless the server looks where the page is from."""
    allowed = {*_LOOPBACK, urlsplit(f"//{host}").hostname}
    if origin and urlsplit(origin).hostname not in allowed:
        raise ApiError(
            403, "foreign_origin", "pages of other sites may not use this service", "serve the page from here"
        )


def _recognise(recogniser: Recogniser, hints: Hints) -> Recognise:
    """The engine behind its queue, as `Dictation` wants it."""
    queue = recogniser.queue

    def recognise(samples: Samples, now_or_never: bool) -> Heard | None:
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


class _Inbox:
    """Sound between the thread that receives and the one that recognises."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes that may wait."""
        self._limit = limit
        self._changed = threading.Condition()
        self._data = bytearray()
        self._ended = self._closed = False

    def put(self, data: bytes) -> None:
        """Waits while too much is waiting. After `end` or `close` it is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._data) < self._limit or self._closed)
            if not (self._ended or self._closed):
                self._data += data
                self._changed.notify_all()

    def end(self) -> None:
        """Nothing follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody wants the rest."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self) -> tuple[bytes, bool]:
        """(all that has come since, whether that was the end); waits for something. Raises Gone once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._data or self._ended or self._closed)
            if self._closed:
                raise Gone
            data = bytes(self._data)
            self._data.clear()
            self._changed.notify_all()
            return data, self._ended


class _Session:
    """One stream: this thread receives, another recognises and sends."""

    def __init__(self, socket: WebSocket, dictation: Dictation, rate: int, max_duration_s: float) -> None:
        self._socket, self._dictation, self._max_duration_s = socket, dictation, max_duration_s
        self._left = round(max_duration_s * rate) * 2  # bytes that may still come
        self._inbox = _Inbox(round(_AHEAD_S * rate) * 2)
        self._code = NORMAL
        self._ended = self._failed = False
        self._worker = threading.Thread(target=self._guarded, args=(self._work,), name="live", daemon=True)

    def run(self, ready: Event) -> None:
        """Serve it to its end; raises nothing."""
        try:
            self._send(ready)
            self._worker.start()
            self._guarded(self._receive)
        except Gone:
            return
        finally:
            self._inbox.close()
            if self._worker.ident is not None:
                self._worker.join()
            self._socket.close(self._code)

    def _guarded(self, part: Callable[[], None]) -> None:
        """Runs one of the two threads; what goes wrong is told to the client."""
        try:
            part()
        except Gone:
            pass
        except TooBig:
            limit = f"a message may have {_MESSAGE_BYTES} bytes"
            self._fail(ApiError(413, "message_too_big", f"{limit}, this one has more", "send less at once"), TOO_BIG)
        except ApiError as error:
            self._fail(error, REFUSED if error.status < 500 else OUR_FAULT)
        except Exception:
            log.exception("unexpected error in a live stream")
            mistake = ApiError(500, "internal_error", "the service made a mistake", "its log has the details")
            self._fail(mistake, OUR_FAULT)

    def _receive(self) -> None:
        heard_at = time.monotonic()
        while self._worker.is_alive():
            message = self._socket.receive(_TICK_S)
            if message is not None:
                self._take(message)
                heard_at = time.monotonic()
            elif not self._ended and time.monotonic() - heard_at > _IDLE_S:
                raise ApiError(408, "idle", f"nothing has come for {_IDLE_S:g} s", 'send {"type": "end"} at the end')

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._inbox.put(message)
        elif _kind(message) == "end":
            self._ended = True
            self._inbox.end()
        else:
            raise ApiError(
                400, "bad_message", 'a text message must be {"type": "end"}', "send sound as binary messages"
            )

    def _work(self) -> None:
        ended = False
        while not ended:
            data, ended = self._inbox.take()
            too_long = len(data) > self._left
            data = data[: self._left]
            self._left -= len(data)
            for event in self._dictation.hear(data, last=ended or too_long):
                self._send(event)
            if too_long:
                raise ApiError(
                    413,
                    "audio_too_long",
                    f"a stream may last {self._max_duration_s:g} s",
                    "open another, or raise asr.max_duration_s",
                )
        self._send({"type": "done", "result": self._dictation.result().as_dict()})

    def _send(self, event: Event) -> None:
        if self._failed:
            raise Gone  # an error is the last word
        self._socket.send(json.dumps(event, ensure_ascii=False))

    def _fail(self, error: ApiError, code: int) -> None:
        with contextlib.suppress(Gone):
            self._send({"type": "error", **error.body()})
        self._code, self._failed = code, True


def _kind(message: str) -> object:
    try:
        data = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return data.get("type") if isinstance(data, dict) else None


_QUERY = [
    {"name": "rate", "in": "query", "schema": {"type": "integer", "minimum": _RATES_HZ[0], "maximum": _RATES_HZ[1]}},
    {"name": "partial_ms", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": _PARTIALS_MS[1]}},
    {"name": "language", "in": "query", "schema": {"type": "string"}},
    {"name": "hotwords", "in": "query", "schema": {"type": "string"}},
    {"name": "itn", "in": "query", "schema": {"type": "boolean"}},
]
