"""A real service in a process of its own, for tests that talk HTTP to it."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import requests

from tests.support import ROOT
from tests.support.limits import PATIENCE_S

_POLL_S = 0.05
_LOG_TAIL = 4000  # characters
_PORTS = range(22_000, 32_000)  # below those that systems give to outgoing connections, above Ray's


def free_port() -> int:
    """A port that is free now, and that no outgoing connection of another test can be given meanwhile."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def cpu_s(url: str) -> float:
    """CPU seconds that the service at `url`, one that `start_service` gave, has used so far."""
    port = url.rpartition(":")[2]
    times = [p.cpu_times() for p in psutil.Process().children(recursive=True) if port in p.cmdline()]
    assert times, "it does not run"
    return sum(each.user + each.system for each in times)


@contextmanager
def start_service(
    name: str,
    *,
    wait_ready: bool = True,
    program: Sequence[str] = ("-m", "huiyin.services"),
    folder: Path = ROOT,
    **settings: object,
) -> Iterator[str]:
    """``python -m huiyin.services NAME`` in `folder`; gives its base URL once /ready says so, and ends it afterwards.

    Settings of the service's own section are given by name (``queue_wait_s=1``), others as ``section__key``. Its log is
    in the error when it does not come up, and printed at the end (pytest shows it under a failed test).
    """
    port = free_port()
    command = [sys.executable, *program, name, "--port", str(port), "--stop-with-parent"]
    for key, value in settings.items():
        section, found, rest = key.partition("__")
        command += ["--set", f"{section}.{rest}={value}" if found else f"{name}.{key}={value}"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(url, process, log, wait_ready)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdin is not None
            process.stdin.close()
            print(f"--- log of {name} (exit status {process.returncode}) ---\n{_tail(log)}", file=sys.stderr)


def _wait(url: str, process: subprocess.Popen[bytes], log: object, wait_ready: bool) -> None:
    deadline = time.monotonic() + PATIENCE_S
    said = "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the service ended with status {process.returncode}:\n{_tail(log)}")
        try:
            answer = requests.get(url + ("/ready" if wait_ready else "/health"), timeout=PATIENCE_S)
            said = answer.text
            if answer.status_code == 200:
                return
            if answer.headers.get("Content-Type", "").startswith("application/json"):
                assert answer.json().get("status") != "failed", f"the model did not load: {said}\n{_tail(log)}"
        except requests.ConnectionError:
            pass
        time.sleep(_POLL_S)
    raise AssertionError(f"not ready after {PATIENCE_S:.0f} s; it said {said}\n{_tail(log)}")


def _tail(log: object) -> str:
    log.seek(0)  # type: ignore[attr-defined]
    return str(log.read()[-_LOG_TAIL:])  # type: ignore[attr-defined]
