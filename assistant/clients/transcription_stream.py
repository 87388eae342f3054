"""Text while the user speaks: a stream to the speech service's ``WS /v1/stream`` (its docstring has the protocol)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from huiyin.assistant.clients.http import ServiceError, in_its_words, reader_headers, refusal
from huiyin.assistant.clients.services import Services

if TYPE_CHECKING:  # as in `http.py`
    from aiohttp import ClientResponse

_PATH = "/v1/stream"
_TICK_S = 1.0
_SILENCE_LIMIT_S = 120.0  # of the service, whose model may be busy with another caller's recording

T = TypeVar("T")


class LiveTranscription:
    """One stream. `send` and `end` may be called from another thread than `events`, `close` from any, at any time."""

    def __init__(self, services: Services, options: Mapping[str, str | int]) -> None:
        """Open it; `options` are the query parameters. Raises ServiceError, with the service's own words."""
        self._ended_s: float | None = None  # before the end the service is silent as long as the user
        _wait(self._open(services.url("asr") + _PATH, options, services.headers("application/json")))

    def send(self, pcm: bytes) -> None:
        """More sound (16-bit little-endian mono). Raises ServiceError when the stream is closed."""
        self._put(self._socket.send_bytes(pcm))

    def end(self) -> None:
        """That was all. Raises ServiceError when the stream is closed."""
        self._put(self._socket.send_str('{"type": "end"}'))
        self._ended_s = time.monotonic()

    def events(self) -> Iterator[dict[str, Any]]:
        """The service's messages, up to and with ``done``.

        Raises ServiceError: an ``error`` of the service, in its own words; or the stream broke off.
        """
        kind = ""
        while kind != "done":
            message = _wait(self._message())
            kind = message["type"]
            if kind == "error":
                raise in_its_words("asr", message)
            yield message

    def close(self) -> None:
        """Close the stream. `events`, in another thread, then ends with ServiceError."""
        _wait(self._close())

    async def _open(self, url: str, options: Mapping[str, str | int], headers: Mapping[str, str]) -> None:
        import aiohttp

        async def check(answer: ClientResponse) -> None:
            if answer.status >= 400:
                raise refusal("asr", answer.status, await answer.read())

        limits = aiohttp.ClientTimeout(total=_SILENCE_LIMIT_S)
        self._session = aiohttp.ClientSession(timeout=limits, raise_for_status=check)
        try:
            self._socket = await self._session.ws_connect(
                url,
                params=options,
                headers={**reader_headers(), **headers},
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=_TICK_S),
            )
        except aiohttp.ClientConnectorError as error:
            why = error.os_error
            raise ServiceError("clients.live_not_running", service="asr", url=url, error=why) from error
        except asyncio.TimeoutError as error:
            raise ServiceError("clients.no_answer", service="asr", wait_s=_SILENCE_LIMIT_S) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceError("clients.live_broke_off_at_start") from error
        finally:
            if not hasattr(self, "_socket"):
                await self._session.close()

    async def _close(self) -> None:
        await self._socket.close()
        await self._session.close()

    async def _message(self) -> dict[str, Any]:
        """The next message. Raises ServiceError."""
        from aiohttp import WSMsgType

        since_s = time.monotonic()
        while True:
            try:
                message = await self._socket.receive(_TICK_S)
            except asyncio.TimeoutError:
                if self._ended_s and time.monotonic() - max(since_s, self._ended_s) > _SILENCE_LIMIT_S:
                    raise ServiceError("clients.no_answer", service="asr", wait_s=_SILENCE_LIMIT_S) from None
                continue
            if message.type is not WSMsgType.TEXT:
                raise ServiceError("clients.live_broke_off")
            return dict(message.json())

    @staticmethod
    def _put(sending: Coroutine[Any, Any, None]) -> None:
        try:
            _wait(sending)
        except OSError as error:  # a ClientError, too
            raise ServiceError("clients.live_closed") from error


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Runs in a thread of its own: a stream is used from several."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="live-streams", daemon=True).start()
    return loop


def _wait(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()
