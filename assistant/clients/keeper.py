"""Keeps services running: one that ends is started again after a pause, which grows, and not for ever."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Literal

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import Name
from huiyin.configs.messages import said
from huiyin.services.common.supervisor import STOP_LIMIT_S, Child

FIRST_PAUSE_S = 1.0
"""Before the first restart; before each further one the pause is twice as long."""
MOST_RESTARTS = 5
WITHIN_S = 600.0
"""So many restarts at most within this time: then the service stays down."""
_POLL_S = 0.25
_LAST_LINES = 5  # of the output of a service that has ended

Standing = Literal["running", "restarting", "given_up", "foreign"]
"""Of a service: its process runs; it has ended and will be started again; it has ended too often; it was not started
here."""


@dataclass
class Restarts:
    """Of one service, on one clock. Pure."""

    start_s: float | None = None
    """When it is to be started again; inf: never; None: it has not ended."""
    ends_s: list[float] = field(default_factory=list)
    """Its ends of late."""

    def note_end(self, now_s: float) -> None:
        """It has ended now."""
        self.ends_s = [end_s for end_s in self.ends_s if now_s - end_s < WITHIN_S] + [now_s]
        count = len(self.ends_s)
        self.start_s = now_s + FIRST_PAUSE_S * 2 ** (count - 1) if count <= MOST_RESTARTS else math.inf


class Keeper:
    """Of the services that `launcher` has started."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._restarts: dict[Name, Restarts] = {}
        self._awaited: set[Name] = set()  # those that were started again and are not ready yet

    def run(self) -> None:
        """Until the launcher is left; in a thread of its own."""
        while not self._launcher.closing.wait(_POLL_S):
            for name, child in list(self._launcher.children.items()):
                self._look_after(name, child)

    def standing(self, name: Name) -> Standing:
        """What has become of the service's process. From any thread."""
        child = self._launcher.children.get(name)
        if child is None:
            return "foreign"
        if child.status is None:
            return "running"
        return "given_up" if self._of(name).start_s == math.inf else "restarting"

    def _of(self, name: Name) -> Restarts:
        return self._restarts.setdefault(name, Restarts())

    def _look_after(self, name: Name, child: Child) -> None:
        restarts, now_s = self._of(name), time.monotonic()
        if child.status is None:
            if name in self._awaited and look(self._launcher.services, name).kind == "ready":
                self._awaited.discard(name)
                self._launcher.tell(said("notices.ready_again", service=name))
        elif restarts.start_s is None:
            restarts.note_end(now_s)
            child.wait(STOP_LIMIT_S)  # for the rest of its output
            self._tell_of_end(name, child, restarts)
        elif now_s >= restarts.start_s:
            restarts.start_s = None
            self._awaited.add(name)
            if look(self._launcher.services, name).kind == "absent":
                self._launcher.run(name)
            else:  # another program has started it meanwhile
                self._launcher.children.pop(name, None)

    def _tell_of_end(self, name: Name, child: Child, restarts: Restarts) -> None:
        assert restarts.start_s is not None
        if restarts.start_s == math.inf:
            count, minutes = len(restarts.ends_s), WITHIN_S / 60
            what = said("notices.given_up", service=name, count=count, minutes=minutes)
        else:
            pause_s = restarts.start_s - restarts.ends_s[-1]
            what = said("notices.starts_again", service=name, status=child.status, pause_s=pause_s)
        lines = [f"  {line}" for line in list(child.tail)[-_LAST_LINES:]] or [f"  {said('notices.said_nothing')}"]
        self._launcher.tell("\n".join([what, *lines]))
