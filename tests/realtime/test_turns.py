"""A spoken turn on the wire: connected, spoken to, answered, interrupted."""

from __future__ import annotations

import pytest

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


def test_an_interruption_ends_the_response_and_no_sound_follows(rig: Rig) -> None:
    rig.wants_words()
    rig.say("hello there")
    rig.wait("response.output_audio.delta")
    rig.go_on(0.8)
    start = len(rig.events)
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
