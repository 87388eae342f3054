"""What a client does to the items of the conversation, and what the history has of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from huiyin.assistant.dialogue.items import AssistantItem, SystemNote, UserItem
from huiyin.assistant.faces.connections.host import Limits
from tests.realtime.rig import Rig


def message(text: str, role: str = "user", **more: Any) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **more}


def texts(rig: Rig) -> list[str]:
    return [item.text for item in rig.session.conversation.history.items]  # type: ignore[attr-defined]


def test_items_keep_the_clients_ids_and_places(rig: Rig) -> None:
    rig.send("conversation.item.create", item=message("one", id="a"))
    rig.send("conversation.item.create", item=message("two", "assistant", id="b"))
    rig.send("conversation.item.create", item=message("zero", "system", id="c"), previous_item_id="root")
    rig.send("conversation.item.create", item=message("between", id="d"), previous_item_id="a")
    added = rig.all("conversation.item.added")
    assert [(e["item"]["id"], e["previous_item_id"]) for e in added] == [
        ("a", None),
        ("b", "a"),
        ("c", None),
        ("d", "a"),
    ]
    assert rig.rules.order == ["c", "a", "d", "b"]
    assert texts(rig) == ["zero", "one", "between", "two"]
    assert [type(item) for item in rig.session.conversation.history.items] == [
        SystemNote,
        UserItem,
        UserItem,
        AssistantItem,
    ]


def test_retrieve_and_delete(rig: Rig) -> None:
    rig.send("conversation.item.create", item=message("one", id="a"))
    rig.send("conversation.item.retrieve", item_id="a")
    assert rig.events[-1]["item"]["content"] == [{"type": "input_text", "text": "one"}]
    rig.send("conversation.item.delete", item_id="a", event_id="d1")
    assert rig.events[-1]["type"] == "conversation.item.deleted" and texts(rig) == []
    rig.send("conversation.item.retrieve", item_id="a", event_id="r1")
    assert rig.errors()[-1]["code"] == "item_retrieve_invalid_item_id" and rig.errors()[-1]["event_id"] == "r1"
    rig.send("conversation.item.delete", item_id="a", event_id="d2")
    assert rig.errors()[-1]["event_id"] == "d2"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (message("x", "robot"), "item.role"),
        (
            {"type": "message", "role": "user", "content": [{"type": "output_text", "text": "x"}]},
            "item.content[0].type",
        ),
        ({"type": "message", "role": "user", "content": [{"type": "input_image"}]}, "item.content[0].type"),
        ({"type": "message", "role": "user", "content": [{"type": "input_text"}]}, "item.content[0].text"),
        ({"type": "message", "role": "user", "content": "x"}, "item.content"),
        ({"type": "strange"}, "item.type"),
        ({"type": "function_call_output", "call_id": "none", "output": "x"}, "item.call_id"),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "item.call_id"),
        (message("x", id=7), "item.id"),
    ],
)
def test_a_wrong_item_is_refused_by_its_field(rig: Rig, item: dict[str, Any], param: str) -> None:
    rig.send("conversation.item.create", item=item, event_id="e")
    (error,) = rig.errors()
    assert (error["param"], error["event_id"]) == (param, "e")
    assert rig.rules.order == []


def test_an_id_that_is_there_and_a_place_that_is_not(rig: Rig) -> None:
    rig.send("conversation.item.create", item=message("one", id="a"))
    rig.send("conversation.item.create", item=message("two", id="a"))
    rig.send("conversation.item.create", item=message("two", id="b"), previous_item_id="nowhere")
    assert [error["param"] for error in rig.errors()] == ["item.id", "previous_item_id"]
    assert texts(rig) == ["one"]


@pytest.mark.parametrize("during_s", [None, 0.3])
def test_a_clients_ids_are_never_taken_for_the_historys(rig: Rig, during_s: float | None) -> None:
    rig.say("Hello.")
    rig.wait("response.done" if during_s is None else "response.created")
    rig.go_on(during_s or 3.0)
    for number in range(1, 4):
        rig.send("conversation.item.create", item=message(f"More {number}.", id=f"item_{number}"))
    call = {"type": "function_call", "id": "c", "call_id": "item_1", "name": "f", "arguments": "{}"}
    rig.send("conversation.item.create", item=call)
    rig.go_on(5.0)
    assert texts(rig)[-3:] == ["More 1.", "More 2.", "More 3."]
    assert {error["code"] for error in rig.errors()} <= {"invalid_call_id"}, "no two entries have the same id"
    rig.say("Go on.")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_a_session_holds_only_so_many_items() -> None:
    rig = Rig(limits=Limits(items=2))
    for number in range(3):
        rig.send("conversation.item.create", item=message(str(number)))
    assert rig.errors()[0]["code"] == "too_many_items" and texts(rig) == ["0", "1"]
    rig.close()


def test_beta_names_of_content_are_understood(rig: Rig) -> None:
    item = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "one"}]}
    rig.send("conversation.item.create", item=item)
    assert rig.all("conversation.item.added")[0]["item"]["content"] == [{"type": "output_text", "text": "one"}]


def test_sound_within_an_item_is_recognised_and_waited_for(rig: Rig) -> None:
    import base64

    rig.wants_words()
    audio = base64.b64encode(rig.speech("what time is it").tobytes()).decode()
    content = [{"type": "input_audio", "audio": audio}]
    rig.send("conversation.item.create", item={"type": "message", "role": "user", "content": content, "id": "u"})
    rig.send("response.create")
    rig.wait("response.done")
    assert rig.stages.asked[0][-1]["content"] == "what time is it"
    assert rig.all("conversation.item.input_audio_transcription.completed")[0]["item_id"] == "u"


def test_what_is_added_during_a_reply_stands_behind_it(rig: Rig) -> None:
    rig.wants_words()
    rig.say("hello there")
    rig.wait("response.output_audio.delta")
    rig.send("conversation.item.create", item=message("by the way", "system", id="s"))
    rig.wait("response.done")
    rig.go_on(1.0)
    assert texts(rig) == ["hello there", "This is the first sentence. And here is another one.", "by the way"]
    assert rig.rules.order[-1] == "s"


# -- truncate


def test_after_an_interruption_the_client_says_what_was_heard(rig: Rig) -> None:
    rig.wants_words()
    rig.say("hello there")
    item = rig.wait("response.output_item.added")["item"]["id"]
    rig.go_on(1.5)
    rig.say("no wait, something else", 1.2)
    rig.wait("response.done")
    rig.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=850)
    truncated = rig.events[-1]
    assert truncated["type"] == "conversation.item.truncated" and truncated["audio_end_ms"] == 850
    rig.send("conversation.item.retrieve", item_id=item)
    assert rig.events[-1]["item"]["content"] == [{"type": "output_audio", "transcript": "This is the first"}]
    rig.wait("response.done")
    assert rig.session.conversation.history.turns[0].heard == "This is the first"
    assert "This is the first" in rig.stages.asked[-1][2]["content"]


def test_truncating_what_still_sounds_stops_it(rig: Rig) -> None:
    rig.type("Hello.")
    item = rig.wait("response.output_item.added")["item"]["id"]
    rig.go_on(1.5)
    start = len(rig.events)
    rig.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=850)
    kinds = rig.kinds(start)
    assert kinds[-2:] == ["response.done", "conversation.item.truncated"]
    assert rig.all("response.done")[0]["response"]["status_details"]["reason"] == "client_cancelled"
    end = len(rig.events)
    rig.go_on(3.0)
    assert rig.kinds(end) == []
    turn = rig.session.conversation.history.turns[-1]
    assert (turn.heard, turn.interrupted) == ("This is the first", True)


def test_truncating_after_all_was_sent_and_before_all_was_played(rig: Rig) -> None:
    rig.type("Hello.")
    item = rig.wait("response.done")["response"]["output"][0]["id"]
    rig.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=2000)
    assert rig.events[-1]["type"] == "conversation.item.truncated"
    rig.go_on(1.0)
    turn = rig.session.conversation.history.turns[-1]
    assert turn.heard == "This is the first sentence. And here is" and turn.interrupted
    rig.type("Go on.")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_truncating_to_nothing(rig: Rig) -> None:
    rig.type("Hello.")
    item = rig.wait("response.output_item.added")["item"]["id"]
    rig.go_on(0.3)
    rig.send("response.cancel")
    rig.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=0)
    assert rig.events[-1]["type"] == "conversation.item.truncated"
    rig.go_on(1.0)
    assert rig.session.conversation.history.turns[-1].heard == ""


def test_a_packet_too_much_is_forgiven_and_more_is_not(rig: Rig) -> None:
    rig.type("Hello.")
    done = rig.wait("response.done")["response"]
    rig.go_on(1.0)
    item, length_ms = done["output"][0]["id"], round(rig.sent_s(done["id"]) * 1000)
    rig.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=length_ms + 90)
    assert rig.events[-1]["type"] == "conversation.item.truncated"
    assert not rig.session.conversation.history.turns[-1].interrupted
    rig.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=length_ms + 500, event_id="t")
    assert rig.errors()[-1]["param"] == "audio_end_ms" and rig.errors()[-1]["event_id"] == "t"


def test_what_cannot_be_truncated_is_an_error_and_the_session_goes_on(rig: Rig) -> None:
    rig.send("conversation.item.create", item=message("one", id="a"))
    rig.send("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=0)
    rig.send("conversation.item.truncate", item_id="nope", content_index=0, audio_end_ms=0)
    rig.send("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=-5)
    rig.send("conversation.item.truncate", item_id="a", content_index=0)
    assert {error["type"] for error in rig.errors()} == {"invalid_request_error"} and len(rig.errors()) == 4
    rig.type("Hello.")
    item = rig.wait("response.output_item.added")["item"]["id"]  # before its first sound
    rig.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=500)
    assert rig.errors()[-1]["param"] == "audio_end_ms"
    assert rig.wait("response.done")["response"]["status"] == "completed"


# -- turns that the client ends


def test_a_manual_turn(rig: Rig) -> None:
    rig.hears = False
    rig.manual()
    start = len(rig.events)
    rig.send("input_audio_buffer.clear")
    for part in np.array_split(rig.speech("turn on the light"), 10):  # all at once: a recording
        rig.append(part)
    rig.send("input_audio_buffer.commit")
    rig.send("response.create")
    done = rig.wait("response.done")["response"]
    assert rig.kinds(start)[:6] == [
        "input_audio_buffer.cleared",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "conversation.item.input_audio_transcription.delta",
    ]
    assert rig.stages.asked[-1][-1]["content"] == "turn on the light"
    assert done["status"] == "completed"
    rig.go_on(1.0)
    assert [turn.user for turn in rig.session.conversation.history.turns] == ["turn on the light"]


def test_a_commit_alone_is_not_answered_and_the_next_sound_is_an_item_of_its_own(rig: Rig) -> None:
    rig.hears = False
    rig.manual()
    for words in ("one thing", "and another"):
        rig.append(rig.speech(words))
        rig.send("input_audio_buffer.commit")
    rig.go_on(2.0)
    assert rig.all("response.created") == []
    told = rig.all("conversation.item.input_audio_transcription.completed")
    assert [event["transcript"] for event in told] == ["one thing", "and another"]
    assert told[0]["usage"] == {"type": "duration", "seconds": pytest.approx(1.0, abs=0.01)}
    assert texts(rig) == ["one thing", "and another"]


def test_too_little_to_commit(rig: Rig) -> None:
    rig.hears = False
    rig.manual()
    rig.send("input_audio_buffer.commit", event_id="c")
    assert rig.errors()[-1]["code"] == "input_audio_buffer_commit_empty" and rig.errors()[-1]["event_id"] == "c"
    rig.append(rig.speech("x", 0.05))
    rig.send("input_audio_buffer.commit")
    assert rig.errors()[-1]["code"] == "input_audio_buffer_commit_empty"
    rig.append(rig.speech("x", 0.2))
    rig.send("input_audio_buffer.clear")
    rig.send("input_audio_buffer.commit")
    assert len(rig.errors()) == 3


def test_silence_that_is_committed_has_no_words(rig: Rig) -> None:
    rig.hears = False
    rig.manual()
    rig.append(rig.speech("something"))
    rig.send("input_audio_buffer.commit")
    rig.append(np.zeros(24_000, np.int16))
    rig.send("input_audio_buffer.commit")
    rig.go_on(1.0)
    told = rig.all("conversation.item.input_audio_transcription.completed")
    assert [event["transcript"] for event in told] == ["something", ""]


def test_words_that_cannot_be_recognised_are_told_so_and_the_response_comes_all_the_same(rig: Rig) -> None:
    rig.hears = False
    rig.manual()
    rig.stages.asr_error = RuntimeError("no recogniser")
    rig.append(rig.speech("something"))
    rig.send("input_audio_buffer.commit")
    rig.send("response.create")
    failed = rig.wait("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["message"] == "no recogniser"
    assert rig.wait("response.done")["response"]["status"] == "completed"


@pytest.mark.parametrize("detection", [None, {"type": "server_vad"}], ids=["manual", "detected"])
def test_one_message_holds_no_more_sound_than_may_wait(detection: dict[str, Any] | None) -> None:
    rig = Rig(limits=Limits(uncommitted_s=2.0))
    rig.hears = False
    rig.update(audio={"input": {"turn_detection": detection}})
    rig.append(np.zeros(round(2.1 * 24_000), np.int16))
    assert [error["code"] for error in rig.errors()] == ["input_audio_buffer_full"]
    rig.append(np.zeros(round(1.9 * 24_000), np.int16))
    assert len(rig.errors()) == 1
    rig.close()


def test_root_stands_for_the_beginning_and_is_the_id_of_no_item(rig: Rig) -> None:
    rig.send("conversation.item.create", item=message("one", id="root"))
    assert (rig.errors()[-1]["code"], rig.errors()[-1]["param"]) == ("item_create_invalid_item_id", "item.id")
    assert not rig.all("conversation.item.added")


def test_sound_that_is_never_committed_does_not_fill_the_memory() -> None:
    rig = Rig(limits=Limits(uncommitted_s=2.0))
    rig.hears = False
    rig.manual()
    for _ in range(5):
        rig.append(rig.speech("x"))
    assert {error["code"] for error in rig.errors()} == {"input_audio_buffer_full"}
    rig.send("input_audio_buffer.clear")
    rig.append(rig.speech("x"))
    rig.send("input_audio_buffer.commit")
    assert rig.events[-1]["type"] == "conversation.item.done"
    rig.close()
