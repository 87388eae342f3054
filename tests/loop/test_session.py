"""What a session asks of its stages: how a reply is spoken, what is said unasked, and what is sent of a long talk."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.http_stages import http_parts
from huiyin.assistant.conversation.stages import Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.show_prompt import PromptPrinter
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State
from huiyin.configs.settings import load
from tests.support.desk import Desk
from tests.support.stub_services import Stub

PERSONA = Persona("P", "You are P.")
TAKES_S = 0.1


class Talk(Desk):
    """A session whose stages answer 0.1 s after they were asked: the recogniser `heard`, the model `reply`."""

    def __init__(
        self, *overrides: str, reply: str = "Yes.", summary: Plan[str] | None = None, persona: Persona = PERSONA
    ) -> None:
        self.heard, self.reply, self.summary = ev.Transcript(""), reply, summary
        self.asked: list[list[Message]] = []
        self.synthesised: list[tuple[str, str]] = []
        self.summarised: list[Sequence[Message]] = []
        settings = load(overrides=[*overrides, f"talk.summary={str(summary is not None).lower()}"], environ={})
        prepared = {text: np.full(SAMPLE_RATE // 2, 1000, np.int16) for text in persona.all_prepared()}
        super().__init__(Parts(self, self, self), settings, persona=persona, prepared=prepared)
        self.session.start()

    def transcribe(self, turn: TurnSoFar) -> Source[ev.Transcript]:
        return Plan([(TAKES_S, self.heard)], TAKES_S)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        self.asked.append(list(messages))
        return Plan([(TAKES_S, self.reply)], TAKES_S)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        pass

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        self.summarised.append(messages)
        assert self.summary
        return self.summary

    def speak(self, speech: Speech) -> Source[Pcm16]:
        self.synthesised.append((speech.text, speech.style))
        return Plan([(TAKES_S, np.full(SAMPLE_RATE // 10, 1000, np.int16))], TAKES_S)

    def turn_of(self, user: str) -> None:
        """A typed turn, answered and heard."""
        self.session.type(user)
        self.wait(on.TurnCommitted, len(self.all(on.TurnCommitted)) + 1)


def texts(messages: Sequence[Message]) -> list[str]:
    return [message["content"] for message in messages]


def test_each_clause_goes_to_the_voice_in_the_style_that_the_users_mood_asks_for() -> None:
    talk = Talk(reply="Oh no. What happened?")
    talk.heard = ev.Transcript("I failed again.", "en", ("sad", 0.9))
    talk.session.post(ev.SpeechStarted(0.1, 0.0))
    talk.session.post(ev.SpeechPaused(1.0, 0.9))
    assert talk.turn().style == "gentle"
    assert talk.synthesised == [("Oh no.", "gentle"), ("What happened?", "gentle")]
    assert talk.asked[-1][-1]["content"].startswith("(The user sounds sad.")


def test_the_style_reaches_the_speech_service() -> None:
    with Stub(tts_s=0.0) as stub:
        services = Services(stub.settings())
        list(services.speak("Oh no.", "heart", timeout_s=5, emotion="gentle"))
        voice = http_parts(services, "heart", session="s", speak=True, by_sound=None).voice
        assert len(list(voice.speak(Speech(1, 0, "What happened?", "gentle", is_urgent=False)))) > 0  # type: ignore[call-overload]
    assert [body.get("emotion") for body in stub.synthesised] == ["gentle", "gentle"]


def test_what_was_hardly_heard_beside_the_words_is_not_spoken_of() -> None:
    events = [{"label": "laughter", "confidence": 0.4}, {"label": "music", "confidence": 0.5}, {"label": "cough"}]
    with Stub(asr_s=0.0, tags={"emotion": {"label": "sad", "confidence": 0.8}, "events": events}) as stub:
        services = Services(stub.settings())
        heard = services.transcribe(np.zeros(160, np.int16), timeout_s=5).one()
    assert (heard.emotion, heard.events) == (("sad", 0.8), ("music", "cough"))


def test_the_assistant_may_speak_first_and_is_heard_out_before_it_listens() -> None:
    talk = Talk()
    talk.session.say(["Hello, I'm P."])
    turn = talk.turn().turn
    assert talk.asked == [] and talk.synthesised == [("Hello, I'm P.", "neutral")]
    assert talk.session.state is State.LISTENING
    assert (turn.user, turn.heard) == ("", "Hello, I'm P.")
    talk.turn_of("Hi P.")
    assert texts(talk.asked[-1]) == ["You are P.", "(The conversation begins)", "Hello, I'm P.", "Hi P."]


def test_a_greeting_can_be_interrupted_before_a_word_of_it_and_leaves_no_trace() -> None:
    talk = Talk()
    talk.session.say(["Hello, I'm P."])
    talk.turn_of("What time is it?")
    assert texts(talk.asked[-1]) == ["You are P.", "What time is it?"]


def test_what_is_said_while_the_assistant_speaks_comes_after_it() -> None:
    talk = Talk()
    talk.session.type("Well?")
    talk.wait(on.ReplyStarted)
    talk.session.say(["Dinner is ready."])
    assert [turn.turn.heard for turn in talk.wait(on.TurnCommitted, 2)] == ["Yes.", "Dinner is ready."]


def test_what_is_said_is_shown_as_it_begins() -> None:
    out, talk = io.StringIO(), Talk()
    talk.session.observe(Captions(out))
    talk.session.say(["Hello, I'm P."])
    talk.turn()
    talk.turn_of("Hi P.")
    assert out.getvalue().splitlines() == ["huiyin: Hello, I'm P.", "huiyin: Yes."]


class _TellsWordsFirst(Talk):
    """Its voice is slow, and tells when it will say the first words before it says them."""

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        return Plan([(0.4, [(800, 3)]), (0.9, np.full(SAMPLE_RATE // 10, 1000, np.int16))], 0.9)


def test_an_opener_does_not_come_within_a_clause() -> None:
    opens = Persona("P", "You are P.", openers={"zh": {"question": ("嗯，",)}})
    talk = _TellsWordsFirst("turns.opener_late_s=0.8", reply="从前有座山。", persona=opens)
    talk.heard = ev.Transcript("讲个故事吧", "zh")
    talk.session.post(ev.SpeechStarted(0.1, 0.0))
    talk.session.post(ev.SpeechPaused(1.0, 0.9))
    turn = talk.turn().turn
    asked_s, made_s = (
        next(at_s for at_s, event in talk.log if isinstance(event, kind)) for kind in (on.SpeechAsked, on.SpeechBegun)
    )
    assert (asked_s, made_s) == pytest.approx((1.2, 2.1), abs=0.01), "one is due at 1.7, the first times at 1.6"
    assert turn.heard == "从前有座山。"


def test_what_comes_after_its_end_is_not_done() -> None:
    """On a loop of several conversations, what was posted before the end still arrives."""
    talk = Talk()
    talk.session.type("Well?")
    talk.session.close()
    talk.session.say(["Dinner is ready."])
    talk.listen(5.0)
    assert (talk.asked, talk.synthesised, talk.log) == ([], [], [])


def test_old_turns_are_no_longer_sent_and_observers_learn_it() -> None:
    talk = Talk("talk.history_turns=5")
    for i in range(6):
        talk.turn_of(f"Question {i}?")
    talk.turn_of("And now?")
    assert [event.turns for event in talk.all(on.TurnsForgotten)] == [3]
    assert talk.asked[-1][1]["content"] == "Question 3?"


def test_with_a_summary_the_turns_go_when_it_has_come() -> None:
    talk = Talk("talk.history_turns=5", summary=Plan([(5.0, "The user "), (6.0, "asks much.")], 7.0))
    for i in range(7):
        talk.turn_of(f"Question {i}?")
    assert len(talk.summarised) == 1 and "Question 0?" in talk.summarised[0][0]["content"]
    assert len(talk.asked[-1]) == 1 + 6 * 2 + 1, "until then all is sent"
    talk.listen(8.0)
    talk.turn_of("Question 7?")
    talk.turn_of("Question 8?")
    assert talk.asked[-1][0]["content"] == "You are P.\n\nEarlier in this conversation: The user asks much."
    assert talk.asked[-1][1]["content"] == "Question 3?"


def test_a_summary_that_was_given_up_for_a_reply_is_asked_for_again() -> None:
    talk = Talk("talk.history_turns=5", summary=Plan([(0.0, "The user ")], 0.1, RuntimeError("preempted")))
    for i in range(7):
        talk.turn_of(f"Question {i}?")
    talk.summary = Plan([(0.0, "The user asks much.")], 0.1)
    for i in range(7, 10):
        talk.turn_of(f"Question {i}?")
    (forgotten,) = talk.all(on.TurnsForgotten)
    assert forgotten.summary == "The user asks much." and forgotten.turns > 3


def test_a_summary_that_fails_again_and_again_costs_the_old_turns_and_nothing_else() -> None:
    talk = Talk("talk.history_turns=5", summary=Plan([(0.0, "The user ")], 0.1, RuntimeError("broke off")))
    for i in range(10):
        talk.turn_of(f"Question {i}?")
    assert len(talk.summarised) == 3
    assert talk.asked[-1][0]["content"] == "You are P." and len(talk.asked[-1]) < 14


def test_what_the_model_is_asked_is_shown_and_what_it_knows_is_counted() -> None:
    out, talk = io.StringIO(), Talk("talk.history_turns=2")
    talk.session.observe(PromptPrinter(out))
    for text in ("Hi.", "Well?", "And?"):
        talk.turn_of(text)
    talk.listen(0.1)
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
