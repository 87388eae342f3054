"""Which worker transcribes which recording, while workers and machines come and go.

Ray places the workers and says when one has ended; what is to be done with a recording then is decided here. It goes to
another worker, which takes up the journal of its pieces and goes on with the next one. (Ray Data's pool of actors would
have it wait for the same worker, until that can be started again.)
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from huiyin.assistant.faces.cli.archive.worker import Failed, Order, Step, Task, Worker
from huiyin.assistant.faces.cli.shared import CommandError
from huiyin.assistant.faces.cli.transcribe_one import Position, Transcribed
from huiyin.configs.messages import said

TRIES = 3
"""Of a recording without getting on, before it has failed: it may be what ends the workers."""
_TICK_S = 1.0
_NO_MACHINE_S = 60.0  # that a new one may take to come
_PAUSE_S = 60.0  # after several that could not be started
_CLOSE_S = 10.0  # for the services to end


@dataclass(frozen=True)
class Again:
    """A recording is tried again by another worker."""

    why: str


@dataclass
class _Work:
    """A recording on its way."""

    task: Task
    position_s: float = 0.0
    """As far as it ever was."""
    tries: int = 0
    """Without getting further."""
    tried_by: set[str] = field(default_factory=set)


@dataclass(eq=False)
class _Member:
    """A worker."""

    name: str
    actor: Any
    waits_for: Any
    """What it will say next: that it has started, or a step; None: it has nothing to do."""
    ready: bool = False
    work: _Work | None = None


class Pool:
    """As many workers as the machines have cores for, and the recordings they work on."""

    def __init__(self, order: Order, tasks: Sequence[Task], cpus: int, gpus: int, tell: Callable[[str], None]) -> None:
        """`cpus`, `gpus`: for each worker. `tell` is given what the user should know of workers."""
        self._order, self._cpus, self._gpus, self._tell = order, cpus, gpus, tell
        # The longest first: at the end all are busy with short ones.
        self._waiting = deque(_Work(task) for task in sorted(tasks, key=lambda task: -task.size))
        self._members: list[_Member] = []
        self._done_jobs: list[str] = []
        self._count, self._failed_starts, self._failed_s, self._why = 0, 0, 0.0, ""
        self._had_members_s = time.monotonic()
        self._actor: Any = ray.remote(Worker)  # its methods have a `remote` that types do not know

    @property
    def size(self) -> int:
        """How many workers there are now, ready."""
        return sum(member.ready for member in self._members)

    def steps(self) -> Iterator[tuple[Task, Step | Again] | None]:
        """What happens, until all recordings are done or have failed; None: nothing did for a second.

        Raises CommandError where no worker can be had.
        """
        looked_s = 0.0
        while self._left:
            if time.monotonic() > looked_s + _TICK_S:
                looked_s = time.monotonic()
                self._hire()
            self._hand_out()
            for member in (advancing := self._next()):
                yield from self._advance(member)
            if not advancing:
                yield None

    def close(self) -> None:
        """End the workers and their services."""
        closing = []
        for member in self._members:
            if member.ready:
                closing.append(member.actor.close.remote(self._done_jobs))
                self._done_jobs = []
        with contextlib.suppress(RayError):
            ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_S)
        for member in self._members:
            self._end(member)
        self._members.clear()

    @property
    def _left(self) -> int:
        return len(self._waiting) + sum(member.work is not None for member in self._members)

    def _room(self) -> int:
        """For how many workers the machines that are there have cores."""
        count = 0
        for node in ray.nodes():  # type: ignore[no-untyped-call]
            if node["Alive"]:
                has = node["Resources"]
                by_gpus = int(has.get("GPU", 0) // self._gpus) if self._gpus else self._left
                count += min(int(has.get("CPU", 0) // self._cpus), by_gpus)
        return count

    def _hire(self) -> None:
        """As many workers as there is room and work for. Raises CommandError."""
        if self._failed_starts >= TRIES:
            if not self.size:
                raise CommandError("cli.ray_no_worker", why=self._why)
            if time.monotonic() < self._failed_s + _PAUSE_S:
                return
        room = self._room()
        if room or self._members:
            self._had_members_s = time.monotonic()
        elif not self._count or time.monotonic() > self._had_members_s + _NO_MACHINE_S:
            raise CommandError("cli.ray_no_machine", cpus=self._cpus, gpus=self._gpus)
        while len(self._members) < min(room, self._left):
            self._count += 1
            options = {"num_cpus": self._cpus, "num_gpus": self._gpus, "scheduling_strategy": "SPREAD"}
            # Never restarted by Ray, which would hold the recording back until it is; `close` runs beside other calls.
            actor: Any = self._actor.options(max_restarts=0, max_concurrency=2, **options).remote(self._order)
            self._members.append(_Member(f"{self._count}", actor, actor.start.remote()))

    def _hand_out(self) -> None:
        for member in self._members:
            if member.ready and not member.work and (work := self._choose(member)):
                member.work = work
                call = member.actor.transcribe.options(num_returns="streaming")
                member.waits_for = call.remote(work.task, self._done_jobs)
                self._done_jobs = []

    def _choose(self, member: _Member) -> _Work | None:
        """One that it has not tried; otherwise one that no other worker can take."""
        everybody = {other.name for other in self._members}
        for work in self._waiting:
            if member.name not in work.tried_by or everybody <= work.tried_by:
                self._waiting.remove(work)
                return work
        return None

    def _next(self) -> list[_Member]:
        """Those that have said something, or ended."""
        by_what = {member.waits_for: member for member in self._members if member.waits_for is not None}
        if not by_what:
            time.sleep(_TICK_S)
            return []
        waits = list(by_what)
        ready, _ = ray.wait(waits, timeout=_TICK_S, fetch_local=False)
        if ready:
            ready, _ = ray.wait(waits, num_returns=len(waits), timeout=0, fetch_local=False)
        return [by_what[what] for what in ready]

    def _advance(self, member: _Member) -> Iterator[tuple[Task, Step | Again]]:
        """What it has said."""
        work = member.work
        try:
            step = ray.get(next(member.waits_for) if work else member.waits_for)
        except (RayError, StopIteration) as error:
            yield from self._lost(member, error)
            return
        if work is None:
            self._started(member, step)
            return
        if isinstance(step, Position):
            if step.position_s > work.position_s:
                work.position_s, work.tries = step.position_s, 0
            yield work.task, step
            return
        member.work = member.waits_for = None
        if isinstance(step, Transcribed):
            self._done_jobs.append(step.job)
        if isinstance(step, Failed) and not step.refused:
            yield self._again(work, member, step.why)
        else:
            yield work.task, step

    def _started(self, member: _Member, why_not: str) -> None:
        member.waits_for = None
        member.ready = not why_not
        if why_not:
            self._failed_to_start(member, why_not)
        else:
            self._failed_starts = 0

    def _failed_to_start(self, member: _Member, why: str) -> None:
        self._failed_starts, self._failed_s = self._failed_starts + 1, time.monotonic()
        if why != self._why:
            self._why = why
            self._tell(said("cli.ray_worker_not_started", why=why))
        self._remove(member)

    def _lost(self, member: _Member, error: Exception) -> Iterator[tuple[Task, Step | Again]]:
        """It has ended, or its machine has."""
        if member.work is None:
            self._failed_to_start(member, f"{type(error).__name__}: {error}")
            return
        self._remove(member)
        why = said("cli.ray_worker_lost") if isinstance(error, RayActorError) else f"{type(error).__name__}: {error}"
        yield self._again(member.work, member, why, at_once=True)

    def _again(self, work: _Work, member: _Member, why: str, *, at_once: bool = False) -> tuple[Task, Step | Again]:
        """`at_once`: before others, as what is left may be long; else later, when what it failed for may be over."""
        work.tries += 1
        work.tried_by.add(member.name)
        if work.tries >= TRIES:
            return work.task, Failed(why)
        (self._waiting.appendleft if at_once else self._waiting.append)(work)
        return work.task, Again(why)

    def _remove(self, member: _Member) -> None:
        self._members.remove(member)
        self._end(member)

    def _end(self, member: _Member) -> None:
        with contextlib.suppress(RayError):
            ray.kill(member.actor)
