"""Prints every kind of event that the Live server sends, as JSON lines: for the SDK's own types to judge.

``python -m tests.live.every_event``
"""

from __future__ import annotations

import json

import numpy as np

from huiyin.assistant.dialogue.tools import CalledTool
from tests.live.rig import BACKEND, RATE, LiveRig
from tests.realtime.protocol import Event
from tests.realtime.rig import encoded


def every_event() -> list[Event]:
    """Of three sessions: one with functions, one with work for the client, one by telephone."""
    functions = LiveRig()
    functions.send("session.close.typo", event_id="wrong")
    functions.start(
        instructions="Be brief.",
        audio={"format": {"type": "audio/pcm", "rate": 24000}, "output": {"voice": "marin"}},
        input=[{"role": "user", "content": [{"type": "input_text", "text": "Hi."}]}],
        delegation={**BACKEND, "acknowledgement_delay_ms": 100},
    )
    functions.stages.replies += [["Let me see. ", CalledTool("call_1", "get_weather", "{}")], ["It is sunny."]]
    functions.ask("How is the weather?")
    functions.wait("session.delegation.created", 0)
    functions.send(
        "response.item.create", item={"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    )
    functions.send("response.create")
    functions.wait_for_silence()
    functions.send("session.update", session={"delegation": {"type": "responses", "responses": {"tools": []}}})
    functions.send("session.close", event_id="bye")

    client = LiveRig()
    client.start(delegation={"type": "client"})
    client.send("session.input_audio.mute", event_id="m")
    client.send("session.input_audio.unmute", event_id="u")
    for kind in ("instructions", "thinking", "commentary"):
        client.send(f"session.{kind}.append", content="Something.", delegation_id=None, event_id=kind)
    client.wait_for_silence()
    client.stages.replies += [[CalledTool("call_1", "delegate", "{}")]]
    client.say("Book a table.")
    client.wait("session.delegation.created", 0)
    client.send("session.output_audio.fixture.play", audio=encoded(np.zeros(RATE // 10, np.int16)), event_id="f")
    client.wait("session.output_audio.fixture.played")

    telephone = LiveRig()
    telephone.hears = False
    telephone.start(audio={"format": {"type": "audio/pcmu", "rate": 8000}})
    return [event for rig in (functions, client, telephone) for event in rig.events]


if __name__ == "__main__":
    for event in every_event():
        print(json.dumps(event))
