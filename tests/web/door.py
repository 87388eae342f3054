"""The web program for tests: on the real server, with a page, a Realtime server and services that stand in."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web
from flask import Flask

from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.conversation.persona_files import load_all
from huiyin.assistant.faces.web.access import Door
from huiyin.assistant.faces.web.app import make_app
from huiyin.assistant.faces.web.page_files import PageFiles
from huiyin.configs.settings import Settings, load
from huiyin.services.common.routes import add_route
from tests.support.live_server import running
from tests.support.service_process import free_port

KEY = "correct-horse-battery"
EPHEMERAL = "ek_short-lived"


class StubRealtime:
    """In place of the Realtime server: says that it is there."""

    def mount(self, app: Flask) -> None:
        async def there(request: web.Request) -> web.StreamResponse:
            return web.json_response({"there": request.path})

        add_route(app, "GET", "/v1/realtime", there)
        add_route(app, "POST", "/v1/realtime/client_secrets", there)

    def facts(self) -> Mapping[str, Any]:
        return {"open": 0, "limit": 4}

    def accepts(self, key: str) -> bool:
        return key == EPHEMERAL


def settings_for(port: int | None = None, *overrides: str, service_key: str = "") -> Settings:
    """All three services are at `port`, with their key; nothing is there where it is None."""
    settings = load(overrides=overrides, environ={"HUIYIN_SERVICE_API_KEY": service_key})
    ports = {name: port or free_port() for name in NAMES}
    return replace(settings, **{name: replace(getattr(settings, name), port=ports[name]) for name in NAMES})


@contextmanager
def open_door(
    page: Path,
    *,
    key: str = "",
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    door: Door | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """The base URL of the web program with the page in the folder `page`."""
    settings = settings or settings_for()
    personas = load_all(settings.talk.persona)
    app = make_app(Services(settings), StubRealtime(), door or Door(key, 8000), personas, page=PageFiles(page))
    with running(app, replace(settings.service, host=host, api_key=""), tls=tls) as url:
        yield url
