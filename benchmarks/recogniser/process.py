"""The real service in a process of its own, for measuring."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from benchmarks.recogniser.status import memory_mb
from huiyin.services.common.child import module_command

_START_LIMIT_S = 300.0


@dataclass(frozen=True)
class Running:
    """A service that is ready."""

    url: str
    worker: int
    """Process that holds the model."""

    def memory_mb(self) -> tuple[float, float]:
        """(now, most since `forget_peak`) resident memory."""
        return memory_mb(self.worker)

    def forget_peak(self) -> None:
        """Count the peak from now on."""
        Path(f"/proc/{self.worker}/clear_refs").write_text("5")


@contextmanager
def service(**settings: object) -> Iterator[Running]:
    """Start it with these settings of its section (``section__key`` for others), stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = module_command("huiyin.services", "asr", "--port", str(port), "--stop-with-parent")
    for key, value in settings.items():
        section, found, rest = key.partition("__")
        command += ["--set", f"{section}.{rest}={value}" if found else f"asr.{key}={value}"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        workers = psutil.Process(process.pid).children() or [psutil.Process(process.pid)]
        yield Running(url, workers[0].pid)
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            if requests.get(url + "/ready", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the service did not start; `python -m huiyin.services asr` shows why")
