"""A Realtime server as a process of its own: ``python -m tests.clients.serve PORT_OF_SERVICES``.

Prints its address; ends when its standard input does.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from huiyin.configs.settings import load
from tests.clients.realtime_server import realtime_server
from tests.support import ROOT


@dataclass(frozen=True)
class ServerProcess:
    """A running server: its http address, the process, and the file with what it wrote to standard error."""

    url: str
    pid: int
    log: Path


@contextmanager
def server_process(services_port: int, log: Path) -> Iterator[ServerProcess]:
    """Runs meanwhile, on services that are all at one port of the loopback."""
    command = [sys.executable, "-m", "tests.clients.serve", str(services_port)]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, log.read_text()
            yield ServerProcess(url, process.pid, log)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def main() -> None:
    """Until standard input ends."""
    settings, port = load(environ={}), int(sys.argv[1])
    at = {name: replace(getattr(settings, name), port=port) for name in ("asr", "llm", "tts")}
    with realtime_server(replace(settings, **at)) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
