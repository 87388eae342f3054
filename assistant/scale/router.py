"""The router: a program's own address, behind which its replicas are.

It knows nothing of what is asked, with few exceptions (`_own_routes`): a request goes to a replica as it came, and what
is answered comes back as it comes, but JSON is whole first. It waits for no place: a replica that has too much to do
refuses, with Retry-After, and so does the router where there is no replica. A WebSocket stays where it began
(`web_socket.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from flask import Flask
from multidict import CIMultiDict
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from huiyin.assistant.clients.http import beginning_of
from huiyin.assistant.scale.directory import Member
from huiyin.assistant.scale.members import Members, pins_of, tokens_of
from huiyin.assistant.scale.metrics import merged
from huiyin.assistant.scale.web_socket import pass_socket
from huiyin.services.common import errors, request_id
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import Handler, add_route, set_guard, while_connected

CONNECT_S = 2.0
"""For a replica to accept a connection: one whose node is gone gives no sign."""
RETRY_S = 2.0
"""A caller may come again after so long: a replica that ended is missing until another is ready."""
IDLE_S = 90.0
"""A kept connection; the replicas' own limit is longer."""
_IN_HAND_BYTES = 2**18  # a body up to so long is read before it is passed on: it can be sent again, elsewhere
_ASKED_S = 5.0  # of all replicas at once, as for metrics
_TRIES = 4
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SECRETS = "/client_secrets"  # its answer has a key that its replica alone knows
# Of one connection, not of what is passed on (RFC 9110, 7.6.1).
_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "expect")
)  # fmt: skip
_CHECKED = frozenset({"origin", "sec-fetch-site", "cookie"})
# The router's own server sets these anew.
_NOT_BACK = _HOP | {"server", "date", request_id.HEADER.lower()}


@dataclass(frozen=True)
class Keys:
    """Of a program whose replicas other machines can reach: `within` is shown to them, not what a caller shows."""

    within: str = ""
    """'': what a caller shows is passed on as it is."""
    stay: str = "ek_"
    """A caller's key that begins so is passed on all the same: it says what its session is."""

    def shown(self, headers: CIMultiDict[str]) -> None:
        """Puts it in the headers of a request."""
        own = headers.get("Authorization", "") + headers.get("Sec-WebSocket-Protocol", "")
        if self.within and self.stay not in own:
            headers["Authorization"] = f"Bearer {self.within}"


class Router:
    """Of one program; lives in one event loop."""

    def __init__(self, members: Members, keys: Keys | None = None) -> None:
        self.members, self._keys = members, keys or Keys()
        self._client: aiohttp.ClientSession | None = None
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "huiyin_router_requests", "Requests passed on, by the answer's status.", ["replica", "status"],
            registry=self._registry,
        )  # fmt: skip
        in_hand = Gauge("huiyin_router_in_hand", "Requests and WebSockets in hand.", registry=self._registry)
        in_hand.set_function(lambda: sum(members.in_hand.values()))
        ready = Gauge("huiyin_router_replicas_ready", "Replicas that take requests.", registry=self._registry)
        ready.set_function(lambda: len(members.ready()))

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Connections to replicas are kept meanwhile."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S)
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        async with aiohttp.ClientSession(
            connector=connector, timeout=limits, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        ) as self._client:  # fmt: skip
            yield

    def make_app(self) -> Flask:
        """The program that listens at the address its clients know."""
        app = Flask(f"huiyin-router-{self.members.program}", static_folder=None)
        errors.install(app)
        if self.members.program == "web":
            set_guard(app, lambda request: None)  # it has a door of its own, with a form
        for path, handler in self._own_routes().items():
            add_route(app, "GET", path, handler)
            for method in _METHODS[1:]:
                add_route(app, method, path, self.passed)
        for method in _METHODS:
            add_route(app, method, "/{path:.*}", self.passed)
        return app

    def _own_routes(self) -> dict[str, Handler]:
        routes: dict[str, Handler] = {"/health": self.health, "/ready": self.health, "/metrics": self.metrics}
        return {**routes, "/jobs": self.jobs} if self.members.program == "asr" else routes

    async def passed(self, request: web.Request) -> web.StreamResponse:
        """Passed to a replica, and its answer back."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await pass_socket(self.session, self.members, request, self._headers(request))
        return await while_connected(request, self._pass(request))

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections."""
        assert self._client is not None, "connected"
        return self._client

    async def health(self, request: web.Request) -> web.StreamResponse:
        """Its replicas' answer; before the first replica is ready, that the program is there and loads."""
        if self.members.all():
            return await self.passed(request)
        program = self.members.program
        if request.path == "/health":
            return web.json_response({"status": "ok", "service": program, "replicas": 0})
        return web.json_response({"status": "loading", "service": program, "replicas": 0}, status=503)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Those of all replicas, each with its name; then the router's own."""
        texts = {name: body.decode(errors="replace") for name, body in (await self._ask_all(request)).items()}
        body = merged(texts).encode() + generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def jobs(self, request: web.Request) -> web.StreamResponse:
        """The jobs of all replicas: those of one node share their folder, other nodes have their own."""
        listed: dict[str, dict[str, object]] = {}
        for body in (await self._ask_all(request)).values():
            with contextlib.suppress(ValueError):
                for job in json.loads(body).get("data", ()):
                    before = listed.get(job["id"])
                    if before is None or before["status"] != "running":  # known to the one that runs it
                        listed[job["id"]] = job
        return web.json_response({"object": "list", "data": list(listed.values())})

    async def _ask_all(self, request: web.Request) -> dict[str, bytes]:
        """Replica -> its answer to this GET; those that give none are left out."""

        async def ask(member: Member) -> bytes | None:
            headers, limit = self._headers(request), aiohttp.ClientTimeout(total=_ASKED_S, sock_connect=CONNECT_S)
            headers.popall("Accept-Encoding", None)
            with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError, OSError):
                async with self.session.get(member.url + request.path_qs, headers=headers, timeout=limit) as answer:
                    return await answer.read() if answer.status == 200 else None
            return None

        members = self.members.all()
        answers = await asyncio.gather(*map(ask, members))
        return {member.name: answer for member, answer in zip(members, answers, strict=True) if answer is not None}

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body, can_repeat = await _body(request)
        pins, failures = pins_of(request.path, request.headers), 0
        asked: set[str] = set()  # those that do not know the job that is named
        while member := self._choose(pins, asked):
            with self.members.passing_to(member):
                try:
                    answer, begun = await self._send(member, request, body)
                except aiohttp.ClientConnectorError:
                    self.members.lose(member)
                    continue
                except (aiohttp.ClientError, OSError) as error:
                    # A kept connection may just have been closed; or the replica has died with this in hand, or while
                    # it answered.
                    failures += 1
                    if can_repeat and failures < _TRIES:
                        continue
                    raise ApiError(502, "ray.replica_lost", retry_after_s=RETRY_S) from error
                async with answer:
                    if answer.status == 404 and can_repeat and self._may_be_elsewhere(request, {*asked, member.name}):
                        asked.add(member.name)
                        continue
                    self._requests.labels(member.name, answer.status).inc()
                    self._remember(request, pins, member, answer, begun)
                    return await _pass_back(answer, begun, request)
        raise ApiError(503, "ray.no_replica", program=self.members.program, retry_after_s=RETRY_S)

    def _choose(self, pins: list[str], asked: Collection[str]) -> Member | None:
        if asked:
            return next((member for member in self.members.all() if member.name not in asked), None)
        return self.members.choose(pins)

    async def _send(self, member: Member, request: web.Request, body: object) -> tuple[aiohttp.ClientResponse, bytes]:
        """(the answer, the beginning of its body)."""
        answer = await self.session.request(
            request.method, member.url + request.path_qs, data=body, headers=self._headers(request),
            allow_redirects=False,
        )  # fmt: skip
        return answer, await beginning_of(answer)

    def _headers(self, request: web.Request) -> CIMultiDict[str]:
        """As they came, but for those of the connection; with this request's name."""
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP)
        if self.members.program != "web":  # who may ask has been checked here (`services/common/front.py`)
            for name in [name for name in headers if name.lower() in _CHECKED]:
                headers.popall(name, None)
        headers[request_id.HEADER] = request_id.current()
        self._keys.shown(headers)
        return headers

    def _may_be_elsewhere(self, request: web.Request, asked: Collection[str]) -> bool:
        """Whether a replica besides these may know the job or call that is named."""
        return bool(tokens_of(request.path)) and any(member.name not in asked for member in self.members.all())

    def _remember(
        self, request: web.Request, pins: list[str], member: Member, answer: aiohttp.ClientResponse, begun: bytes
    ) -> None:
        """Which replica knows what it has just made."""
        made = tokens_of(answer.headers.get("Location", "") + " " + answer.headers.get("X-Huiyin-Job", ""))
        if request.path.endswith(_SECRETS) and answer.status < 300:
            made += tokens_of(begun.decode(errors="replace"))
        if answer.status < 400:
            self.members.remember([*pins, *made], member)


async def _body(request: web.Request) -> tuple[object, bool]:
    """(what is to be sent on, whether it can be sent again)."""
    if not request.can_read_body:
        return None, True
    length = request.content_length
    if length is not None and length <= _IN_HAND_BYTES:
        return await request.read(), True
    return request.content, False


async def _pass_back(answer: aiohttp.ClientResponse, begun: bytes, request: web.Request) -> web.StreamResponse:
    headers = CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in _NOT_BACK)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    try:
        if begun:
            await response.write(begun)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
        # It broke off: the client must not take this for the end.
        if request.transport:
            request.transport.abort()
    return response
