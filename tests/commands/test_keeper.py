"""Services that end are started again, ever more slowly, and not for ever."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from huiyin.assistant.clients import keeper, launcher, watchdog
from huiyin.assistant.clients.keeper import Keeper, Restarts
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.watchdog import Silence
from huiyin.configs.settings import load
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.service_process import free_port

pytestmark = pytest.mark.slow  # services are started and killed

NEVER = float("inf")


def test_each_pause_is_twice_as_long_and_after_five_restarts_there_is_none() -> None:
    restarts, now_s, pauses = Restarts(), 0.0, []
    for _ in range(6):
        restarts.note_end(now_s)
        assert restarts.start_s is not None
        pauses.append(restarts.start_s - now_s)
        now_s = restarts.start_s
    assert pauses == [1, 2, 4, 8, 16, NEVER]


def test_an_end_of_long_ago_does_not_count() -> None:
    restarts = Restarts()
    for now_s in (0, 1000, 2000, 3000, 4000, 5000, 6000):
        restarts.note_end(now_s)
        assert restarts.start_s == now_s + 1


@contextmanager
def kept(monkeypatch: pytest.MonkeyPatch, program: str) -> Iterator[tuple[Launcher, Keeper, queue.Queue[str]]]:
    """A launcher whose only service runs `program`, what keeps it, and the lines that these say."""
    monkeypatch.setattr(launcher, "service_command", lambda name, arguments: [sys.executable, "-c", program])
    monkeypatch.setattr(keeper, "FIRST_PAUSE_S", 0.001)
    lines: queue.Queue[str] = queue.Queue()

    def tell(line: str) -> None:
        if "is loading" not in line:  # said where the machine is busy
            lines.put(line)

    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with Launcher(load(overrides=[f"asr.port={port}"], environ={}), tell=tell) as running:
        keeping = Keeper(running)
        thread = threading.Thread(target=keeping.run, daemon=True)
        thread.start()
        yield running, keeping, lines
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


READY = """
import os, sys, threading
from tests.support import ready_service
from tests.support.aiohttp_server import serving
with serving(ready_service.app("asr"), int(os.environ["PORT"])):
    sys.stdin.read()
"""


def test_a_service_that_is_killed_is_ready_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with kept(monkeypatch, READY) as (running, keeping, lines):
        assert keeping.standing("asr") == "foreign"
        running.start(["asr"])
        assert keeping.standing("asr") == "running"
        first = running.children["asr"].pid
        running.children["asr"].kill()
        assert "asr has ended" in lines.get(timeout=PATIENCE_S)
        assert lines.get(timeout=PATIENCE_S) == "asr is ready again"
        assert keeping.standing("asr") == "running" and running.children["asr"].pid != first


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_service_that_is_stopped_from_outside_is_ended_and_ready_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, answers = threading.Event(), watchdog._answers

    def noted(*arguments: Any) -> bool:
        if answers(*arguments):
            answered.set()
            return True
        return False

    monkeypatch.setattr(watchdog, "ASK_EVERY_S", 0.01)
    monkeypatch.setattr(watchdog, "PATIENCE_S", 1.0)
    monkeypatch.setattr(watchdog, "MOST_AT_START", 1_000_000)
    monkeypatch.setattr(watchdog, "_answers", noted)
    with kept(monkeypatch, READY) as (running, keeping, lines):
        running.start(["asr"])
        assert answered.wait(PATIENCE_S)
        first = running.children["asr"].pid
        os.kill(first, signal.SIGSTOP)
        assert "asr does not answer any more" in lines.get(timeout=PATIENCE_S)
        assert "asr has ended (status -9)" in lines.get(timeout=PATIENCE_S)
        assert lines.get(timeout=PATIENCE_S) == "asr is ready again"
        assert keeping.standing("asr") == "running" and running.children["asr"].pid != first


def test_silence_counts_in_a_row_and_longer_before_the_first_answer() -> None:
    silence = Silence()
    assert [silence.note(False) for _ in range(watchdog.MOST_AT_START)][-2:] == [False, True]
    silence = Silence()
    assert [silence.note(answered) for answered in (False, False, False, True, False, False, True)] == [False] * 7
    assert [silence.note(False) for _ in range(watchdog.MOST_SILENT)] == [False, False, True]


def test_what_a_service_prints_is_shown_to_who_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: queue.Queue[tuple[str, str]] = queue.Queue()
    with kept(monkeypatch, "print('its line'); raise SystemExit(3)") as (running, _, _lines):
        running.show = lambda name, line: printed.put((name, line))
        running.run("asr")
        assert printed.get(timeout=PATIENCE_S) == ("asr", "its line")


def test_a_service_that_ends_at_once_each_time_stays_down_and_its_last_words_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with kept(monkeypatch, "print('no weights here'); raise SystemExit(3)") as (running, keeping, lines):
        running.run("asr")
        for _ in range(keeper.MOST_RESTARTS):
            assert "status 3" in lines.get(timeout=PATIENCE_S)
        last = lines.get(timeout=PATIENCE_S)
        assert "not started again" in last and "no weights here" in last
        assert keeping.standing("asr") == "given_up"
