"""One live stream on the server's event loop: a coroutine that receives, one that recognises, and what lies between.

The form of the messages is in `stream`, their content comes from `services/asr/dictation.py`, which computes and
therefore runs in the server's threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

from huiyin.services.asr.dictation import Dictation, LiveMessage
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import first_of, in_thread

log = logging.getLogger(__name__)

MESSAGE_BYTES = 2**20
"""Of a message; half a minute at 16 kHz. Microphones send 20 to 100 ms."""
RECEIVED_BYTES = 2 * MESSAGE_BYTES
"""From here on the server itself closes the stream, with its code alone instead of a message that explains it."""
IDLE_S = 30.0
"""Without a message. An open microphone sends silence, too: its program hangs, or the network is gone."""

_AHEAD_S = 10.0  # sound that may wait for the model; beyond it the client waits


class Gone(Exception):
    """The client has left, or broken the protocol."""


class Inbox:
    """Sound between the coroutine that receives and the one that recognises."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes that may wait."""
        self._limit = limit
        self._data = bytearray()
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, data: bytes) -> None:
        """Adds sound; waits while the inbox is full. After `end` it is dropped."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._data) < self._limit)
            if not self._ended:
                self._data += data
                self._changed.notify_all()

    async def end(self) -> None:
        """No sound follows."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def take(self) -> tuple[bytes, bool]:
        """(all sound since the last call, whether it ends there); waits for some."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._data or self._ended)
            data = bytes(self._data)
            self._data.clear()
            self._changed.notify_all()
            return data, self._ended


class LiveSession:
    """One stream. `over` is called when its work is, before the client can know that."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        dictation: Dictation,
        rate: int,
        max_duration_s: float,
        over: Callable[[], None],
    ) -> None:
        self._request, self._socket, self._dictation, self._over = request, socket, dictation, over
        self._max_duration_s = max_duration_s
        self._bytes_to_go = round(max_duration_s * rate) * 2  # up to `max_duration_s`
        self._inbox = Inbox(round(_AHEAD_S * rate) * 2)
        self._ended = False

    async def run(self, ready: LiveMessage) -> None:
        """Serve it to its end; raises no error."""
        code = WSCloseCode.OK
        try:
            await self._send(ready)
            await first_of(self._receive(), self._recognise())
        except Gone:
            pass
        except ApiError as error:
            code = _close_code(error)
            await self._fail(error)
        except Exception:
            log.exception("unexpected error in a live stream")
            code = WSCloseCode.INTERNAL_ERROR
            await self._fail(ApiError(500, "services.internal_error"))
        finally:
            self._over()
        await self._socket.close(code=code)

    async def _receive(self) -> None:
        """Up to the client's end. Raises Gone or ApiError."""
        # The socket's own limit: `asyncio.wait_for` of Python 3.10 and 3.11 ignores a cancellation that comes together
        # with a message (https://github.com/python/cpython/issues/86296), and the stream would never end.
        while True:
            try:
                message = await self._socket.receive(None if self._ended else IDLE_S)
            except asyncio.TimeoutError:
                raise ApiError(408, "asr.idle", idle_s=IDLE_S) from None
            if message.type is WSMsgType.BINARY:
                if len(message.data) > MESSAGE_BYTES:
                    raise ApiError(413, "asr.message_too_big", most=MESSAGE_BYTES)
                await self._inbox.put(message.data)
            elif message.type is WSMsgType.TEXT:
                if _kind(message.data) != "end":
                    raise ApiError(400, "asr.bad_message")
                self._ended = True
                await self._inbox.end()
            else:
                raise Gone

    async def _recognise(self) -> None:
        """Up to the end of the sound. Raises Gone, ApiError, or what the recogniser raises."""
        ended = False
        while not ended:
            data, ended = await self._inbox.take()
            too_long = len(data) > self._bytes_to_go
            data = data[: self._bytes_to_go]
            self._bytes_to_go -= len(data)
            messages = self._dictation.push(data, last=ended or too_long)
            while (message := await in_thread(self._request, next, messages, None)) is not None:
                await self._send(message)
            if too_long:
                raise ApiError(413, "asr.stream_too_long", code="audio_too_long", most_s=self._max_duration_s)
        self._over()
        await self._send({"type": "done", "result": self._dictation.result().as_dict()})

    async def _send(self, message: LiveMessage) -> None:
        try:
            await self._socket.send_str(json.dumps(message, ensure_ascii=False))
        except ConnectionError:
            raise Gone from None

    async def _fail(self, error: ApiError) -> None:
        """An error is the last message."""
        self._over()
        with contextlib.suppress(Gone):
            await self._send({"type": "error", **error.body()})


def _close_code(error: ApiError) -> WSCloseCode:
    if error.code == "message_too_big":
        return WSCloseCode.MESSAGE_TOO_BIG
    return WSCloseCode.POLICY_VIOLATION if error.status < 500 else WSCloseCode.INTERNAL_ERROR


def _kind(message: str) -> object:
    try:
        data = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return data.get("type") if isinstance(data, dict) else None
