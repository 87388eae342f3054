"""One HTTP request to a service, in an event loop: over kept connections, with deadlines, and with errors in words.

A speculative reply must be interruptible while it waits for its first byte, at once, so that the language model is free
for the next: cancelling the task closes the connection. Errors: every one is a `ServiceError`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import SEMICOLONS, language
from huiyin.services.common.shown_url import shown_url

if TYPE_CHECKING:  # imported where a request is made: a command that makes none starts 0.2 s sooner
    from aiohttp import ClientResponse, ClientSession

_IDLE_S = 90.0  # a user may pause so long and finds the connection open; less than the services' own limit
_DRAIN_S = 0.2  # the end of a body after the end of its events; without it the connection cannot be used again
_ASYNCIO_WORDS = "Connect call failed"  # whatever the reason was
_WORDS_SHOWN = 200  # characters of a refusal that is not JSON
_WHOLE_BYTES = 2**20  # of an answer in JSON: most are whole by then

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_pools: dict[asyncio.AbstractEventLoop, tuple[ClientSession, AsyncGenerator[ClientSession, None]]] = {}


class ServiceError(HuiyinError):
    """A service could not be reached, refused, or broke off.

    `status` is the HTTP status of a refusal (0 otherwise), `body` its JSON if it had any.
    """

    def __init__(self, key: str, /, *, status: int = 0, body: object = None, **facts: object) -> None:
        super().__init__(key, status=status, **facts)
        self.status, self.body = status, body


class Decoder(Protocol[T_co]):
    """Makes items of a body that comes in pieces (`decoders.py`)."""

    done: bool
    """Whether the last item has been made, though the body may go on."""

    def feed(self, piece: bytes) -> Iterable[T_co]:
        """The items that are whole with this piece; b'' is the end of the body. Raises ServiceError."""


async def call(
    service: str,
    base_url: str,
    path: str,
    decoder_of: Callable[[str], Decoder[T]],
    *,
    timeout_s: float,
    body: bytes | AsyncIterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "",
) -> AsyncGenerator[T, None]:
    """The items of the answer as they come. `method` '': a GET, or a POST where there is a `body`.

    `decoder_of` gets the content type of the answer. `timeout_s` bounds connecting, the wait for the first byte, and
    any silence after it. A `body` that is not bytes is sent as it is read. Raises ServiceError.
    """
    with in_words(service, base_url, timeout_s):
        url = base_url.rstrip("/") + path
        async with await send(url, body, headers, connect_s=timeout_s, read_s=timeout_s, method=method) as answer:
            if answer.status >= 400:
                raise refusal(service, answer.status, await answer.read())
            decoder = decoder_of(answer.content_type)
            async for piece in answer.content.iter_any():
                for item in decoder.feed(piece):
                    yield item
                if decoder.done:
                    with contextlib.suppress(Exception):  # then the connection is closed, and nothing is lost
                        await asyncio.wait_for(answer.read(), _DRAIN_S)
                    return
            for item in decoder.feed(b""):
                yield item


async def beginning_of(answer: ClientResponse) -> bytes:
    """All of a short answer in JSON, for a program that passes it on: if it breaks off there is time for a reason.

    Of sound, events and text, which may come word by word, nothing is waited for: b''. Raises aiohttp's errors.
    """
    if answer.content_type != "application/json":
        return b""
    begun = bytearray()
    async for piece in answer.content.iter_any():
        begun += piece
        if len(begun) >= _WHOLE_BYTES:
            break
    return bytes(begun)


@contextlib.contextmanager
def in_words(service: str, base_url: str, timeout_s: float) -> Iterator[None]:
    """What goes wrong with a connection within, as a ServiceError: it shows no password or key of `base_url`."""
    import aiohttp

    url = shown_url(base_url)
    try:
        yield
    except asyncio.TimeoutError as error:
        raise ServiceError("clients.no_answer", service=service, wait_s=timeout_s) from error
    except aiohttp.ClientPayloadError as error:
        raise ServiceError("clients.broke_off_in_the_middle", service=service) from error
    except aiohttp.ClientResponseError as error:
        raise ServiceError("clients.not_http", service=service, url=url) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise ServiceError("clients.not_an_address", url=url) from error
    except (aiohttp.ClientError, OSError) as error:
        cause = _cause(error)
        if isinstance(cause, ConnectionRefusedError):
            raise ServiceError("clients.not_running", service=service, url=url) from cause
        words = str(cause) or type(cause).__name__
        raise ServiceError("clients.not_reached", service=service, url=url, error=words) from cause


def _cause(error: Exception) -> Exception:
    """What was behind it, in the system's words."""
    cause: Exception = getattr(error, "os_error", error)
    if isinstance(cause, OSError) and cause.errno and str(cause.strerror).startswith(_ASYNCIO_WORDS):
        return OSError(cause.errno, os.strerror(cause.errno))
    return cause


async def send(
    url: str,
    body: Any,
    headers: Mapping[str, str] | None,
    *,
    connect_s: float | None,
    read_s: float | None,
    decompress: bool = True,
    method: str = "",
) -> ClientResponse:
    """Send a GET, or a POST where there is a `body`, or by `method`: once more where the service had closed the kept
    connection.

    `read_s` bounds any silence of the service, None: nothing does. Raises aiohttp's errors.
    """
    import aiohttp

    await asyncio.sleep(0)  # the loop may have stood still: let it see which connections have been closed
    session, reused = await _session(), list[bool]()
    headers = {**reader_headers(), **(headers or {})}
    limits = aiohttp.ClientTimeout(total=None, sock_connect=connect_s, sock_read=read_s)
    request = functools.partial(
        session.request, method or ("GET" if body is None else "POST"), url, data=body, headers=headers, timeout=limits,
        allow_redirects=False, auto_decompress=decompress, trace_request_ctx=reused,
    )  # fmt: skip
    try:
        return await request()
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, ConnectionResetError):
        if not reused or not isinstance(body, (bytes, type(None))):
            raise
        return await request()


def reader_headers() -> dict[str, str]:
    """Ask for errors in this program's own language; a service's own is English."""
    return {} if language() == "en" else {"Accept-Language": language()}


async def _session() -> ClientSession:
    """The connections of this event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _pools:
        pool = _open_pool()
        _pools[loop] = await anext(pool), pool
    return _pools[loop][0]


async def _open_pool() -> AsyncGenerator[ClientSession, None]:
    """Gives the connections, and waits for `loop.shutdown_asyncgens`, as in ``asyncio.run``, to close them."""
    import aiohttp

    async def note_reuse(session: ClientSession, context: Any, about: object) -> None:
        context.trace_request_ctx.append(True)

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(note_reuse)
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the services limit themselves
                keepalive_timeout=_IDLE_S,
                socket_factory=lambda address: _RefusableSocket(*address[:3]),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[tracing],
        ) as session
    ):
        try:
            yield session
        finally:
            del _pools[asyncio.get_running_loop()]


class _RefusableSocket(socket.socket):
    """A refusal may come, and the connection be reset, before all of a recording is sent. It says why: whether the
    connection still stands is left to reading."""

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (BrokenPipeError, ConnectionResetError):
            return len(data)

    def sendmsg(self, buffers: Any, *more: Any) -> int:
        try:
            return super().sendmsg(buffers, *more)
        except (BrokenPipeError, ConnectionResetError):
            return sum(map(len, buffers))


def refusal(service: str, status: int, data: bytes) -> ServiceError:
    """A refusal in the service's own words, if it gave any."""
    try:
        body = json.loads(data)
    except ValueError:
        text = " ".join(data.decode(errors="replace").split())
        if not text or text.startswith("<"):  # a page of HTML says nothing
            return ServiceError("clients.refused", service=service, status=status)
        return ServiceError("clients.refused_in_words", service=service, status=status, words=text[:_WORDS_SHOWN])
    if not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return ServiceError("clients.refused", service=service, status=status, body=body)
    return in_its_words(service, body, status)


def in_its_words(service: str, body: Mapping[str, Any], status: int = 0) -> ServiceError:
    """The error of a body ``{"error": {"message", "hint"}}``, or ``{"error": message}``."""
    error = body["error"]
    words, hint = (error.get("message", error), error.get("hint")) if isinstance(error, dict) else (error, None)
    if hint and isinstance(words, str):
        for between in SEMICOLONS.values():  # what a service sends ends with it: other clients show nothing else
            words = words.removesuffix(f"{between}{hint}")
    return ServiceError(
        "clients.in_its_words_with_hint" if hint else "clients.in_its_words",
        service=service, words=words, hint=hint, status=status, body=body,
    )  # fmt: skip
