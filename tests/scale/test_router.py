"""What is passed on to replicas and back, which replica it is, and what a caller is told where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import web

from huiyin.configs.settings import ServiceSettings
from tests.support.aiohttp_server import serving
from tests.support.behind_router import Behind, router
from tests.support.limits import PATIENCE_S, until
from tests.support.service_process import free_port

JOB = "0123456789abcdef0123456789abcdef"
SECRET = "ek_0123456789abcdefghij"


@dataclass
class Replica:
    """A server whose answers name it."""

    name: str
    port: int = 0
    seen: list[web.Request] = field(default_factory=list)
    knows: set[str] = field(default_factory=set)
    go_on: threading.Event = field(default_factory=threading.Event)
    came: threading.Event = field(default_factory=threading.Event)
    closed: list[int | None] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=0)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/jobs", self.jobs)
        app.router.add_get("/jobs/{id}", self.job)
        app.router.add_post("/jobs", self.make_job)
        app.router.add_post("/echo", self.echo)
        app.router.add_post("/slow", self.slow)
        app.router.add_get("/speech", self.speak)
        app.router.add_post("/busy", self.busy)
        app.router.add_post("/breaks", self.break_off)
        app.router.add_post("/v1/realtime/client_secrets", self.make_key)
        app.router.add_get("/v1/stream", self.talk)
        app.router.add_route("*", "/{path:.*}", self.say)
        return app

    async def say(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        return web.json_response({"replica": self.name, "path": request.path_qs})

    async def echo(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        async for piece in request.content.iter_any():
            self.came.set()
            await response.write(piece)
        return response

    async def speak(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"first")
        await asyncio.get_running_loop().run_in_executor(None, self.go_on.wait, PATIENCE_S)
        await response.write(b"last")
        return response

    async def slow(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        await asyncio.get_running_loop().run_in_executor(None, self.go_on.wait, PATIENCE_S)
        return web.json_response({"replica": self.name})

    async def busy(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"code": "too_busy"}}, status=429, headers={"Retry-After": "7"})

    async def break_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"first")
        assert request.transport
        request.transport.abort()
        return response

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=f'# TYPE a counter\na{{x="1"}} {len(self.name)}\n# TYPE b gauge\nb 2\n')

    async def jobs(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [{"id": job, "status": "done", "by": self.name} for job in self.knows]})

    async def job(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        known = request.match_info["id"] in self.knows
        return web.json_response({"replica": self.name}, status=200 if known else 404)

    async def make_job(self, request: web.Request) -> web.StreamResponse:
        self.knows.add(JOB)
        return web.json_response({"replica": self.name}, status=202, headers={"Location": f"/jobs/{JOB}"})

    async def make_key(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"value": SECRET, "replica": self.name})

    async def talk(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if "refuse" in request.query:
            return web.json_response({"error": {"code": "too_many"}}, status=429, headers={"Retry-After": "3"})
        ws = web.WebSocketResponse(protocols=("realtime",))
        await ws.prepare(request)
        await ws.send_str(self.name)
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                await ws.send_bytes(message.data)
            elif message.data == "die":
                assert request.transport
                request.transport.abort()
            elif message.data == "close":
                await ws.close(code=4001)
            else:
                await ws.send_str(message.data)
        self.closed.append(ws.close_code)
        return ws


@dataclass
class Two:
    """Two replicas and their router."""

    one: Replica
    other: Replica
    behind: Behind

    @property
    def url(self) -> str:
        return self.behind.url

    def named(self, name: str) -> Replica:
        return self.one if self.one.name == name else self.other


@contextlib.contextmanager
def two_replicas(**options: Any) -> Iterator[Two]:
    one, other = Replica("one"), Replica("other")
    with contextlib.ExitStack() as stack:
        for each in (one, other):
            each.port = stack.enter_context(serving(each.app()))
        behind = stack.enter_context(router({"one": one.port, "other": other.port}, **options))
        yield Two(one, other, behind)


@pytest.fixture
def two() -> Iterator[Two]:
    with two_replicas() as found:
        yield found
        found.one.go_on.set()
        found.other.go_on.set()


def ask(two: Two, path: str = "/system", **headers: str) -> str:
    return str(requests.get(two.url + path, headers=headers, timeout=PATIENCE_S).json()["replica"])


def test_a_request_goes_to_the_replica_that_has_least_in_hand(two: Two) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(requests.post, f"{two.url}/slow", timeout=PATIENCE_S)
        until(lambda: two.one.seen or two.other.seen)
        busy = two.one if two.one.seen else two.other
        others = {ask(two) for _ in range(6)}
        busy.go_on.set()
        assert slow.result().json() == {"replica": busy.name} and others == {"one", "other"} - {busy.name}


def test_equal_replicas_take_turns(two: Two) -> None:
    assert sorted(ask(two) for _ in range(6)) == 3 * ["one"] + 3 * ["other"]


def test_a_body_passes_as_it_comes(two: Two) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"first"
        until(lambda: two.one.came.is_set() or two.other.came.is_set(), "the first piece came only with the last")
        yield b"last"

    answer = requests.post(f"{two.url}/echo", data=pieces(), timeout=PATIENCE_S)
    assert answer.content == b"firstlast"


def test_an_answer_passes_as_it_comes(two: Two) -> None:
    with requests.get(f"{two.url}/speech", stream=True, timeout=PATIENCE_S) as answer:
        pieces = answer.iter_content(None)
        assert next(pieces) == b"first"
        two.one.go_on.set()
        two.other.go_on.set()
        assert b"".join(pieces) == b"last"


def test_headers_pass_but_those_of_the_connection_and_of_checks_do_not(two: Two) -> None:
    headers = {
        "X-Own": "a", "Origin": "http://127.0.0.1", "Cookie": "a=b", "Keep-Alive": "5", "Authorization": "Bearer mine",
        "X-Request-Id": "my-name",
    }  # fmt: skip
    answer = requests.get(f"{two.url}/voices?name=a%20b", headers=headers, timeout=PATIENCE_S)
    assert answer.json()["path"] == "/voices?name=a%20b" and answer.headers["X-Request-Id"] == "my-name"
    (seen,) = [*two.one.seen, *two.other.seen]
    assert seen.headers["X-Own"] == "a" and seen.headers["Authorization"] == "Bearer mine"
    assert seen.headers["X-Request-Id"] == "my-name"
    assert not {"Origin", "Cookie", "Keep-Alive"} & set(seen.headers)


def test_what_the_replica_refuses_is_refused_with_its_words(two: Two) -> None:
    answer = requests.post(f"{two.url}/busy", timeout=PATIENCE_S)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json() == {"error": {"code": "too_busy"}}


def test_an_answer_that_breaks_off_is_no_whole_one(two: Two) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        requests.post(f"{two.url}/breaks", timeout=PATIENCE_S)


def test_a_replica_that_is_gone_is_passed_over(two: Two) -> None:
    two.behind.until_settled("gone", free_port())
    assert {ask(two) for _ in range(9)} == {"one", "other"}


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[1"]
)
def test_a_replica_that_dies_with_a_request_in_hand_leaves_it_to_another(begun: bytes) -> None:
    """It accepts, reads, and closes, before or within its answer."""
    dying = socket.create_server(("127.0.0.1", 0))

    def die() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = dying.accept()
                connection.recv(1000)
                connection.sendall(begun)
                connection.close()

    threading.Thread(target=die, daemon=True).start()
    one = Replica("one")
    with dying, serving(one.app()) as one.port, router({"dying": dying.getsockname()[1], "one": one.port}) as behind:
        answers = [requests.post(f"{behind.url}/echo", data=b"x", timeout=PATIENCE_S) for _ in range(4)]
        assert [answer.content for answer in answers] == 4 * [b"x"]
        endless = requests.post(f"{behind.url}/echo", data=iter([b"x"]), timeout=PATIENCE_S)
        again = requests.post(f"{behind.url}/echo", data=iter([b"x"]), timeout=PATIENCE_S)
        lost = endless if endless.status_code != 200 else again  # in turn
        assert (lost.status_code, lost.json()["error"]["code"]) == (502, "replica_lost")
        assert "Retry-After" in lost.headers


def test_without_a_replica_it_says_so_and_when_to_come_again() -> None:
    with router({}) as behind:
        answer = requests.post(f"{behind.url}/asr", data=b"x", timeout=PATIENCE_S)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_replica")
        assert int(answer.headers["Retry-After"]) > 0
        health = requests.get(f"{behind.url}/health", timeout=PATIENCE_S).json()
        assert health["service"] == "asr"
        assert requests.get(f"{behind.url}/ready", timeout=PATIENCE_S).status_code == 503


def test_a_job_is_asked_for_where_it_is(two: Two) -> None:
    made = requests.post(f"{two.url}/jobs", timeout=PATIENCE_S).json()["replica"]
    assert [ask(two, f"/jobs/{JOB}") for _ in range(4)] == 4 * [made]
    assert requests.get(f"{two.url}/jobs", timeout=PATIENCE_S).json()["data"] == [
        {"id": JOB, "status": "done", "by": made}
    ]


def test_a_job_that_the_router_does_not_know_is_looked_for_at_all(two: Two) -> None:
    two.other.knows.add(JOB)
    assert [ask(two, f"/jobs/{JOB}") for _ in range(3)] == 3 * ["other"]
    two.other.knows.clear()
    assert requests.get(f"{two.url}/jobs/{JOB}", timeout=PATIENCE_S).status_code == 404


def test_a_short_lived_key_leads_to_the_replica_that_made_it(two: Two) -> None:
    made = requests.post(f"{two.url}/v1/realtime/client_secrets", timeout=PATIENCE_S).json()
    assert made["value"] == SECRET
    assert {ask(two, Authorization=f"Bearer {SECRET}") for _ in range(3)} == {made["replica"]}
    offered = f"realtime, openai-insecure-api-key.{SECRET}"
    assert {ask(two, **{"Sec-WebSocket-Protocol": offered}) for _ in range(3)} == {made["replica"]}


def test_a_conversation_keeps_to_the_model_that_has_its_prompt(two: Two) -> None:
    first = ask(two, **{"X-Huiyin-Session": "a"})
    assert {ask(two, **{"X-Huiyin-Session": "a"}) for _ in range(4)} == {first}
    two.behind.until_settled(first, two.named(first).port, draining=True)
    assert {ask(two, **{"X-Huiyin-Session": "a"}) for _ in range(4)} == {"one", "other"} - {first}


def test_metrics_are_those_of_all_with_the_replicas_name(two: Two) -> None:
    text = requests.get(f"{two.url}/metrics", timeout=PATIENCE_S).text
    assert text.count("# TYPE a counter") == 1
    assert 'a{replica="one",x="1"} 3.0' in text.replace(" 3\n", " 3.0\n")
    assert 'b{replica="other"} 2' in text and "huiyin_router_in_hand" in text


def test_a_draining_replica_gets_nothing_new_and_ends_what_it_has(two: Two) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(requests.post, f"{two.url}/slow", timeout=PATIENCE_S)
        until(lambda: two.one.seen or two.other.seen)
        busy = two.one if two.one.seen else two.other
        two.behind.until_settled(busy.name, busy.port, draining=True)
        assert two.behind.beat(busy.name, busy.port, draining=True).in_hand == 1
        assert ask(two) != busy.name
        busy.go_on.set()
        assert slow.result().json() == {"replica": busy.name}
        until(lambda: two.behind.beat(busy.name, busy.port, draining=True).in_hand == 0)


def test_keys_are_wanted_here_and_shown_within() -> None:
    settings = ServiceSettings(api_key="theirs")
    with two_replicas(settings=settings, key="within") as two:
        assert requests.get(f"{two.url}/system", timeout=PATIENCE_S).status_code == 401
        ask(two, Authorization="Bearer theirs")
        ask(two, Authorization="Bearer theirs")
        assert {request.headers["Authorization"] for request in two.one.seen + two.other.seen} == {"Bearer within"}


def test_a_page_of_another_site_is_refused_here(two: Two) -> None:
    answer = requests.get(f"{two.url}/system", headers={"Origin": "https://example.org"}, timeout=PATIENCE_S)
    assert answer.status_code == 403 and not two.one.seen + two.other.seen


# --- WebSockets -------------------------------------------------------------------------------------------------


def talk(two: Two, act: Any, path: str = "/v1/stream", **options: Any) -> Any:
    async def run() -> Any:
        async with aiohttp.ClientSession() as session, session.ws_connect(two.url + path, **options) as ws:
            return await act(ws, (await ws.receive_str()))

    return asyncio.run(run())


def test_a_websocket_stays_with_its_replica_and_counts_for_it(two: Two) -> None:
    async def act(ws: aiohttp.ClientWebSocketResponse[bool], name: str) -> None:
        loop = asyncio.get_running_loop()
        others = {await loop.run_in_executor(None, ask, two) for _ in range(4)}
        assert others == {"one", "other"} - {name}
        await ws.send_bytes(b"sound")
        assert await ws.receive_bytes() == b"sound"
        await ws.send_str("words")
        assert await ws.receive_str() == "words"
        assert ws.protocol == "realtime"

    talk(two, act, protocols=("realtime",))
    until(lambda: two.one.closed or two.other.closed)


def test_the_replicas_close_is_the_clients(two: Two) -> None:
    async def act(ws: aiohttp.ClientWebSocketResponse[bool], name: str) -> int | None:
        await ws.send_str("close")
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        return ws.close_code

    assert talk(two, act) == 4001


def test_a_websocket_whose_replica_dies_is_told_to_come_again(two: Two) -> None:
    async def act(ws: aiohttp.ClientWebSocketResponse[bool], name: str) -> int | None:
        await ws.send_str("die")
        await ws.receive()
        return ws.close_code

    assert talk(two, act) == 1012


def test_a_draining_replica_ends_a_conversation_after_its_turn(two: Two) -> None:
    async def act(ws: aiohttp.ClientWebSocketResponse[bool], name: str) -> tuple[list[str], int | None]:
        loop, port = asyncio.get_running_loop(), two.named(name).port
        await loop.run_in_executor(None, lambda: two.behind.until_settled(name, port, draining=True))
        events = [json.dumps({"type": kind, "event_id": "1"}) for kind in ("response.created", "response.done")]
        for event in events:
            await ws.send_str(event)
        came = [await ws.receive_str() for _ in events]
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        return came == events and [], ws.close_code  # type: ignore[return-value]

    assert talk(two, act) == ([], 1012)


def test_a_websocket_that_is_refused_is_refused_with_the_replicas_words(two: Two) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        talk(two, None, path="/v1/stream?refuse=1")
    assert refused.value.status == 429 and refused.value.headers and refused.value.headers["Retry-After"] == "3"
