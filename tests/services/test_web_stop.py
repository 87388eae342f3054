"""How a program ends: requests in hand are answered first, for some seconds; then it ends, even if threads are busy."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from huiyin.services.common.notify import tell_ready
from tests.support import ROOT
from tests.support.limits import PATIENCE_S, until
from tests.support.service_process import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
starts_a_program = pytest.mark.slow
SHORT_S = 0.2
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def program(grace_s: float) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program and its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.waiting_program", str(port), str(grace_s)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}"))
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=PATIENCE_S).ok
    except requests.ConnectionError:
        return False


@starts_a_program
def test_systemd_is_told_when_requests_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{folder}/notify")  # a path that is short enough for it
        manager.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        with program(0.0) as (_, url):
            assert manager.recv(100) == b"READY=1"
            assert answers(url)


@starts_a_program
def test_systemd_hears_again_and_again_of_a_program_that_it_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, tempfile.TemporaryDirectory() as folder:
        manager.bind(f"{folder}/notify")
        manager.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        with program(0.0):
            assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


@pytest.mark.skipif(sys.platform != "linux", reason="sockets without a file")
def test_systemd_is_told_once_at_an_address_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")  # any free one
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname().decode().replace("\0", "@"))
        tell_ready()
        assert manager.recv(100) == b"READY=1"
        tell_ready()
        with pytest.raises(BlockingIOError):
            manager.recv(100)
    monkeypatch.setenv("NOTIFY_SOCKET", "/there/is/none")
    tell_ready()  # systemd has gone: the program goes on


@starts_a_program
@pytest.mark.parametrize("number", SIGNALS)
def test_a_request_in_hand_is_answered_before_the_end(number: int, tmp_path: Path) -> None:
    file = tmp_path / "go-on"
    with program(PATIENCE_S) as (process, url):
        with requests.get(f"{url}/wait", params={"for": str(file)}, stream=True, timeout=PATIENCE_S) as answer:
            pieces = answer.iter_content(None)
            assert next(pieces) == b"begun "
            process.send_signal(number)
            until(lambda: not answers(url), "it still takes requests")
            file.touch()
            assert b"".join(pieces) == b"ended"
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (0, "served\n", "")


@starts_a_program
@pytest.mark.parametrize("number", SIGNALS)
def test_a_thread_that_does_not_end_does_not_hold_up_the_end(number: int, tmp_path: Path) -> None:
    never = {"for": str(tmp_path / "never")}
    with program(SHORT_S) as (process, url):
        with requests.get(f"{url}/wait", params=never, stream=True, timeout=PATIENCE_S) as answer:
            process.send_signal(number)
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                answer.content  # noqa: B018 -- read to the end
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")


@starts_a_program
def test_what_fails_meanwhile_ends_the_server_and_is_raised() -> None:
    program = f"""
from flask import Flask
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import serve

def fail():
    raise LookupError("no service")

try:
    serve(lambda: Flask("ending"), ServiceSettings(), {free_port()}, meanwhile=fail)
except LookupError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.stdout, done.stderr) == ("no service\n", "")
