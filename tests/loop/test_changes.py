"""Turns without a reply, speech that does not interrupt, and what may be changed while a conversation goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.http_stages import NoVoice
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Parts, Speech
from huiyin.assistant.conversation.world import Plan, Source, VirtualWorld
from huiyin.assistant.dialogue.items import AssistantItem, ToolCall, ToolResult, UserItem
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.ports.remote import RemotePort
from huiyin.assistant.ports.remote_messages import Message as ToClient
from huiyin.assistant.ports.remote_messages import Sound
from huiyin.assistant.turns.machine import State
from tests.support.talk import CALL, PERSONA, SETTINGS, WEATHER, Talk, kinds

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


def test_replies_that_are_only_shown_call_tools_and_are_answered_as_spoken_ones_are() -> None:
    sent: list[ToClient] = []
    world, talk = VirtualWorld(), Talk(["Let me see.", CALL], ["It is sunny."])
    port = RemotePort(sent.append)
    session = Session(world, port, None, PERSONA, Parts(talk, talk, NoVoice()), SETTINGS)
    turns: list[on.TurnCommitted] = []

    def note(at_s: float, event: on.Public) -> None:
        if isinstance(event, on.ToolsCalled):
            session.history.add(ToolResult(event.calls[0].call_id, "sunny"))
            session.respond()
        if isinstance(event, on.TurnCommitted):
            turns.append(event)
            if len(turns) == 2:
                world.stop()

    session.observe(note, at_once=True)
    session.start()
    session.type("How is the weather?")
    world.run()
    session.close()
    assert [event.turn.heard for event in turns] == ["Let me see.", "It is sunny."]
    assert kinds(turns[0].turn.items) == [UserItem, AssistantItem, ToolCall, ToolResult]
    assert not any(isinstance(message, Sound) for message in sent)


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
