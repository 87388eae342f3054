"""The web server of each program: aiohttp on one event loop, with a Flask app behind it in threads.

One process a program: models are loaded once, and all requests share them. A connection that waits, for its client or
in a route on the loop (`routes.py`), occupies no thread; a request to a Flask view occupies one while it is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from flask import Flask

from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import ServiceSettings, SettingsError
from huiyin.services.common.connection import HEADER_LIMIT_S, Connection, Places
from huiyin.services.common.front import make_application
from huiyin.services.common.notify import tell_alive, tell_ready

STOP_GRACE_S = 3.0
"""For requests in hand when the server stops; then they are aborted."""
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LAST_WAIT_S = 0.5  # for threads to notice that their clients have been disconnected
_SPARE_THREADS = 8  # for /health, and for refusals while all others are busy
_BACKLOG = 1024  # connections that wait to be accepted
_OWN_FILES = 64  # models, logs, child processes
_MOST_PORT = 2**16 - 1
_OPEN_FILES = 2**16  # at most: a connection is one, and the usual limit of 1,024 is soon reached


class PortTaken(HuiyinError):
    """The address cannot be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `host:port`; 0: a free port. Raises PortTaken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would allow two servers on one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, UnicodeError) as error:
        listener.close()
        raise _not_listening(host, port, error) from error
    return listener


def listens_on(settings: ServiceSettings) -> str:
    """The host whose address is bound."""
    return settings.listen.rpartition(":")[0].strip("[]") or settings.host


def listener_of(settings: ServiceSettings, port: int) -> socket.socket:
    """The socket of a program that its clients know as `settings.host:port`; bound elsewhere where `settings.listen`
    says so. Raises PortTaken, SettingsError."""
    if not settings.listen:
        return listen(settings.host, port)
    host, number = listens_on(settings), settings.listen.rpartition(":")[2]
    if ":" not in settings.listen or not number.isascii() or not number.isdigit() or int(number) > _MOST_PORT:
        raise SettingsError("services.bad_listen", value=settings.listen)
    return listen(host, int(number))


def _not_listening(host: str, port: int, error: Exception) -> PortTaken:
    number = getattr(error, "errno", None)
    if isinstance(error, (socket.gaierror, UnicodeError)) or number == errno.EADDRNOTAVAIL:
        return PortTaken("services.not_our_address", host=host)
    if number == errno.EACCES:
        return PortTaken("services.port_forbidden", host=host, port=port)
    if number == errno.EADDRINUSE:
        return PortTaken("services.port_taken", host=host, port=port)
    return PortTaken("services.cannot_listen", host=host, port=port, why=getattr(error, "strerror", error))


def stop_with_parent() -> None:
    """End this process when its standard input closes, as it does at any end of the parent."""

    descriptor = sys.stdin.fileno()

    def wait() -> None:
        try:
            while os.read(descriptor, 4096):
                pass
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="stop-with-parent", daemon=True).start()


def serve(
    make_app: Callable[[], Flask],
    settings: ServiceSettings,
    port: int,
    *,
    listener: socket.socket | None = None,
    tls: ssl.SSLContext | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """Serve until stopped by SIGTERM or SIGINT. `make_app` is called once. Raises PortTaken.

    `listener`: the socket of that port, where it was bound before (`listen`). `meanwhile` is called in a thread of its
    own once requests are accepted; what it raises ends the server, and is raised. Requests in hand have some seconds to
    end; where a thread does not, the process ends without it.
    """
    allow_open_files()
    with _handlers_put_back():
        _on_stop(lambda: sys.exit(0))
        listener = listener or listen(settings.host, port)
        _serve(make_app(), settings, listener, tls, meanwhile)


def _serve(
    app: Flask,
    settings: ServiceSettings,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    meanwhile: Callable[[], None] | None,
) -> None:
    threads = make_threads(settings)
    failures: list[Exception] = []

    async def until_stopped() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped
                loop.call_soon_threadsafe(stopped.set)

        def do_meanwhile(do: Callable[[], None]) -> None:
            try:
                do()
            except Exception as error:
                failures.append(error)
                stop()

        _on_stop(stop)

        async with serving(app, settings, listener, threads, tls):
            alive = asyncio.create_task(tell_alive(tell_ready()))
            if meanwhile:
                threading.Thread(target=do_meanwhile, args=(meanwhile,), name="meanwhile", daemon=True).start()
            await stopped.wait()
            alive.cancel()

    asyncio.run(until_stopped())
    if failures:
        raise failures[0]
    if not _ended(threads):
        logging.shutdown()
        os._exit(0)  # a thread that computes cannot be stopped, and would be waited for


@contextlib.contextmanager
def _handlers_put_back() -> Iterator[None]:
    """Afterwards the signals do what they did before: the program may have more to end than this server."""
    before = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_stop(action: Callable[[], object]) -> None:
    """Call `action` when the process is asked to end. (The loop's own handlers do not exist on Windows.)"""
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: action())


@contextlib.asynccontextmanager
async def serving(
    app: Flask,
    settings: ServiceSettings,
    listener: socket.socket,
    threads: ThreadPoolExecutor,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """Serves `app` on `listener` meanwhile; at the end, requests in hand have some seconds."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    # aiohttp waits for as long twice: for the answers, then for what is left of them.
    runner = web.AppRunner(make_application(app, settings, threads), shutdown_timeout=STOP_GRACE_S / 2)
    await runner.setup()
    server = runner.server
    assert server is not None
    places = Places(_most_connections(settings))

    def connection() -> Connection:
        if stopping.is_set():  # accepted just before: a transport without a server would leave its socket open
            raise ConnectionAbortedError("the server stops")
        return Connection(server, loop, places, stopping.is_set)

    listening = await loop.create_server(
        connection,
        sock=listener,
        ssl=tls,
        backlog=_BACKLOG,
        ssl_handshake_timeout=HEADER_LIMIT_S if tls else None,
    )
    try:
        yield
    finally:
        stopping.set()
        listening.close()
        await runner.cleanup()


def make_threads(settings: ServiceSettings) -> ThreadPoolExecutor:
    """The threads for requests; each begins when it is first needed."""
    return ThreadPoolExecutor(settings.threads + _SPARE_THREADS, thread_name_prefix="request")


def _ended(threads: ThreadPoolExecutor) -> bool:
    """Stop `threads`; False: one is still busy."""
    waiting = threading.Thread(target=threads.shutdown, kwargs={"cancel_futures": True}, daemon=True)
    waiting.start()
    waiting.join(_LAST_WAIT_S)
    return not waiting.is_alive()


def _most_connections(settings: ServiceSettings) -> int:
    """So many that a request in hand can still open a file for its body, and a connection of its own."""
    if os.name != "posix":
        return _OPEN_FILES
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return _OPEN_FILES
    return max(files - _OWN_FILES - 2 * settings.threads, files // 4)


def allow_open_files() -> None:
    """Raise this process's limit of open files as far as it may (POSIX)."""
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
