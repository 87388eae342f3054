"""The loop in real time: typed to, greeted, left without a device, watched by slow observers, and ended."""

from __future__ import annotations

import gc
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import psutil
import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation import observers
from huiyin.assistant.conversation.http_stages import http_parts
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.session import Ear, Session
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ports.desktop import SilentDevice
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.port import Duplex, Exchange, PortError
from huiyin.assistant.ports.room import SimulatedRoom
from tests.support.desk import a_listener
from tests.support.limits import PATIENCE_S, until
from tests.support.speech_clips import english
from tests.support.stub_services import Stub

E = TypeVar("E", bound=on.Public)


class Live:
    """A conversation in real time; `events` has what was told of it, in its own thread."""

    def __init__(self, stub: Stub, device: Duplex | None = None, ear: Ear | None = None) -> None:
        services, persona = Services(stub.settings()), load_persona("huiyin")
        world, port = RealWorld(), LocalPort(device or SilentDevice())
        parts = http_parts(services, persona.voice, session="live", speak=True, by_sound=None)
        self.loop = Conversation(Session(world, port, ear, persona, parts, services.settings), world, port)
        self.events: list[tuple[float, on.Public]] = []
        self._ended_by: BaseException | None = None
        self.loop.observe(lambda at_s, event: self.events.append((at_s, event)), at_once=True)

    def all(self, kind: type[E]) -> list[E]:
        """The events of this kind so far."""
        return [event for _, event in list(self.events) if isinstance(event, kind)]

    def wait(self, kind: type[E], count: int = 1) -> list[E]:
        """Until `count` of these have happened; all of them."""
        until(lambda: len(self.all(kind)) >= count, f"no {kind.__name__}")
        return self.all(kind)

    @contextmanager
    def running(self) -> Iterator[None]:
        """It runs in another thread, until the context's end at the latest. Raises what `run` raises."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.loop.stop()
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
        if self._ended_by:
            raise self._ended_by

    def _run(self) -> None:
        try:
            self.loop.run()
        except BaseException as error:
            self._ended_by = error


@contextmanager
def nothing_left() -> Iterator[None]:
    """Afterwards there is no thread more than before (but those for work, which all conversations share), and nothing
    that was not closed."""

    def names() -> set[str]:
        return {thread.name for thread in threading.enumerate() if not thread.name.startswith("work")}

    gc.collect()
    before = names()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        until(lambda: names() <= before, "a thread is left")
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(reply="It is noon.") as stub:
        yield stub


def test_typed_words_are_answered(stub: Stub) -> None:
    live = Live(stub)
    with live.running():
        live.loop.type("hello")
        (committed,) = live.wait(on.TurnCommitted)
    assert (committed.turn.user, committed.turn.heard) == ("hello", stub.reply)
    assert stub.asked[0]["messages"][-1]["content"] == "(Answer in English.)\nhello"
    assert [turn.user for turn in live.loop.history.turns] == ["hello"]


def test_it_may_speak_first_and_is_not_quiet_until_it_has(stub: Stub) -> None:
    live = Live(stub)
    assert live.loop.quiet.is_set()
    live.loop.greet(["Hello."])
    assert not live.loop.quiet.is_set()
    with live.running():
        assert live.loop.quiet.wait(PATIENCE_S)
        assert [event.turn.heard for event in live.all(on.TurnCommitted)] == ["Hello."]


def test_it_ends_when_it_is_quiet_with_all_answered_and_heard(stub: Stub) -> None:
    live = Live(stub)
    live.loop.type("hello")
    live.loop.stop_when_quiet()
    live.loop.run()
    assert [event.turn.heard for event in live.all(on.TurnCommitted)] == [stub.reply]
    assert not live.all(on.ReplyStopped)


def test_it_ends_at_once_where_there_is_nothing_to_wait_for(stub: Stub) -> None:
    live = Live(stub)
    live.loop.stop_when_quiet()
    live.loop.run()
    assert live.events == []


# -- the device


class Loose(SimulatedRoom):
    """A device that may be unplugged."""

    plugged = True

    def check(self) -> None:
        if not self.plugged:
            raise PortError("ports.device_stopped")

    def start(self, exchange: Exchange) -> None:
        if not self.plugged:
            raise PortError("ports.not_listed", why="no device")
        super().start(exchange)


@pytest.mark.slow
@pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1])
def test_lost_device_is_reported_and_the_conversation_goes_on_when_it_is_back(stub: Stub) -> None:
    question, room = english(), Loose()
    live = Live(stub, room, a_listener())
    began_s = time.monotonic()
    with live.running():
        until(lambda: room.now() > 0.2)
        room.plugged = False
        assert "plug it in" in live.wait(on.Notice)[0].text
        room.plugged = True
        assert "back" in live.wait(on.Notice, 2)[1].text
        start_s, _ = room.say(question)
        assert live.wait(on.TurnCommitted)[0].turn.heard == stub.reply
        assert live.loop.world.now <= time.monotonic() - began_s + 0.1, "the time without a device has passed once"
    assert live.all(on.SpeechHeard)[0].onset_s - start_s > 1.0, "and for the ear, too: it heard silence"


def test_a_device_that_does_not_open_is_an_error_and_leaves_nothing(stub: Stub) -> None:
    room = Loose()
    room.plugged = False
    with nothing_left(), pytest.raises(PortError, match="no device"):
        Live(stub, room).loop.run()


# -- who watches


def test_a_slow_observer_does_not_hold_up_the_conversation_and_is_told_what_it_missed(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "_WAITING", 3)
    live, go_on, told = Live(stub), threading.Event(), list[on.Public]()

    def slow(at_s: float, event: on.Public) -> None:
        assert go_on.wait(PATIENCE_S)
        told.append(event)

    live.loop.observe(slow)
    with live.running():
        for i in range(2):
            live.loop.type(f"question {i}")
            live.wait(on.TurnCommitted, i + 1)
        assert told == []
        happened = [event for _, event in live.events]
        go_on.set()
    assert [event for event in told if isinstance(event, on.TurnCommitted)] == live.all(on.TurnCommitted)
    known = [event for event in told if not isinstance(event, on.Notice)]
    notices = [event for event in told if isinstance(event, on.Notice)]
    assert all(notice.text.endswith("events are missing here: this output was too slow for them") for notice in notices)
    assert sum(int(notice.text.split()[0]) for notice in notices) == len(live.events) - len(known) > 0
    assert told[:3] == happened[:3], "those that waited"


def test_two_observers_of_one_screen_leave_room_for_others_while_it_is_paused_and_keep_its_order(stub: Stub) -> None:
    live, go_on, screen, disk = Live(stub), threading.Event(), list[tuple[str, on.Public]](), list[on.Public]()

    def line(who: str, event: on.Public) -> None:
        assert go_on.wait(PATIENCE_S)
        screen.append((who, event))

    live.loop.observe(observers.together(lambda at_s, event: line("a", event), lambda at_s, event: line("b", event)))
    live.loop.observe(lambda at_s, event: disk.append(event))
    with live.running():
        live.loop.type("hello")
        committed = live.wait(on.TurnCommitted)[0]
        until(lambda: committed in disk, "what is to be kept has not been told")
        assert screen == []
        go_on.set()
    assert screen == [(who, event) for _, event in live.events for who in "ab"]


@pytest.mark.parametrize("at_once", [True, False])
def test_an_observer_that_fails_ends_the_conversation_with_its_error(stub: Stub, at_once: bool) -> None:
    def fail(at_s: float, event: on.Public) -> None:
        raise OSError("the disk is full")

    live = Live(stub)
    live.loop.observe(fail, at_once=at_once)
    live.loop.type("hello")
    with pytest.raises(OSError, match="the disk is full"):
        live.loop.run()


def test_nothing_is_left_of_a_conversation_that_has_ended(stub: Stub) -> None:
    def connections() -> int:
        port = stub.settings().llm.port
        return sum(bool(c.raddr) and c.raddr.port == port for c in psutil.Process().net_connections("tcp"))

    with nothing_left():
        live = Live(stub)
        with live.running():
            live.loop.type("hello")
            live.wait(on.TurnCommitted)
            live.loop.type("and now")
            live.wait(on.ReplyStarted, 2)
            assert connections() > 0
        until(lambda: not connections(), "a connection is left")
        del live
