"""/health of all four programs beside 1,000 half-open connections each: ``python -m benchmarks.half_open``.

The programs are the real ones; the language model is somebody else's, which is not there. Callers run in a process of
their own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager

from benchmarks.command import above_zero, as_command
from benchmarks.output import show
from benchmarks.web_server import TARGET_P99_MS, answers, p50_and_p99
from benchmarks.web_server_load import HALF_OPEN, half_open_ms
from huiyin.assistant.faces.cli import main as cli
from tests.support.limits import until
from tests.support.service_process import free_port, start_service

_NO_MODEL = {"upstreams": "http://127.0.0.1:9/v1"}
_SERVICES: dict[str, dict[str, object]] = {"asr": {}, "llm": _NO_MODEL, "tts": {"engine": "hibari"}}


def main() -> int:
    """Print the table. Returns the exit status: 1 when one of them did not reach the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=above_zero, default=5.0, help="of each program (default 5)")
    args = parser.parse_args()
    good, rows = True, []
    with ExitStack() as stack, ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as callers:
        urls = {name: stack.enter_context(start_service(name, **own)) for name, own in _SERVICES.items()}
        urls["web"] = stack.enter_context(_web(urls))
        for name, url in urls.items():
            times_ms, lost = callers.submit(half_open_ms, url, args.seconds).result()
            p99_ms = sorted(times_ms)[len(times_ms) * 99 // 100] if times_ms else float("inf")
            good = good and not lost and p99_ms <= TARGET_P99_MS
            rows.append([name, p50_and_p99(times_ms), str(len(times_ms)), str(lost)])
    show((f"beside {HALF_OPEN:,} half-open connections", "/health, p50, p99", "answered", "not answered"), rows)
    return 0 if good else 1


@contextmanager
def _web(urls: dict[str, str]) -> Iterator[str]:
    """The web program, with the services at `urls`."""
    ports = {f"HUIYIN_{name.upper()}_PORT": url.rpartition(":")[2] for name, url in urls.items()}
    english = ("--set", "talk.persona=echo", "--set", "tts.engine=hibari")
    command = [sys.executable, "-m", cli.__name__, "web", "--no-open", "--port", str(free_port()), *english]
    with subprocess.Popen(command, env={**os.environ, **ports}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1].rstrip("/")
            until(lambda: answers(url))  # it is printed before
            yield url
        finally:
            process.terminate()


if __name__ == "__main__":
    as_command(main)
