"""How the words of a language model become clauses in the live stages: also when it stops in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import Queue
from typing import Any

import pytest

from assistant.audio.player import Player
from assistant.clients.http import Call, ServiceError
from assistant.clients.services import Services
from assistant.stages import Stages
from assistant.turns import events as ev
from configs.settings import load

LIMIT_S = 20.0  # of a busy machine


class Writer(Services):
    """A language model that writes what it is handed, and fails with the errors among it."""

    def __init__(self) -> None:
        super().__init__(load(environ={}))
        self.pieces: Queue[str | ServiceError] = Queue()
        self._events: Queue[ev.Event] = Queue()
        self.stages = Stages(
            self, Player(), lambda: 0.0, self._events.put, voice="heart", speak=True, cut=None, endpoint=None
        )

    def ask(self, call: Call, messages: Sequence[Any], **more: Any) -> Iterator[str]:
        while True:
            piece = self.pieces.get(timeout=LIMIT_S)
            if isinstance(piece, ServiceError):
                raise piece
            yield piece

    def next(self) -> ev.Event:
        return self._events.get(timeout=LIMIT_S)


@pytest.fixture
def writer() -> Writer:
    """It has been asked, and has written a clause, and some more."""
    writer = Writer()
    writer.stages.ask(1, [{"role": "user", "content": "What is a lighthouse?"}])
    writer.pieces.put("A lighthouse is a tall tower, with a light. It wa")
    assert writer.next() == ev.ReplyText(0.0, 1, 0, "A lighthouse is a tall tower,")
    return writer


def test_what_is_whole_is_said_before_it_is_told_that_the_model_failed(writer: Writer) -> None:
    writer.pieces.put(ServiceError("it broke off"))
    assert writer.next() == ev.ReplyText(0.0, 1, 1, "with a light.")
    assert writer.next() == ev.StageFailed(0.0, 1, "llm", "it broke off")


def test_a_voice_that_has_nothing_to_say_is_given_what_there_is(writer: Writer) -> None:
    writer.stages.hurry(1)
    assert writer.next() == ev.ReplyText(0.0, 1, 1, "with a light.")
    writer.stages.hurry(2)  # a reply that nobody writes
    writer.pieces.put("rns ships, and people, too")
    writer.stages.hurry(1)
    assert writer.next() == ev.ReplyText(0.0, 1, 2, "It warns ships,")
