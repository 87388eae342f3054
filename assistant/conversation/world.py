"""The time a conversation lives in, and where its stages run. Virtual: a script; real: a desk, a browser.

A conversation has one thread, in which everything of it happens. A stage is started with a source of what it will
give; the world sees to it that each item arrives in that thread when it is due.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from huiyin.assistant.ports.clock import AudioClock

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_SCRIPTED_DAY = datetime(2026, 1, 15, 9, 0)  # a Thursday; the same for every script
POOL = "work"  # the names of its threads begin so
_WORKERS = 2  # threads for what blocks: one may wait for a slow screen while the other computes


class Answer(Protocol[T_co]):
    """What a service answers, item by item: `clients.stream.Stream`."""

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Without blocking. Cancelling the task that iterates ends the request."""

    def __iter__(self) -> Iterator[T_co]:
        """Blocking."""


@dataclass(frozen=True)
class Plan(Generic[T]):
    """What a simulated stage will give, known when it is asked: (seconds from then, item); and its end."""

    items: Sequence[tuple[float, T]]
    ends_s: float
    error: Exception | None = None  # that it ends with


@dataclass(frozen=True)
class Computation(Generic[T]):
    """One item that takes a core for a while; `takes_s` in virtual time."""

    compute: Callable[[], T]
    takes_s: float


Source = Answer[T] | Plan[T] | Computation[T]
Take = Callable[[T], None]
End = Callable[[Exception | None], None]


def mapped(source: Source[T], change: Callable[[T], T]) -> Source[T]:
    """A source whose items are changed on their way."""
    if isinstance(source, Plan):
        return Plan([(due_s, change(item)) for due_s, item in source.items], source.ends_s, source.error)
    if isinstance(source, Computation):
        return Computation(lambda: change(source.compute()), source.takes_s)
    return _Mapped(source, change)


class _Mapped(Generic[T]):
    """An answer whose items are changed."""

    def __init__(self, answer: Answer[T], change: Callable[[T], T]) -> None:
        self._answer, self._change = answer, change

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in self._answer:
            yield self._change(item)

    def __iter__(self) -> Iterator[T]:
        return map(self._change, self._answer)


class Run:
    """A stage that was started. Once cancelled nothing of it arrives any more."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self._stop: Callable[[], object] = lambda: None

    def cancel(self) -> None:
        """Stop it. In the conversation's thread."""
        self.is_cancelled = True
        self._stop()

    def stops_by(self, stop: Callable[[], object]) -> None:
        """How what runs elsewhere is stopped."""
        self._stop = stop


class World(ABC):
    """What is common to virtual and real time: things to come, by their time, then in the order they were asked for."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], object]]] = []  # a heap
        self._count = 0

    def _push(self, at_s: float, do: Callable[[], object]) -> None:
        self._count += 1
        heapq.heappush(self._due, (max(at_s, self.now), self._count, do))

    @property
    @abstractmethod
    def now(self) -> float:
        """Seconds since the start, never going back."""

    @property
    @abstractmethod
    def date_time(self) -> datetime:
        """The user's local date and time."""

    @abstractmethod
    def at(self, at_s: float, do: Callable[[], object]) -> None:
        """Do something then, or as soon as possible where that is past. From any thread."""

    @abstractmethod
    def run(self) -> None:
        """Let things happen until `stop`; in virtual time also until nothing is to come."""

    @abstractmethod
    def stop(self) -> None:
        """End `run`. From any thread."""

    @abstractmethod
    def advance(self, samples: int) -> None:
        """So much more sound has come from the microphone, whose clock is the conversation's. From any thread."""

    @abstractmethod
    def work(self, do: Callable[[], object]) -> None:
        """Do something that may block, out of the conversation's way."""

    def forget(self) -> None:
        """Nothing of what was to come happens any more, nor is it kept until then. In the conversation's thread."""
        self._due.clear()

    def after(self, delay_s: float, do: Callable[[], object]) -> None:
        """Do something so many seconds from now."""
        self.at(self.now + delay_s, do)

    def start(self, source: Source[T], take: Take[T], end: End) -> Run:
        """Start a stage: `take` gets its items, `end` then None or what it failed with."""
        run = Run()
        if isinstance(source, Plan):
            for due_s, item in source.items:
                self._arrive(due_s, run, lambda item=item: take(item))  # type: ignore[misc]
            self._arrive(source.ends_s, run, lambda: end(source.error))
        else:
            self._start(source, run, take, end)
        return run

    def _arrive(self, delay_s: float, run: Run, do: Callable[[], None]) -> None:
        self.after(delay_s, lambda: None if run.is_cancelled else do())

    @abstractmethod
    def _start(self, source: Answer[T] | Computation[T], run: Run, take: Take[T], end: End) -> None:
        """Start what is not known beforehand."""


class VirtualWorld(World):
    """The clock jumps to the next thing; nothing sleeps, and there is one thread.

    Things due at the same time happen in the order in which they were asked for. A service is waited for when it is
    asked, and what it took by the wall clock it takes here: no stage slows another down.
    """

    def __init__(self, begins: datetime = _SCRIPTED_DAY) -> None:
        """`begins`: the local date and time of its beginning."""
        super().__init__()
        self._begins = begins
        self._now = 0.0
        self._stopped = False

    @property
    def now(self) -> float:
        """As `World.now`."""
        return self._now

    @property
    def date_time(self) -> datetime:
        """As `World.date_time`."""
        return self._begins + timedelta(seconds=self._now)

    def at(self, at_s: float, do: Callable[[], object]) -> None:
        """As `World.at`."""
        self._push(at_s, do)

    def run(self) -> None:
        """As `World.run`; may be called again."""
        self._stopped = False
        while self._due and not self._stopped:
            due_s, _, do = heapq.heappop(self._due)
            self._now = max(self._now, due_s)
            do()

    def stop(self) -> None:
        """As `World.stop`."""
        self._stopped = True

    def jump(self, seconds: float) -> None:
        """The clock goes on by so much at once, as on a machine that was asleep: what was due is late."""
        self._now += seconds

    def advance(self, samples: int) -> None:
        """The clock goes without the microphone."""

    def work(self, do: Callable[[], object]) -> None:
        """At once."""
        do()

    def _start(self, source: Answer[T] | Computation[T], run: Run, take: Take[T], end: End) -> None:
        began_s = time.perf_counter()

        def elapsed_s() -> float:
            return source.takes_s if isinstance(source, Computation) else time.perf_counter() - began_s

        failure: Exception | None = None
        try:
            for item in [source.compute()] if isinstance(source, Computation) else source:
                self._arrive(elapsed_s(), run, lambda item=item: take(item))  # type: ignore[misc]
        except Exception as error:  # a stage may fail in any way; the conversation goes on
            failure = error
        self._arrive(elapsed_s(), run, lambda: end(failure))


class RealWorld(World):
    """Real time: an asyncio event loop, on which answers are waited for, and a few threads for what blocks.

    Several worlds may share a loop and its thread. The clock is the microphone's (`ports.clock`).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, executor: Executor | None = None) -> None:
        """`loop` None: one of its own, which `run` runs and closes."""
        super().__init__()
        self._own = loop is None
        self._loop = loop or asyncio.new_event_loop()
        self._executor = executor or workers()
        self._clock = AudioClock()
        self._failure: BaseException | None = None
        self._is_closing = False
        self._timer: asyncio.TimerHandle | None = None
        if self._own:
            self._loop.set_exception_handler(self._fail)

    @property
    def now(self) -> float:
        """As `World.now`."""
        return self._clock.now()

    @property
    def date_time(self) -> datetime:
        """As `World.date_time`: by this machine's clock and zone."""
        return datetime.now().astimezone()

    def at(self, at_s: float, do: Callable[[], object]) -> None:
        """As `World.at`."""
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:  # another thread
            is_here = False
        if is_here:
            self._when_due(at_s, do)
        else:
            self._call(self._when_due, at_s, do)

    def run(self) -> None:
        """As `World.run`. Raises what was raised by something that happened."""
        try:
            self._loop.run_forever()
        finally:
            if self._own:
                self._close()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """As `World.stop`: after what is due by now."""
        self.at(0.0, self._stop)

    def forget(self) -> None:
        """As `World.forget`."""
        super().forget()
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()

    def advance(self, samples: int) -> None:
        """As `World.advance`."""
        self._clock.advance(samples)

    def work(self, do: Callable[[], object]) -> None:
        """As `World.work`."""
        self._executor.submit(do)

    def _when_due(self, at_s: float, do: Callable[[], object]) -> None:
        if self._is_closing:
            return  # nothing happens any more
        self._push(at_s, do)
        if self._due[0][1] == self._count:
            self._set_timer()

    def _set_timer(self) -> None:
        """For the first thing to come. The loop's own timers do not keep the order of two that are due together."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, self._due[0][0] - self.now), self._let_happen)

    def _let_happen(self) -> None:
        self._timer, until_s = None, self.now
        try:
            while self._due and self._due[0][0] <= until_s and not self._is_closing:
                heapq.heappop(self._due)[2]()
        finally:
            if self._due and not self._is_closing:
                self._set_timer()

    def _start(self, source: Answer[T] | Computation[T], run: Run, take: Take[T], end: End) -> None:
        task = self._loop.create_task(self._follow(source, run, take, end))
        run.stops_by(task.cancel)

    async def _follow(self, source: Answer[T] | Computation[T], run: Run, take: Take[T], end: End) -> None:
        failure: Exception | None = None
        try:
            if isinstance(source, Computation):
                result = await self._loop.run_in_executor(self._executor, source.compute)
                self._arrive(0.0, run, lambda: take(result))
            else:
                async for item in source:
                    self._arrive(0.0, run, lambda item=item: take(item))  # type: ignore[misc]
        except Exception as error:  # a stage may fail in any way; the conversation goes on
            failure = error
        self._arrive(0.0, run, lambda: end(failure))

    def _call(self, do: Callable[..., object], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(do, *arguments)
        except RuntimeError:  # the loop has ended: nothing happens any more
            if not self._loop.is_closed():
                raise

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "handle" not in context:  # nothing that was to be done: an idle connection that broke
            loop.default_exception_handler(context)
            return
        self._failure = self._failure or context["exception"]
        self._stop()

    def _stop(self) -> None:
        if not self._is_closing:  # else it would end the closing
            self._loop.stop()

    def _close(self) -> None:
        self._is_closing = True
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.wait(tasks))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())  # closes connections, too
        self._loop.close()


@cache
def workers() -> Executor:
    """The threads for what blocks, shared by all conversations of a process."""
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix=POOL)
