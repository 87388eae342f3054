"""A machine that runs out of open files or of room: a reason for the caller, and the service goes on."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests
from flask import Flask, Response, request

from huiyin.services.common import errors
from tests.support import ROOT
from tests.support.limits import PATIENCE_S, until
from tests.support.live_server import connected, running
from tests.support.service_process import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the limits are POSIX's")

MIB = 2**20
FILES = 128


@contextmanager
def few_files() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A program that may open `FILES` files, and its base URL."""
    port = free_port()
    program = f"ulimit -n {FILES}; exec {sys.executable} -m tests.support.waiting_program {port} 1"
    with subprocess.Popen(["sh", "-c", program], cwd=ROOT) as process:
        try:
            until(lambda: process.poll() is not None or health(f"http://127.0.0.1:{port}") == 200)
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def health(url: str) -> int:
    """The status; 0 where nobody listens."""
    try:
        return requests.get(f"{url}/health", timeout=PATIENCE_S).status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.slow
def test_more_connections_than_files_are_refused_with_a_reason_and_the_program_goes_on() -> None:
    with few_files() as (process, url):
        with ExitStack() as held:
            for _ in range(FILES):
                held.enter_context(connected(url))
            with connected(url) as one_more:
                head, _, body = one_more.makefile("rb").read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in head
        assert json.loads(body)["error"]["code"] == "too_many_connections"
        until(lambda: health(url) == 200, "it does not recover")
        assert process.poll() is None


@pytest.fixture
def url() -> Iterator[str]:
    app = Flask("under-test")
    errors.install(app)
    app.post("/size", endpoint="size")(lambda: {"size": len(request.get_data())})

    @app.get("/fails/<int:number>")
    def fails(number: int) -> Response:
        raise OSError(number, "said the system")

    with running(app) as base:
        yield base


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.ENOSPC, 507, "disk_full"),
        (errno.EMFILE, 503, "too_many_files"),
        (errno.EIO, 500, "internal_error"),
    ],
)
def test_what_a_view_runs_out_of_is_named(url: str, number: int, status: int, code: str) -> None:
    answer = requests.get(f"{url}/fails/{number}", timeout=PATIENCE_S)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_body_that_finds_no_room_is_refused_with_a_reason(url: str) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, before[1]))  # what a full disk is to a file that grows
    try:
        answer = requests.post(f"{url}/size", bytes(8 * MIB), timeout=PATIENCE_S)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
    assert requests.post(f"{url}/size", bytes(8 * MIB), timeout=PATIENCE_S).json() == {"size": 8 * MIB}


def test_a_body_that_cannot_be_kept_at_all_is_refused_with_a_reason(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/there/is/none")
    answer = requests.post(f"{url}/size", bytes(8 * MIB), timeout=PATIENCE_S)
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "no_temporary_files")
