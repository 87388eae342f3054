"""The web program: the page, OpenAI Realtime, and the services' own addresses, at one address with one key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flask import Flask

from huiyin.assistant.clients.keeper import Standing
from huiyin.assistant.clients.services import Name, Services
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.web.access import Door
from huiyin.assistant.faces.web.description import add_description
from huiyin.assistant.faces.web.facts import add_facts
from huiyin.assistant.faces.web.login import add_login
from huiyin.assistant.faces.web.page_files import PageFiles, add_page
from huiyin.assistant.faces.web.passing import ROUTES, STREAM, add_passing
from huiyin.services.common import errors
from huiyin.services.common.routes import set_guard

_BODY_LIMIT = 64 * 1024  # bytes, of what is not passed on: the login form


class Realtime(Protocol):
    """What is needed of the Realtime server."""

    def mount(self, app: Flask) -> None:
        """Add its addresses, and its end to that of the server."""

    def facts(self) -> Mapping[str, Any]:
        """Its sessions: how many are open, how many may be."""

    def accepts(self, key: str) -> bool:
        """Whether a short-lived key is valid now."""


def make_app(
    services: Services,
    realtime: Realtime,
    door: Door,
    personas: Mapping[str, Persona],
    *,
    page: PageFiles | None = None,
    latency: Callable[[], Mapping[str, Any]] = dict,
    standing: Callable[[Name], Standing] = lambda name: "foreign",
) -> Flask:
    """All of it. The first of `personas` is the one that is met first; `page` is the one that comes with Huiyin unless
    another is given; `latency` is that of the turns so far; `standing` says what has become of a service's process."""
    app = Flask("huiyin-web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_LIMIT
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.install(app)
    door.accepts_short_lived = realtime.accepts
    set_guard(app, door.guard)
    page = page or PageFiles()
    add_page(app, page)
    add_login(app, door, page)
    add_facts(
        app, services, personas, needs_key=bool(door.key), sessions=realtime.facts, latency=latency, standing=standing
    )
    add_passing(app, services)
    passed: list[tuple[str, Name]] = [*((path, name) for _, path, name in ROUTES), (STREAM, "asr")]
    add_description(app, services, passed, needs_key=bool(door.key))
    realtime.mount(app)
    return app
