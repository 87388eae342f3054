"""Responses that a client asks for: in the conversation, beside it, text alone, with tools, cancelled, failing."""

from __future__ import annotations

import pytest

from huiyin.assistant.dialogue.items import AssistantItem, ToolCall, ToolResult, UserItem
from huiyin.assistant.dialogue.tools import CalledTool
from tests.realtime.rig import Rig

TOOL = {"type": "function", "name": "weather", "description": "Tells it.", "parameters": {"type": "object"}}


def test_a_typed_turn_is_answered_without_any_sound_of_the_user(rig: Rig) -> None:
    start = len(rig.events)
    rig.type("What is new?")
    done = rig.wait("response.done", start)["response"]
    assert done["status"] == "completed" and done["conversation_id"]
    assert rig.stages.asked[-1][-1] == {"role": "user", "content": "What is new?"}
    rig.go_on(1.0)
    user, reply = rig.session.conversation.history.items
    assert isinstance(user, UserItem) and isinstance(reply, AssistantItem)
    assert reply.text == done["output"][0]["content"][0]["transcript"]


def test_text_alone_is_never_synthesised(rig: Rig) -> None:
    rig.update(output_modalities=["text"])
    start = len(rig.events)
    rig.type("Hello.")
    done = rig.wait("response.done", start)["response"]
    assert rig.kinds(start)[2:] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    assert done["output"][0]["content"] == [
        {"type": "output_text", "text": "This is the first sentence. And here is another one."}
    ]
    assert rig.stages.spoken == []
    rig.go_on(0.5)
    assert rig.session.conversation.history.turns[0].heard == done["output"][0]["content"][0]["text"]


def test_one_response_may_be_text_in_a_session_that_speaks(rig: Rig) -> None:
    start = len(rig.events)
    rig.send("response.create", response={"output_modalities": ["text"], "instructions": "Be brief."})
    rig.wait("response.done", start)
    assert rig.stages.spoken == []
    assert rig.stages.asked[-1][0] == {"role": "system", "content": "Be brief."}
    rig.type("Go on.")
    rig.wait("response.done", len(rig.events))
    assert rig.stages.spoken and rig.stages.asked[-1][0]["content"] == "You are a test."


def test_metadata_comes_back_at_once(rig: Rig) -> None:
    rig.send("response.create", event_id="e1", response={"metadata": {"client_event_id": "e1"}})
    assert rig.events[-1]["type"] == "response.created"
    assert rig.events[-1]["response"]["metadata"] == {"client_event_id": "e1"}
    assert rig.wait("response.done")["response"]["metadata"] == {"client_event_id": "e1"}


def test_a_second_response_is_refused_by_name_and_the_first_goes_on(rig: Rig) -> None:
    rig.type("Hello.")
    rig.send("response.create", event_id="mine")
    (error,) = rig.errors()
    assert error["code"] == "conversation_already_has_active_response" and error["event_id"] == "mine"
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_cancelling_ends_it_at_once_and_nothing_of_it_follows(rig: Rig) -> None:
    rig.type("Hello.")
    rig.wait("response.output_audio.delta")
    rig.go_on(0.5)
    start = len(rig.events)
    rig.send("response.cancel")
    assert rig.events[-1]["type"] == "response.done"
    response = rig.events[-1]["response"]
    assert response["status"] == "cancelled" and response["status_details"]["reason"] == "client_cancelled"
    end = len(rig.events)
    rig.go_on(3.0)
    assert rig.kinds(end) == [] and len(rig.all("response.done", start)) == 1
    assert rig.session.conversation.history.turns[-1].interrupted


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15])
def test_cancelling_what_has_not_begun_to_speak(rig: Rig, after_s: float) -> None:
    rig.type("Hello.")
    rig.go_on(after_s)
    rig.send("response.cancel")
    assert rig.events[-1]["response"]["status"] == "cancelled" and rig.events[-1]["response"]["output"] == []
    rig.go_on(3.0)
    assert rig.all("response.output_audio.delta") == []
    rig.type("And now?")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_cancelling_nothing_is_an_error_that_harms_nothing(rig: Rig) -> None:
    rig.send("response.cancel", event_id="c1")
    (error,) = rig.errors()
    assert error["code"] == "response_cancel_not_active" and error["event_id"] == "c1"
    assert error["message"].startswith("Cancellation failed")
    rig.type("Hello.")
    rig.send("response.cancel", response_id="resp_of_another")
    assert rig.errors()[-1]["code"] == "response_cancel_not_active"
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_cancelling_an_answer_of_which_the_client_does_not_know_yet(rig: Rig) -> None:
    rig.wants_words()
    rig.stages.llm_s = 3.0
    rig.say("hello there")
    rig.wait("input_audio_buffer.speech_stopped")
    rig.go_on(0.5)
    start = len(rig.events)
    rig.send("response.cancel")
    kinds = rig.kinds(start)
    assert kinds[0] == "input_audio_buffer.committed" and kinds[-2:] == ["response.created", "response.done"]
    assert rig.events[-1]["response"]["status"] == "cancelled"
    rig.go_on(5.0)
    assert rig.all("response.output_audio.delta") == []
    assert rig.session.conversation.history.turns[0].user == "hello there"


def test_a_tool_is_called_and_its_result_answered(rig: Rig) -> None:
    rig.update(tools=[TOOL])
    rig.stages.replies += [[CalledTool("call_1", "weather", '{"place": "Bonn"}')], ["It rains in Bonn."]]
    start = len(rig.events)
    rig.type("What is the weather?")
    done = rig.wait("response.done", start)["response"]
    assert [kind for kind in rig.kinds(start) if "function" in kind] == [
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
    ]
    (call,) = done["output"]
    assert (call["type"], call["name"], call["call_id"]) == ("function_call", "weather", "call_1")
    assert call["arguments"] == '{"place": "Bonn"}' and call["status"] == "completed"
    assert rig.stages.tools[-1][0][0].name == "weather" and rig.stages.spoken == []
    rig.send("conversation.item.create", item={"type": "function_call_output", "call_id": "call_1", "output": "rain"})
    start = len(rig.events)
    rig.send("response.create")
    done = rig.wait("response.done", start)["response"]
    assert done["output"][0]["content"][0]["transcript"] == "It rains in Bonn."
    rig.go_on(1.0)
    kinds = [type(item) for item in rig.session.conversation.history.items]
    assert kinds == [UserItem, ToolCall, ToolResult, AssistantItem]
    assert rig.stages.asked[-1][-1] == {"role": "tool", "content": "rain", "tool_call_id": "call_1"}


def test_words_before_calls_are_spoken_first_and_one_reply_follows_all_results(rig: Rig) -> None:
    rig.update(tools=[TOOL])
    calls = [CalledTool("call_1", "weather", "{}"), CalledTool("call_2", "weather", "{}")]
    rig.stages.replies += [["Let me look at that. ", *calls], ["Both are fine."]]
    rig.type("The weather in both towns?")
    first = rig.wait("response.done")["response"]
    assert [item["type"] for item in first["output"]] == ["message", "function_call", "function_call"]
    for call_id in ("call_1", "call_2"):
        rig.send("conversation.item.create", item={"type": "function_call_output", "call_id": call_id, "output": "ok"})
    rig.send("response.create")
    second = rig.wait("response.done")["response"]
    assert second["output"][0]["content"][0]["transcript"] == "Both are fine."
    assert len(rig.stages.asked) == 2 and len(rig.all("response.created")) == 2


def test_the_answer_after_a_tool_does_not_overlap_the_words_before_it(rig: Rig) -> None:
    rig.update(tools=[TOOL])
    rig.stages.replies += [["Let me look at that. ", CalledTool("call_1", "weather", "{}")], ["It is fine."]]
    rig.type("The weather?")
    first = rig.wait("response.done")["response"]
    begun_s = rig.times[rig.events.index(rig.all("response.output_audio.delta")[0])]
    rig.send("conversation.item.create", item={"type": "function_call_output", "call_id": "call_1", "output": "ok"})
    start = len(rig.events)
    rig.send("response.create")
    rig.wait("response.output_audio.delta", start)
    assert rig.world.now - begun_s > rig.sent_s(first["id"])


def test_beside_the_conversation(rig: Rig) -> None:
    rig.stages.replies += [["A note. "], ["Two words."]]
    rig.type("Hello.")
    rig.wait("response.output_audio.delta")
    rig.send(
        "response.create",
        response={
            "conversation": "none",
            "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Sum up."}]}],
            "instructions": "Summarise.",
            "output_modalities": ["text"],
            "metadata": {"topic": "sum"},
        },
    )
    created = rig.events[-1]["response"]
    assert created["conversation_id"] is None and created["metadata"] == {"topic": "sum"}
    items = len(rig.rules.order)
    beside = rig.wait("response.done", len(rig.events))["response"]
    assert beside["id"] == created["id"]
    assert beside["output"][0]["content"] == [{"type": "output_text", "text": "Two words."}]
    assert rig.stages.asked[-1] == [
        {"role": "system", "content": "Summarise."},
        {"role": "user", "content": "Sum up."},
    ]
    rig.wait("response.done", len(rig.events))
    rig.go_on(1.0)
    assert len(rig.rules.order) == items
    assert [turn.heard for turn in rig.session.conversation.history.turns] == ["A note."]


def test_beside_the_conversation_it_speaks_and_can_be_cancelled(rig: Rig) -> None:
    rig.send("response.create", response={"conversation": "none", "input": []})
    beside = rig.events[-1]["response"]["id"]
    rig.wait("response.output_audio.delta")
    rig.send("response.cancel", response_id=beside)
    assert rig.events[-1]["type"] == "response.done" and rig.events[-1]["response"]["status"] == "cancelled"
    end = len(rig.events)
    rig.go_on(3.0)
    assert rig.kinds(end) == []


def test_input_in_place_of_the_conversation_may_refer_to_its_items(rig: Rig) -> None:
    rig.send(
        "conversation.item.create",
        item={"id": "u1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "One."}]},
    )
    rig.send("response.create", response={"conversation": "none", "input": [{"type": "item_reference", "id": "u1"}]})
    rig.wait("response.done")
    assert rig.stages.asked[-1][1:] == [{"role": "user", "content": "One."}]
    rig.send("response.create", response={"input": [{"type": "item_reference", "id": "nope"}]})
    assert rig.errors()[-1]["param"] == "response.input[0].id"


def test_a_model_that_fails_is_apologised_for_and_the_next_turn_works(rig: Rig) -> None:
    rig.stages.replies += [[RuntimeError("no model")]]
    rig.type("Hello.")
    done = rig.wait("response.done")["response"]
    assert done["status"] == "completed" and done["output"][0]["content"][0]["transcript"] == "Sorry, I failed."
    rig.type("And now?")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_where_nothing_is_spoken_a_failure_is_told_as_one(rig: Rig) -> None:
    rig.update(output_modalities=["text"])
    rig.stages.replies += [[RuntimeError("no model")]]
    rig.type("Hello.")
    done = rig.wait("response.done")["response"]
    assert done["status"] == "failed" and done["status_details"]["error"]["message"] == "no model"
    rig.type("And now?")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_a_response_asked_for_while_the_user_speaks_answers_them(rig: Rig) -> None:
    rig.wants_words()
    rig.say("hello there")
    rig.wait("input_audio_buffer.speech_started")
    rig.send("response.create", response={"metadata": {"a": "b"}})
    done = rig.wait("response.done")["response"]
    assert done["metadata"] == {"a": "b"} and done["status"] == "completed"
    assert len(rig.all("response.created")) == 1
    rig.go_on(5.0)
    assert len(rig.all("response.created")) == 1
    assert rig.session.conversation.history.turns[0].user == "hello there"


def test_speaking_cancels_what_has_been_asked_for(rig: Rig) -> None:
    rig.wants_words()
    rig.stages.llm_s = 2.0
    rig.type("Hello.")
    rig.say("no, listen to me", 1.5)
    done = rig.wait("response.done")["response"]
    assert done["status"] == "cancelled" and done["status_details"]["reason"] == "turn_detected"
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_a_result_that_comes_while_the_user_speaks_is_used_in_the_next_response(rig: Rig) -> None:
    rig.update(tools=[TOOL])
    rig.stages.replies += [[CalledTool("call_1", "weather", "{}")]]
    rig.type("What is the weather?")
    rig.wait("response.done")
    rig.say("and tomorrow please")
    rig.wait("input_audio_buffer.speech_started")
    rig.send("conversation.item.create", item={"type": "function_call_output", "call_id": "call_1", "output": "rain"})
    rig.wait("response.done")
    asked = rig.stages.asked[-1]
    assert {"role": "tool", "content": "rain", "tool_call_id": "call_1"} in asked
    assert asked[-1]["content"].endswith("and tomorrow please")
    assert len(rig.all("response.created")) == 2
