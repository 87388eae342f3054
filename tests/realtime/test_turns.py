"""A spoken turn on the wire: connected, spoken to, answered, interrupted."""

from __future__ import annotations

import pytest

from huiyin.assistant.dialogue.tools import CalledTool
from tests.realtime.rig import Rig

SPOKEN_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


def test_a_spoken_turn_has_its_events_in_order(rig: Rig) -> None:
    rig.wants_words()
    start = len(rig.events)
    rig.say("hello there")
    done = rig.wait("response.done")["response"]
    assert rig.kinds(start) == SPOKEN_TURN
    assert done["status"] == "completed"
    assert done["output"][0]["content"][0]["transcript"] == "This is the first sentence. And here is another one."
    assert rig.all("conversation.item.input_audio_transcription.completed")[0]["transcript"] == "hello there"
    assert rig.sent_s(done["id"]) == pytest.approx(51 * 0.05, abs=0.01)


def hears_a_reply(rig: Rig, *, for_s: float = 0.5, **detection: object) -> int:
    """The user has spoken, and hears the reply since `for_s`; the number of events so far."""
    rig.wants_words(**detection)
    rig.say("hello there")
    rig.wait("response.output_audio.delta")
    rig.go_on(for_s)
    return len(rig.events)


def test_an_interruption_ends_the_response_and_no_sound_follows(rig: Rig) -> None:
    start = hears_a_reply(rig, for_s=0.8)
    rig.say("no wait, something else", 1.2)
    rig.wait("response.done")
    kinds = [kind for kind in rig.kinds(start) if not kind.endswith(".delta")]
    assert kinds[0] == "input_audio_buffer.speech_started"
    assert kinds[-1] == "response.done"
    response = rig.events[-1]["response"]
    assert response["status"] == "cancelled" and response["status_details"]["reason"] == "turn_detected"
    assert response["output"][0]["status"] == "incomplete"
    rig.wait("response.done", len(rig.events))
    assert rig.session.conversation.history.turns[0].interrupted


def test_sound_is_sent_at_most_300_ms_ahead_of_its_being_heard(rig: Rig) -> None:
    rig.type("Hello.")
    response = rig.all("response.created")[0]["response"]["id"]
    rig.wait("response.output_audio.delta")
    begun_s = rig.world.now
    for _ in range(50):
        rig.go_on(0.04)
        assert rig.sent_s(response) <= rig.world.now - begun_s + 0.3
    assert rig.sent_s(response) > 1.9, "nor does the client run dry"


def test_a_listeners_word_pauses_the_sound_and_nothing_else_is_seen(rig: Rig) -> None:
    start = hears_a_reply(rig)
    rig.say("mm-hmm", 0.5)
    done = rig.wait("response.done")["response"]
    assert done["status"] == "completed"
    assert not any("speech" in kind or "committed" in kind for kind in rig.kinds(start))
    held_s = max(b - a for a, b in zip(rig.times[start:], rig.times[start + 1 :], strict=False))
    assert held_s > 0.3, "the sound was held back"
    assert rig.sent_s(done["id"]) == pytest.approx(51 * 0.05, abs=0.01), "and went on where it was"
    assert rig.errors() == []


def stopped_by_noise(rig: Rig) -> int:
    """A sound without words stops a reply; the number of the event that tells of it."""
    start = hears_a_reply(rig)
    rig.say("", 2.0)
    assert rig.wait("response.done", start)["response"]["status"] == "cancelled"
    return start


def test_a_noise_that_stopped_a_reply_is_an_item_before_the_rest_of_it(rig: Rig) -> None:
    start = stopped_by_noise(rig)
    rig.wait("response.created", start)
    kinds = rig.kinds(start)
    assert kinds.index("input_audio_buffer.committed") < kinds.index("response.created")
    assert kinds.index("conversation.item.added") < kinds.index("response.created")


def test_a_tool_that_a_noise_kept_from_being_called_is_asked_for_again_and_called_once(rig: Rig) -> None:
    rig.stages.replies.extend(
        [["I will book the table now. "] + ["It takes a moment. "] * 9, [CalledTool("1", "book", "{}")]]
    )
    rig.stages.piece_s = 1.0
    start = stopped_by_noise(rig)
    rig.wait("response.function_call_arguments.done", start)
    rig.go_on(9.0)
    assert len(rig.all("response.function_call_arguments.done")) == 1
    assert len(rig.stages.asked) == 2


def test_a_noise_during_a_reply_changes_nothing(rig: Rig) -> None:
    hears_a_reply(rig)
    rig.say("click", 0.08)
    assert rig.wait("response.done")["response"]["status"] == "completed"
    assert len(rig.all("input_audio_buffer.speech_started")) == 1


def test_a_turn_that_goes_on_before_the_reply_is_one_item(rig: Rig) -> None:
    rig.wants_words()
    rig.stages.llm_s = 1.5
    rig.say("first this")
    rig.wait("input_audio_buffer.speech_stopped")
    rig.go_on(0.3)
    rig.say("and then that")
    rig.wait("response.done")
    users = [e for e in rig.all("conversation.item.added") if e["item"].get("role") == "user"]
    assert len(users) == 1
    assert {e["item_id"] for e in rig.all("input_audio_buffer.speech_started")} == {users[0]["item"]["id"]}
    (told,) = rig.all("conversation.item.input_audio_transcription.completed")
    assert told["transcript"] == "first this and then that"
    assert len(rig.all("response.created")) == 1, "what was prepared in vain is never seen"


def test_silence_taken_for_speech_is_an_item_without_words_and_no_response(rig: Rig) -> None:
    rig.wants_words()
    rig.say("", 0.6)
    rig.stages.words = {}
    told = rig.wait("conversation.item.input_audio_transcription.completed")
    assert told["transcript"] == ""
    rig.go_on(3.0)
    assert rig.all("response.created") == []
    rig.say("hello there")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_ten_turns_on_one_connection(rig: Rig) -> None:
    rig.wants_words()
    for number in range(10):
        rig.say(f"question number {number}")
        assert rig.wait("response.done")["response"]["status"] == "completed"
        rig.go_on(0.6)
    rig.go_on(2.0)
    assert [turn.user for turn in rig.session.conversation.history.turns] == [f"question number {n}" for n in range(10)]


def test_times_are_those_of_the_appended_sound() -> None:
    rig = Rig(hears=False)
    rig.wants_words(type="server_vad", prefix_padding_ms=100)
    rig.go_on(4.0)  # the client sends nothing: that is no time of its sound
    sent_ms = 0
    rig.hears = True
    rig.go_on(1.0)
    rig.say("hello there")
    started = rig.wait("input_audio_buffer.speech_started")
    stopped = rig.wait("input_audio_buffer.speech_stopped")
    assert started["audio_start_ms"] == pytest.approx(sent_ms + 1000 - 100, abs=80)
    assert stopped["audio_end_ms"] - started["audio_start_ms"] == pytest.approx(1100, abs=80)


def test_no_response_unless_it_is_wanted(rig: Rig) -> None:
    rig.wants_words(type="server_vad", create_response=False)
    start = len(rig.events)
    rig.say("hello there")
    rig.wait("conversation.item.input_audio_transcription.completed")
    rig.go_on(3.0)
    assert rig.kinds(start) == SPOKEN_TURN[:7] and rig.stages.asked == []
    rig.send("response.create")
    rig.wait("response.done")
    assert rig.stages.asked[0][-1]["content"] == "hello there"


def test_the_client_decides_what_speech_during_a_reply_means(rig: Rig) -> None:
    start = hears_a_reply(rig, type="server_vad", interrupt_response=False)
    rig.say("one more thing", 0.8)
    first = rig.wait("response.done")["response"]
    assert first["status"] == "completed"
    assert rig.kinds(start).count("input_audio_buffer.speech_started") == 1
    second = rig.wait("response.done")["response"]
    assert second["status"] == "completed"
    rig.go_on(1.0)
    assert [turn.user for turn in rig.session.conversation.history.turns][:2] == ["hello there", "one more thing"]


def test_a_transcription_session_has_words_and_no_responses() -> None:
    rig = Rig(hears=False)
    rig.send("session.update", session={"type": "transcription"})
    rig.hears = True
    for words in ("one thing", "and another"):
        rig.say(words)
        told = rig.wait("conversation.item.input_audio_transcription.completed")
        assert told["transcript"] == words
    rig.go_on(3.0)
    rig.send("response.create", event_id="r")
    assert rig.errors()[-1]["event_id"] == "r"
    assert rig.rules.seen["response.created"] == 0 and rig.stages.asked == []
    rig.close()


def test_a_user_who_says_nothing_is_prompted(rig: Rig) -> None:
    rig.wants_words(type="server_vad", idle_timeout_ms=5000)
    rig.say("hello there")
    rig.wait("response.done")
    start, since_s = len(rig.events), rig.world.now
    triggered = rig.wait("input_audio_buffer.timeout_triggered")
    assert 5.0 <= rig.world.now - since_s <= 5.6
    assert triggered["audio_end_ms"] - triggered["audio_start_ms"] == pytest.approx(5000, abs=100)
    assert rig.wait("response.done", start)["response"]["status"] == "completed"
    assert rig.kinds(start)[:4] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]


def test_committing_in_the_middle_of_speech_ends_the_turn_and_the_next_is_heard(rig: Rig) -> None:
    rig.wants_words()
    rig.say("turn on the light please", 3.0)
    rig.wait("input_audio_buffer.speech_started")
    rig.go_on(1.0)
    start, start_s = len(rig.events), rig.world.now
    rig.send("input_audio_buffer.commit")
    rig.wait("input_audio_buffer.committed", start)
    assert rig.world.now - start_s < 0.05
    rig.quiet()
    told = rig.wait("conversation.item.input_audio_transcription.completed")
    assert told["transcript"] == "turn on the light please"
    rig.wait("response.done")
    rig.go_on(1.0)
    rig.say("another thing")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_clearing_in_the_middle_of_speech_forgets_it(rig: Rig) -> None:
    rig.wants_words()
    rig.say("forget this", 1.0)
    rig.wait("input_audio_buffer.speech_started")
    rig.go_on(0.9)
    rig.quiet()
    rig.send("input_audio_buffer.clear")
    assert rig.events[-1]["type"] == "input_audio_buffer.cleared"
    rig.go_on(3.0)
    assert rig.all("response.created") == []
    rig.say("but this")
    rig.wait("response.done")
    assert rig.stages.asked[-1][-1]["content"] == "but this"


def test_words_that_cannot_be_recognised_are_told_so_and_the_next_turn_works(rig: Rig) -> None:
    rig.wants_words()
    rig.stages.asr_error = RuntimeError("no recogniser")
    rig.say("hello there")
    failed = rig.wait("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["message"] == "no recogniser"
    done = rig.wait("response.done", 0)["response"]
    assert done["output"][0]["content"][0]["transcript"] == "Sorry, I failed."
    rig.stages.asr_error = None
    rig.go_on(2.0)
    rig.say("hello there")
    told = rig.wait("conversation.item.input_audio_transcription.completed")
    assert told["transcript"] == "hello there"


def test_turn_detection_may_be_given_up_in_the_middle_of_speech_and_taken_up_again(rig: Rig) -> None:
    rig.wants_words()
    rig.say("hello there", 1.0)
    rig.wait("input_audio_buffer.speech_started")
    rig.go_on(0.8)
    rig.quiet()
    rig.update(audio={"input": {"turn_detection": None}})
    told = rig.wait("conversation.item.input_audio_transcription.completed")
    assert told["transcript"] == "hello there"
    rig.go_on(3.0)
    assert rig.all("response.created") == []
    rig.update(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}})
    rig.say("and now")
    assert rig.wait("response.done")["response"]["status"] == "completed"
    assert rig.stages.asked[-1][-1]["content"].endswith("and now")


@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.64])
@pytest.mark.parametrize("detection", [None, {"type": "server_vad", "threshold": 0.3}])
def test_a_change_of_turn_detection_while_the_user_speaks_over_a_reply_leaves_the_floor_free(
    rig: Rig, detection: dict[str, object] | None, after_s: float
) -> None:
    rig.wants_words(type="server_vad", threshold=0.5)
    rig.say("Hello.")
    rig.wait("response.created")
    rig.go_on(0.6)
    rig.say("Wait.", 0.6)
    rig.go_on(after_s)
    rig.update(audio={"input": {"turn_detection": detection}})
    rig.go_on(10.0)
    rig.rules.finish()
    rig.type("And now?")
    assert rig.wait("response.done")["response"]["status"] == "completed"
