"""What a Live client may not do, and what is not supported: an error in words, and the session goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from huiyin.assistant.faces.connections.engines import Limits
from huiyin.assistant.faces.connections.wire import WireError
from tests.live.rig import BACKEND, RATE, LiveRig
from tests.realtime.rig import encoded

MCP = {"type": "responses", "responses": {"model": "m", "tools": [{"type": "mcp", "server_label": "x"}]}}
LONG = np.zeros(31 * RATE, np.int16)


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.model"),
        ({"model": "m", "store": True}, "unsupported", "session.store"),
        ({"model": "m", "triggers": [{"type": "decisions"}]}, "unsupported", "session.triggers"),
        ({"model": "m", "delegation": {"type": "decisions"}}, "unsupported", "session.delegation"),
        ({"model": "m", "client": {"data_channel": {}}}, "unsupported", "session.client"),
        ({"model": "m", "delegation": MCP}, "invalid_value", "session.delegation.responses.tools[0].type"),
        ({"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": 44100}}}, "invalid_value",
         "session.audio.format.rate"),
        ({"model": "m", "input": [{"role": "robot", "content": []}]}, "invalid_value", "session.input[0].role"),
    ],
)  # fmt: skip
def test_session_that_cannot_be_may_be_tried_again(rig: LiveRig, session: Any, code: str, param: str) -> None:
    rig.send("session.start", session=session, event_id="e")
    (error,) = rig.errors()
    assert (error["code"], error["param"], error["client_event_id"]) == (code, param, "e")
    assert error["message"]

    rig.start()
    rig.ask("Hello there.")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "session.start", "session": {"model": "m"}}, "invalid_state"),
        ({"type": "session.update", "session": {"instructions": "Be rude."}}, "immutable"),
        ({"type": "session.update", "session": {"delegation": BACKEND}}, "immutable"),
        ({"type": "session.input_audio.append", "audio": "?"}, "invalid_audio"),
        ({"type": "session.output_audio.fixture.play", "audio": ""}, "invalid_audio"),
        ({"type": "session.output_audio.fixture.play", "audio": encoded(LONG)}, "invalid_audio"),
        ({"type": "session.instructions.append", "content": " ", "delegation_id": None}, "invalid_value"),
        ({"type": "session.thinking.append", "content": "word " * 600, "delegation_id": None}, "too_long"),
        ({"type": "decision.create", "input": []}, "unsupported"),
        ({"type": "decision.item.create"}, "unsupported"),
        ({"type": "decision.item.delete"}, "unsupported"),
        ({"type": "transport.dtmf.send", "event": "1"}, "unsupported"),
        ({"type": "input_audio_buffer.append", "audio": ""}, "invalid_value"),
    ],
)
def test_error_names_the_event_and_the_session_goes_on(rig: LiveRig, event: dict[str, Any], code: str) -> None:
    rig.start()
    rig.send(event.pop("type"), **event, event_id="e")
    (error,) = rig.errors()
    assert (error["code"], error["client_event_id"]) == (code, "e")

    rig.ask("Hello there.")
    rig.wait_for_silence()
    assert rig.said("output")


def test_nothing_can_be_done_before_the_start(rig: LiveRig) -> None:
    rig.append(np.zeros(480, np.int16))
    assert rig.errors()[0]["code"] == "invalid_state"


def test_client_learns_what_is_without_effect(rig: LiveRig) -> None:
    rig.start(delegation={"type": "responses", "responses": {"model": "m", "reasoning": {"effort": "low"}}})

    (info,) = rig.all("info")
    assert info["code"] == "without_effect" and "delegation.responses.reasoning" in info["message"]


def test_expired_session_is_closed(rig: LiveRig) -> None:
    rig.start()
    rig.session.expire(WireError("connections.session_expired"))

    assert rig.kinds()[-2:] == ["error", "session.closed"]
    assert rig.events[-1]["reason"] == "expired"


def test_conversation_does_not_grow_without_end() -> None:
    rig = LiveRig(limits=Limits(items=2))
    rig.start()
    for _ in range(3):
        rig.send("session.thinking.append", content="More.", delegation_id=None)
    assert [error["code"] for error in rig.errors()] == ["too_many_items"]
    rig.close()


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_telephone_sound(rig: LiveRig, kind: str) -> None:
    """8000 bytes a second."""
    rig.hears = False
    rig.start(audio={"format": {"type": kind, "rate": 8000}})
    rig.send("session.commentary.append", content="Your taxi is here.", delegation_id=None)
    rig.wait("session.output_audio.delta")
    rig.wait_for_silence()

    assert abs(2 * len(rig.sound()) - 18 * rig.stages.second_per_character * 8000) < 200
