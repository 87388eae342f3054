"""Replies on request, tools that the model calls, and what may be changed while a conversation goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.http_stages import NoVoice
from huiyin.assistant.conversation.stages import Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.items import AssistantItem, Item, ToolCall, ToolResult, UserItem
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State
from huiyin.configs.settings import load
from tests.support.desk import Desk

PERSONA = Persona("P", "You are P.", language="en")
WEATHER = Tool("weather", "How the weather is.", {"type": "object", "properties": {"city": {"type": "string"}}})
CALL = CalledTool("call_1", "weather", '{"city": "Ulm"}')
SETTINGS = load(environ={})
TAKES_S = 0.1


class Talk(Desk):
    """A session whose stages answer 0.1 s after they were asked. `replies` are the model's, in order."""

    def __init__(self, *replies: Sequence[str | CalledTool], heard: str = "How is the weather?") -> None:
        self.replies, self.heard = list(replies), [heard]
        self.asked: list[tuple[list[Message], Sequence[Tool], ToolChoice]] = []
        self.spoken: list[str] = []
        self.lasts_s = 1.0  # a clause
        super().__init__(Parts(self, self, self), SETTINGS, persona=PERSONA)
        self.session.start()

    def transcribe(self, turn: TurnSoFar) -> Source[ev.Transcript]:
        text = self.heard[0] if len(self.heard) == 1 else self.heard.pop(0)
        return Plan([(TAKES_S, ev.Transcript(text, "en"))], TAKES_S)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        self.asked.append((list(messages), tools, tool_choice))
        reply = self.replies.pop(0) if self.replies else ["All right."]
        return Plan([(TAKES_S, item) for item in reply], TAKES_S)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        pass

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        return Plan([], 0.0)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        self.spoken.append(speech.text)
        return Plan([(TAKES_S, np.full(round(self.lasts_s * SAMPLE_RATE), 1000, np.int16))], TAKES_S)

    def user_speaks(self, lasts_s: float = 1.0) -> None:
        """From now on; goes on until the pause is known."""
        start_s = self.now
        self.listen(0.1)
        self.session.post(ev.SpeechStarted(self.now, start_s))
        self.listen(lasts_s)
        self.session.post(ev.SpeechPaused(self.now, self.now - 0.1))
        self.listen(0.05)

    def committed(self, count: int) -> list[on.TurnCommitted]:
        return self.wait(on.TurnCommitted, count)

    def story(self, *kinds: type[on.Public]) -> list[str]:
        """The names of what happened, in order; of these kinds alone where some are named."""
        return [type(event).__name__ for _, event in self.log if not kinds or isinstance(event, kinds)]


def kinds(items: Sequence[Item]) -> list[type[Item]]:
    return [type(item) for item in items]


# -- replies on request


def test_a_reply_on_request_answers_the_history_and_is_committed_without_a_user() -> None:
    talk = Talk(["It is sunny."])
    talk.session.history.add(UserItem("How is the weather?"))
    talk.session.respond()
    (committed,) = talk.committed(1)
    assert [message["content"] for message in talk.asked[0][0]] == ["You are P.", "How is the weather?"]
    assert kinds(committed.turn.items) == [UserItem, AssistantItem] and committed.transcript.text == ""
    assert talk.session.state is State.LISTENING
    assert talk.story(on.ReplyStarted, on.ClauseWritten, on.ReplyEnded, on.TurnCommitted, on.HistoryEdited) == [
        "HistoryEdited", "ClauseWritten", "ReplyStarted", "ReplyEnded", "TurnCommitted",
    ]  # fmt: skip


def test_replies_on_request_wait_for_the_floor_and_none_is_lost() -> None:
    talk = Talk(["One."], ["Two."], ["Three."])
    talk.session.type("Count.")
    talk.wait(on.ReplyStarted)
    talk.session.respond()
    talk.session.respond()
    assert [event.turn.heard for event in talk.committed(3)] == ["One.", "Two.", "Three."]


def test_where_nothing_is_to_be_answered_a_line_asks_for_a_reply() -> None:
    talk = Talk(["Hello."], ["How are you?"])
    talk.session.respond()
    talk.committed(1)
    talk.session.respond()
    talk.committed(2)
    assert [asked[0][-1]["content"] for asked in talk.asked] == ["(The conversation begins)", "(Go on.)"]
    assert all(kinds(event.turn.items) == [AssistantItem] for event in talk.all(on.TurnCommitted))


# -- tools


def test_tools_are_offered_and_called_and_their_results_answered() -> None:
    talk = Talk([CALL], ["It is sunny in Ulm."])
    talk.session.configure(tools=[WEATHER], tool_choice="required")
    talk.user_speaks()
    (called,) = talk.wait(on.ToolsCalled)
    assert talk.asked[0][1:] == ((WEATHER,), "required")
    (committed,) = talk.committed(1)
    assert called.calls == (CALL,) and called.generation == committed.generation
    assert kinds(committed.turn.items) == [UserItem, ToolCall] and talk.session.state is State.LISTENING
    assert talk.spoken == [] and not talk.all(on.ReplyStarted)
    talk.session.history.add(ToolResult("call_1", "sunny"))
    talk.session.respond()
    answer = talk.committed(2)[1].turn
    assert kinds(answer.items) == [ToolResult, AssistantItem] and answer.heard == "It is sunny in Ulm."
    assert [message["role"] for message in talk.asked[1][0]] == ["system", "user", "assistant", "tool"]
    assert [turn.user for turn in talk.session.history.turns] == ["How is the weather?"]


def test_words_before_calls_are_spoken_and_the_calls_told_when_the_reply_begins() -> None:
    talk = Talk(["Let me ", "see.", CALL, replace(CALL, call_id="call_2")], ["It is sunny."])
    talk.user_speaks()
    called = talk.wait(on.ToolsCalled)[0]
    assert [call.call_id for call in called.calls] == ["call_1", "call_2"]
    assert talk.session.state is State.SPEAKING, "they are called while it is spoken"
    for call in called.calls:
        talk.session.history.add(ToolResult(call.call_id, "sunny"))
    talk.session.respond()
    first, second = talk.committed(2)
    assert kinds(first.turn.items) == [UserItem, AssistantItem, ToolCall, ToolResult, ToolCall, ToolResult]
    assert (first.turn.heard, second.turn.heard) == ("Let me see.", "It is sunny.")
    assert [message["role"] for message in talk.asked[1][0]] == [
        "system", "user", "assistant", "tool", "assistant", "tool",
    ]  # fmt: skip


def test_a_call_of_a_reply_that_was_prepared_in_vain_is_never_told() -> None:
    talk = Talk([CALL], ["All right."], heard="the weather")
    talk.user_speaks()
    talk.listen(0.22)  # the model has called, the pause is not yet long enough
    assert talk.all(on.ReplyWritten) and not talk.all(on.ToolsCalled)
    talk.user_speaks()
    (committed,) = talk.committed(1)
    assert kinds(committed.turn.items) == [UserItem, AssistantItem] and not talk.all(on.ToolsCalled)


def test_a_call_that_was_told_stays_in_the_history_when_its_reply_is_interrupted() -> None:
    talk = Talk(["Let me see what there is.", CALL])
    talk.user_speaks()
    talk.wait(on.ToolsCalled)
    talk.listen(0.4)
    talk.session.interrupt()
    (committed,) = talk.committed(1)
    assert kinds(committed.turn.items) == [UserItem, AssistantItem, ToolCall] and committed.turn.interrupted


def test_a_call_of_a_reply_that_is_interrupted_before_its_text_is_whole_never_appears() -> None:
    talk = Talk()
    talk.ask = lambda *asked: Plan([(0.1, "Let me see. The"), (5.0, CALL)], 5.0)  # type: ignore[method-assign]
    talk.user_speaks()
    talk.wait(on.ReplyStarted)
    talk.session.interrupt()
    (committed,) = talk.committed(1)
    talk.listen(10.0)
    assert kinds(committed.turn.items) == [UserItem, AssistantItem] and not talk.all(on.ToolsCalled)


def test_calls_have_ids_that_the_history_can_keep() -> None:
    talk = Talk([CALL, CALL, replace(CALL, call_id="")], [CALL])
    talk.session.type("How is the weather?")
    talk.session.type("And now?")
    talk.committed(1)
    talk.session.respond()
    talk.committed(2)
    ids = [call.call_id for event in talk.all(on.ToolsCalled) for call in event.calls]
    assert len(set(ids)) == len(ids)
    assert ids == [item.id for item in talk.session.history.items if isinstance(item, ToolCall)]


# -- without replies


def test_without_replies_turns_are_transcribed_and_kept() -> None:
    talk = Talk()
    talk.session.configure(turns=replace(SETTINGS.turns, replies=False))
    talk.user_speaks()
    (committed,) = talk.committed(1)
    (ended,) = talk.all(on.TurnEnded)
    assert kinds(committed.turn.items) == [UserItem] and committed.generation == ended.generation
    assert (ended.start_s, ended.end_s) == (0.0, pytest.approx(1.0))
    assert talk.asked == [] and talk.session.state is State.LISTENING
    talk.session.respond()
    assert talk.committed(2)[1].turn.heard == "All right."
    assert talk.session.history.turns[0].user == "How is the weather?"


def test_without_replies_no_apology_is_spoken_for_words_that_could_not_be_recognised() -> None:
    talk = Talk()
    talk.session.configure(turns=replace(SETTINGS.turns, replies=False))
    talk.transcribe = lambda turn: Plan([], 0.1, RuntimeError("gone"))  # type: ignore[method-assign]
    talk.user_speaks()
    talk.listen(5.0)
    assert talk.all(on.TurnEnded) and talk.all(on.StageFailed) and not talk.all(on.Apologised)
    assert talk.session.state is State.LISTENING and talk.session.history.items == []


def test_a_turn_that_turns_out_empty_has_ended_all_the_same() -> None:
    talk = Talk(heard=" ")
    talk.user_speaks()
    talk.listen(3.0)
    (ended,) = talk.all(on.TurnEnded)
    assert ended.generation == talk.all(on.Recognised)[-1].generation
    assert talk.session.history.items == []


# -- speech that does not interrupt


def test_speech_that_does_not_interrupt_is_the_next_turn() -> None:
    talk = Talk(["A long story."], ["To your question."])
    talk.lasts_s = 6.0
    talk.session.configure(turns=replace(SETTINGS.turns, barge_in="ignore"))
    talk.session.type("Tell me a story.")
    talk.wait(on.ReplyStarted)
    talk.heard = ["What about the fox?"]
    began_s = talk.now
    talk.user_speaks()
    (ended,) = talk.wait(on.TurnEnded)
    assert talk.session.state is State.SPEAKING, "and it goes on"
    assert (ended.start_s, ended.end_s) == (pytest.approx(began_s), pytest.approx(began_s + 1.0))
    story, answer = talk.committed(2)
    assert (story.turn.heard, story.turn.interrupted) == ("A long story.", False)
    assert (answer.turn.user, answer.turn.heard) == ("What about the fox?", "To your question.")
    assert answer.generation == ended.generation and not talk.all(on.ReplyStopped)


def test_speech_that_goes_on_when_the_reply_ends_is_a_turn_since_it_began() -> None:
    talk = Talk(["Yes."], ["To your question."])
    talk.session.configure(turns=replace(SETTINGS.turns, barge_in="ignore"))
    talk.session.type("Well?")
    talk.wait(on.ReplyStarted)
    talk.heard = ["What about the fox?"]
    began_s = talk.now
    talk.user_speaks(lasts_s=2.0)
    assert talk.committed(2)[1].turn.user == "What about the fox?"
    assert talk.all(on.TurnEnded)[-1].start_s == pytest.approx(began_s)


# -- what may be changed


def test_a_reply_keeps_what_it_began_with_and_the_next_has_what_was_set() -> None:
    class Other(NoVoice):
        def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
            others.append(speech.text)
            return super().speak(speech)

    others: list[str] = []
    talk = Talk(["One thing, and then another thing. And a third one."], ["Four."])
    talk.session.type("Count.")
    talk.wait(on.SpeechBegun)
    talk.session.configure(persona=replace(PERSONA, system="You are Q."), voice=Other(), tools=[WEATHER])
    talk.committed(1)
    assert len(talk.spoken) > 1 and others == []
    talk.session.type("And?")
    assert talk.committed(2)[1].turn.heard == "Four." and others == ["Four."]
    assert talk.asked[1][0][0]["content"] == "You are Q." and talk.asked[1][1] == (WEATHER,)
    assert talk.session.persona.system == "You are Q."


def test_deadlines_move_with_the_settings() -> None:
    talk = Talk()
    talk.session.configure(turns=replace(SETTINGS.turns, endpoint_s=3.0, endpoint_sure_s=3.0))
    talk.user_speaks()
    talk.listen(1.0)
    assert talk.session.state is State.USER
    talk.session.configure(turns=SETTINGS.turns)
    talk.listen(0.01)
    assert talk.all(on.TurnEnded) and talk.session.settings.turns is SETTINGS.turns
