"""`huiyin simulate FILE --against realtime:URL`: a server that runs already, and all that may be wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from flask import Flask

from huiyin.assistant.conversation.stages import TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.faces.cli import main
from huiyin.assistant.turns.events import Transcript
from huiyin.services.common.routes import add_route
from tests.realtime.rig import Stages
from tests.realtime.test_server import Door
from tests.support.live_server import running
from tests.support.service_process import free_port

pytestmark = pytest.mark.slow  # conversations in real time

SAID = "what is the capital of France"


class Recognises(Stages):
    """Whatever is said, it is `SAID`; the answer is spoken quickly, as all of this takes real time."""

    def __init__(self) -> None:
        super().__init__()
        self.second_per_character = 0.02

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        return Plan([(0.05, Transcript(SAID, "en"))], 0.05)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "talk.yaml"
    path.write_text(
        "depth: room\nvoice: formants\nturns:\n- user: hello\n  expect:\n  - heard: {contains: capital}\n"
        "  - said: {contains: first sentence}\nhuiyin: scenario\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def door() -> Iterator[tuple[Door, str]]:
    door = Door("realtime.sessions=1", stages=Recognises())
    with running(door.app) as url:
        yield door, url


def simulate(scenario: Path, url: str) -> int:
    return main.main(["simulate", str(scenario), "--against", f"realtime:{url}"])


def test_scenario_is_played_through_a_server_that_runs(scenario: Path, door: tuple[Door, str]) -> None:
    assert simulate(scenario, door[1]) == 0


def test_the_address_may_name_the_path_too(scenario: Path, door: tuple[Door, str]) -> None:
    scenario.write_text("depth: room\nvoice: formants\nturns:\n- user: hi\nhang_up: user starts\n", encoding="utf-8")
    assert simulate(scenario, f"{door[1]}/v1/realtime") == 0
    assert door[0].server.facts()["begun"]


def test_nothing_there(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"ws://127.0.0.1:{free_port()}/v1/realtime"
    assert simulate(scenario, url) == 2
    assert f"no Realtime server at {url}" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1/v1/realtime", "ws://", "ws://127.0.0.1:x/"])
def test_no_address(scenario: Path, capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert simulate(scenario, url) == 2
    error = capsys.readouterr().err
    assert "is not the address of a server" in error and "ws://127.0.0.1:8000/v1/realtime" in error


async def _closed(request: web.Request) -> web.StreamResponse:
    return web.json_response({"error": "key"}, status=401)


async def _other(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_json({"type": "hello"})
    return socket


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/closed", "wants a key"),
        ("/other", "is not a Realtime server"),
        ("/nowhere", "is not a Realtime server: HTTP 404"),
    ],
)
def test_something_else_there(scenario: Path, capsys: pytest.CaptureFixture[str], path: str, words: str) -> None:
    app = Flask("other")
    add_route(app, "GET", "/closed", _closed)
    add_route(app, "GET", "/other", _other)
    with running(app) as url:
        assert simulate(scenario, url + path) == 2
    assert words in capsys.readouterr().err


def test_full_server_says_so(scenario: Path, door: tuple[Door, str], capsys: pytest.CaptureFixture[str]) -> None:
    async def beside() -> None:
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{door[1]}/v1/realtime") as socket:
            await socket.receive()
            assert await asyncio.to_thread(simulate, scenario, door[1]) == 2

    asyncio.run(beside())
    assert "refuses a session" in capsys.readouterr().err
