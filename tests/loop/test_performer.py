"""What the performer asks of the stages: how a reply is spoken, the greeting, and what is sent of a long talk."""

from __future__ import annotations

import io
import queue
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.performer import Performer, TurnCommitted
from huiyin.assistant.conversation.stages import Stages
from huiyin.assistant.conversation.trimming import TurnsForgotten
from huiyin.assistant.dialogue.history import HistoryLimit, Message
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.cli.show_prompt import PromptPrinter
from huiyin.assistant.ports import BLOCK
from huiyin.assistant.ports.player import Player
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State, TurnMachine
from tests.support.stub_services import Stub

PERSONA = Persona("P", "You are P.")


class Talk:
    """A performer whose stages answer at once, on request."""

    def __init__(self, **options: Any) -> None:
        self.asked: list[list[Message]] = []
        self.synthesised: list[tuple[str, str]] = []
        self.machine, self.player, self.now = TurnMachine(), Player(), 0.0
        self.performer = Performer(
            self.machine, PERSONA, self.player, self, lambda: self.now,
            **{"apologies": {}, "limit": HistoryLimit(10_000, 100), **options},
        )  # fmt: skip
        self.observed: list[object] = []
        self.performer.observe(lambda at_s, what: self.observed.append(what))

    def ask(self, generation: int, messages: Sequence[Message]) -> None:
        self.asked.append(list(messages))

    def synthesise(self, generation: int, clause: int, text: str, style: str) -> None:
        self.synthesised.append((text, style))
        self.player.add(generation, clause, np.full(BLOCK, 1000, np.int16))
        self.player.end_clause(generation, clause)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None

    def happens(self, kind: type, *args: object) -> None:
        self.performer.handle(kind(self.now, self.machine.generation, *args))

    def hear_out(self) -> None:
        """The reply's sound is made, played and heard to its end."""
        self.happens(ev.AudioReady, 0)
        self.happens(ev.AudioFinished, 0)
        for _ in range(20):
            self.player.read(BLOCK)
        self.happens(ev.PlaybackFinished)

    def turn(self, user: str, reply: str = "Yes.") -> None:
        """A typed turn, answered and heard."""
        self.performer.handle(ev.TextEntered(self.now, user))
        self.happens(ev.ReplyText, 0, reply)
        self.happens(ev.ReplyFinished)
        self.hear_out()


def test_each_clause_goes_to_the_voice_in_the_style_that_the_users_mood_asks_for() -> None:
    talk = Talk()
    talk.performer.handle(ev.SpeechStarted(0.1, 0.0))
    talk.performer.handle(ev.SpeechPaused(1.0, 0.9))
    talk.performer.handle(ev.TimePassed(1.1))
    talk.happens(ev.Transcribed, ev.Transcript("I failed again.", "en", ("sad", 0.9)))
    talk.performer.handle(ev.TimePassed(5.0))
    talk.happens(ev.ReplyText, 0, "Oh no.")
    talk.happens(ev.ReplyText, 1, "What happened?")
    assert talk.synthesised == [("Oh no.", "gentle"), ("What happened?", "gentle")]
    assert talk.asked[-1][-1]["content"].startswith("(The user sounds sad.")


def test_the_style_reaches_the_speech_service() -> None:
    with Stub(tts_s=0.0) as stub:
        synthesised: queue.SimpleQueue[ev.Event] = queue.SimpleQueue()
        services = Services(stub.settings())
        stages = Stages(
            services, Player(), lambda: 0.0, synthesised.put, voice="heart", speak=True, cut=None, endpoint=None
        )
        list(services.speak("Oh no.", "heart", timeout_s=5, emotion="gentle"))
        stages.synthesise(1, 0, "What happened?", "gentle")
        stages.finish(1)
        assert [type(synthesised.get(timeout=10)) for _ in range(2)] == [ev.AudioReady, ev.AudioFinished]
    assert [body.get("emotion") for body in stub.synthesised] == ["gentle", "gentle"]


def test_what_was_hardly_heard_beside_the_words_is_not_spoken_of() -> None:
    events = [{"label": "laughter", "confidence": 0.4}, {"label": "music", "confidence": 0.5}, {"label": "cough"}]
    with Stub(asr_s=0.0, tags={"emotion": {"label": "sad", "confidence": 0.8}, "events": events}) as stub:
        services = Services(stub.settings())
        heard = services.transcribe(np.zeros(160, np.int16), timeout_s=5).one()
    assert (heard.emotion, heard.events) == (("sad", 0.8), ("music", "cough"))


def test_the_assistant_may_speak_first_and_is_heard_out_before_it_listens() -> None:
    talk = Talk()
    talk.performer.handle(ev.Say(0.0, ("Hello, I'm P.",)))
    assert talk.asked == [] and talk.synthesised == [("Hello, I'm P.", "neutral")]
    talk.hear_out()
    assert talk.machine.state is State.LISTENING
    turn = next(what for what in talk.observed if isinstance(what, TurnCommitted)).turn
    assert (turn.user, turn.heard) == ("", "Hello, I'm P.")
    talk.turn("Hi P.")
    assert [message["content"] for message in talk.asked[-1]] == [
        "You are P.", "(The conversation begins)", "Hello, I'm P.", "Hi P.",
    ]  # fmt: skip


def test_a_greeting_can_be_interrupted_before_a_word_of_it_and_leaves_no_trace() -> None:
    talk = Talk()
    talk.performer.handle(ev.Say(0.0, ("Hello, I'm P.",)))
    talk.turn("What time is it?")
    assert [message["content"] for message in talk.asked[-1]] == ["You are P.", "What time is it?"]


def test_old_turns_are_no_longer_sent_and_observers_learn_it() -> None:
    talk = Talk(limit=HistoryLimit(10_000, 5))
    for i in range(6):
        talk.turn(f"Question {i}?")
    assert [what.turns for what in talk.observed if isinstance(what, TurnsForgotten)] == [3]
    talk.turn("And now?")
    assert talk.asked[-1][1]["content"] == "Question 3?"


def test_with_a_summary_the_turns_go_when_it_has_come() -> None:
    requests: list[tuple[Sequence[Message], Callable[[str], None]]] = []
    talk = Talk(limit=HistoryLimit(10_000, 5), summarise=lambda messages, done: requests.append((messages, done)))
    for i in range(7):
        talk.turn(f"Question {i}?")
    assert len(requests) == 1 and "Question 0?" in requests[0][0][0]["content"]
    assert len(talk.asked[-1]) == 1 + 6 * 2 + 1, "until then all is sent"
    requests[0][1]("The user asks much.")
    talk.turn("Question 7?")
    talk.turn("Question 8?")
    assert talk.asked[-1][0]["content"] == "You are P.\n\nEarlier in this conversation: The user asks much."
    assert talk.asked[-1][1]["content"] == "Question 3?"


def test_a_summary_that_fails_costs_the_old_turns_and_nothing_else() -> None:
    talk = Talk(limit=HistoryLimit(10_000, 5), summarise=lambda messages, done: done(""))
    for i in range(8):
        talk.turn(f"Question {i}?")
    assert talk.asked[-1][0]["content"] == "You are P." and len(talk.asked[-1]) < 14


def test_what_the_model_is_asked_is_shown_and_what_it_knows_is_counted() -> None:
    out, talk = io.StringIO(), Talk(limit=HistoryLimit(10_000, 2))
    talk.performer.observe(PromptPrinter(out))
    for text in ("Hi.", "Well?", "And?"):
        talk.turn(text)
    assert out.getvalue().splitlines() == [
        "| prompt #1: 2 messages, about 16 tokens; spoken: neutral",
        "|    system  You are P.",
        "|      user  Hi.",
        "| prompt #2: 4 messages, about 30 tokens, the first 2 as before; spoken: neutral",
        "| assistant  Yes.",
        "|      user  Well?",
        "| prompt #3: 6 messages, about 44 tokens, the first 4 as before; spoken: neutral",
        "| assistant  Yes.",
        "|      user  And?",
        "| the oldest 2 turns are no longer sent",
    ]
