"""Clients of the Realtime server that vanish in the middle of anything, tools that never answer, services that fail
meanwhile: nothing of a session is left, and in one that stays the next turn works."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.dialogue.tools import CalledTool
from tests.fuzz.test_faults import SEED, many
from tests.realtime.rig import Rig

pytestmark = pytest.mark.fuzz

CALL = CalledTool("call_1", "weather", '{"city": "Ulm"}')
TOOLS = [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]
_LONG_S = 150.0  # of virtual time: longer than anything that was begun
_TURN_S = 30.0

REPLIES = st.sampled_from(
    [
        ["One sentence. ", "And a second one."],
        [CALL],
        ["Let me see. ", CALL],
        ["It begins. ", ServiceError("clients.broke_off")],
        [ServiceError("clients.broke_off")],
        [],
        ["\ufffd\x00 {{"],
    ]
)
STEPS = st.lists(
    st.one_of(
        st.floats(0.0, 3.0),  # time passes
        st.sampled_from(["hello there", "stop", "how is the weather"]),  # the user speaks
        REPLIES,  # what the model says next
        st.just(("answer",)),  # the tool does after all
        st.booleans(),  # whether the recogniser works from now on
    ),
    max_size=12,
)


Life = tuple[bool, dict[str, bool], list[Any]]
LIVES = st.tuples(
    st.booleans(),  # a client that is to report what it plays, and plays nothing
    st.sampled_from([{}, {}, {"interrupt_response": False}]),
    STEPS,
)


def lived_through(life: Life) -> Rig:
    is_stopped, detection, steps = life
    rig = Rig()
    rig.update(tools=TOOLS, **({"huiyin": {"enabled": True}} if is_stopped else {}))
    rig.wants_words(type="server_vad", **detection)
    for step in steps:
        if isinstance(step, bool):
            rig.stages.asr_error = None if step else ServiceError("clients.broke_off")
        elif isinstance(step, float):
            rig.go_on(step)
        elif isinstance(step, str):
            rig.say(step, 0.6)
        elif isinstance(step, list):
            rig.stages.replies.append(step)
        else:
            answer(rig)
    return rig


def answer(rig: Rig) -> None:
    """The last call gets its result, a second time perhaps."""
    for called in rig.all("response.function_call_arguments.done")[-1:]:
        item = {"type": "function_call_output", "call_id": called["call_id"], "output": "sunny"}
        rig.send("conversation.item.create", item=item)
        rig.send("response.create")


@seed(SEED)
@many(0.5)
@given(LIVES)
def test_nothing_is_left_of_a_client_that_vanishes(life: Life) -> None:
    rig = lived_through(life)
    session = weakref.ref(rig.session)
    rig.close()
    rig.hears = False  # nor does anything come from it
    sent = len(rig.events)
    rig.go_on(_LONG_S)
    assert rig.kinds(sent) == [], "it is told no more"
    assert len(rig.world._due) <= 1, "only the clock of its microphone goes on"
    del rig.session
    gc.collect()
    assert session() is None


@seed(SEED)
@many(0.5)
@given(LIVES)
def test_neither_a_tool_that_hangs_nor_a_client_that_plays_no_more_holds_up_the_next_turn(
    life: Life,
) -> None:
    rig = lived_through(life)
    rig.quiet()
    rig.stages.asr_error = None
    rig.stages.replies.clear()
    rig.go_on(_TURN_S)
    start = len(rig.events)
    rig.stages.replies.append(["Here I am."])
    rig.say("are you still there", 1.0)
    rig.go_on(_TURN_S)
    said = [event["delta"] for event in rig.all("response.output_audio_transcript.delta", start)]
    assert "Here I am." in "".join(said), rig.kinds(start)
    assert not [error for error in rig.errors() if error["type"] == "server_error"]
    for asked in rig.stages.asked:
        check_calls(asked)
    rig.close()


def check_calls(messages: list[Any]) -> None:
    """Every call that the model is shown has its result behind it: servers refuse anything else."""
    for at, message in enumerate(messages):
        for call in message.get("tool_calls", []):
            results = [each.get("tool_call_id") for each in messages[at + 1 :] if each["role"] == "tool"]
            assert call["id"] in results, messages
