"""A request has a name: it comes back in a header, stands in the lines of the log, and goes from service to service."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import requests
from aiohttp import web
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.http_stages import http_parts
from huiyin.assistant.conversation.stages import Speech, TurnSoFar
from huiyin.configs.settings import ServiceSettings, Settings
from huiyin.services.common import errors, logs, request_id
from huiyin.services.common.routes import add_route, in_thread
from tests.support.limits import PATIENCE_S, until
from tests.support.live_server import running

log = logging.getLogger("huiyin.test")
HEADER = "X-Request-Id"


def app() -> Flask:
    app = Flask("under-test")
    errors.install(app)

    @app.get("/view/<name>")
    def view(name: str) -> str:
        log.info("in the view")
        return request_id.current()

    @app.get("/health")
    def health() -> str:
        return ""

    async def on_the_loop(request: web.Request) -> web.Response:
        return web.Response(text=await in_thread(request, request_id.current))

    add_route(app, "GET", "/loop", on_the_loop)
    return app


@contextmanager
def logging_as(form: str) -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("huiyin")
    before = root.handlers, root.level, ours.level
    root.handlers, stream = [], io.StringIO()
    try:
        logs.install(ServiceSettings(log_format=form), "asr", stream)
        yield stream
    finally:
        root.handlers, root.level, ours.level = before


def get(url: str, path: str, name: str = "") -> requests.Response:
    return requests.get(url + path, headers={HEADER: name} if name else {}, timeout=PATIENCE_S)


@pytest.mark.parametrize("path", ["/view/x", "/loop"])
def test_the_name_of_a_request_comes_back_and_is_known_where_it_is_worked_on(path: str) -> None:
    with running(app()) as url:
        answer = get(url, path, "talk-1.7")
        assert answer.headers[HEADER] == answer.text == "talk-1.7"


def test_without_a_name_or_with_one_that_could_harm_a_log_it_gets_one() -> None:
    with running(app()) as url:
        names = {get(url, "/view/x", name).headers[HEADER] for name in ("", "", "two words", "x" * 65, "á")}
    assert len(names) == 5 and all(re.fullmatch("[0-9a-f]{16}", name) for name in names)


def test_an_error_has_the_name_too() -> None:
    with running(app()) as url:
        assert get(url, "/nowhere", "mine").headers[HEADER] == "mine"


def test_lines_have_time_service_level_and_the_name_and_each_request_one_in_the_access_log() -> None:
    with logging_as("text") as stream, running(app()) as url:
        get(url, "/view/秘密", "mine")
        get(url, "/health")
        until(lambda: "ms" in stream.getvalue())
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(rf"asr: {time} INFO \[mine\] in the view", first)
    assert re.fullmatch(rf"asr: {time} INFO \[mine\] GET /view/<name> 200 \d+ ms", second)


def test_a_request_that_is_refused_is_logged_by_its_route() -> None:
    with logging_as("text") as stream, running(app(), ServiceSettings(api_key="secret")) as url:
        for path in ("/view/秘密", "/loop", "/nowhere"):
            assert get(url, path).status_code == 401
        until(lambda: stream.getvalue().count("\n") == 3)
    assert re.findall(r"GET (\S+) 401", stream.getvalue()) == ["/view/<name>", "/loop", "(unknown)"]


def test_as_json_each_line_is_an_object() -> None:
    with logging_as("json") as stream, running(app()) as url:
        get(url, "/view/x", "mine")
        said = "said in private"
        log.warning("an error: %s", ValueError(said))
        try:
            raise KeyError(said)
        except KeyError:
            log.exception("it broke")
        until(lambda: stream.getvalue().count("\n") == 4)
    assert said not in stream.getvalue()
    rows = {row["message"].partition(" ")[0]: row for row in map(json.loads, stream.getvalue().splitlines())}
    assert {key: rows["GET"][key] for key in ("service", "level", "request_id", "route", "status")} == {
        "service": "asr", "level": "INFO", "request_id": "mine", "route": "/view/<name>", "status": 200,
    }  # fmt: skip
    assert rows["an"]["message"] == "an error: ValueError" and rows["an"]["request_id"] is None
    assert rows["it"]["error"].startswith("Traceback") and "KeyError" in rows["it"]["error"]


def test_without_the_access_log_a_request_leaves_no_line() -> None:
    with logging_as("text") as stream, running(app(), ServiceSettings(access_log=False)) as url:
        get(url, "/loop")
    assert stream.getvalue() == ""


def test_all_that_belongs_to_a_reply_is_asked_for_by_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[tuple[str, str]] = []
    monkeypatch.setattr(Services, "_post", lambda self, service, *_, **__: named.append((service, self.request_id)))
    parts = http_parts(Services(Settings()), "heart", session="s", speak=True, by_sound=None)
    parts.recogniser.transcribe(TurnSoFar(3, 0.0, 1.0, lambda: np.zeros(16_000, np.int16)))
    parts.model.ask(3, [])
    parts.voice.speak(Speech(3, 0, "Hello.", "neutral"))
    assert named == [("asr", "s.3"), ("llm", "s.3"), ("tts", "s.3")]
