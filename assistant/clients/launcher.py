"""Starts the services that are not already running, and stops the ones it started.

A service runs as a process of its own (`python -m huiyin.services NAME`), which ends when this one does.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import Name, Services
from huiyin.assistant.clients.stream import close_idle
from huiyin.configs.messages import said
from huiyin.configs.packages.extras import check_installed
from huiyin.configs.settings import Settings
from huiyin.services.common.child import module_command
from huiyin.services.common.supervisor import STOP_LIMIT_S, Child, stop_all

_POLL_S = 0.1
_START_LIMIT_S = 1800.0  # a first start may download models


def service_command(name: str, arguments: Sequence[str]) -> list[str]:
    """The command line that runs a service, from any folder."""
    return module_command("huiyin.services", name, *arguments)


class LaunchError(ServiceError):
    """A service could not be started; the message holds the last lines of its output."""


@dataclass
class Launcher:
    """Use as a context manager: ``with Launcher(settings, arguments) as launcher: launcher.start(["asr"])``.

    `arguments` are the settings options of this command (``--profile``, ``--set``), passed on as they are.
    """

    settings: Settings
    arguments: Sequence[str] = ()
    tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)
    show: Callable[[Name, str], None] = lambda name, line: None
    """Is given each line that a service prints, from another thread."""
    children: dict[Name, Child] = field(default_factory=dict)
    """The processes it has started, ended ones too."""
    closing: threading.Event = field(default_factory=threading.Event)
    """Set when the launcher is left."""
    _lock: threading.Lock = field(default_factory=threading.Lock)  # none is started while they are stopped

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, *error: object) -> None:
        close_idle()
        self.closing.set()
        with self._lock:
            stop_all(list(self.children.values()))
            self.children.clear()

    @property
    def services(self) -> Services:
        """Clients of the services."""
        return Services(self.settings)

    def start(self, names: Iterable[Name]) -> None:
        """Start those of `names` that do not run, and wait until all are ready. Raises LaunchError,
        and LibraryMissing before any is started."""
        needed = list(names)
        states = {name: look(self.services, name) for name in needed}
        check_installed([name for name in needed if states[name].kind == "absent"], self.settings)
        for name, state in states.items():
            if state.kind == "other":
                port = getattr(self.settings, name).port
                raise LaunchError("clients.port_taken", service=name, port=port, why=state.why)
            if state.kind == "absent":
                self.run(name)
        for name in needed:
            self._wait_ready(name)

    def run(self, name: Name) -> None:
        """Start the process of `name`, in place of one that has ended; not while the launcher is being left."""
        with self._lock:
            if self.closing.is_set():
                return
            if before := self.children.get(name):
                before.wait(STOP_LIMIT_S)
            command = service_command(name, ["--stop-with-parent", *self.arguments])
            # A session of its own: after Ctrl-C this command may still have a last request to the service.
            self.children[name] = Child(command, show=partial(self.show, name), own_session=True)

    def _wait_ready(self, name: Name) -> None:
        child = self.children.get(name)
        limit = time.monotonic() + _START_LIMIT_S
        tell_at_s = time.monotonic() + 2
        while time.monotonic() < limit:
            if child is not None and child.status is not None:
                child.wait(STOP_LIMIT_S)
                raise LaunchError("clients.ended_at_start", service=name, log="\n".join(child.tail))
            state = look(self.services, name)
            if state.kind == "ready":
                return
            if state.kind == "failed":
                raise LaunchError("clients.unusable", service=name, why=state.why)
            if time.monotonic() > tell_at_s:
                self.tell(said("notices.loading", service=name))
                tell_at_s = time.monotonic() + 30
            time.sleep(_POLL_S)
        raise LaunchError("clients.not_ready", service=name, wait_s=_START_LIMIT_S)
