"""A thousand connections with a part of a request each: every program still answers the others, and asks its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from flask import Flask

from huiyin.configs.settings import Settings, load
from huiyin.services.asr import app as asr
from huiyin.services.common import connection
from huiyin.services.llm import app as llm
from huiyin.services.tts import app as tts
from tests.support.limits import PATIENCE_S
from tests.support.live_server import connected, running
from tests.web.door import KEY, open_door

pytestmark = pytest.mark.slow  # a thousand connections to each program

HELD = 1_000
PARTS = (
    b"G",
    b"GET /health HTTP/1.1\r\nHost: local",
    b"POST /asr HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
)
SERVICES: dict[str, Callable[[Settings], Flask]] = {"asr": asr.make_app, "llm": llm.make_app, "tts": tts.make_app}


@pytest.fixture(params=[*SERVICES, "web"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each program as it is, behind its key; a service without its model."""
    if request.param == "web":
        with open_door(tmp_path, key=KEY) as base:
            yield base
        return
    nothing = [f"store.dir={tmp_path}", "store.offline=true"]
    settings = load(None, nothing, {"HUIYIN_SERVICE_API_KEY": KEY})
    with running(SERVICES[request.param](settings), replace(settings.service, load_wait_s=0.0)) as base:
        yield base


def test_it_answers_and_asks_its_key_beside_a_thousand_half_open_connections(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEADER_LIMIT_S", PATIENCE_S)
    monkeypatch.setattr(connection, "BODY_LIMIT_S", PATIENCE_S)
    with ExitStack() as stack:
        for number in range(HELD):
            stack.enter_context(connected(url)).sendall(PARTS[number % len(PARTS)])
        for _ in range(10):
            assert requests.get(f"{url}/health", timeout=PATIENCE_S).ok
            assert requests.get(f"{url}/v1/models", timeout=PATIENCE_S).status_code == 401
