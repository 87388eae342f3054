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
from collections import deque
from collections.abc import Sequence

from huiyin.assistant.clients.launcher import service_command
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Name, Services
from huiyin.assistant.faces.cli.shared import FAILED, USAGE, CommandError
from huiyin.configs.settings import Settings

_POLL_S = 0.2
_STOP_LIMIT_S = 5.0
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
        return _Supervisor(Services(settings), arguments).run()
    if args.port is not None:
        arguments += ["--port", str(args.port)]
    return _become(service_command(args.service, arguments))


def _become(command: list[str]) -> int:
    """Run `command` in place of this process, where the system can do that."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    return subprocess.call(command)


class _Child:
    """One service as a process; its lines are shown with its name in front."""

    def __init__(self, name: Name, services: Services, arguments: Sequence[str]) -> None:
        self.name: Name = name
        self.ready = False
        self.last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        # The pipe at its standard input tells it when this process is gone, however it ended.
        self.process = subprocess.Popen(
            service_command(name, ["--stop-with-parent", *arguments]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, name=f"log-{name}", daemon=True)
        self._reader.start()
        # Apart from whoever looks after the processes: a service that loads its model answers late.
        threading.Thread(target=self._await_ready, args=(services,), name=f"ready-{name}", daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.last_words.append(line)
            _say(line if line.startswith(f"{self.name}: ") else f"{self.name}: {line}")

    def _await_ready(self, services: Services) -> None:
        """Tell when it is ready, or why it never will be."""
        while self.process.poll() is None:
            state = look(services, self.name)
            if state.kind == "ready":
                _say(f"{self.name}: ready at {services.url(self.name)}")
                self.ready = True
                return
            if state.kind == "failed":
                _say(f"{self.name}: cannot be used, and answers every request so: {state.why}")
                return
            time.sleep(_POLL_S)

    def wait(self, limit_s: float) -> None:
        """Wait for its end; it is killed when that takes too long."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(limit_s)


class _Supervisor:
    """Three services that live and end together. None is started again in silence."""

    def __init__(self, services: Services, arguments: Sequence[str]) -> None:
        self._services, self._arguments = services, arguments
        self._stopping = threading.Event()

    def run(self) -> int:
        """Until Ctrl-C, SIGTERM, or the end of one of them. Returns the exit status."""
        self._check_ports()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stopping.set())
        children: list[_Child] = []
        dead: _Child | None = None
        try:
            children += (_Child(name, self._services, self._arguments) for name in NAMES)
            all_ready = False
            while dead is None and not self._stopping.wait(_POLL_S):
                dead = next((child for child in children if child.process.poll() is not None), None)
                if not all_ready and all(child.ready for child in children):
                    all_ready = True
                    _say("huiyin: all ready; Ctrl-C ends them")
        finally:
            _end(children)
        if dead is None:
            return 0
        words = "\n".join(f"  {line}" for line in dead.last_words) or "  (it said nothing)"
        _say(
            f"huiyin: {dead.name} ended with status {dead.process.returncode}, so the others were stopped. "
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


def _end(children: Sequence[_Child]) -> None:
    for child in children:
        with contextlib.suppress(OSError):
            child.process.terminate()
    for child in children:
        child.wait(_STOP_LIMIT_S)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads: the services go on
        print(line, file=sys.stderr, flush=True)
