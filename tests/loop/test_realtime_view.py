"""What the scripted client of a Realtime server makes of what it is sent, and what can be seen by it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.conversation import events as on
from huiyin.assistant.ports import BLOCK
from huiyin.assistant.scenario.api import parse, read
from huiyin.assistant.scenario.realtime_player import AHEAD
from huiyin.assistant.scenario.realtime_view import RealtimeView
from huiyin.assistant.scenario.visible import split, through_realtime
from huiyin.assistant.turns.transitions import State
from tests.support import ROOT

REPLY = {"response_id": "r1", "item_id": "a1"}


class Seat:
    """A client whose server is this test."""

    def __init__(self, *, extended: bool) -> None:
        self.sent: list[dict[str, Any]] = []
        self.told: list[on.Public] = []
        self.view = RealtimeView(self.sent.append, self.told.append)
        self.hear({"type": "session.updated", "session": {"huiyin": {"enabled": True}} if extended else {}})

    def hear(self, *messages: dict[str, Any]) -> None:
        """From the server."""
        for message in messages:
            self.view.receive(message)

    def reply(self, blocks: int, text: str = "Once upon a time.") -> None:
        """A reply of so many blocks of sound, all of it sent."""
        sound = base64.b64encode(np.full(blocks * BLOCK, 1000, "<i2").tobytes()).decode()
        self.hear(
            {"type": "response.output_item.added", "response_id": "r1", "item": {"type": "message", "id": "a1"}},
            {"type": "response.output_audio_transcript.delta", "delta": text, **REPLY},
            {"type": "response.output_audio.delta", "delta": sound, **REPLY},
        )

    def complete(self, status: str = "completed") -> None:
        """The response is done."""
        self.hear({"type": "response.done", "response": {"id": "r1", "status": status}})

    def play(self, blocks: int) -> np.ndarray:
        """Time passes; what was played."""
        return np.concatenate([self.view.step() for _ in range(blocks)])

    def kinds(self) -> list[type[on.Public]]:
        """The kinds of events told so far, without the floor's."""
        return [type(event) for event in self.told if not isinstance(event, on.FloorChanged)]


def test_a_reply_is_played_to_its_end_and_committed_with_its_words() -> None:
    seat = Seat(extended=False)
    seat.hear({"type": "conversation.item.added", "item": {"type": "message", "role": "user", "id": "u1"}})
    done = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u1", "transcript": "A story?"}
    seat.reply(5)
    seat.complete()
    seat.hear(done)

    played = seat.play(6)

    assert np.count_nonzero(played) == 5 * BLOCK
    expected = [on.ReplyStarted, on.Recognised, on.ClauseStarted, on.ReplyEnded, on.TurnCommitted]
    assert seat.kinds() == expected
    committed = seat.told[-2]
    assert isinstance(committed, on.TurnCommitted)
    assert (committed.turn.user, committed.turn.heard) == ("A story?", "Once upon a time.")
    assert seat.told[-1] == on.FloorChanged(before=State.SPEAKING, after=State.LISTENING)


def test_a_reply_begins_when_some_sound_is_ahead() -> None:
    seat = Seat(extended=False)
    seat.reply(1)
    assert AHEAD > BLOCK
    assert not seat.play(3).any()
    seat.complete()
    assert seat.play(1).any()


def test_an_interrupted_reply_falls_silent_and_what_was_heard_is_asked_for() -> None:
    seat = Seat(extended=False)
    seat.reply(50)
    seat.play(10)

    seat.hear({"type": "input_audio_buffer.speech_started", "audio_start_ms": 900, "item_id": "u2"})
    seat.complete("cancelled")

    truncate = {"type": "conversation.item.truncate", "item_id": "a1", "content_index": 0, "audio_end_ms": 200}
    assert seat.sent == [truncate]
    after = seat.play(5)
    assert np.abs(after[:BLOCK]).max() <= 1000 and not after[BLOCK:].any()  # it fades
    seat.hear({"type": "conversation.item.truncated", "item_id": "a1", "content_index": 0, "audio_end_ms": 200})
    assert seat.sent[-1] == {"type": "conversation.item.retrieve", "item_id": "a1"}
    seat.hear({"type": "conversation.item.retrieved", "item": {"id": "a1", "content": [{"transcript": "Once upon"}]}})
    committed = seat.told[-1]
    assert isinstance(committed, on.TurnCommitted)
    assert (committed.turn.heard, committed.turn.interrupted) == ("Once upon", True)
    assert seat.kinds().count(on.ReplyStopped) == 1


def test_with_extensions_a_pause_is_silent_and_goes_on_where_it_was() -> None:
    seat = Seat(extended=True)
    seat.reply(50)
    seat.play(10)

    seat.hear({"type": "huiyin.output.paused", "response_id": "r1"})
    assert not seat.play(3)[BLOCK:].any()
    assert seat.sent[-1] == {"type": "huiyin.playback", "response_id": "r1", "audio_ms": 200}
    seat.hear({"type": "huiyin.output.resumed", "response_id": "r1", "item_id": "a1", "audio_ms": 200})
    seat.hear({"type": "response.output_audio.delta", "delta": _sound(10), **REPLY})
    seat.complete()
    seat.play(11)

    assert seat.kinds() == [on.ReplyStarted, on.ClauseStarted, on.ReplyPaused, on.ReplyResumed, on.ReplyEnded]
    assert seat.sent[-1] == {"type": "huiyin.playback", "response_id": "r1", "audio_ms": 400}


def test_an_error_of_the_server_is_kept() -> None:
    seat = Seat(extended=False)
    seat.hear({"type": "error", "error": {"code": "invalid_value", "message": "no"}})
    assert seat.view.errors == ["invalid_value: no"]


def test_what_cannot_be_seen_is_named_and_not_judged() -> None:
    scenario = parse(
        {
            "turns": [
                {
                    "user": "Hello",
                    "expect": [
                        {"event": "reply starts", "within_ms": 800},
                        {"event": "pause heard"},
                        {"asked": "Hello"},
                        {"event": "reply pauses"},
                    ],
                }
            ]
        }
    )

    seen, unseen = split(scenario, through_realtime(extended=False, services=False))

    assert len(seen.steps[0].expect) == 1
    assert len(unseen) == 3
    assert len(split(scenario, through_realtime(extended=True, services=True))[1]) == 1


@pytest.mark.parametrize("name", ["en_barge_in", "zh_barge_in"])
def test_all_of_an_interruption_can_be_seen_beside_simulated_services(name: str) -> None:
    scenario = read(ROOT / f"tests/conversations/{name}.yaml")
    assert split(scenario, through_realtime(extended=True, services=True))[1] == ()


def _sound(blocks: int) -> str:
    return base64.b64encode(np.full(blocks * BLOCK, 1000, "<i2").tobytes()).decode()
