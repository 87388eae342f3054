"""What a Live client is sent while it talks."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.faces.live.output import AHEAD_S
from tests.live.rig import RATE, LiveRig
from tests.realtime.rig import encoded

REPLY = "This is the first sentence. And here is another one."


def test_session_begins_with_its_settings(rig: LiveRig) -> None:
    session = rig.start(instructions="Be brief.", audio={"format": {"type": "audio/pcm", "rate": 24000}})

    assert rig.kinds() == ["session.started"]
    assert rig.events[0]["client_event_id"] == "start"
    assert (session["model"], session["status"], session["instructions"]) == ("huiyin", "active", "Be brief.")


def test_turn_is_words_sound_and_words_of_the_sound(rig: LiveRig) -> None:
    rig.start()
    rig.ask("Hello there.")
    rig.wait_for_silence()

    assert rig.said("input") == "Hello there."
    assert rig.said("output") == REPLY
    assert rig.heard() == [REPLY]
    assert len(rig.sound()) / RATE > len(REPLY) * rig.stages.second_per_character - 0.3


def test_times_are_those_of_the_sound(rig: LiveRig) -> None:
    rig.start()
    rig.go_on(1.0)
    rig.ask("Hello there.")
    rig.wait_for_silence()

    heard = rig.all("session.input_transcript.delta")[0]
    assert abs(heard["start_ms"] - 1000) < 200 and abs(heard["end_ms"] - 2000) < 300
    begins_ms = 1000 * next(
        at for at, event in zip(rig.times, rig.events, strict=True) if event["type"] == "session.output_audio.delta"
    )
    spans = [(event["start_ms"], event["end_ms"]) for event in rig.all("session.output_transcript.delta")]
    assert abs(spans[0][0] - begins_ms) < 50
    assert all(start < end for start, end in spans)
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]
    assert abs(spans[-1][1] - begins_ms - len(rig.sound()) / RATE * 1000) < 100


def test_sound_comes_in_real_time(rig: LiveRig) -> None:
    rig.start()
    rig.ask("Hello there.")
    begin_s = rig.world.now
    rig.wait("session.output_audio.delta")
    rig.go_on(1.0)

    assert len(rig.sound()) / RATE <= rig.world.now - begin_s + AHEAD_S + 0.05


def test_interruption_stops_the_sound_and_what_was_sent_is_remembered(rig: LiveRig) -> None:
    rig.start()
    rig.stages.replies.append(["One two three four five six seven eight. " * 5])
    rig.ask("Count, please.")
    rig.go_on(2.0)
    rig.say("Stop it, I want to say something else.", 1.5)
    rig.go_on(1.5)
    since = len(rig.events)
    words = rig.said("output")
    answered = rig.events.index(rig.wait("session.input_transcript.delta"))

    assert {event["type"] for event in rig.events[since:answered]} <= {"session.usage.updated"}, "silence"
    assert rig.heard() == [words]
    assert words.startswith("One two three") and len(words) < 150


def test_backchannel_only_holds_the_sound_back(rig: LiveRig) -> None:
    rig.start()
    rig.stages.replies.append(["One two three four five six seven eight. " * 3])
    rig.ask("Count, please.")
    rig.go_on(2.0)
    rig.say("mm-hmm", 0.3)
    rig.wait_for_silence()

    assert rig.said("output").count("eight") == 3
    assert rig.said("input") == "Count, please."


def test_speculation_is_not_seen(rig: LiveRig) -> None:
    """A turn that goes on after a pause is told once, whole."""
    rig.start()
    rig.say("I would like to")
    rig.go_on(1.3)
    rig.say("order a pizza.")
    rig.wait("session.output_audio.delta")
    rig.wait_for_silence()

    assert rig.said("input") == "I would like to order a pizza."
    assert len(rig.all("session.input_transcript.delta")) == 1


def test_deltas_of_several_turns_are_one_text(rig: LiveRig) -> None:
    rig.start()
    for words in ("Hello there.", "How are you?"):
        rig.ask(words)
        rig.wait_for_silence()

    assert rig.said("input") == "Hello there. How are you?"
    assert rig.said("output") == f"{REPLY} {REPLY}"


def test_muted_user_is_not_heard(rig: LiveRig) -> None:
    rig.start()
    rig.send("session.input_audio.mute", event_id="m")
    rig.say("Hello there.")
    rig.go_on(3.0)
    assert rig.all("session.input_audio.muted")[0]["client_event_id"] == "m"
    assert rig.said("input") == ""

    rig.send("session.input_audio.unmute")
    rig.ask("And now?")
    assert rig.said("input") == "And now?"


def test_commentary_is_said(rig: LiveRig) -> None:
    rig.start()
    rig.send("session.commentary.append", content="Your taxi is here.", delegation_id=None, event_id="c")
    rig.wait_for_silence()

    assert rig.all("session.commentary.appended")[0]["client_event_id"] == "c"
    assert rig.said("output") == "Your taxi is here."
    assert rig.heard() == ["Your taxi is here."]


def test_noise_does_not_swallow_commentary(rig: LiveRig) -> None:
    """It was about to be said when something without words was heard."""
    rig.start()
    rig.go_on(1.0)
    rig.say("", 0.3)
    rig.go_on(0.02)
    rig.send("session.commentary.append", content="Your taxi is here.", delegation_id=None)
    rig.wait("session.output_audio.delta")
    rig.wait_for_silence()

    assert rig.said("output") == "Your taxi is here."


def test_instructions_and_thinking_reach_the_model(rig: LiveRig) -> None:
    rig.start()
    rig.send("session.instructions.append", content="Speak of boats.", delegation_id=None)
    rig.send("session.thinking.append", content="The user is a sailor.", delegation_id=None)
    rig.ask("Hello there.")

    asked = [message["content"] for message in rig.stages.asked[-1]]
    assert "Speak of boats." in asked and "The user is a sailor." in asked
    assert rig.kinds()[1:3] == ["session.instructions.appended", "session.thinking.appended"]


def test_history_before_the_session_reaches_the_model(rig: LiveRig) -> None:
    texts = [("user", "input_text", "I am Ann."), ("assistant", "output_text", "Hello, Ann.")]
    rig.start(input=[{"role": role, "content": [{"type": kind, "text": text}]} for role, kind, text in texts])
    rig.ask("What is my name?")

    assert [message["content"] for message in rig.stages.asked[-1][1:]] == [
        "I am Ann.",
        "Hello, Ann.",
        "What is my name?",
    ]


def test_fixture_takes_the_place_of_speech(rig: LiveRig) -> None:
    rig.start()
    rig.stages.replies.append(["One two three four five six seven eight. " * 5])
    rig.ask("Count, please.")
    rig.go_on(1.0)
    since = len(rig.events)
    rig.send("session.output_audio.fixture.play", audio=encoded(np.full(RATE, 9000, np.int16)), event_id="f")
    rig.say("I am not heard.")
    rig.send("session.commentary.append", content="No.", delegation_id=None)
    played = rig.wait("session.output_audio.fixture.played", since)

    assert played["client_event_id"] == "f"
    assert rig.errors()[-1]["code"] == "fixture_active"
    sound = rig.sound(since)
    assert abs(np.count_nonzero(np.abs(sound.astype(int) - 9000) < 100) - RATE) < 200
    assert np.count_nonzero(np.abs(sound.astype(int) - 5000) < 100) < 0.1 * RATE, "the reply is silent"
    assert rig.said("input") == "Count, please."

    rig.go_on(1.0)
    rig.ask("And now?")
    assert rig.said("input").endswith("And now?")


@pytest.mark.parametrize("before_s", [0.25, 0.75, 0.9])
def test_nothing_is_said_over_a_fixture_and_what_was_to_be_said_comes_after_it(rig: LiveRig, before_s: float) -> None:
    """The user has just spoken, and a reply is prepared; a commentary waits for the floor."""
    rig.start()
    rig.say("Hello there.", 0.6)
    rig.go_on(before_s)
    rig.send("session.commentary.append", content="Your taxi is here.", delegation_id=None)
    since = len(rig.events)
    rig.send("session.output_audio.fixture.play", audio=encoded(np.full(2 * RATE, 9000, np.int16)))
    rig.wait("session.output_audio.fixture.played", since)
    assert np.count_nonzero(np.abs(rig.sound(since).astype(int) - 5000) < 100) == 0
    rig.wait_for_silence()
    assert rig.said("output") == "Your taxi is here."


def test_usage_grows_with_each_turn(rig: LiveRig) -> None:
    rig.start()
    for words in ("Hello there.", "How are you?"):
        rig.ask(words)
        rig.wait_for_silence()

    first, second = rig.all("session.usage.updated")
    assert 0 < first["usage"]["seconds"] < second["usage"]["seconds"]
    assert 0 < first["context_window"]["usage_ratio"] < second["context_window"]["usage_ratio"] <= 1


def test_closing_is_confirmed(rig: LiveRig) -> None:
    rig.start()
    rig.ask("Hello there.")
    rig.send("session.close", event_id="bye")

    closed = rig.events[-1]
    assert (closed["type"], closed["reason"], closed["client_event_id"]) == ("session.closed", "close_requested", "bye")
    assert closed["usage"]["seconds"] > 1
    assert rig.is_ended


def test_failed_reply_is_apologised_for(rig: LiveRig) -> None:
    rig.start()
    rig.stages.replies.append([RuntimeError("no model")])
    rig.stages.replies.append([RuntimeError("no model")])
    rig.ask("Hello there.")
    rig.wait_for_silence()

    assert rig.said("output") == "Sorry, I failed."
    assert any("no model" in event["message"] for event in rig.all("info"))
