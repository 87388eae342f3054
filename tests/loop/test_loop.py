"""A conversation end to end: simulated room, real voice activity, services with stated answers, in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.trace import first_audible, last_audible
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.settings import TurnsSettings
from tests.support.desk import at_desk
from tests.support.speech_clips import english
from tests.support.stub_services import Stub

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1]),
]


def test_spoken_question_is_answered_at_a_human_pace() -> None:
    with Stub() as stub, at_desk(Services(stub.settings())) as desk:
        _, end = desk.say(english())
        committed = desk.turn()
        reply = desk.trace.spoken()[0]
        heard = first_audible(desk.room.recording()[1], reply.play_s - 0.05)
    assert committed.transcript.text == "where is the sun"
    assert committed.turn.heard == stub.reply
    assert not committed.turn.interrupted
    assert stub.asked[-1]["messages"][-1] == {"role": "user", "content": "where is the sun"}
    assert stub.transcribed_s[-1] == pytest.approx(len(english()) / SAMPLE_RATE, abs=0.7)
    assert reply.transcribe_s - end < 0.3, "while it waits for the end of turn the reply is prepared"
    assert heard - max(end + TurnsSettings().endpoint_complete_s, reply.sound_s) < 0.2, (
        "and heard as soon as both are there"
    )


def test_barge_in_stops_the_sound_and_the_history_holds_what_was_heard() -> None:
    story = "Once upon a time. " + "There was a lighthouse on a small island far away. " * 8
    question = english("Wait a moment, I have a question for you.")  # synthesised before time counts
    stub = Stub(heard=["tell me a story", "wait I have a question"], reply=story.strip())
    with stub, at_desk(Services(stub.settings())) as desk:
        desk.say(english("Please tell me a story."))
        desk.wait(on.ReplyStarted)
        desk.listen(4)
        onset, _ = desk.say(question)
        committed = desk.turn()
        silent = last_audible(desk.room.recording()[1], desk.room.now())
        second = desk.wait(on.ModelAsked, 2)[-1]
        desk.wait(on.ReplyWritten, 2)
    assert committed.turn.interrupted
    assert committed.turn.heard
    assert stub.reply.startswith(committed.turn.heard)
    seconds = silent - desk.trace.spoken()[0].play_s
    expected = seconds / stub.tts_s_per_char
    assert len(committed.turn.heard) == pytest.approx(expected, abs=30), "about as much text as there was sound"
    # 192 ms of speech, frames of 32 ms, a fade of 20 ms, the room's blocks (the scenarios measure the median).
    assert silent - onset <= 0.35
    assert second.messages[-1]["content"].endswith("wait I have a question")
    said = [m for m in stub.asked[-1]["messages"] if m["role"] == "assistant"]
    assert said == [{"role": "assistant", "content": committed.turn.heard.rstrip(" .")}]


def test_a_listeners_word_makes_it_pause_and_go_on_with_nothing_lost() -> None:
    yeah = english("Yeah, okay.")  # synthesised before time counts
    with Stub(heard=["tell me a story", "yeah"], reply="Once upon a time there was a lighthouse. " * 5) as stub:
        with at_desk(Services(stub.settings())) as desk:
            desk.say(english("Please tell me a story."))
            desk.wait(on.ReplyStarted)
            desk.listen(4)
            desk.say(yeah)
            committed = desk.turn()
        assert len(desk.wait(on.ReplyPaused)) == len(desk.wait(on.ReplyResumed))
    assert not committed.turn.interrupted
    assert committed.turn.heard == stub.reply.strip()


def test_a_question_that_sounds_broken_off_is_waited_for() -> None:
    judged_s: list[float] = []

    def endpoint(sound: Pcm16) -> float:
        judged_s.append(len(sound) / SAMPLE_RATE)
        return 0.02

    with Stub() as stub, at_desk(Services(stub.settings()), endpoint=endpoint) as desk:
        _, end = desk.say(english())
        desk.turn()
        reply = desk.trace.spoken()[0]
    assert judged_s == [pytest.approx(len(english()) / SAMPLE_RATE, abs=0.7)]
    assert end + 1.1 < reply.play_s < max(end + 1.5, reply.sound_s) + 0.2


def test_between_clauses_there_is_no_gap_when_the_voice_is_faster_than_real_time() -> None:
    reply = "It is noon, my friend. The sun is high above the lighthouse now. You could go for a walk, or rest a while."
    with Stub(reply=reply, tts_s_per_char=0.06) as stub, at_desk(Services(stub.settings())) as desk:
        desk.session.type("hello")
        assert desk.turn().turn.heard == reply
        sounding = np.abs(desk.room.recording()[1].astype(int)).reshape(-1, 80).max(axis=1) > 100
    gaps_s = np.diff(np.flatnonzero(sounding)) * 80 / SAMPLE_RATE
    assert sounding.sum() * 0.005 == pytest.approx(len(reply) * 0.06, rel=0.1)
    assert gaps_s.max() <= 0.05


@pytest.mark.parametrize("stage", ["asr", "llm", "tts"])
def test_failing_service_is_survived_with_a_spoken_apology_and_the_next_turn_works(stage: str) -> None:
    with Stub(fail={stage}) as stub, at_desk(Services(stub.settings())) as desk:
        desk.say(english())
        apology = desk.wait(on.Apologised)[0]
        desk.wait(on.ReplyEnded)
        assert np.abs(desk.room.recording()[1]).max() == 6000, "the apology was heard"
        stub.fail.clear()
        desk.say(english())
        committed = desk.turn(0 if stage == "asr" else 1)
    assert apology.stage == stage
    assert committed.turn.heard == stub.reply


def test_typed_words_are_answered() -> None:
    with Stub() as stub, at_desk(Services(stub.settings())) as desk:
        desk.session.type("hello")
        assert desk.turn().turn.heard == stub.reply
    assert stub.asked[0]["messages"][-1]["content"] == "(Answer in English.)\nhello"


def test_half_duplex_does_not_hear_anything_while_it_speaks() -> None:
    question = english()  # synthesised before time counts
    with Stub(reply="A long answer. " * 12) as stub, at_desk(Services(stub.settings("turns.barge_in=off"))) as desk:
        desk.session.type("hello")
        desk.wait(on.ReplyStarted)
        desk.say(question)
        assert not desk.turn().turn.interrupted
