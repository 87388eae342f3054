"""WebSockets on the server's event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import WSMsgType, web
from flask import Flask

from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route, on_shutdown, open_websocket, while_connected
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running

MIB = 2**20


class Ends:
    """What the app under test has noticed."""

    def __init__(self) -> None:
        self.session = threading.Event()
        self.waiting = threading.Event()
        self.work = threading.Event()
        self.server = threading.Event()


def make_app(ends: Ends) -> Flask:
    app = Flask("under-test")

    async def echo(request: web.Request) -> web.StreamResponse:
        if "full" in request.query:
            raise ApiError(429, "services.not_json", retry_after_s=3)
        socket = await open_websocket(request, max_message_bytes=20 * MIB, protocols=("realtime", "other"))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data)
                else:
                    await socket.send_bytes(message.data)
        finally:
            ends.session.set()
        return socket

    async def wait(request: web.Request) -> web.StreamResponse:
        async def forever() -> None:
            ends.waiting.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ends.work.set()

        await while_connected(request, forever())
        return web.Response()

    async def stop() -> None:
        ends.server.set()

    add_route(app, "GET", "/echo", echo)
    add_route(app, "GET", "/wait", wait)
    on_shutdown(app, stop)
    return app


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def url(ends: Ends) -> Iterator[str]:
    with running(make_app(ends)) as base:
        yield base


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, PATIENCE_S))


def test_a_message_of_20_mib_comes_whole_and_one_byte_more_closes(url: str) -> None:
    async def talk() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/echo", max_msg_size=0) as socket:
            for data in (b"", b"x", bytes(20 * MIB)):
                await socket.send_bytes(data)
                assert (await socket.receive()).data == data
            await socket.send_str("你" * MIB)
            assert (await socket.receive()).data == "你" * MIB
            with suppress(ConnectionError):  # closed while it was still sending
                await socket.send_bytes(bytes(20 * MIB + 1))
            assert (await socket.receive()).type not in (WSMsgType.BINARY, WSMsgType.TEXT)

    run(talk())


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ((), None),
        (("realtime",), "realtime"),
        (("unknown", "other", "realtime"), "other"),
        (("openai-insecure-key",), None),
    ],
)
def test_the_first_subprotocol_that_is_known_is_chosen(url: str, asked: tuple[str, ...], chosen: str | None) -> None:
    async def talk() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/echo", protocols=asked) as socket:
            assert socket.protocol == chosen

    run(talk())


def test_a_client_that_leaves_ends_the_session(url: str, ends: Ends) -> None:
    async def talk() -> None:
        async with aiohttp.ClientSession() as session:
            socket = await session.ws_connect(f"{url}/echo")
            socket.get_extra_info("socket").shutdown(SHUT_RDWR)  # no goodbye

    run(talk())
    assert ends.session.wait(PATIENCE_S)


def test_work_for_a_client_ends_when_it_leaves(url: str, ends: Ends) -> None:
    async def leave() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await asyncio.to_thread(ends.waiting.wait, PATIENCE_S)
        writer.close()

    run(leave())
    assert ends.work.wait(PATIENCE_S)


def test_a_refused_handshake_is_an_http_error(url: str) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    whole = {**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    cases = [
        ({}, "", 426, "not_a_websocket"),
        (upgrade, "", 400, "bad_handshake"),
        ({**whole, "Sec-WebSocket-Version": "99"}, "", 400, "bad_handshake"),
        ({**whole, "Origin": "https://evil.example"}, "", 403, "foreign_origin"),
        ({**whole, "Host": "evil.example"}, "", 403, "foreign_host"),
        (whole, "?full", 429, "not_json"),
    ]
    for headers, query, status, code in cases:
        answer = requests.get(f"{url}/echo{query}", headers=headers, timeout=PATIENCE_S)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert requests.post(f"{url}/echo", timeout=PATIENCE_S).status_code == 405


def test_the_end_of_the_server_closes_a_websocket(ends: Ends) -> None:
    async def talk() -> None:
        server = running(make_app(ends), ServiceSettings())
        url = await asyncio.to_thread(server.__enter__)
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/echo") as socket:
            stopping = asyncio.ensure_future(asyncio.to_thread(server.__exit__, None, None, None))
            assert (await socket.receive()).type is WSMsgType.CLOSE and socket.close_code == 1001
            await stopping

    run(talk())
    assert ends.server.is_set() and ends.session.wait(PATIENCE_S)
