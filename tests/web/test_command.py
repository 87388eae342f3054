"""``huiyin web``: what it starts, what it prints, what it opens, and how it ends."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.faces.cli import main, serve, web
from huiyin.assistant.faces.web import tls
from huiyin.configs.settings import load
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.ready_service import all_ready
from tests.support.service_process import free_port

HUIYIN = [sys.executable, "-m", "huiyin.assistant.faces.cli.main"]


@dataclass
class Called:
    """What the command has asked for, in order."""

    what: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    browser: threading.Event = field(default_factory=threading.Event)
    serve: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def port() -> int:
    """A free one."""
    return free_port()


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """The command with nothing behind it: it neither starts services nor serves."""
    calls = Called()

    def start(launcher: object, names: Any) -> None:
        calls.what.append("start")
        calls.services += names

    def serve(
        make_app: object, settings: Any, port: int, *, listener: socket.socket, tls: Any,
        meanwhile: Callable[[], None],
    ) -> None:  # fmt: skip
        assert listener.getsockname()[1] == port
        calls.what.append("serve")
        meanwhile()
        calls.serve = {"settings": settings, "port": port, "tls": tls}
        if "DISPLAY" in os.environ:
            assert calls.browser.wait(PATIENCE_S)

    def show(url: str) -> None:
        calls.opened.append(url)
        calls.browser.set()

    for name in [name for name in os.environ if name.startswith("HUIYIN_") and "_STORE_" not in name]:
        monkeypatch.delenv(name)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", start)
    monkeypatch.setattr("huiyin.assistant.clients.keeper.Keeper.run", lambda keeper: calls.what.append("keep"))
    monkeypatch.setattr(web, "serve", serve)
    monkeypatch.setattr(web.webbrowser, "open", show)
    return calls


# -- what it does


def test_it_serves_this_machine_while_the_services_start(
    called: Called, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUIYIN_SERVICE_API_KEY", "of-the-services")
    assert main.main(["web", "--port", str(port)]) == 0
    assert called.what == ["serve", "start", "keep"] and called.services == list(NAMES)
    settings = called.serve["settings"]
    assert (settings.host, called.serve["port"], called.serve["tls"]) == ("127.0.0.1", port, None)
    assert settings.api_key == "", "the services' key does not open the door"
    assert capsys.readouterr().out == f"huiyin web: http://127.0.0.1:{port}/\n"


def test_serve_web_is_the_same_without_a_browser(
    called: Called, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(web, "_open", lambda *_: pytest.fail("opened"))
    assert main.main(["serve", "web", "--port", str(port)]) == 0
    assert called.what == ["serve", "start", "keep"]
    assert f":{port}/" in capsys.readouterr().out


def test_a_port_that_is_taken_is_named_before_anything_is_started(
    called: Called, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main.main(["web", "--port", str(port)]) == 1
    assert called.what == []
    printed = capsys.readouterr().err
    assert re.fullmatch(rf"huiyin: cannot listen on 127\.0\.0\.1:{port}: .*--port[^\n]*\n", printed)


def test_a_bad_key_is_refused_before_anything_is_started(
    called: Called, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUIYIN_WEB_KEY", "short")
    assert main.main(["web"]) == 2
    assert called.what == [] and "HUIYIN_WEB_KEY: a key has 8 characters at least" in capsys.readouterr().err


def test_where_the_log_is_json_every_line_is_an_object_and_the_services_are_in_it(
    called: Called, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(launcher: Launcher, names: object) -> None:
        for line in ('{"service": "asr", "message": "its own"}', "a library's"):
            launcher.show("asr", line)

    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", start)
    assert main.main(["web", "--port", str(port), "--log-format", "json"]) == 0
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in err.splitlines()]
    assert out == "" and f"http://127.0.0.1:{port}/" in {line["message"] for line in lines}
    assert [line["message"] for line in lines if line["service"] == "asr"] == ["its own", "a library's"]


def test_lines_of_several_threads_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[str] = []

    class Pieces(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Pieces())
    log = web._Log(load(overrides=["service.log_format=json"], environ={}))
    log.show("asr", '{"message": "one"}')
    serve._print("two")
    assert [piece for piece in pieces if piece] == ['{"message": "one"}\n', "two\n"]


def test_behind_a_proxy_it_says_that_a_key_is_missing(
    called: Called, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behind = ["web", "--port", "0", "--set", "service.hosts=talk.example"]
    assert main.main(behind) == 0
    assert "reaches talk.example through a proxy can use this: set HUIYIN_WEB_KEY" in capsys.readouterr().err
    monkeypatch.setenv("HUIYIN_WEB_KEY", "long-enough")
    assert main.main(behind) == 0
    assert "talk.example" not in capsys.readouterr().err


def test_it_goes_on_where_nothing_can_be_written(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys, "stderr", Full())
    assert main.main(["web", "--port", "0"]) == 0
    assert called.what == ["serve", "start", "keep"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "no.such.host.invalid"], "no such address. --host 127.0.0.1"),
        (["--host", "192.0.2.1"], "no such address. --host 127.0.0.1"),
        (["--host", "http://localhost"], "no such address. --host 127.0.0.1"),
        (["--port", "70000"], "between 0 and 65535"),
        (["--port", "-1"], "between 0 and 65535"),
        (["--port", "www"], "--port"),
    ],
)
def test_an_address_that_cannot_be_listened_on_says_what_can(
    called: Called, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["web", "--no-open", *options]) in (1, 2)
    assert called.what == []
    assert words in capsys.readouterr().err


def test_with_port_0_the_port_that_was_free_is_told(called: Called, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["web", "--port", "0"]) == 0
    port = called.serve["port"]
    assert port > 0 and capsys.readouterr().out == f"huiyin web: http://127.0.0.1:{port}/\n"


# -- where others can connect


def test_a_key_is_made_and_printed_as_a_link_with_a_qr_code(
    called: Called, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["web", "--host", "0.0.0.0", "--port", str(port)]) == 0
    printed = capsys.readouterr()
    link, *code = printed.out.strip("\n").splitlines()
    assert re.fullmatch(rf"huiyin web: http://[\d.]+:{port}/login\?key=[\w-]{{20,}}", link)
    assert "0.0.0.0" not in link, "that is not an address to open"
    assert len([line for line in code if set(line) & set("▀▄█")]) > 10
    assert "--tls self-signed" in printed.err, "a phone would give no microphone"


def test_a_key_of_ones_own_is_never_printed(
    called: Called, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUIYIN_WEB_KEY", "a-key-of-mine")
    assert main.main(["web", "--host", "0.0.0.0", "--port", str(port)]) == 0
    printed = capsys.readouterr()
    assert "a-key-of-mine" not in printed.out + printed.err and "login" not in printed.out
    assert "asks for the key" in printed.err


def test_with_a_certificate_it_is_https_and_the_fingerprint_is_shown(
    called: Called, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert main.main(["web", "--port", str(port), "--tls", "self-signed"]) == 0
    certificate = tls.self_signed()
    printed = capsys.readouterr()
    assert f"https://127.0.0.1:{port}/" in printed.out
    assert certificate.fingerprint() in printed.err
    assert called.serve["tls"] is not None
    assert main.main(["web", "--port", str(port), "--tls", str(certificate.path), str(certificate.key_path)]) == 0
    assert main.main(["web", "--tls", str(certificate.path), str(tmp_path / "none.pem")]) == 1
    assert "none.pem cannot be read" in capsys.readouterr().err


# -- the browser


def test_a_browser_opens_when_it_serves(called: Called, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert main.main(["web", "--port", str(port)]) == 0
    assert called.opened == [f"http://127.0.0.1:{port}/"]


def test_a_browser_is_let_in_without_showing_the_key_to_other_users(
    called: Called, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("HUIYIN_WEB_KEY", "a-key-of-mine")
    assert main.main(["web", "--port", str(port)]) == 0
    (url,) = called.opened
    assert url.startswith(f"http://127.0.0.1:{port}/login?key=") and "a-key-of-mine" not in url


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a screen")
def test_without_a_screen_no_browser_is_looked_for(called: Called, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_open", lambda *_: pytest.fail("opened"))
    assert main.main(["web", "--port", str(port)]) == 0


# -- the whole program


@pytest.fixture
def options() -> Iterator[list[str]]:
    """Services that are there."""
    with all_ready() as options:
        yield options


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_and_a_signal_ends_it(options: list[str], port: int, number: signal.Signals) -> None:
    command = [*HUIYIN, "web", "--no-open", "--port", str(port), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        try:
            for line in process.stderr:
                if "Ctrl-C ends" in line:
                    break
            url = f"http://127.0.0.1:{port}"
            assert process.stdout.readline() == f"huiyin web: {url}/\n"
            while True:  # the page is there before the models are
                setup = wait_for(f"{url}/api/setup").json()
                if set(setup["services"].values()) == {"ready"}:
                    break
            assert list(setup["services"]) == list(NAMES) and setup["limits"]["max_sessions"] >= 1
            assert requests.get(url).headers["Content-Type"].startswith("text/html")
            process.send_signal(number)
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
        assert "Traceback" not in process.stderr.read()
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_a_second_ctrl_c_finds_what_it_found_before() -> None:
    """While the services are being stopped, the server's own event loop is gone."""
    program = f"""
import os, signal
from flask import Flask
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import serve

class Ending(Flask):
    def __init__(self):
        super().__init__("ending")
        os.kill(os.getpid(), signal.SIGINT)

before = signal.getsignal(signal.SIGINT)
try:
    serve(Ending, ServiceSettings(), {free_port()})
except SystemExit:
    assert signal.getsignal(signal.SIGINT) is before, "put back"
    print("put back")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.stdout, done.stderr) == ("put back\n", "")


def wait_for(url: str) -> requests.Response:
    """The answer, as soon as the server listens."""
    while True:
        try:
            return requests.get(url, timeout=PATIENCE_S)
        except requests.ConnectionError:
            pass
