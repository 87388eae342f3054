"""Ends services that are there and answer nothing, as where a driver hangs or the process was stopped.

It asks from outside, since what hangs cannot tell. A service that loads or computes still answers /health: it does so
on its event loop and in spare threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Name, Services
from huiyin.configs.messages import said
from huiyin.services.common.supervisor import Child

ASK_EVERY_S = 5.0
PATIENCE_S = 10.0
"""For one answer: on a busy machine it may take seconds."""
MOST_SILENT = 3
"""So many questions in a row without an answer: it hangs."""
MOST_AT_START = 60
"""Likewise for a process that has not answered yet: it imports its libraries."""


@dataclass
class Silence:
    """Of one process. Pure. What counts are questions, not seconds: those pass, too, while this program is stopped."""

    has_answered: bool = False
    in_a_row: int = 0

    def note(self, answered: bool) -> bool:
        """An answer came, or none. Returns whether the process hangs."""
        self.has_answered = self.has_answered or answered
        self.in_a_row = 0 if answered else self.in_a_row + 1
        return self.in_a_row >= (MOST_SILENT if self.has_answered else MOST_AT_START)


def end_when_silent(
    services: Services, name: Name, child: Child, stopping: threading.Event, tell: Callable[[str], None]
) -> None:
    """Ask the service of `child` until it has ended, or `stopping` is set; kill it when it hangs.

    In a thread of its own.
    """
    silence = Silence()
    while not stopping.wait(ASK_EVERY_S) and child.status is None:
        if silence.note(_answers(services, name)) and child.status is None and not stopping.is_set():
            tell(said("notices.does_not_answer", service=name))
            child.kill()


def _answers(services: Services, name: Name) -> bool:
    """Whether anything comes back: a refusal will do."""
    try:
        services.get(name, "/health", PATIENCE_S)
    except ServiceError as error:
        return error.status > 0
    return True
