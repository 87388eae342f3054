"""A server of coroutines in a thread of its own: the caller's may have a loop already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.support.limits import PATIENCE_S


@contextmanager
def serving(app: web.Application, port: int = 0) -> Iterator[int]:
    """Serve `app` on `port` of this machine, 0: a free one; gives the port.

    A handler is cancelled when its client leaves."""
    loop = asyncio.new_event_loop()

    async def start() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner, int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever, name="stub-service", daemon=True)
    thread.start()
    runner, served_at = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE_S)
    try:
        yield served_at
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()
