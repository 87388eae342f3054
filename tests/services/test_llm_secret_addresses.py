"""Addresses of upstreams and proxies with a password or key in them: no message, log or list shows it."""

from __future__ import annotations

import argparse
import logging
import socket
from typing import Any

import pytest

from huiyin.assistant.faces.cli import settings as settings_command
from huiyin.assistant.faces.cli.checks import network
from huiyin.configs.settings import LlmSettings, Settings, SettingsError
from huiyin.services.common.shown_url import shown_url
from huiyin.services.llm.engines.remote import Remote
from huiyin.services.llm.upstream import open_all
from tests.support import llm_fixtures
from tests.support.limits import until
from tests.support.stub_upstream import Stub

WITH_SECRET = [
    "https://h/v1?api_key=SECRET",
    "https://h/v1?api_key=SE@SECRET",
    "https://h/v1?code=SECRET",
    "https://h/v1?auth=SECRET",
    "https://h/v1?Ocp-Subscription-Key=SECRET",
    "https://h/v1#SECRET",
    "https://[h/v1?key=SECRET",
    "https://user:SECRET@h/v1",
    "https://user:pa#SECRETss@h/v1",
    "https://user:SECRET/x@h/v1",
    "https://user:x/SECRET@h/v1",
    "https://user:x?SECRET@h/v1",
    "https://us@er:SECRET@h/v1",
    "user:SECRET@h/v1",
    "ftp://user:SECRET@h/v1",
]
no_proxies = llm_fixtures.no_proxies  # a fixture, for every test


def upstreams(*urls: str) -> Any:
    return open_all(Settings(llm=LlmSettings(upstreams=urls)), {})


@pytest.mark.parametrize("url", WITH_SECRET)
def test_an_address_with_a_secret_is_refused_and_the_secret_not_shown(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SettingsError) as refused:
        upstreams(url)
    with caplog.at_level(logging.INFO):
        (other,) = upstreams(url, "http://127.0.0.1:9/v1")
    assert other.name == "http://127.0.0.1:9/v1"
    assert "left out" in caplog.text
    assert "SECRET" not in f"{refused.value} {refused.value.hint} {caplog.text}"


def what_the_doctor_says(url: str) -> str:
    (check,) = network.language_models(Settings(llm=LlmSettings(upstreams=(url,))))
    assert check.level == "fail"
    return f"{check.text()} {check.hint()}"


@pytest.mark.parametrize("url", WITH_SECRET)
def test_the_doctor_does_not_show_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    def no_such_name(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr("socket.getaddrinfo", no_such_name)
    assert "secret" not in what_the_doctor_says(url).lower()


def test_nor_where_another_program_answers() -> None:
    with Stub() as stub:
        stub.at, stub.elsewhere = "/nowhere", lambda answer: answer.whole(b"hello", kind="text/plain")
        said = what_the_doctor_says(f"{stub.url}?tenant=SECRET")
    assert "not JSON" in said and "SECRET" not in said


@pytest.mark.parametrize("url", WITH_SECRET)
def test_the_list_of_settings_does_not_show_it(capsys: pytest.CaptureFixture[str], url: str) -> None:
    settings = Settings(llm=LlmSettings(upstreams=(url,)))
    for as_json in (False, True):
        settings_command.run(argparse.Namespace(section=["llm.upstreams"], json=as_json), settings)
        listed = capsys.readouterr().out
        assert "***" in listed and "SECRET" not in listed


def test_what_else_is_in_a_query_is_sent_but_not_shown() -> None:
    upstream = Remote("https://h/v1?api-version=2024-10-21&tenant=SECRET", LlmSettings(), "")
    assert upstream.name == "https://h/v1?api-version=2024-10-21&tenant=***"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:11434", "https://h/openai/v1", "HTTP://h:80/v1/", "http://[::1]:8/v1"]
)
def test_an_address_without_a_secret_is_shown_as_it_is(url: str) -> None:
    assert shown_url(url) == url


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:p#SECRETss@proxy.invalid:3128",
        "http://user:SE/SECRET@127.0.0.1:9",
        "proxy.invalid:abc",
        "http://proxy.invalid:99999",
        "http://[proxy.invalid",
    ],
)
def test_a_proxy_that_is_no_address_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(SettingsError, match="the proxy of the environment") as refused:
        Remote("http://example.invalid/v1", LlmSettings(), "")
    assert "SECRET" not in f"{refused.value} {refused.value.hint}"


def test_whatever_happens_to_a_probe_the_next_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise ValueError("odd")

    monkeypatch.setattr("socket.create_connection", fails)
    upstream = Remote("http://127.0.0.1:9/v1", LlmSettings(), "")
    until(lambda: upstream.unreachable() == "odd")


def test_a_name_that_no_server_can_have_is_not_an_address() -> None:
    with pytest.raises(SettingsError, match="is not a base URL"):
        Remote("http://a..b/v1", LlmSettings(), "")
