"""The aiohttp application in front of a Flask app: checks, the routes on the event loop, then Flask in threads.

Each request has a name (`request_id.py`), and a line in the access log: never what was asked for, only the route.

In this order: Host, Origin and site (403), a browser's question whether a page may ask (`cors.py`), the guard (by
default the key, 401), the routes that were added (`routes.py`), and the Flask app (`wsgi.py`). What any of these raises
is answered as JSON.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from weakref import WeakSet

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler
from flask import Flask
from werkzeug.exceptions import HTTPException

from huiyin.configs.settings import ServiceSettings
from huiyin.services.common import reader_language, request_id
from huiyin.services.common.access import Access, has_key
from huiyin.services.common.connection import CONTINUE, as_response, connection_of
from huiyin.services.common.cors import allowance, is_preflight, readable_by
from huiyin.services.common.errors import CLIENT_LEFT_STATUS, ApiError, of_status, of_system, wrong_method
from huiyin.services.common.routes import SOCKETS, THREADS, Cleanup, Guard, Route, additions
from huiyin.services.common.wsgi import Bridge

log = logging.getLogger(__name__)
access_log = logging.getLogger("huiyin.access")

OPEN_PATHS = {"/health"}
"""Answered without a key."""

_ONLY_READ = ("GET", "HEAD")
_REFUSED = "(refused)"  # as what a request is counted that no route has been given
# What other programs, and the page for its recordings, ask again and again.
_ROUTINE = {"/health", "/ready", "/metrics", "/jobs", "/jobs/<job_id>", "/jobs/{job_id}"}
_LONGEST_METHOD = 20  # characters
_READ_BYTES = 2**20  # of a body that a route on the loop reads at once (`request.read()`); streaming has no limit


def make_application(app: Flask, settings: ServiceSettings, threads: Executor) -> web.Application:
    """The application for one server. Flask's views run in `threads`."""
    added = additions(app)
    guard = added.guard or key_guard(settings.api_key)
    access = Access(settings.host, settings.hosts, settings.origins)
    bridge = Bridge(app, threads, app.config.get("MAX_CONTENT_LENGTH"))
    on_the_loop = {route.path for route in added.routes}

    @web.middleware
    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Tells the connection when a request is in hand: until its answer has been sent."""
        connection = connection_of(request)
        connection.begin(request)
        connection.request_id = request_id.begin(request.headers)
        reader_language.begin(request.headers, request.query)
        started, status = time.perf_counter(), CLIENT_LEFT_STATUS
        try:
            response = await handler(request)
            await response.prepare(request)
            await response.write_eof()
            status = response.status
            if connection.stalled:
                connection.force_close()
            return response
        finally:
            connection.end()
            if settings.access_log:
                note(request, status, time.perf_counter() - started)

    def note(request: web.Request, status: int, seconds: float) -> None:
        route = connection_of(request).route
        if route in ("", _REFUSED):  # refused, or its client has left before it was answered
            path = _path(request)
            route = path if path in on_the_loop else _rule(app, request)
        level = logging.DEBUG if route in _ROUTINE and request.method in _ONLY_READ else logging.INFO
        if access_log.isEnabledFor(level):
            method, ms = request.method[:_LONGEST_METHOD], round(1000 * seconds)
            facts = {"method": method, "route": route, "status": status, "ms": ms}
            access_log.log(level, "%s %s %d %d ms", method, route, status, ms, extra={"facts": facts})

    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers errors as JSON, and counts the answers that are not Flask's."""
        started = time.perf_counter()
        try:
            response = await handler(request)
        except ApiError as error:
            response = as_response(error)
        except web.HTTPException as error:
            response = as_response(of_status(error.status, error.text or error.reason))
        except ConnectionError:
            raise
        except Exception as error:
            if request.writer.output_size > 0:
                raise ConnectionError("the answer broke off") from error
            known = of_system(error) if isinstance(error, OSError) else None
            if not known:
                log.error("unexpected error", exc_info=error)
            response = as_response(known or ApiError(500, "services.internal_error"))
        if connection_of(request).route:
            seconds = None if response.status == 101 else time.perf_counter() - started
            added.count(connection_of(request).route, response.status, seconds)
        return response

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses who may not ask."""
        connection_of(request).route = _REFUSED
        headers, origin = request.headers, request.headers.get("Origin", "")
        is_page = request.method in _ONLY_READ and request.path in added.pages
        access.check(headers.get("Host", ""), origin, headers.get("Sec-Fetch-Site", ""), is_page=is_page)
        if access.may_read(origin) and is_preflight(request.method, headers):
            return web.Response(status=204, headers=allowance(headers))
        guard(request)
        return await handler(request)

    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        response.headers[request_id.HEADER] = connection_of(request).request_id
        response.headers["Server"] = "huiyin"  # not the versions of Python and the server
        origin = request.headers.get("Origin", "")
        if access.may_read(origin):
            response.headers.update(readable_by(origin))
            response.headers.add("Vary", "Origin")

    async def flask(request: web.Request) -> web.StreamResponse:
        response = await bridge.respond(request)
        connection_of(request).route = ""  # Flask has counted it
        return response

    def other_methods(path: str) -> Handler:
        """Answers at a path that the routes on the loop have for other methods: Flask may have it, too."""
        ours = [route.method for route in added.routes if route.path == path]

        async def answer(request: web.Request) -> web.StreamResponse:
            flasks = app.url_map.bind("").allowed_methods(request.path)
            if request.method not in flasks:
                raise wrong_method(request.method, request.path, [*ours, *flasks])
            return await flask(request)

        return answer

    application = web.Application(middlewares=[hold, explain, check], client_max_size=_READ_BYTES)
    application[THREADS] = threads
    for route in added.routes:
        application.router.add_route(route.method, route.path, _named(route), expect_handler=_go_on)
    for path in on_the_loop:
        application.router.add_route("*", path, other_methods(path), expect_handler=_expect)
    application.router.add_route("*", "/{path:(?s:.*)}", flask, expect_handler=_expect)
    application[SOCKETS] = WeakSet()
    application.on_shutdown.extend([*map(_without_arguments, added.cleanups), _close_sockets])
    application.on_response_prepare.append(sign)
    return application


def key_guard(key: str) -> Guard:
    """Demands ``Authorization: Bearer <key>`` for all but the open paths; an empty key: nothing."""

    def guard(request: web.BaseRequest) -> None:
        if key and request.path not in OPEN_PATHS and not has_key(request.headers.get("Authorization", ""), key):
            raise ApiError(401, "services.unauthorized")

    return guard


def _path(request: web.Request) -> str:
    """That of the route which aiohttp has found."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def _rule(app: Flask, request: web.Request) -> str:
    """The route of a request by Flask's table, without what its address names; "(unknown)" where it has none."""
    try:
        rule, _ = app.url_map.bind("").match(request.path, request.method, return_rule=True)
    except HTTPException:
        return "(unknown)"
    return rule.rule


def _named(route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        connection_of(request).route = route.path
        return await route.handler(request)

    return handle


def _without_arguments(cleanup: Cleanup) -> Callable[[web.Application], Awaitable[None]]:
    return lambda _: cleanup()


async def _close_sockets(application: web.Application) -> None:
    """The server stops."""
    closing = [socket.close(code=WSCloseCode.GOING_AWAY) for socket in application[SOCKETS].copy()]
    await asyncio.gather(*closing, return_exceptions=True)


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """For requests with "Expect: 100-continue": the bridge says so, once their size is known to be right.

    What else is expected is refused; here, as no middleware sees it."""
    if request.headers["Expect"].lower() == "100-continue":
        return None
    return as_response(ApiError(417, "services.bad_request", message="unknown Expect"))


async def _go_on(request: web.Request) -> web.StreamResponse | None:
    """The same for a route on the loop, which reads the body itself."""
    refusal = await _expect(request)
    if refusal is None:
        await request.writer.write(CONTINUE)
        request.writer.output_size = 0  # that was not the answer
    return refusal
