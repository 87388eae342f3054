"""Whatever a Live client sends, in whatever order: what it gets keeps its rules, and its session lives.

How many events: `tests/realtime/fuzz.py`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.ports.port import Pcm16
from tests.live.protocol import LiveInvariants
from tests.live.rig import BACKEND, RATE, WEATHER_TOOL, LiveRig
from tests.realtime.fuzz import JUNK, LENGTH, event, fuzzed
from tests.realtime.protocol import Event
from tests.realtime.rig import encoded

pytestmark = pytest.mark.slow  # many random sessions

DELEGATIONS = st.one_of(
    st.none(),
    st.just({"type": "client"}),
    st.just({"type": "client", "acknowledgement_delay_ms": 100}),
    st.just(BACKEND),
    st.just({**BACKEND, "responses": {**BACKEND["responses"], "tool_choice": "required"}}),  # type: ignore[dict-item]
    st.just({"type": "decisions"}),
    st.just({"type": "responses"}),
    JUNK,
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "delegation": DELEGATIONS
        | st.just({"type": "responses", "responses": {"tools": [WEATHER_TOOL], "instructions": "Be brief."}})
        | st.just({"type": "responses", "responses": None}),
        "triggers": st.sampled_from([None, [], [{"type": "decisions"}]]),
        "instructions": st.just("Be rude."),
        "future": JUNK,
    },
)
FORMATS = st.sampled_from(
    [
        {"type": "audio/pcm", "rate": 24_000}, {"type": "audio/pcm", "rate": 16_000}, {"type": "audio/pcmu"},
        {"type": "audio/pcma", "rate": 8000}, {"type": "audio/pcm"}, None,
    ]
)  # fmt: skip
BEFORE = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant", "developer", "robot"]),
            "content": st.lists(st.just({"type": "input_text", "text": "Hi."}), max_size=2),
        }
    ),
    max_size=2,
)
STARTS = st.fixed_dictionaries(
    {"model": st.sampled_from(["huiyin", "huiyin", 5])},
    optional={
        "instructions": st.sampled_from(["Be brief.", "", None]),
        "audio": st.none() | st.fixed_dictionaries({}, optional={"format": FORMATS, "output": JUNK}),
        "delegation": DELEGATIONS,
        "input": BEFORE,
        "store": st.booleans(),
        "future": JUNK,
    },
)
GOOD_STARTS = st.fixed_dictionaries(
    {"model": st.just("huiyin")},
    optional={
        "audio": st.fixed_dictionaries({"format": st.sampled_from([{"type": "audio/pcm", "rate": 16_000},
                                                                   {"type": "audio/pcma", "rate": 8000}])}),
        "delegation": st.sampled_from([{"type": "client"}, BACKEND]),
    },
)  # fmt: skip
CONTENTS = st.sampled_from(["Your taxi is here.", "One. Two, three. Four?", " ", "", "word " * 600]) | JUNK
IDS = st.none() | st.integers(0, 5).map(lambda number: ("delegation", number)) | st.sampled_from(["dlg_x", 5])
ITEMS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("function_call_output"), "call_id": st.sampled_from(["call_1", "call_1", "call_2", "x"]),
         "output": st.sampled_from(["sunny", [{"type": "input_text", "text": "rain"}], 5])}
    ),
    st.fixed_dictionaries({"role": st.sampled_from(["user", "developer", "assistant"]), "content": CONTENTS}),
    JUNK,
)  # fmt: skip
SOUNDS = st.sampled_from([0, 7, RATE // 10, RATE]).map(lambda length: encoded(np.full(length, 9000, np.int16)))
EVENTS = st.one_of(
    event("session.start", session=STARTS),
    event("session.start", session=JUNK),
    event("session.update", session=CHANGES),
    event("session.update", session=JUNK),
    event("session.input_audio.append", audio=JUNK | SOUNDS),
    event("session.input_audio.mute"),
    event("session.input_audio.unmute"),
    event("session.output_audio.fixture.play", audio=SOUNDS),
    event("session.output_audio.fixture.play", audio=JUNK),
    *(
        event(f"session.{kind}.append", content=CONTENTS, delegation_id=IDS)
        for kind in ("instructions", "thinking", "commentary")
    ),
    event("response.item.create", item=ITEMS),
    event("response.create"),
    event("decision.create", input=JUNK),
    event("transport.dtmf.send", event=JUNK),
    event("strange", field=JUNK),
)
REPLIES = st.sampled_from(
    [
        ["One sentence. ", "And a second one."],
        ["Short."],
        [CalledTool("call_1", "get_weather", "{}")],
        ["Let me see. ", CalledTool("call_1", "delegate", "{}"), CalledTool("call_2", "get_weather", '{"a": "Paris"}')],
        ["It begins. ", RuntimeError("broken")],
        [RuntimeError("broken")],
        [],
    ]
)  # fmt: skip
BROKEN = st.sampled_from([b"\0", "", "{", "[]", '"session.close"', '{"type": NaN}', '{"type": "\\ud800"}'])
STEP = st.one_of(
    EVENTS,
    EVENTS,
    BROKEN.map(lambda message: ("message", message)),
    st.floats(0.0, 1.5),  # time passes
    st.sampled_from(["hello there", "mm-hmm", "stop", ""]),  # the user speaks
    REPLIES,  # how the model answers next
)


class FuzzedRig(LiveRig):
    """Each of its `events` has been checked. The microphone sends from the beginning of the session, as PCM; by
    telephone nothing is said."""

    def __init__(self) -> None:
        super().__init__()
        self.rules = LiveInvariants()

    def check(self, event: Event) -> None:
        self.rules.take(event, self.world.now)
        if event["type"] == "session.started":
            form = event["session"]["audio"]["format"]
            self.hears, self._rate = form["type"] == "audio/pcm", form.get("rate", 8000)
            self.world.after(0.0, self._microphone)

    def append(self, sound: Pcm16) -> None:
        if not self.is_ended:
            super().append(sound[: len(sound) * self._rate // RATE])  # of one value: it sounds the same at any rate


def known(rig: FuzzedRig, value: Any) -> Any:
    """With the places of delegations replaced by their ids."""
    if isinstance(value, tuple):
        ids = rig.rules.delegations
        return ids[value[1] % len(ids)] if ids else "none"
    return value


def take(rig: FuzzedRig, number: int, step: Any) -> None:
    before = len(rig.errors())
    match step:
        case dict():
            fields = {name: known(rig, value) for name, value in step.items() if name != "kind"}
            rig.send(step["kind"], event_id=f"e{number}", **fields)
            assert all(error["client_event_id"] == f"e{number}" for error in rig.errors()[before:]), "it is named"
        case ("message", message):
            rig.session.receive(message)
            assert len(rig.errors()) == before + 1
        case float():
            if rig.rules.is_started:  # before that there is no time
                rig.go_on(step)
        case str():
            rig.say(step, 0.6)
        case _:
            rig.stages.replies.append(step)


@fuzzed
@given(
    start=GOOD_STARTS, begins_at=st.integers(0, 5), steps=st.lists(STEP, min_size=LENGTH, max_size=LENGTH),
)  # fmt: skip
def test_any_order_of_live_events(start: Any, begins_at: int, steps: list[Any]) -> None:
    rig = FuzzedRig()
    for number, step in enumerate(steps):
        if number == begins_at and not rig.rules.is_started:
            rig.send("session.start", session=start, event_id="start")
            assert rig.rules.is_started
        take(rig, number, step)
    assert [error for error in rig.errors() if error["type"] == "server_error"] == []
    settle(rig)
    assert " ".join(rig.said("output").split()) == " ".join(" ".join(heard(rig)).split())
    rig.send("session.close", event_id="bye")
    assert rig.rules.is_closed and rig.is_ended
    rig.close()


def heard(rig: FuzzedRig) -> list[str]:
    """What the history has of the replies, but for those of before the session."""
    before = rig.all("session.started")[0]["session"]["input"]
    return rig.heard()[sum(each["role"] == "assistant" and bool(each["content"]) for each in before) :]


def settle(rig: FuzzedRig) -> None:
    """All that was begun comes to its end, and the user is answered."""
    rig.stages.replies.clear()
    rig.quiet()
    rig.go_on(12.0)
    rig.send("session.input_audio.unmute")
    rig.wait_for_silence()
    rig.rules.finish()
    since = len(rig.events)
    rig.stages.replies.clear()
    if rig.hears:
        rig.say("And what do you say now?")
        rig.wait("session.input_transcript.delta", since)
    else:
        rig.send("session.commentary.append", content="Your taxi is here.", delegation_id=None)
    rig.wait("session.output_transcript.delta", since)
    rig.wait_for_silence()
    rig.rules.finish()
    assert json.loads(json.dumps(rig.events)) == rig.events
