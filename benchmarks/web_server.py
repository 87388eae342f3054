"""The services' web server beside gunicorn's threads, with the same Flask app: ``python -m benchmarks.web_server``.

Requests on kept connections (a small answer, a spoken turn of 3 s as the body), the first word of a stream, /health
beside 1,000 half-open connections (500 in the middle of a header, 500 in the middle of a body), and memory. Callers run
in a process of their own, by turns on both. gunicorn is installed into a virtual environment below --folder, once.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from benchmarks.command import above_zero, as_command, one_or_more
from benchmarks.environment import python_with
from benchmarks.output import show, tell
from benchmarks.web_server_app import make_app
from benchmarks.web_server_load import HALF_OPEN, first_words_ms, half_open_ms, requests_ms
from huiyin.configs.files import cache_folder
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import serve
from tests.support import ROOT
from tests.support.service_process import free_port

GUNICORN = ("flask==3.1.3", "gunicorn==27.0.1")
CALLERS = 16
STREAMS = 16  # as many as both have threads for
TARGET_P99_MS = 50.0  # of /health beside half-open connections
_SETTINGS = ServiceSettings()
_THREADS = _SETTINGS.threads + 8  # what `serve` makes
_START_LIMIT_S = 30.0
_POLL_S = 0.05


@dataclass
class _Server:
    name: str
    url: str
    process: psutil.Process
    small_ms: list[float] = field(default_factory=list)
    turns_ms: list[float] = field(default_factory=list)
    words_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    small_cpu_s: float = 0.0  # used for `small_ms`

    def cpu_s(self) -> float:
        """CPU seconds so far, of all its processes."""
        times = [p.cpu_times() for p in (self.process, *self.process.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    def memory_mb(self) -> float:
        """Resident, of all its processes."""
        return sum(p.memory_info().rss for p in (self.process, *self.process.children(recursive=True))) / 2**20

    def row(self) -> list[str]:
        return [
            self.name,
            f"{len(self.small_ms) / self.seconds:.0f}",
            p50_and_p99(self.small_ms),
            f"{1000 * self.small_cpu_s / len(self.small_ms):.2f} ms",
            f"{len(self.turns_ms) / self.seconds:.0f}",
            p50_and_p99(self.turns_ms),
            p50_and_p99(self.words_ms),
            f"{self.memory_mb():.0f} MB",
        ]


def main() -> int:
    """Print the tables. Returns the exit status: 1 when ours did not reach the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=one_or_more, default=3, help="of each measurement, by turns (default 3)")
    parser.add_argument("--seconds", type=above_zero, default=5.0, help="of each (default 5)")
    default = cache_folder() / "bench"
    parser.add_argument("--folder", type=Path, default=default, help="for gunicorn's environment")
    parser.add_argument("--ours", action="store_true", help="without gunicorn")
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(make_app, _SETTINGS, args.serve)
        return 0
    with (
        contextlib.ExitStack() as running,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as callers,
    ):
        servers = [running.enter_context(_started("aiohttp", [sys.executable, "-m", __spec__.name, "--serve"]))]
        if not args.ours:
            python = str(python_with(args.folder / "gunicorn-venv", *GUNICORN))
            command = [python, str(ROOT / "benchmarks" / "web_server_app.py")]
            servers.append(running.enter_context(_started("gunicorn, gthread", command, str(_THREADS))))
        _measure(servers, callers, args.rounds, args.seconds)
        heads = (
            "",
            "requests/s",
            "p50, p99",
            "CPU each",
            "turns of 3 s/s",
            "p50, p99",
            "first word, p50, p99",
            "memory",
        )
        show(heads, (server.row() for server in servers))
        heads = (f"beside {HALF_OPEN} half-open connections", "/health, p50, p99", "answered", "not answered")
        rows, good = [], True
        for server in servers:
            times_ms, lost = callers.submit(half_open_ms, server.url, args.seconds).result()
            rows.append([server.name, p50_and_p99(times_ms), str(len(times_ms)), str(lost)])
            if server is servers[0]:
                good = not lost and statistics.quantiles(times_ms, n=100)[98] <= TARGET_P99_MS
        show(heads, rows)
    return 0 if good else 1


def _measure(servers: list[_Server], callers: ProcessPoolExecutor, rounds: int, seconds: float) -> None:
    for server in servers:  # unmeasured: threads, imports
        callers.submit(requests_ms, server.url, "/size", CALLERS, seconds / 5).result()
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for server in servers:
            server.seconds += seconds
            before_s = server.cpu_s()
            server.small_ms += callers.submit(requests_ms, server.url, "/health", CALLERS, seconds).result()
            server.small_cpu_s += server.cpu_s() - before_s
            server.turns_ms += callers.submit(requests_ms, server.url, "/size", CALLERS, seconds).result()
            server.words_ms += callers.submit(first_words_ms, server.url, STREAMS, seconds).result()


@contextlib.contextmanager
def _started(name: str, command: list[str], *more: str) -> Iterator[_Server]:
    """A server that answers; `command` lacks the port, and what comes after it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*command, str(port), *more], cwd=ROOT, env=os.environ)
    try:
        end_s = time.monotonic() + _START_LIMIT_S
        while not answers(url):
            if process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"{name} did not start")
            time.sleep(_POLL_S)
        yield _Server(name, url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Whether a program is there."""
    try:
        return requests.get(f"{url}/health", timeout=_START_LIMIT_S).ok
    except requests.ConnectionError:
        return False


def p50_and_p99(values: list[float]) -> str | None:
    """In ms; None for fewer than two."""
    if len(values) < 2:
        return None
    return f"{statistics.median(values):.1f} ms, {statistics.quantiles(values, n=100)[98]:.1f} ms"


if __name__ == "__main__":
    as_command(main)
