"""``huiyin serve``: one service in the foreground, all three under one roof, the web program, or replicas (`--ray`)."""

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
from huiyin.assistant.clients.watchdog import end_when_silent
from huiyin.assistant.faces.cli.shared import CommandError, UsageError
from huiyin.configs.messages import language, said
from huiyin.configs.packages.extras import check_installed
from huiyin.configs.settings import Settings
from huiyin.services.common import logs
from huiyin.services.common.access import check_key_is_set
from huiyin.services.common.notify import tell_ready
from huiyin.services.common.supervisor import STOP_LIMIT_S, Child, stop_all

_POLL_S = 0.2
_LAST_LINES = 5  # of a service that has ended


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until stopped. Returns the exit status."""
    if args.ray is not None:
        from huiyin.assistant.faces.cli import serve_ray

        return serve_ray.run(args, settings)
    if args.service == "web":
        if args.insecure:
            raise UsageError("cli.insecure_web")
        from huiyin.assistant.faces.cli import web

        return web.run(argparse.Namespace(**vars(args), no_open=True), settings)
    if args.service == "wyoming":
        from huiyin.assistant.faces.cli import wyoming

        return wyoming.run(args, settings)
    if args.only:
        raise UsageError("cli.only_wyoming")
    if args.tls:
        raise UsageError("cli.tls_of_a_service", service=args.service)
    arguments = list(args.service_arguments)
    if args.host is not None:
        arguments += ["--host", args.host]
        settings = dataclasses.replace(settings, service=dataclasses.replace(settings.service, host=args.host))
    if args.insecure:
        arguments.append("--insecure")
    else:
        check_key_is_set(settings.service.host, settings.service.api_key)
    check_installed(NAMES if args.service == "all" else [args.service], settings)
    if args.service == "all":
        if args.port is not None:
            raise UsageError("cli.one_port_for_all")
        _serve_all(Services(settings), arguments)
        return 0
    if args.port is not None:
        arguments += ["--port", str(args.port)]
    return _become(service_command(args.service, arguments))


def _become(command: list[str]) -> int:
    """Run `command` in place of this process, where the system can do that; in this program's language."""
    sys.stdout.flush()
    environ = {**os.environ, "HUIYIN_LANG": language()}
    if os.name == "posix":
        os.execve(command[0], command, environ)
    return subprocess.call(command, env=environ)


class _Running:
    """One service as a process; its lines are shown with its name in front."""

    def __init__(self, name: Name, services: Services, arguments: Sequence[str], stopping: threading.Event) -> None:
        self.name: Name = name
        self._settings = services.settings.service
        self.ready = False
        self.child = Child(service_command(name, ["--stop-with-parent", *arguments]), show=self._show)
        # In threads of their own: a service that loads its model answers late, and one that hangs never does.
        threading.Thread(target=self._await_ready, args=(services,), name=f"ready-{name}", daemon=True).start()
        watched = (services, name, self.child, stopping, self._say)
        threading.Thread(target=end_when_silent, args=watched, name=f"watchdog-{name}", daemon=True).start()

    def _show(self, line: str) -> None:
        begins = "{" if self._settings.log_format == "json" else f"{self.name}: "
        _print(line if line.startswith(begins) else logs.line(self._settings, self.name, line))

    def _say(self, words: str) -> None:
        _print(logs.line(self._settings, self.name, words))

    def _await_ready(self, services: Services) -> None:
        """Say when it is ready, or why it never will be."""
        while self.child.status is None:
            state = look(services, self.name)
            if state.kind == "ready":
                self._say(said("notices.ready_at", url=services.url(self.name)))
                self.ready = True
                return
            if state.kind == "failed":
                self._say(said("notices.answers_so", why=state.why))
                return
            time.sleep(_POLL_S)


def _serve_all(services: Services, arguments: Sequence[str]) -> None:
    """All three, until Ctrl-C or SIGTERM. Raises CommandError when one ends: it is not started again silently."""
    _check_ports(services)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    running: list[_Running] = []
    all_ready = False
    try:
        for name in NAMES:
            running.append(_Running(name, services, arguments, stopping))
        while not stopping.wait(_POLL_S):
            for one in running:
                _check_alive(one)
            if not all_ready and all(one.ready for one in running):
                all_ready = True
                tell_ready()
                _print(logs.line(services.settings.service, "huiyin", said("notices.all_ready")))
    finally:
        stop_all([one.child for one in running])


def _check_alive(one: _Running) -> None:
    """Raise CommandError with its last lines when a service has ended."""
    status = one.child.status
    if status is not None:
        one.child.wait(STOP_LIMIT_S)  # for the rest of its output
        telling = [line for line in one.child.tail if not logs.is_routine(line)]
        lines = [f"  {line}" for line in telling[-_LAST_LINES:]] or [f"  {said('notices.said_nothing')}"]
        raise CommandError("cli.service_ended", service=one.name, status=status, lines=lines)


def _check_ports(services: Services) -> None:
    """Before three models are loaded in vain. Raises CommandError."""
    for name in NAMES:
        state = look(services, name)
        port = getattr(services.settings, name).port
        if state.kind == "other":
            raise CommandError("cli.port_taken", port=port, service=name, why=state.why)
        if state.kind != "absent":
            raise CommandError("cli.already_serving", port=port, service=name)


def _print(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone: the services go on
        print(f"{line}\n", end="", file=sys.stderr, flush=True)  # in one piece: several threads write lines
