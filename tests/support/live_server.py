"""An app behind the real server, in a thread of the test's own process; connections to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from flask import Flask

from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import allow_open_files, listen, make_threads, serving
from tests.support.limits import PATIENCE_S


def connected(url: str, *, receive_buffer: int = 0) -> socket.socket:
    """A connection to a server; with a `receive_buffer` of so many bytes, where that is not 0."""
    target = urlsplit(url)
    sock = socket.socket()
    sock.settimeout(PATIENCE_S)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect((target.hostname or "", target.port or 0))
    return sock


@contextmanager
def running(app: Flask, settings: ServiceSettings | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """`app` served on a free port meanwhile; gives its base URL, with the host of the settings."""
    settings = settings or ServiceSettings()
    allow_open_files()
    listener = listen(settings.host, 0)
    port = listener.getsockname()[1]
    threads = make_threads(settings)
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()
    started = threading.Event()

    async def until_stopped() -> None:
        async with serving(app, settings, listener, threads, tls):
            started.set()
            await stopped.wait()

    def serve() -> None:
        loop.run_until_complete(until_stopped())
        loop.run_until_complete(loop.shutdown_asyncgens())  # as `asyncio.run`; closes connections to other servers

    server = threading.Thread(target=serve, name="live-server", daemon=True)
    server.start()
    try:
        assert started.wait(PATIENCE_S), "the server did not start"
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        loop.call_soon_threadsafe(stopped.set)
        server.join(PATIENCE_S)
        threads.shutdown(wait=False, cancel_futures=True)
        loop.close()
