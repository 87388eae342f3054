"""A service that says that it is ready, for programs that only look whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from aiohttp import web

from huiyin.assistant.clients.services import NAMES
from tests.support.aiohttp_server import serving

VOICE = {"name": "heart", "engine": "hibari", "language": "en", "gender": "female", "speaks": ["en"]}


def app(name: str, *, ready: int = 200, status: str = "ready") -> web.Application:
    """``/health``, ``/ready`` (HTTP status `ready`), ``/system`` and ``/voices`` of the service `name`."""

    def saying(http_status: int, **facts: Any) -> Any:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.json_response(facts, status=http_status)

        return handler

    service = web.Application()
    service.router.add_get("/health", saying(200, service=name))
    service.router.add_get("/ready", saying(ready, service=name, status=status, error=""))
    service.router.add_get("/system", saying(200, service=name, model=f"model of {name}"))
    service.router.add_get("/voices", saying(200, voices=[VOICE]))
    return service


@contextmanager
def all_ready() -> Iterator[list[str]]:
    """The three services; gives the options that tell a command where they are."""
    with ExitStack() as stack:
        ports = {name: stack.enter_context(serving(app(name))) for name in NAMES}
        yield [word for name, port in ports.items() for word in ("--set", f"{name}.port={port}")]
