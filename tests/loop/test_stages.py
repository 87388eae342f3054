"""How the words of a language model become clauses in the live stages, also when it stops in the middle, and these
sound, while the model gives way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import Queue
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.stages import Stages
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.player import HeardUntil, Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns import events as ev
from huiyin.configs.settings import load
from tests.support.streams import stream_of

LIMIT_S = 20.0  # of a busy machine


class Writer(Services):
    """A language model that writes what it is handed, and fails with the errors among it; a voice of 0.1 s a letter."""

    def __init__(self, *overrides: str) -> None:
        super().__init__(load(overrides=overrides, environ={}))
        self.pieces: Queue[str | ServiceError] = Queue()
        self.did: list[object] = []
        self._events: Queue[ev.Event] = Queue()
        self.stages = Stages(
            self, Player(), lambda: 0.0, self._events.put, voice="heart", speak=True, cut=None, endpoint=None
        )

    def ask(self, messages: Sequence[Any], **more: Any) -> Stream[str]:
        return stream_of(self._written())

    def _written(self) -> Iterator[str]:
        while True:
            piece = self.pieces.get(timeout=LIMIT_S)
            if isinstance(piece, ServiceError):
                raise piece
            yield piece

    def speak(self, text: str, voice: str, **more: Any) -> Stream[Pcm16 | list[HeardUntil]]:
        return stream_of(self._spoken(text))

    def _spoken(self, text: str) -> Iterator[Pcm16]:
        for letter in text:
            self.did.append(letter)
            yield np.full(SAMPLE_RATE // 10, 1000, np.int16)

    def hold(self, seconds: float, **more: Any) -> Stream[None]:
        self.did.append("suspended" if seconds else "resumed")
        return stream_of([None])

    def say(self, *clauses: str) -> list[object]:
        """What was done to synthesise these."""
        for number, text in enumerate(clauses):
            self.stages.synthesise(1, number, text, "neutral")
            while not isinstance(self.next(), ev.AudioFinished):
                pass
        return self.did

    def next(self) -> ev.Event:
        return self._events.get(timeout=LIMIT_S)


@pytest.fixture
def writer() -> Writer:
    return writing()


def writing(*overrides: str) -> Writer:
    """It has been asked, and has written a clause, and some more."""
    writer = Writer(*overrides)
    writer.stages.ask(1, [{"role": "user", "content": "What is a lighthouse?"}])
    writer.pieces.put("A lighthouse is a tall tower, with a light. It wa")
    assert writer.next() == ev.ReplyText(0.0, 1, 0, "A lighthouse is a tall tower,")
    return writer


def test_what_is_whole_is_spoken_before_the_model_fails(writer: Writer) -> None:
    writer.pieces.put(ServiceError("clients.broke_off"))
    assert writer.next() == ev.ReplyText(0.0, 1, 1, "with a light.")
    assert writer.next() == ev.StageFailed(0.0, 1, "llm", "the answer broke off before its end")


def test_a_voice_that_has_nothing_to_say_is_given_what_there_is(writer: Writer) -> None:
    writer.stages.hurry(1)
    assert writer.next() == ev.ReplyText(0.0, 1, 1, "with a light.")
    writer.stages.hurry(2)  # a reply that is not being written
    writer.pieces.put("rns ships, and people, too")
    writer.stages.hurry(1)
    assert writer.next() == ev.ReplyText(0.0, 1, 2, "It warns ships,")


def test_the_model_is_suspended_until_the_voice_has_its_first_sound(writer: Writer) -> None:
    assert writer.say("It") == ["suspended", "I", "resumed", "t"]


def test_a_voice_with_a_second_of_sound_ahead_does_not_suspend_the_model(writer: Writer) -> None:
    assert writer.say("It is no", "on.")[10:] == ["suspended", "o", "resumed", "n", "."], "0.8 s are soon over"
    writer.did.clear()
    assert writer.say("Go") == ["G", "o"]


def test_a_model_that_runs_elsewhere_is_not_suspended() -> None:
    assert writing("llm.upstreams=http://127.0.0.1:9/v1").say("It") == ["I", "t"]


def test_a_model_that_has_written_all_is_not_suspended(writer: Writer) -> None:
    writer.pieces.put(ServiceError("clients.broke_off"))
    while not isinstance(writer.next(), ev.StageFailed):
        pass
    assert writer.say("It") == ["I", "t"]


def test_a_voice_that_fails_resumes_the_model(writer: Writer) -> None:
    writer.stages.synthesise(1, 0, "", "neutral")
    assert writer.next() == ev.StageFailed(0.0, 1, "tts", "tts returned no sound")
    assert writer.did == ["suspended", "resumed"]
