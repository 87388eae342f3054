"""Work that the model hands over: to the client, or as calls of functions."""

from __future__ import annotations

from typing import Any

from huiyin.assistant.dialogue.tools import CalledTool
from tests.live.rig import BACKEND, LiveRig
from tests.realtime.protocol import Event

CALL = CalledTool("call_1", "get_weather", "{}")


def inner(rig: LiveRig, since: int = 0) -> list[Event]:
    """The events of the Responses API."""
    return [event["event"] for event in rig.all("response.event", since)]


def result(rig: LiveRig, call_id: str = "call_1") -> None:
    rig.send("response.item.create", item={"type": "function_call_output", "call_id": call_id, "output": "sunny"})


def code(rig: LiveRig, kind: str, **fields: Any) -> str:
    """The error that this brings."""
    before = len(rig.errors())
    rig.send(kind, event_id="mine", **fields)
    (error,) = rig.errors()[before:]
    assert error["client_event_id"] == "mine"
    return str(error["code"])


def test_function_is_called_and_its_result_is_spoken_of(rig: LiveRig) -> None:
    rig.start(delegation=BACKEND)
    rig.stages.replies += [["Let me see. ", CALL], ["It is sunny."]]
    rig.ask("How is the weather?")
    created = rig.wait("session.delegation.created", 0)["delegation"]
    rig.wait_for_silence()

    assert created["target"] == "responses"
    assert [event["type"] for event in inner(rig)] == [
        "response.created",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert {event["delegation_id"] for event in rig.all("response.event")} == {created["id"]}
    assert inner(rig)[0]["response"]["id"] == created["response_id"]
    item = inner(rig)[4]["item"]
    assert (item["call_id"], item["name"], item["status"]) == ("call_1", "get_weather", "completed")
    kinds = [event["type"] for event in rig.events]
    assert kinds.index("session.input_transcript.delta") < kinds.index("session.delegation.created")

    since = len(rig.events)
    result(rig)
    rig.send("response.create")
    rig.wait("session.output_audio.delta")
    rig.wait_for_silence()
    assert rig.said("output") == "Let me see. It is sunny."
    assert rig.stages.asked[-1][-1]["content"] == "sunny"
    assert [event["type"] for event in inner(rig, since)][::7] == ["response.created", "response.completed"]
    assert {event["delegation_id"] for event in rig.all("response.event", since)} == {created["id"]}


def test_result_may_come_while_the_assistant_still_speaks(rig: LiveRig) -> None:
    rig.start(delegation=BACKEND)
    rig.stages.replies += [["Let me see what the weather will be like today. ", CALL], ["It is sunny."]]
    rig.ask("How is the weather?")
    rig.wait("session.delegation.created", 0)
    result(rig)
    rig.send("response.create")
    rig.wait_for_silence()

    assert rig.said("output") == "Let me see what the weather will be like today. It is sunny."


def test_noise_does_not_swallow_the_reply_to_a_result(rig: LiveRig) -> None:
    rig.start(delegation=BACKEND)
    rig.stages.replies += [[CALL], ["It is sunny."], ["It is sunny."]]
    rig.ask("How is the weather?")
    rig.wait("session.delegation.created", 0)
    result(rig)
    rig.go_on(1.0)
    rig.say("", 0.3)
    rig.go_on(0.02)
    rig.send("response.create")
    rig.wait("session.output_audio.delta")
    rig.wait_for_silence()

    assert rig.said("output") == "It is sunny."
    assert inner(rig)[-1]["type"] == "response.completed"


def test_next_call_belongs_to_the_same_delegation(rig: LiveRig) -> None:
    rig.start(delegation=BACKEND)
    rig.stages.replies += [[CALL], [CalledTool("call_2", "get_weather", "{}")], ["Done."]]
    rig.ask("How is the weather?")
    rig.wait("session.delegation.created", 0)
    for number in (1, 2):
        result(rig, f"call_{number}")
        since = len(rig.events)
        rig.send("response.create")
        rig.wait("response.event", since)
    rig.wait_for_silence()

    assert len(rig.all("session.delegation.created")) == 1
    assert len({event["delegation_id"] for event in rig.all("response.event")}) == 1
    assert rig.said("output") == "Done."


def test_response_waits_for_all_results(rig: LiveRig) -> None:
    rig.start(delegation=BACKEND)
    rig.stages.replies += [[CALL]]
    rig.ask("How is the weather?")
    rig.wait("session.delegation.created", 0)

    assert code(rig, "response.create") == "invalid_state"
    wrong = {"type": "function_call_output", "call_id": "other", "output": ""}
    assert code(rig, "response.item.create", item=wrong) == "invalid_call_id"


def test_client_asks_for_a_reply(rig: LiveRig) -> None:
    """Without a delegation: a message, and what the model says to it."""
    rig.start(delegation=BACKEND)
    rig.send("response.item.create", item={"role": "user", "content": "Greet me."})
    rig.send("response.create")
    rig.wait("session.output_audio.delta")
    rig.wait_for_silence()

    assert rig.stages.asked[0][-1]["content"] == "Greet me."
    texts = [event["text"] for event in inner(rig) if event["type"] == "response.output_text.done"]
    assert texts == [rig.said("output")]
    assert all("delegation_id" not in event for event in rig.all("response.event"))


def test_tools_change_during_the_session(rig: LiveRig) -> None:
    rig.start(delegation=BACKEND)
    rig.send("session.update", session={"delegation": {"type": "responses", "responses": {"tools": []}}}, event_id="u")
    rig.ask("Hello there.")

    updated = rig.all("session.updated")[0]
    assert updated["client_event_id"] == "u"
    assert updated["session"]["delegation"]["responses"] == {"model": "m", "tools": []}
    assert rig.stages.tools[-1][0] == ()


def test_client_does_what_is_delegated(rig: LiveRig) -> None:
    rig.start(delegation={"type": "client"})
    rig.stages.replies += [["One moment. ", CalledTool("call_1", "delegate", "{}")]]
    rig.ask("Book a table.")
    created = rig.wait("session.delegation.created", 0)
    rig.wait_for_silence()
    delegation = created["delegation"]
    assert (delegation["target"], [tool.name for tool in rig.stages.tools[0][0]]) == ("client", ["delegate"])

    rig.send("session.thinking.append", content="The restaurant is open.", delegation_id=delegation["id"])
    rig.send("session.commentary.append", content="Your table is booked.", delegation_id=delegation["id"])
    rig.wait_for_silence()
    assert rig.said("output") == "One moment. Your table is booked."

    rig.ask("Thank you.")
    asked = rig.stages.asked[-1]
    called = next(message for message in asked if message.get("tool_calls"))
    assert asked[asked.index(called) + 1]["content"] == "Your table is booked."


def test_nothing_is_delegated_to_a_client_that_does_not_offer_it(rig: LiveRig) -> None:
    rig.start()
    rig.ask("Hello there.")

    assert rig.stages.tools[-1][0] == ()
    assert code(rig, "response.create") == "invalid_event_for_session"
    assert code(rig, "session.commentary.append", content="Hm.", delegation_id="dlg_1") == "invalid_value"


def test_user_may_interrupt_while_work_is_done(rig: LiveRig) -> None:
    """The work goes on: its result is still taken, and known from then on."""
    rig.start(delegation=BACKEND)
    rig.stages.replies += [["Let me see what the weather will be like today and tomorrow. ", CALL]]
    rig.ask("How is the weather?")
    rig.wait("session.delegation.created", 0)
    rig.say("Wait, I have another question for you.", 1.5)
    rig.wait("session.input_transcript.delta")
    rig.wait_for_silence()
    result(rig)
    rig.send("response.create")
    rig.wait("session.output_audio.delta")

    assert rig.errors() == []
    assert "sunny" in [message["content"] for message in rig.stages.asked[-1]]
