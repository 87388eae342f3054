"""Items of a history: ids, tool calls and notes as messages, and what a client may change afterwards."""

from __future__ import annotations

import pytest

from huiyin.assistant.dialogue.history import HeardClause, History, HistoryError, HistoryLimit
from huiyin.assistant.dialogue.items import AssistantItem, SystemNote, ToolCall, ToolResult, Turn, UserItem
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.tools import CalledTool

ASKED = {"role": "user", "content": "What is the weather?"}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "call", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}}],
}
RESULT = {"role": "tool", "content": "sunny", "tool_call_id": "call"}


@pytest.fixture
def talk() -> History:
    """Two turns of two items each."""
    history = History()
    for words, reply in (("Hi.", "Hello!"), ("Tell me a story.", "Once upon a time.")):
        say(history, words, reply)
    return history


def say(history: History, user: str, reply: str) -> Turn:
    return history.commit(user, [HeardClause(reply, 1)], interrupted=False)


def weather() -> History:
    """The user has asked, and the tool has been called."""
    history = History()
    history.add(UserItem("What is the weather?"))
    history.add(ToolCall("weather", '{"city": "Ulm"}', id="call"))
    return history


def test_items_are_counted_and_keep_their_ids(talk: History) -> None:
    assert [item.id for item in talk.items] == ["item_1", "item_2", "item_3", "item_4"]
    talk.delete("item_4")
    assert talk.add(SystemNote("It is late.")).id == "item_5", "an id is not given twice"
    assert talk.add(UserItem("Yes.", id="item_7")).id == "item_7", "a client's own"
    assert talk.add(UserItem("No.")).id == "item_8"


def test_an_id_that_is_taken_or_unknown_is_refused_and_nothing_is_changed(talk: History) -> None:
    before = talk.items
    for wrong in (
        lambda: talk.add(UserItem("Again.", id="item_1")),
        lambda: talk.add(UserItem("Later."), after="item_9"),
        lambda: talk.get("item_9"),
        lambda: talk.delete("item_9"),
        lambda: talk.truncate("item_9", ""),
        lambda: talk.truncate("item_1", ""),
    ):
        with pytest.raises(HistoryError, match="item"):
            wrong()
    assert talk.items == before


def test_a_turn_is_what_was_added_up_to_a_reply() -> None:
    history = weather()
    assert history.turns == [], "it is not over"
    history.add(ToolResult("call", "sunny"))
    turn = say(history, "", "It is sunny.")
    assert turn == Turn("What is the weather?", "It is sunny.")
    assert [type(item) for item in turn.items] == [UserItem, ToolCall, ToolResult, AssistantItem]
    assert say(history, "", "Five minutes have passed.") == Turn("", "Five minutes have passed."), "said unasked"


def test_a_tool_call_is_sent_with_its_result_and_not_before_there_is_one() -> None:
    persona, history = Persona("P", "You are P."), weather()
    assert history.messages() == [ASKED]
    history.add(ToolResult("call", "sunny"))
    assert persona.messages(history, None)[1:] == [ASKED, CALL, RESULT], "what the reply to the result is made from"
    say(history, "", "It is sunny.")
    assert history.messages("Thanks.") == [
        ASKED, CALL, RESULT, {"role": "assistant", "content": "It is sunny."}, {"role": "user", "content": "Thanks."},
    ]  # fmt: skip


def test_a_call_belongs_to_the_words_before_it_also_when_its_result_comes_later() -> None:
    history = History()
    say(history, "What is the weather?", "Let me look.")
    history.add(ToolCall("weather", '{"city": "Ulm"}', id="call"))
    say(history, "Hurry!", "Yes.")
    history.add(ToolResult("call", "sunny"))
    assert history.messages() == [
        ASKED, {**CALL, "content": "Let me look."}, RESULT,
        {"role": "user", "content": "Hurry!"}, {"role": "assistant", "content": "Yes."},
    ]  # fmt: skip


def test_tools_that_are_called_are_committed_and_the_turn_goes_on_until_a_reply() -> None:
    history, call = History(), CalledTool("call", "weather", '{"city": "Ulm"}')
    turn = history.commit("What is the weather?", None, interrupted=False, calls=[call])
    assert (turn.user, turn.heard) == ("What is the weather?", "")
    assert [type(item) for item in turn.items] == [UserItem, ToolCall] and history.turns == []
    result = history.add(ToolResult("call", "sunny"))
    turn = say(history, "", "It is sunny.")
    assert turn.items == (result, history.items[-1]), "no item is committed twice"
    assert [turn.user for turn in history.turns] == ["What is the weather?"]
    assert history.messages()[:3] == [ASKED, CALL, RESULT]


def test_a_result_that_comes_before_its_call_is_committed_is_put_behind_it() -> None:
    history = History()
    history.add(ToolResult("call", "sunny"))
    turn = history.commit(
        "Well?", [HeardClause("Let me see.", 1)], interrupted=False, calls=[CalledTool("call", "look", "{}")]
    )
    assert [type(item) for item in turn.items] == [UserItem, AssistantItem, ToolCall, ToolResult]
    assert list(turn.items) == history.items


def test_edits_are_told_and_what_is_committed_is_not(talk: History) -> None:
    told: list[tuple[str, str, str | None]] = []
    talk.on_edit = lambda item_id, item, after: told.append((item_id, type(item).__name__, after))
    say(talk, "Go on.", "There was a king.")
    talk.add(SystemNote("It is late."))
    talk.add(SystemNote("It is early."), after="item_1")
    talk.truncate("item_4", "Once")
    talk.delete("item_3")
    assert told == [
        ("item_7", "SystemNote", None),
        ("item_8", "SystemNote", "item_1"),
        ("item_4", "AssistantItem", None),
        ("item_3", "NoneType", None),
    ]


def test_a_call_and_its_result_are_forgotten_together() -> None:
    history = weather()
    say(history, "", "I am looking.")
    history.add(ToolResult("call", "sunny"))
    say(history, "", "It is sunny.")
    history.forget(1)
    assert history.messages("Thanks.") == [
        {"role": "user", "content": "(The conversation begins)"},
        {"role": "assistant", "content": "It is sunny."},
        {"role": "user", "content": "Thanks."},
    ]


def test_the_limit_counts_all_items() -> None:
    limit = HistoryLimit(tokens=100, turns=10)
    for item in (ToolResult("call", "very " * 80), ToolCall("find", "very " * 80), SystemNote("very " * 80)):
        history = History()
        say(history, "Hi.", "Hello!")
        assert history.surplus(limit) == []
        history.add(item)
        assert len(history.surplus(limit)) == 1, "also those of a turn that is not over"
        say(history, "", "Done.")
        assert len(history.surplus(limit)) == 2


def test_a_note_stands_where_it_was_made_and_user_and_assistant_still_alternate() -> None:
    history = History()
    history.add(SystemNote("The user's name is Ann."))
    say(history, "", "Hello, Ann!")
    history.add(SystemNote("It is late."))
    assert [(message["role"], message["content"]) for message in history.messages("Hi.")] == [
        ("system", "The user's name is Ann."),
        ("user", "(The conversation begins)"),
        ("assistant", "Hello, Ann!"),
        ("system", "It is late."),
        ("user", "Hi."),
    ]


def test_what_is_said_unasked_goes_on_with_the_words_before_it(talk: History) -> None:
    say(talk, "", "Are you asleep?")
    assert [message["content"] for message in talk.messages()][-2:] == [
        "Tell me a story.",
        "Once upon a time.\nAre you asleep?",
    ]


def test_a_reply_is_truncated_to_what_was_heard(talk: History) -> None:
    assert not talk.truncate("item_2", "Hello!").interrupted, "all of it"
    assert talk.truncate("item_4", "Once upon") == AssistantItem("Once upon", interrupted=True, id="item_4")
    assert talk.get("item_4") == talk.items[3] == AssistantItem("Once upon", interrupted=True, id="item_4")
    assert talk.turns[1] == Turn("Tell me a story.", "Once upon", interrupted=True)
    assert talk.messages("Go on.")[-1]["content"] == "(You were interrupted after “Once upon”)\nGo on."


def test_an_item_is_put_where_a_client_wants_it(talk: History) -> None:
    talk.add(SystemNote("after Hello"), after="item_2")
    talk.add(SystemNote("first"), after="")
    assert [item.id for item in talk.items] == ["item_6", "item_1", "item_2", "item_5", "item_3", "item_4"]
    assert list(talk.items) == [talk.get(item.id) for item in talk.items]


def test_what_is_no_longer_sent_stays_so_when_items_come_and_go(talk: History) -> None:
    talk.forget(1)
    sent = talk.messages()
    assert [message["content"] for message in sent] == ["Tell me a story.", "Once upon a time."]
    talk.add(UserItem("Earlier."), after="item_1")
    assert talk.messages() == sent
    talk.delete("item_1")
    assert talk.messages() == sent
    talk.delete("item_3")
    talk.add(UserItem("A tale, please."), after="item_2")
    assert [message["content"] for message in talk.messages()] == ["A tale, please.", "Once upon a time."]
