"""Replies on request, and tools that the model calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from huiyin.assistant.clients.chat import ChatAnswer
from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.world import Plan
from huiyin.assistant.dialogue.items import AssistantItem, ToolCall, ToolResult, UserItem
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State
from tests.support.desk import at_desk
from tests.support.stub_services import Stub
from tests.support.talk import CALL, WEATHER, Talk, kinds

# -- replies on request


def test_a_reply_on_request_answers_the_history_and_is_committed_without_a_user() -> None:
    talk = Talk(["It is sunny."])
    talk.session.history.add(UserItem("How is the weather?"))
    talk.session.respond()
    (committed,) = talk.committed(1)
    assert [message["content"] for message in talk.asked[0][0]] == ["You are P.", "How is the weather?"]
    assert kinds(committed.turn.items) == [UserItem, AssistantItem] and committed.transcript.text == ""
    assert talk.session.state is State.LISTENING
    assert talk.story(on.ReplyStarted, on.ClauseWritten, on.ReplyEnded, on.TurnCommitted, on.HistoryEdited) == [
        "HistoryEdited", "ClauseWritten", "ReplyStarted", "ReplyEnded", "TurnCommitted",
    ]  # fmt: skip


def test_replies_on_request_wait_for_the_floor_and_none_is_lost() -> None:
    talk = Talk(["One."], ["Two."], ["Three."])
    talk.session.type("Count.")
    talk.wait(on.ReplyStarted)
    talk.session.respond()
    talk.session.respond()
    assert [event.turn.heard for event in talk.committed(3)] == ["One.", "Two.", "Three."]


def test_where_nothing_is_to_be_answered_a_line_asks_for_a_reply() -> None:
    talk = Talk(["Hello."], ["How are you?"])
    talk.session.respond()
    talk.committed(1)
    talk.session.respond()
    talk.committed(2)
    assert [asked[0][-1]["content"] for asked in talk.asked] == ["(The conversation begins)", "(Go on.)"]
    assert all(kinds(event.turn.items) == [AssistantItem] for event in talk.all(on.TurnCommitted))


# -- tools


def test_tools_are_offered_and_called_and_their_results_answered() -> None:
    talk = Talk([CALL], ["It is sunny in Ulm."])
    talk.session.configure(tools=[WEATHER], tool_choice="required")
    talk.user_speaks()
    (called,) = talk.wait(on.ToolsCalled)
    assert talk.asked[0][1:] == ((WEATHER,), "required")
    (committed,) = talk.committed(1)
    assert called.calls == (CALL,) and called.generation == committed.generation
    assert kinds(committed.turn.items) == [UserItem, ToolCall] and talk.session.state is State.LISTENING
    assert talk.spoken == [] and not talk.all(on.ReplyStarted)
    talk.session.history.add(ToolResult("call_1", "sunny"))
    talk.session.respond()
    answer = talk.committed(2)[1].turn
    assert kinds(answer.items) == [ToolResult, AssistantItem] and answer.heard == "It is sunny in Ulm."
    assert [message["role"] for message in talk.asked[1][0]] == ["system", "user", "assistant", "tool"]
    assert [turn.user for turn in talk.session.history.turns] == ["How is the weather?"]


def test_the_answer_to_a_result_is_spoken_as_the_users_mood_asks_for() -> None:
    talk = Talk([CALL], ["It is sunny."])
    talk.transcribe = lambda turn: Plan([(0.1, ev.Transcript("It never ends.", "en", ("sad", 0.9)))], 0.1)  # type: ignore[method-assign]
    talk.user_speaks()
    talk.committed(1)
    talk.session.history.add(ToolResult("call_1", "sunny"))
    talk.session.respond()
    assert [event.style for event in talk.committed(2)] == ["gentle", "gentle"]


def test_words_before_calls_are_spoken_and_the_calls_told_when_the_reply_begins() -> None:
    talk = Talk(["Let me ", "see.", CALL, replace(CALL, call_id="call_2")], ["It is sunny."])
    talk.user_speaks()
    called = talk.wait(on.ToolsCalled)[0]
    assert [call.call_id for call in called.calls] == ["call_1", "call_2"]
    assert talk.session.state is State.SPEAKING, "they are called while it is spoken"
    for call in called.calls:
        talk.session.history.add(ToolResult(call.call_id, "sunny"))
    talk.session.respond()
    first, second = talk.committed(2)
    assert kinds(first.turn.items) == [UserItem, AssistantItem, ToolCall, ToolResult, ToolCall, ToolResult]
    assert (first.turn.heard, second.turn.heard) == ("Let me see.", "It is sunny.")
    assert [message["role"] for message in talk.asked[1][0]] == [
        "system", "user", "assistant", "tool", "assistant", "tool",
    ]  # fmt: skip


def test_a_call_of_a_reply_that_was_prepared_in_vain_is_never_told() -> None:
    talk = Talk([CALL], ["All right."], heard="the weather")
    talk.user_speaks()
    talk.listen(0.22)  # the model has called, the pause is not yet long enough
    assert talk.all(on.ReplyWritten) and not talk.all(on.ToolsCalled)
    talk.user_speaks()
    (committed,) = talk.committed(1)
    assert kinds(committed.turn.items) == [UserItem, AssistantItem] and not talk.all(on.ToolsCalled)


def test_a_call_that_was_told_stays_in_the_history_when_its_reply_is_interrupted() -> None:
    talk = Talk(["Let me see what there is.", CALL])
    talk.user_speaks()
    talk.wait(on.ToolsCalled)
    talk.listen(0.4)
    talk.session.interrupt()
    (committed,) = talk.committed(1)
    assert kinds(committed.turn.items) == [UserItem, AssistantItem, ToolCall] and committed.turn.interrupted


def test_a_call_of_a_reply_that_is_interrupted_before_its_text_is_whole_never_appears() -> None:
    talk = Talk()
    talk.ask = lambda *asked: Plan([(0.1, "Let me see. The"), (5.0, CALL)], 5.0)  # type: ignore[method-assign]
    talk.user_speaks()
    talk.wait(on.ReplyStarted)
    talk.session.interrupt()
    (committed,) = talk.committed(1)
    talk.listen(10.0)
    assert kinds(committed.turn.items) == [UserItem, AssistantItem] and not talk.all(on.ToolsCalled)


def test_calls_have_ids_that_the_history_can_keep() -> None:
    talk = Talk([CALL, CALL, replace(CALL, call_id="")], [CALL])
    talk.session.type("How is the weather?")
    talk.session.type("And now?")
    talk.committed(1)
    talk.session.respond()
    talk.committed(2)
    ids = [call.call_id for event in talk.all(on.ToolsCalled) for call in event.calls]
    assert len(set(ids)) == len(ids)
    assert ids == [item.id for item in talk.session.history.items if isinstance(item, ToolCall)]


def test_calls_over_http_are_told_whole_and_their_results_sent_back() -> None:
    pieces = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"city": '}},
        {"index": 0, "function": {"arguments": '"Ulm"}'}},
    ]
    with (
        Stub(calls=[pieces], reply="It is sunny.", llm_s=0.0, tts_s=0.0) as stub,
        at_desk(Services(stub.settings())) as desk,
    ):
        desk.session.configure(tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "weather"}})
        desk.session.type("How is the weather?")
        assert desk.wait(on.ToolsCalled)[0].calls == (CALL,)
        desk.turn()
        desk.session.history.add(ToolResult("call_1", "sunny"))
        desk.session.configure(tool_choice="auto")
        desk.session.respond()
        assert desk.turn(1).turn.heard == "It is sunny."
    first, second = stub.asked
    assert first["tools"] == [{"type": "function", "function": {
        "name": "weather", "description": WEATHER.description, "parameters": WEATHER.parameters,
    }}]  # fmt: skip
    assert first["tool_choice"]["function"] == {"name": "weather"} and second["tool_choice"] == "auto"
    call, result = second["messages"][-2:]
    assert call["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Ulm"}'}
    assert result == {"role": "tool", "content": "sunny", "tool_call_id": call["tool_calls"][0]["id"]}


@pytest.mark.parametrize(
    ("parts", "calls"),
    [
        ([{"id": "a", "function": {"name": "look", "arguments": "{}"}}], ["a look {}"]),
        ([{"index": 0, "id": "a", "function": {"name": "look"}}], ["a look {}"]),
        ([{"index": 0, "id": "a", "function": {"name": "look", "arguments": {"at": "火"}}}], ['a look {"at": "火"}']),
        (
            [{"index": 1, "id": "b", "function": {"name": "go", "arguments": "1"}},
             {"index": 0, "id": "a", "function": {"name": "look", "arguments": "["}},
             {"index": 1, "function": {"arguments": "2"}},
             {"index": 0, "id": "a", "function": {"arguments": "]"}}],
            ["b go 12", "a look []"],
        ),
        (
            [{"index": 0, "id": "a", "function": {"name": "look", "arguments": "1"}},
             {"index": 0, "id": "b", "function": {"name": "look", "arguments": "2"}}],
            ["a look 1", "b look 2"],
        ),
    ],
    ids=["no index", "no arguments", "arguments as an object", "interleaved", "all at the index 0"],
)  # fmt: skip
def test_calls_are_read_as_servers_write_them(parts: list[dict[str, Any]], calls: list[str]) -> None:
    answer = ChatAnswer()
    for part in parts:
        assert list(answer.items_of({"choices": [{"delta": {"tool_calls": [part]}}]})) == []
    assert [f"{call.call_id} {call.name} {call.arguments}" for call in answer.last_items()] == calls
