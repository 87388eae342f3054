"""Which request the embedded model works on: one at a time, replies before prefixes, sessions in turn.

Pure: no threads, no clock. One at a time, because two replies written at once on two cores both come later than one
after the other (measured: docs/llm.md).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Ticket:
    """A request's place in the queue. `session`: '' for requests that name none."""

    session: str
    background: bool = False
    """No user waits for it: a prefix being read ahead, a summary."""
    preempted: bool = False
    """It runs, and must end at once: a reply is waited for."""


class FairQueue:
    """Requests waiting for the model, and the one that runs; and the sessions that want the model suspended.

    A background request runs only while no other runs or waits. Waiting sessions have turns, one request each; requests
    of one session keep their order.
    """

    def __init__(self) -> None:
        self.running: Ticket | None = None
        self._waiting: list[Ticket] = []  # the session that was served last stands behind the others
        self._holds: dict[str, float] = {}  # session -> when its suspension ends

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._waiting)

    def join(self, ticket: Ticket) -> None:
        """Wait for the model; `running` is `ticket` at once where it is free."""
        self._waiting.append(ticket)
        if not ticket.background:
            self._holds.pop(ticket.session, None)  # it wants words more than quiet
            if self.running and self.running.background:
                self.running.preempted = True
        self._admit()

    def leave(self, ticket: Ticket) -> None:
        """The request has ended, waiting or running. A second call has no effect."""
        if ticket is self.running:
            self.running = None
            self._waiting.sort(key=lambda other: other.session == ticket.session)  # stable: False before True
        elif ticket in self._waiting:
            self._waiting.remove(ticket)
        self._admit()

    def hold(self, session: str, until_s: float) -> None:
        """`session` wants the model suspended until then (on the clock of `suspended_until`)."""
        self._holds[session] = until_s

    def suspended_until(self, now_s: float) -> float:
        """Until when the model is to be suspended if nothing else happens; `now_s`: it must run.

        It is suspended while every session that waits for a reply wants it to be.
        """
        self._holds = {session: until_s for session, until_s in self._holds.items() if until_s > now_s}
        tickets = [*self._waiting, self.running] if self.running else self._waiting
        sessions = {ticket.session for ticket in tickets if not ticket.background}
        if sessions:
            return min(self._holds.get(session, now_s) for session in sessions)
        return max(self._holds.values(), default=now_s)

    def _admit(self) -> None:
        if self.running or not self._waiting:
            return
        self.running = next((ticket for ticket in self._waiting if not ticket.background), self._waiting[0])
        self._waiting.remove(self.running)
