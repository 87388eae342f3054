"""The web program, with its page and both protocols: in this process, or in one of its own.

That is ``python -m tests.support.realtime_server --set=asr.port=7000 …``.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.events import Public, StageFailed
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.faces.live.server import LiveServer
from huiyin.assistant.faces.realtime.server import RealtimeServer
from huiyin.assistant.faces.web.access import Door
from huiyin.assistant.faces.web.app import make_app
from huiyin.configs.settings import Settings, load
from huiyin.services.common.heap import few_arenas
from tests.support import ROOT
from tests.support.live_server import running

_END_LIMIT_S = 30.0


@contextlib.contextmanager
def realtime_server(settings: Settings) -> Iterator[str]:
    """Runs meanwhile, in a thread; its http address. `settings` say where its services are."""
    name = settings.talk.persona
    personas, services = {name: load_persona(name)}, Services(settings)
    realtime = RealtimeServer(settings, services, personas, on_session=_tell_failures)
    app = make_app(services, realtime, Door("", settings.web.port), personas)
    LiveServer(realtime.host).mount(app)
    with running(app, settings.service) as url:
        yield url


def _tell_failures(session: Session) -> None:
    session.observe(_tell_failure, at_once=True)


def _tell_failure(at_s: float, event: Public) -> None:
    if isinstance(event, StageFailed):
        print(f"{at_s:.2f} s: {event.stage} failed: {event.reason}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class ServerProcess:
    """A running server: its http address, the process, and the file with what it wrote to standard error."""

    url: str
    pid: int
    log: Path


@contextlib.contextmanager
def server_process(log: Path, **settings: object) -> Iterator[ServerProcess]:
    """Runs meanwhile in a process of its own; `settings` as section_key=value, such as asr_port=7000."""
    changes = [f"--set={key.replace('_', '.', 1)}={value}" for key, value in settings.items()]
    command = [sys.executable, "-m", "tests.support.realtime_server", *changes]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, log.read_text()
            yield ServerProcess(url, process.pid, log)
        finally:
            process.stdin.close()
            process.wait(_END_LIMIT_S)


def main() -> None:
    """Prints its address; ends when its standard input does."""
    parser = argparse.ArgumentParser(description=__doc__)
    few_arenas()
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    with realtime_server(load(environ={}, overrides=parser.parse_args().set)) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
