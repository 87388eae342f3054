"""Whatever a client sends, in whatever order: what it gets keeps its rules, and its session lives.

A few hundred events each time; `HUIYIN_FUZZ_STEPS=10000` for as many as that.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huiyin.assistant.dialogue.tools import CalledTool
from tests.realtime.fuzz import JUNK, LENGTH, event, fuzzed
from tests.realtime.rig import Rig

pytestmark = pytest.mark.slow  # many random sessions

KNOWN = st.integers(0, 20).map(lambda number: ("known", number))  # an id that is there, by its place
IDS = KNOWN | st.sampled_from(["a", "b", "c", "", "root"])
ROLES = st.sampled_from(["user", "assistant", "system", "robot"])
PARTS = st.sampled_from(["input_text", "output_text", "text", "input_image"])
MESSAGES = st.fixed_dictionaries(
    {
        "type": st.just("message"),
        "role": ROLES,
        "content": st.lists(st.fixed_dictionaries({"type": PARTS, "text": st.sampled_from(["Hi.", ""])}), max_size=2),
    },
    optional={"id": IDS},
)
ITEMS = st.one_of(
    MESSAGES,
    st.fixed_dictionaries({"type": st.just("function_call_output"), "call_id": st.sampled_from(["call_1", "x"]),
                           "output": st.just("ok")}),
    st.fixed_dictionaries({"type": st.just("function_call"), "call_id": st.sampled_from(["call_8", "call_9"]),
                           "name": st.just("f"), "arguments": st.just("{}")}),
    JUNK,
)  # fmt: skip
DETECTIONS = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
            "silence_duration_ms": st.sampled_from([200, 700]),
            "idle_timeout_ms": st.sampled_from([None, 2000]),
            "threshold": st.sampled_from([0.3, 0.5]),
        },
    ),
    st.fixed_dictionaries({"type": st.just("semantic_vad"), "eagerness": st.sampled_from(["low", "high", "never"])}),
)
FORMATS = st.sampled_from([{"type": "audio/pcm", "rate": 24_000}, {"type": "audio/pcm", "rate": 5}])
SESSIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["realtime", "realtime", "transcription"]),
        "output_modalities": st.sampled_from([["audio"], ["text"], ["text", "audio"]]),
        "instructions": st.sampled_from(["", "Be brief."]),
        "audio": st.fixed_dictionaries(
            {},
            optional={
                "input": st.fixed_dictionaries(
                    {}, optional={"turn_detection": DETECTIONS, "transcription": st.just({"model": "w"}),
                                  "format": FORMATS}
                ),
                "output": st.fixed_dictionaries({}, optional={"voice": st.sampled_from(["a", {"id": "b"}, 5])}),
            },
        ),
        "tools": st.just([{"type": "function", "name": "f"}]),
        "huiyin": st.fixed_dictionaries({"enabled": st.booleans()}),
        "future": JUNK,
    },
)  # fmt: skip
RESPONSES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none", "other"]),
        "output_modalities": st.sampled_from([["audio"], ["text"]]),
        "instructions": st.just("Now."),
        "input": st.lists(MESSAGES | st.fixed_dictionaries({"type": st.just("item_reference"), "id": IDS}), max_size=2),
        "metadata": st.just({"a": "b"}),
        "future": JUNK,
    },
)
EVENTS = st.one_of(
    event("session.update", session=SESSIONS),
    event("session.update", session=JUNK),
    event("input_audio_buffer.commit"),
    event("input_audio_buffer.clear"),
    event("input_audio_buffer.append", audio=JUNK),
    event("conversation.item.create", item=ITEMS, previous_item_id=st.none() | IDS),
    event("conversation.item.retrieve", item_id=IDS),
    event("conversation.item.delete", item_id=IDS),
    event(
        "conversation.item.truncate", item_id=IDS, content_index=st.sampled_from([0, 0, 1]),
        audio_end_ms=st.sampled_from([0, 300, 900, 2000, -1, 10**6]),
    ),
    event("response.create", response=RESPONSES),
    event("response.create", response=JUNK),
    event("response.cancel"),
    event("response.cancel", response_id=JUNK),
    event("output_audio_buffer.clear"),
    event("huiyin.type", text=st.just("Typed.")),
    event("huiyin.key", pressed=st.booleans()),
    event("huiyin.interrupt"),
    event("huiyin.playback", response_id=KNOWN, audio_ms=st.integers(-10, 5000)),
    event("strange", field=JUNK),
)  # fmt: skip
REPLIES = st.sampled_from(
    [
        ["One sentence. ", "And a second one."],
        ["Short."],
        [CalledTool("call_1", "f", "{}")],
        ["Let me see. ", CalledTool("call_1", "f", "{}")],
        ["It begins. ", RuntimeError("broken")],
        [RuntimeError("broken")],
        [],
    ]
)
STEP = st.one_of(
    EVENTS,
    EVENTS,
    st.floats(0.0, 1.5),  # time passes
    st.sampled_from(["hello there", "mm-hmm", "stop", ""]),  # the user speaks
    REPLIES,  # how the model answers next
)


def known(rig: Rig, value: Any) -> Any:
    """With the places of ids replaced by ids."""
    if isinstance(value, tuple):
        return rig.rules.order[value[1] % len(rig.rules.order)] if rig.rules.order else "none"
    if isinstance(value, dict):
        return {name: known(rig, each) for name, each in value.items()}
    return [known(rig, each) for each in value] if isinstance(value, list) else value


def take(rig: Rig, number: int, step: Any) -> None:
    if isinstance(step, dict):
        fields = known(rig, step)
        before = len(rig.errors())
        rig.send(fields.pop("kind"), event_id=f"e{number}", **fields)
        assert all(error["event_id"] == f"e{number}" for error in rig.errors()[before:]), (
            "the error of an event names it"
        )
    elif isinstance(step, float):
        rig.go_on(step)
    elif isinstance(step, str):
        rig.say(step, 0.6)
    else:
        rig.stages.replies.append(step)


@fuzzed
@given(steps=st.lists(STEP, min_size=LENGTH, max_size=LENGTH))
def test_any_order_of_events(steps: list[Any]) -> None:
    rig = Rig()
    for number, step in enumerate(steps):
        take(rig, number, step)
    assert not [error for error in rig.errors() if error["type"] == "server_error"]
    settle(rig)
    history = rig.session.conversation.history
    assert {item for item in rig.rules.order} == set(rig.session._items._items)
    entries = [item.history_id for item in rig.session._items._items.values() if item.history_id]
    assert len(set(entries)) == len(entries) and set(entries) <= {item.id for item in history.items}
    assert [item.id for item in history.items if item.id in entries] == entries, "both are in the same order"
    rig.close()


def settle(rig: Rig) -> None:
    """All that was begun comes to its end, and the next response is made."""
    rig.stages.replies.clear()
    rig.quiet()
    rig.hears = False
    rig.send("session.update", session={"audio": {"input": {"turn_detection": {"type": "server_vad"}}}})
    rig.go_on(8.0)
    rig.send("response.cancel")
    for created in list(rig.all("response.created")):
        rig.send("response.cancel", response_id=created["response"]["id"])
    rig.send("huiyin.interrupt")
    rig.go_on(2.0)
    rig.rules.finish()
    if not rig.session.config.is_transcription:
        start = len(rig.events)
        rig.send("response.create", response={"output_modalities": ["text"], "metadata": {"last": "one"}})
        rig.go_on(5.0)
        (done,) = rig.all("response.done", start)
        assert done["response"]["metadata"] == {"last": "one"} and done["response"]["status"] == "completed"


@pytest.mark.parametrize("at_s", [0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9, 1.5])
@pytest.mark.parametrize("kind", ["response.cancel", "response.create", "input_audio_buffer.commit"])
def test_what_a_client_sends_just_as_the_server_decides(kind: str, at_s: float) -> None:
    """The loser of a race gets an error that names its event, and all that was begun is ended."""
    rig = Rig()
    rig.wants_words()
    rig.say("hello there", 0.6)
    rig.wait("input_audio_buffer.speech_started")
    rig.go_on(at_s)
    rig.send(kind, event_id="mine")
    rig.go_on(0.01)
    rig.send("response.create", event_id="second")
    rig.go_on(12.0)
    assert {error["event_id"] for error in rig.errors()} <= {"mine", "second"}
    rig.rules.finish()
    assert all(event["response"]["status"] in ("completed", "cancelled") for event in rig.all("response.done"))
    rig.close()
