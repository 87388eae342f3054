"""What a conversation costs while it goes on: few threads, none for a turn, and no new connections."""

from __future__ import annotations

import threading

import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.assemble import assemble
from huiyin.assistant.conversation.events import Public, TurnCommitted
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.room import SimulatedRoom
from tests.support.limits import PATIENCE_S
from tests.support.speech_clips import english
from tests.support.stub_services import Stub

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1]),
]
CLEAN = ["turns.speculate_s=0", "turns.early_asr_s=0"]  # a guess that proves wrong is cut short, with its connection
MOST_THREADS = 3  # of a conversation in a thread of its own: it, and two for what blocks
MOST_CONNECTIONS = 4  # at once: recogniser, model, voice, and the request that suspends the model
TURNS = 4  # of six calls each
A_CONNECTION = "process_request_thread"  # the stub's services have a thread for each


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that are started from now on."""
    names: list[str] = []
    start = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        names.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    return names


def test_a_turn_starts_no_thread_and_opens_no_connection(started: list[str]) -> None:
    question, committed = english(), threading.Semaphore(0)

    def note(at_s: float, event: Public) -> None:
        if isinstance(event, TurnCommitted):
            committed.release()

    with Stub(reply="It is noon. The sun is high.") as stub:
        room = SimulatedRoom()
        before = set(threading.enumerate())
        conversation = assemble(
            Services(stub.settings(*CLEAN)), load_persona("huiyin"), LocalPort(room), print, warm=False
        )
        conversation.observe(note)
        thread = threading.Thread(target=conversation.run, name="conversation")
        thread.start()
        for number in range(TURNS):
            if number == TURNS // 2:
                early = list(started)  # the first turns open what the later ones use
            room.say(question)
            assert committed.acquire(timeout=PATIENCE_S)
        late = [name for name in started[len(early) :] if A_CONNECTION not in name]
        standing = {thread.name for thread in set(threading.enumerate()) - before if A_CONNECTION not in thread.name}
        assert late == []
        assert len(standing - {"room", "presence"}) <= MOST_THREADS, standing  # the latter is the process's, once
        assert sum(A_CONNECTION in name for name in started) <= MOST_CONNECTIONS
        conversation.stop()
        thread.join(PATIENCE_S)
    assert "conversation" not in {thread.name for thread in threading.enumerate()}
