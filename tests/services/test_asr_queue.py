"""Many callers, one model: order, lanes, limits, and callers who leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.common.errors import ApiError
from huiyin.services.common.watch import ClientLeft
from tests.support.limits import PATIENCE_S, until


@contextmanager
def all_workers(queue: ModelQueue) -> Iterator[None]:
    """Uses all workers of the model."""
    with ExitStack() as stack:
        for _ in range(queue.workers):
            stack.enter_context(queue.turn())
        yield


class Line:
    """Callers that come one after another, and the order of their turns."""

    def __init__(self, queue: ModelQueue) -> None:
        self._queue, self.order, self.errors = queue, [], []
        self._threads: list[threading.Thread] = []

    def arrive(self, name: str, caller: Caller) -> None:
        def call() -> None:
            try:
                with self._queue.turn(caller):
                    self.order.append(name)
            except Exception as error:
                self.errors.append(error)

        waiting = self._queue.waiting
        self._threads.append(threading.Thread(target=call))
        self._threads[-1].start()
        until(lambda: self._queue.waiting > waiting or not self._threads[-1].is_alive())

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def test_turns_come_in_order_of_arrival_and_as_many_at_once_as_there_are_workers() -> None:
    queue = ModelQueue(PATIENCE_S, 16, workers=2)
    line, inside, most = Line(queue), [0], [0]
    lock, gate = threading.Lock(), threading.Event()

    def busy() -> None:
        with queue.turn():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            gate.wait(PATIENCE_S)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=busy) for _ in range(5)]
    for thread in threads:
        thread.start()
    until(lambda: queue.waiting == 3)
    assert queue.in_use
    gate.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert most == [2] and not queue.in_use
    queue.workers = 1
    with all_workers(queue):
        for n in range(6):
            line.arrive(str(n), Caller())
    line.finish()
    assert line.order == list("012345")


def test_more_workers_are_used_at_once() -> None:
    queue = ModelQueue(PATIENCE_S, 16)
    line = Line(queue)
    with all_workers(queue):
        line.arrive("a", Caller())
        queue.workers = 2
        line.finish()
    assert line.order == ["a"]


def test_short_requests_go_first_but_long_files_are_not_starved() -> None:
    queue = ModelQueue(PATIENCE_S, 32)
    line = Line(queue)
    with all_workers(queue):
        for n in range(3):
            line.arrive(f"long{n}", Caller(short=False))
        for n in range(7):
            line.arrive(f"{n}", Caller())
    line.finish()
    assert [name for name in line.order if name.startswith("long")] == ["long0", "long1", "long2"]
    assert line.order[0] == "0", "though all the long ones came before"
    gaps = [i for i, name in enumerate(line.order) if name.startswith("long")]
    assert gaps[0] <= 3 and gaps[1] - gaps[0] == 4, line.order


def test_no_caller_waits_longer_than_allowed_for_a_first_turn() -> None:
    queue = ModelQueue(0.05, 16)
    with all_workers(queue):
        with pytest.raises(ApiError) as caught, queue.turn():
            pass
        assert (caught.value.status, caught.value.code) == (429, "busy") and (caught.value.retry_after_s or 0) > 0
        line = Line(queue)
        line.arrive("accepted", Caller(accepted=True))
        time.sleep(0.1)
        assert queue.waiting == 1, "a caller is not refused half-way"
    line.finish()
    with queue.turn():
        pass


def test_a_full_queue_refuses_new_callers() -> None:
    queue = ModelQueue(PATIENCE_S, places=2)
    line = Line(queue)
    with all_workers(queue):
        line.arrive("waits", Caller())
        with pytest.raises(ApiError, match="1 requests are before"), queue.turn():
            pass
        line.arrive("goes on", Caller(accepted=True))
        assert queue.waiting == 2
    line.finish()
    assert line.order == ["waits", "goes on"]


def test_a_caller_who_leaves_frees_the_place_at_once() -> None:
    queue = ModelQueue(PATIENCE_S, places=2)
    line, gone = Line(queue), threading.Event()
    with all_workers(queue):
        line.arrive("leaver", Caller(left=gone.is_set))
        gone.set()
        line.finish()
        assert queue.waiting == 0 and [type(error) for error in line.errors] == [ClientLeft]
        line.arrive("next", Caller())
    line.finish()
    assert line.order == ["next"]
    with pytest.raises(ClientLeft), queue.turn(Caller(left=gone.is_set)):
        pass
    with queue.turn():
        pass


def test_after_the_deadline_waiting_ends_with_what_was_reached() -> None:
    queue = ModelQueue(PATIENCE_S, 16)
    caller = Caller(deadline_s=0.05, accepted=True, reached_s=12.0)
    with all_workers(queue), pytest.raises(ApiError, match=r"12\.0 s") as caught, queue.turn(caller):
        pass
    assert (caught.value.status, caught.value.code) == (504, "deadline")
    with queue.turn():
        pass


def test_an_error_inside_a_turn_frees_the_model() -> None:
    queue = ModelQueue(0.05, 1)
    with pytest.raises(ZeroDivisionError), queue.turn():
        raise ZeroDivisionError
    with queue.turn():
        pass


def test_sixteen_equal_callers_get_equal_shares() -> None:
    """Counted in turns that others had in between, so that a busy machine does not change the result."""
    rounds, callers = 8, 16
    passed: list[int] = []
    waits_s: list[float] = []
    queue = ModelQueue(PATIENCE_S, callers, workers=2, on_wait=waits_s.append)
    together, turns = threading.Barrier(callers), [0]

    def call() -> None:
        together.wait(PATIENCE_S)
        for _ in range(rounds):
            before = turns[0]
            with queue.turn():
                passed.append(turns[0] - before)
                turns[0] += 1
                time.sleep(0.002)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(passed) == len(waits_s) == callers * rounds
    assert sorted(passed)[int(0.95 * len(passed))] <= 1.5 * callers


def test_files_wait_while_somebody_talks_and_go_on_when_nobody_does() -> None:
    live = threading.Event()
    live.set()
    queue = ModelQueue(PATIENCE_S, 16, is_live=live.is_set)
    line = Line(queue)
    line.arrive("file", Caller(short=False))
    line.arrive("turn", Caller())
    until(lambda: line.order == ["turn"])
    assert queue.running == 0 and queue.waiting == 1
    live.clear()
    line.finish()
    assert line.order == ["turn", "file"]


def test_a_file_that_waits_for_those_who_talk_is_not_refused_as_the_model_is_not_busy() -> None:
    queue = ModelQueue(0.05, 16, is_live=lambda: True, patience_s=0.3)
    line = Line(queue)
    for name in ("one", "two"):
        line.arrive(name, Caller(short=False))
    line.finish()
    assert line.order == ["one", "two"] and not line.errors
