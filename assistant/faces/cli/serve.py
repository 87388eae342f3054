"""``huiyin serve``: one service in the foreground, or all three under one roof."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from huiyin.assistant.clients.launcher import service_command
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Name, Services
from huiyin.assistant.faces.cli.shared import FAILED, USAGE, CommandError
from huiyin.configs.settings import Settings
from huiyin.services.common.supervisor import Child, stop_all

_POLL_S = 0.2
_LAST_WORDS = 5  # lines

_ABOUT = """\
Run a service for other programs until Ctrl-C: asr (speech to text, port 7870), llm (language model, 21002), tts (text
to speech, 7889), or all three. They listen on this machine only, unless --host says otherwise; set service.api_key
when they listen on a network.

  huiyin serve all
  huiyin serve asr --port 8000
  huiyin serve tts --host 0.0.0.0 --set service.api_key=SECRET
  curl http://127.0.0.1:7870/openapi.json          the addresses of a service"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``serve``."""
    parser = subparsers.add_parser("serve", description=_ABOUT)
    parser.add_argument("service", choices=(*NAMES, "all"), help="which one")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port of a single service (default: its own)")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until stopped. Returns the exit status."""
    arguments = list(args.service_arguments)
    if args.host is not None:
        arguments += ["--host", args.host]
        settings = dataclasses.replace(settings, service=dataclasses.replace(settings.service, host=args.host))
    if args.service == "all":
        if args.port is not None:
            raise CommandError(
                "three services cannot share one port; name each: "
                "--set asr.port=N --set llm.port=N --set tts.port=N", USAGE,
            )  # fmt: skip
        return _AllServices(Services(settings), arguments).run()
    if args.port is not None:
        arguments += ["--port", str(args.port)]
    return _become(service_command(args.service, arguments))


def _become(command: list[str]) -> int:
    """Run `command` in place of this process, where the system can do that."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    return subprocess.call(command)


class _Running:
    """One service as a process; its lines are shown with its name in front."""

    def __init__(self, name: Name, services: Services, arguments: Sequence[str]) -> None:
        self.name: Name = name
        self.ready = False
        self.child = Child(service_command(name, ["--stop-with-parent", *arguments]), show=self._show)
        # Apart from whoever looks after the processes: a service that loads its model answers late.
        threading.Thread(target=self._await_ready, args=(services,), name=f"ready-{name}", daemon=True).start()

    def _show(self, line: str) -> None:
        _say(line if line.startswith(f"{self.name}: ") else f"{self.name}: {line}")

    def _await_ready(self, services: Services) -> None:
        """Tell when it is ready, or why it never will be."""
        while self.child.status is None:
            state = look(services, self.name)
            if state.kind == "ready":
                _say(f"{self.name}: ready at {services.url(self.name)}")
                self.ready = True
                return
            if state.kind == "failed":
                _say(f"{self.name}: cannot be used, and answers every request so: {state.why}")
                return
            time.sleep(_POLL_S)


class _AllServices:
    """Three services that live and end together. None is started again in silence."""

    def __init__(self, services: Services, arguments: Sequence[str]) -> None:
        self._services, self._arguments = services, arguments
        self._stopping = threading.Event()

    def run(self) -> int:
        """Until Ctrl-C, SIGTERM, or the end of one of them. Returns the exit status."""
        self._check_ports()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stopping.set())
        running: list[_Running] = []
        dead: _Running | None = None
        try:
            running += (_Running(name, self._services, self._arguments) for name in NAMES)
            all_ready = False
            while dead is None and not self._stopping.wait(_POLL_S):
                dead = next((one for one in running if one.child.status is not None), None)
                if not all_ready and all(one.ready for one in running):
                    all_ready = True
                    _say("huiyin: all ready; Ctrl-C ends them")
        finally:
            stop_all([one.child for one in running])
        if dead is None:
            return 0
        words = "\n".join(f"  {line}" for line in list(dead.child.tail)[-_LAST_WORDS:]) or "  (it said nothing)"
        _say(
            f"huiyin: {dead.name} ended with status {dead.child.status}, so the others were stopped. "
            f"Its last words:\n{words}"
        )
        return FAILED

    def _check_ports(self) -> None:
        """Before three models are loaded in vain. Raises CommandError."""
        for name in NAMES:
            state = look(self._services, name)
            if state.kind == "absent":
                continue
            port = getattr(self._services.settings, name).port
            who = f"another program ({state.why})" if state.kind == "other" else f"a huiyin {name} service already"
            raise CommandError(f"port {port} is taken by {who}; stop it, or choose another with --set {name}.port=N")


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads: the services go on
        print(line, file=sys.stderr, flush=True)
