"""One live stream: the thread that receives, the thread that recognises, and what lies between them.

The form of the messages is in `stream`, their content comes from `services/asr/dictation.py`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable

from huiyin.services.asr.dictation import Dictation, LiveMessage
from huiyin.services.common.errors import ApiError
from huiyin.services.common.websocket import NORMAL, OUR_FAULT, REFUSED, TOO_BIG, Gone, TooBig, WebSocket

log = logging.getLogger(__name__)

MESSAGE_BYTES = 2**20  # half a minute at 16 kHz; microphones send 20 to 100 ms
IDLE_S = 30.0  # without a message: an open microphone sends silence, too; its program hangs, or the network is gone

_AHEAD_S = 10.0  # sound that may wait for the model; beyond it the client waits
_TICK_S = 0.1  # how soon the end of the work is noticed


class Inbox:
    """Sound between the thread that receives and the one that recognises."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes that may wait."""
        self._limit = limit
        self._changed = threading.Condition()
        self._data = bytearray()
        self._ended = self._closed = False

    def put(self, data: bytes) -> None:
        """Adds sound; waits while the inbox is full. After `end` or `close` it is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._data) < self._limit or self._closed)
            if not (self._ended or self._closed):
                self._data += data
                self._changed.notify_all()

    def end(self) -> None:
        """No sound follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """The rest is not needed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self) -> tuple[bytes, bool]:
        """(all sound since the last call, whether it ends there); waits for some. Raises Gone once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._data or self._ended or self._closed)
            if self._closed:
                raise Gone
            data = bytes(self._data)
            self._data.clear()
            self._changed.notify_all()
            return data, self._ended


class LiveSession:
    """One stream: this thread receives, another recognises and sends."""

    def __init__(self, socket: WebSocket, dictation: Dictation, rate: int, max_duration_s: float) -> None:
        self._socket, self._dictation, self._max_duration_s = socket, dictation, max_duration_s
        self._bytes_to_go = round(max_duration_s * rate) * 2  # up to `max_duration_s`
        self._inbox = Inbox(round(_AHEAD_S * rate) * 2)
        self._code = NORMAL
        self._ended = self._failed = False
        self._worker = threading.Thread(target=self._guarded, args=(self._recognise,), name="live-stream", daemon=True)

    def run(self, ready: LiveMessage) -> None:
        """Serve it to its end; raises no error."""
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
        """Runs one of the two threads; sends its errors to the client."""
        try:
            part()
        except Gone:
            pass
        except TooBig:
            self._fail(ApiError(413, "asr.message_too_big", most=MESSAGE_BYTES), TOO_BIG)
        except ApiError as error:
            self._fail(error, REFUSED if error.status < 500 else OUR_FAULT)
        except Exception:
            log.exception("unexpected error in a live stream")
            self._fail(ApiError(500, "services.internal_error"), OUR_FAULT)

    def _receive(self) -> None:
        received_at = time.monotonic()
        while self._worker.is_alive():
            message = self._socket.receive(_TICK_S)
            if message is not None:
                self._accept(message)
                received_at = time.monotonic()
            elif not self._ended and time.monotonic() - received_at > IDLE_S:
                raise ApiError(408, "asr.idle", idle_s=IDLE_S)

    def _accept(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._inbox.put(message)
        elif _kind(message) == "end":
            self._ended = True
            self._inbox.end()
        else:
            raise ApiError(400, "asr.bad_message")

    def _recognise(self) -> None:
        ended = False
        try:
            while not ended:
                data, ended = self._inbox.take()
                too_long = len(data) > self._bytes_to_go
                data = data[: self._bytes_to_go]
                self._bytes_to_go -= len(data)
                for message in self._dictation.push(data, last=ended or too_long):
                    self._send(message)
                if too_long:
                    raise ApiError(413, "asr.stream_too_long", code="audio_too_long", most_s=self._max_duration_s)
            self._send({"type": "done", "result": self._dictation.result().as_dict()})
        finally:
            self._inbox.close()  # the receiver may be waiting for room

    def _send(self, message: LiveMessage) -> None:
        if self._failed:
            raise Gone  # an error is the last message
        self._socket.send(json.dumps(message, ensure_ascii=False))

    def _fail(self, error: ApiError, code: int) -> None:
        with contextlib.suppress(Gone):
            self._send({"type": "error", **error.body()})
        self._code = code
        self._failed = True


def _kind(message: str) -> object:
    try:
        data = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return data.get("type") if isinstance(data, dict) else None
