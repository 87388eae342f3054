"""The two worlds: what is due happens in order, in one thread; stages give what they have, fail, and are cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.world import Computation, Plan, RealWorld, Source, VirtualWorld, World
from tests.support.limits import PATIENCE_S

BROKE_OFF = RuntimeError("broke off")
SOON_S = 0.01


@pytest.fixture(params=[VirtualWorld, RealWorld])
def world(request: pytest.FixtureRequest) -> World:
    world: World = request.param()
    return world


class Followed:
    """What a stage gave, and how it ended; then the world ends, too."""

    def __init__(self, world: World, source: Source[str]) -> None:
        self.gave: list[str | Exception | None] = []
        self.threads: set[int] = set()
        self._world = world
        self.run = world.start(source, self._take, self._end)

    def _take(self, item: str) -> None:
        self.gave.append(item)
        self.threads.add(threading.get_ident())

    def _end(self, failure: Exception | None) -> None:
        self.gave.append(failure)
        self.threads.add(threading.get_ident())
        self._world.stop()


async def pieces(*items: str | Exception) -> AsyncGenerator[str, None]:
    """An answer that waits before each item."""
    for item in items:
        await asyncio.sleep(SOON_S)
        if isinstance(item, Exception):
            raise item
        yield item


def computed(result: str | Exception) -> Callable[[], str]:
    def compute() -> str:
        if isinstance(result, Exception):
            raise result
        return result

    return compute


# -- what is due


def test_what_is_due_at_the_same_time_happens_in_the_order_in_which_it_was_asked_for() -> None:
    world, happened = VirtualWorld(), list[tuple[float, str]]()

    def note(what: str) -> Callable[[], None]:
        return lambda: happened.append((world.now, what))

    def begin() -> None:
        world.at(1.0, note("past: at once, after what waited already"))
        world.after(0.0, note("now"))

    world.at(2.0, begin)
    world.at(2.0, note("second"))
    world.at(3.0, note("last"))
    world.at(1.0, note("first"))
    world.run()
    assert happened == [
        (1.0, "first"), (2.0, "second"), (2.0, "past: at once, after what waited already"), (2.0, "now"), (3.0, "last"),
    ]  # fmt: skip


def test_virtual_time_goes_on_where_it_was_stopped() -> None:
    world, happened = VirtualWorld(), list[float]()
    for at_s in (1.0, 2.0, 3.0):
        world.at(at_s, lambda: happened.append(world.now))
    world.at(2.0, world.stop)
    world.run()
    assert (happened, world.now) == ([1.0, 2.0], 2.0)
    world.run()
    assert happened == [1.0, 2.0, 3.0]


def test_in_real_time_things_happen_when_they_are_due_whoever_asks_for_them() -> None:
    world, happened = RealWorld(), list[tuple[str, int]]()

    def note(what: str) -> None:
        happened.append((what, threading.get_ident()))

    def begin() -> None:
        other = threading.Thread(target=lambda: world.at(0.0, lambda: note("at once")))
        other.start()
        other.join()
        world.after(SOON_S, lambda: (note("later"), world.stop()))

    world.at(0.0, begin)
    world.run()
    assert sorted(happened) == [("at once", threading.get_ident()), ("later", threading.get_ident())]
    assert world.now >= SOON_S


def test_in_real_time_other_threads_are_heard_while_it_waits() -> None:
    world = RealWorld()
    happened: list[int] = []

    def other() -> None:
        for number in range(100):
            world.at(0.0, lambda number=number: happened.append(number))  # type: ignore[misc]
        world.stop()

    world.at(0.0, threading.Thread(target=other).start)
    world.run()
    assert happened == list(range(100))


def test_after_its_end_nothing_happens_and_nothing_is_raised() -> None:
    world = RealWorld()
    world.stop()
    world.run()
    world.at(0.0, lambda: pytest.fail("it has ended"))
    world.after(1.0, lambda: pytest.fail("it has ended"))
    world.stop()


def test_real_time_is_that_of_the_microphone() -> None:
    world = RealWorld()
    world.advance(16_000 * 60)
    due_s: list[float] = []
    world.at(59.0, lambda: (due_s.append(world.now), world.stop()))
    world.run()
    assert due_s[0] >= 60.0


# -- stages


def test_a_plan_gives_its_items_at_their_times(world: World) -> None:
    times_s: list[float] = []
    stage = Followed(world, Plan([(0.01, "a"), (0.02, "b")], 0.03))
    for due_s in (0.01, 0.02, 0.03):
        world.at(due_s, lambda: times_s.append(world.now))
    world.run()
    assert stage.gave == ["a", "b", None]
    if isinstance(world, VirtualWorld):
        assert world.now == 0.03 and times_s[:2] == [0.01, 0.02]


@pytest.mark.parametrize(
    ("source", "gives"),
    [
        (Plan([(0.0, "a")], 0.01, BROKE_OFF), ["a", BROKE_OFF]),
        (Stream(lambda: pieces("a", "b")), ["a", "b", None]),
        (Stream(lambda: pieces("a", BROKE_OFF)), ["a", BROKE_OFF]),
        (Computation(computed("a"), 0.01), ["a", None]),
        (Computation(computed(BROKE_OFF), 0.01), [BROKE_OFF]),
    ],
    ids=["plan that fails", "answer", "answer that fails", "computation", "computation that fails"],
)
def test_a_stage_gives_what_it_has_and_then_how_it_ended(
    world: World, source: Source[str], gives: list[object]
) -> None:
    stage = Followed(world, source)
    world.run()
    assert stage.gave == gives
    assert stage.threads == {threading.get_ident()}, "in the conversation's thread, wherever it was computed"


def test_in_virtual_time_an_answer_takes_what_it_took_and_a_computation_what_it_says() -> None:
    world = VirtualWorld()
    world.start(Stream(lambda: pieces("a")), lambda item: None, lambda failure: None)
    world.run()
    assert world.now >= SOON_S
    before_s = world.now
    world.start(Computation(computed("a"), 7.0), lambda item: None, lambda failure: None)
    world.run()
    assert world.now == before_s + 7.0


def test_in_real_time_a_computation_does_not_hold_up_the_conversation() -> None:
    world, go_on = RealWorld(), threading.Event()

    def compute() -> str:
        assert go_on.wait(PATIENCE_S)
        return "done"

    stage = Followed(world, Computation(compute, 0.0))
    world.after(SOON_S, go_on.set)
    world.run()
    assert stage.gave == ["done", None]


@pytest.mark.parametrize("source", [Plan([(0.0, "a"), (0.0, "b")], 0.0), Stream(lambda: pieces("a", "b"))])
def test_of_a_cancelled_stage_nothing_arrives_not_even_its_end(world: World, source: Source[str]) -> None:
    stage = Followed(world, source)
    stage.run.cancel()
    world.after(5 * SOON_S, world.stop)
    world.run()
    assert stage.gave == []


def test_a_stage_may_be_cancelled_by_what_it_gives(world: World) -> None:
    gave: list[str] = []

    def take(item: str) -> None:
        gave.append(item)
        run.cancel()

    run = world.start(Plan([(0.0, "a"), (0.0, "b")], 0.0), take, lambda failure: pytest.fail("it was cancelled"))
    world.after(SOON_S, world.stop)
    world.run()
    assert gave == ["a"]


@pytest.mark.parametrize("how", ["cancelled", "the world ends"])
def test_in_real_time_a_request_that_is_given_up_ends_at_once(how: str) -> None:
    world, did = RealWorld(), list[str]()

    async def endless() -> AsyncGenerator[str, None]:
        try:
            did.append("asked")
            await asyncio.Event().wait()
            yield "never"
        finally:
            did.append("ended")

    def give_up() -> None:
        if how == "cancelled":
            stage.run.cancel()
            world.after(SOON_S, world.stop)
        else:
            world.stop()

    stage = Followed(world, Stream(endless))
    world.after(SOON_S, give_up)
    world.run()
    assert did == ["asked", "ended"] and stage.gave == []


@pytest.mark.parametrize("again", ["it is stopped again", "something fails"])
def test_in_real_time_nothing_disturbs_the_end(again: str) -> None:
    """Ctrl-C ends a conversation and, at the same moment, the program that its lines come from."""
    world, did = RealWorld(), list[str]()

    async def slow_to_end() -> AsyncGenerator[str, None]:
        try:
            world.after(SOON_S, world.stop)
            await asyncio.Event().wait()
            yield "never"
        finally:
            loop = asyncio.get_running_loop()
            loop.call_soon(world.stop if again == "it is stopped again" else pytest.fail)
            await asyncio.sleep(SOON_S)
            did.append("ended")

    stage = Followed(world, Stream(slow_to_end))
    with contextlib.nullcontext() if again == "it is stopped again" else pytest.raises(pytest.fail.Exception):
        world.run()
    assert did == ["ended"] and stage.gave == []


# -- failures


@pytest.mark.parametrize("within", ["what is due", "what an item leads to", "another thread's request"])
def test_a_failure_in_the_conversations_thread_ends_it_and_is_raised(world: World, within: str) -> None:
    def fail(*given: object) -> None:
        raise BROKE_OFF

    if within == "what is due":
        world.after(SOON_S, fail)
    elif within == "what an item leads to":
        world.start(Plan([(0.0, "a")], 0.0), fail, lambda failure: None)
    else:
        other = threading.Thread(target=world.at, args=(0.0, fail))
        other.start()
        other.join()
    with pytest.raises(RuntimeError, match="broke off"):
        world.run()


def test_what_fails_elsewhere_on_the_loop_does_not_end_a_conversation(caplog: pytest.LogCaptureFixture) -> None:
    world, happened = RealWorld(), list[str]()

    def begin() -> None:
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(BROKE_OFF)
        del failed  # nobody waits for it
        world.after(SOON_S, lambda: (happened.append("goes on"), world.stop()))

    world.at(0.0, begin)
    world.run()
    assert happened == ["goes on"] and "broke off" in caplog.text


# -- several at once


def test_two_real_worlds_share_a_loop_and_its_thread() -> None:
    loop, executor = asyncio.new_event_loop(), ThreadPoolExecutor(1)
    worlds = [RealWorld(loop, executor) for _ in range(2)]
    gave: list[list[object]] = [[], []]

    def end(number: int, failure: Exception | None) -> None:
        gave[number].append(failure)
        if all(None in each for each in gave):
            loop.stop()

    for number, world in enumerate(worlds):
        world.advance(16_000 * 100 * number)
        source = Stream(lambda number=number: pieces(f"a{number}", f"b{number}"))  # type: ignore[misc]
        world.start(source, gave[number].append, lambda failure, number=number: end(number, failure))  # type: ignore[misc]
    cancelled = worlds[0].start(Stream(lambda: pieces("no")), pytest.fail, pytest.fail)
    cancelled.cancel()
    loop.run_forever()
    assert gave == [["a0", "b0", None], ["a1", "b1", None]]
    assert worlds[0].now < 100 <= worlds[1].now, "each has a clock of its own"
    loop.close()
    executor.shutdown()


def test_work_that_blocks_is_done_at_once_in_virtual_time_and_elsewhere_in_real_time() -> None:
    done: list[int] = []
    VirtualWorld().work(lambda: done.append(threading.get_ident()))
    world = RealWorld()
    world.work(lambda: (done.append(threading.get_ident()), world.stop()))
    world.run()
    assert done[0] == threading.get_ident() != done[1]


def test_in_real_time_too_what_is_due_together_happens_in_the_order_it_was_asked_for() -> None:
    """A reply's end must not come before its words: a loop's own timers do not promise it."""
    world, seen = RealWorld(), list[int]()

    class Uneven:
        """A clock that stands still now and then, as the microphone's does between two blocks."""

        def __init__(self) -> None:
            self._began_s, self._last_s = time.monotonic(), 0.0

        def now(self) -> float:
            self._last_s = max(self._last_s, round(time.monotonic() - self._began_s, 3))
            return self._last_s

    world._clock = Uneven()  # type: ignore[assignment]
    for number in range(2000):
        world.after(0.05, lambda number=number: seen.append(number))  # type: ignore[misc]
    world.after(0.2, world.stop)
    world.run()
    assert seen == list(range(2000))


def test_a_world_that_shares_a_loop_keeps_nothing_that_will_not_happen() -> None:
    async def forget() -> None:
        world, happened = RealWorld(asyncio.get_running_loop()), list[str]()

        def do() -> None:
            happened.append("too late")

        world.after(0.0, do)
        world.after(600.0, do)
        kept = weakref.ref(do)
        del do
        world.forget()
        gc.collect()
        assert kept() is None
        world.after(0.0, lambda: happened.append("after the end"))
        await asyncio.sleep(0.0)
        assert not happened

    asyncio.run(forget())
