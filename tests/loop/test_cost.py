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
MOST_THREADS = 3  # of a conversation in a thread of its own: it, and two for what blocks
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

    with Stub(asr_s=0.2) as stub:  # a quick recogniser would be asked in a dip, too, and cutting that short costs one
        room = SimulatedRoom()
        before = set(threading.enumerate())
        conversation = assemble(Services(stub.settings()), load_persona("huiyin"), LocalPort(room), print, warm=False)
        conversation.observe(note)
        thread = threading.Thread(target=conversation.run, name="conversation")
        thread.start()
        for _ in range(2):  # a first turn opens what the later ones use
            room.say(question)
            assert committed.acquire(timeout=PATIENCE_S)
        first = list(started)
        started.clear()
        for _ in range(3):
            room.say(question)
            assert committed.acquire(timeout=PATIENCE_S)
        standing = [
            thread.name
            for thread in set(threading.enumerate()) - before
            if thread.name != "room" and A_CONNECTION not in thread.name
        ]
        assert started == []
        assert len(standing) <= MOST_THREADS, standing
        assert sum(A_CONNECTION in name for name in first) <= 4, "recogniser, model, voice, suspending the model"
        conversation.stop()
        thread.join(PATIENCE_S)
    assert "conversation" not in {thread.name for thread in threading.enumerate()}
