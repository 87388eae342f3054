"""Errors are told in the language of who reads them, by the request's Accept-Language; codes are always the same."""

from __future__ import annotations

import pytest
import requests
from aiohttp import web
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.configs import messages
from huiyin.configs.settings import load
from huiyin.services.asr.report.page import report
from huiyin.services.common import errors, reader_language
from huiyin.services.common.app import json_body
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running
from tests.support.transcripts import segment, transcript, waveform_of


def app() -> Flask:
    app = Flask("under-test")
    errors.install(app)

    async def busy(request: web.Request) -> web.Response:
        raise ApiError(503, "services.loading", name=messages.Message("services.voices"))

    @app.post("/asr")
    def asr() -> str:
        return str(json_body())

    add_route(app, "GET", "/busy", busy)
    return app


@pytest.mark.parametrize(
    ("header", "is_chinese"),
    [
        (None, False), ("zh", True), ("zh-CN,zh;q=0.9,en;q=0.8", True), ("zh-TW", True), ("de", False), ("*", False),
        ("en-US,en;q=0.9,zh;q=0.8", False), ("de,zh;q=0.5", True), ("x;q=,;;", False),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_language_that_is_asked_for(header: str | None, is_chinese: bool) -> None:
    with running(app()) as url:
        headers = {"Accept-Language": header}  # None: none
        view, route = (requests.get(url + path, headers=headers, timeout=PATIENCE_S) for path in ("/nothing", "/busy"))
    assert (view.json()["error"]["code"], route.json()["error"]["code"]) == ("not_found", "loading")
    assert ("没有" in view.json()["error"]["message"]) == is_chinese
    assert route.json()["error"]["message"].startswith(
        "语音合成 还在加载；" if is_chinese else "voices is still loading; "
    )
    assert ("再试" in route.json()["error"]["hint"]) == is_chinese


def test_commands_that_speak_chinese_ask_services_for_it() -> None:
    with running(app()) as url:
        port = int(url.rpartition(":")[2])
        services = Services(load(environ={}, overrides=[f"tts.port={port}"]))
        try:
            for language, words in (("en", "voices is still loading"), ("zh", "语音合成 还在加载")):
                messages.speak(language)
                with pytest.raises(Exception, match=words):
                    services.get("tts", "/busy", PATIENCE_S)
        finally:
            messages.speak("en")


def test_the_report_is_in_chinese_for_whoever_reads_that() -> None:
    english = transcript(segment(0.0, 1.0, "Hello."))
    assert '<html lang="en">' in "".join(report(english, waveform_of(1.0), ""))
    reader_language.begin({"Accept-Language": "zh-CN"})
    try:
        assert '<html lang="zh">' in "".join(report(english, waveform_of(1.0), ""))
    finally:
        reader_language.begin({})
