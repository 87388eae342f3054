"""What a client may send, and what becomes of what it may not."""

from __future__ import annotations

import json

import pytest

from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.faces.connections.requests import read
from huiyin.assistant.faces.connections.wire import WireError
from huiyin.assistant.faces.realtime.requests import CLIENT_EVENTS, AudioAppend, ItemTruncate
from tests.realtime.rig import Rig


def test_an_event_is_read() -> None:
    event = read('{"type": "input_audio_buffer.append", "audio": "AAAA", "event_id": "e", "more": 1}', CLIENT_EVENTS)
    assert event == AudioAppend(audio="AAAA", event_id="e")
    truncate = read('{"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": 5}', CLIENT_EVENTS)
    assert truncate == ItemTruncate(item_id="i", audio_end_ms=5, content_index=0)


@pytest.mark.parametrize(
    ("message", "code", "param", "event_id"),
    [
        ("not json", "invalid_json", None, None),
        ("[1]", "invalid_json", None, None),
        (b"\x00\x01", "invalid_json", None, None),
        ("[" * 100_000, "invalid_json", None, None),
        ('{"type": "response.cancel", "more": NaN}', "invalid_json", None, None),
        ('{"type": "response.cancel", "more": 1e999}', "invalid_json", None, None),
        ('{"type": "session.update", "session": {"tracing": ' + "[" * 100 + "]" * 100 + "}}", "invalid_value",
         "session.tracing", None),
        ("{}", "invalid_value", "type", None),
        ('{"type": "strange", "event_id": "e"}', "invalid_value", "type", "e"),
        ('{"type": 5, "event_id": 6}', "invalid_value", "type", None),
        ('{"type": "session.update", "event_id": "e"}', "missing_required_parameter", "session", "e"),
        ('{"type": "session.update", "session": 5, "event_id": "e"}', "invalid_type", "session", "e"),
        ('{"type": "input_audio_buffer.append", "audio": null}', "invalid_type", "audio", None),
        ('{"type": "input_audio_buffer.commit", "event_id": 5}', "invalid_type", "event_id", None),
        ('{"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": true}', "invalid_type", "audio_end_ms",
         None),
        ('{"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": 1.5}', "invalid_type", "audio_end_ms",
         None),
        ('{"type": "output_audio_buffer.clear", "event_id": "e"}', "invalid_event_for_transport", None, "e"),
        ('{"type": "response.create", "response": {"metadata": {"a": 1}}}', "invalid_type", "response.metadata.a",
         None),
        ('{"type": "response.create", "response": {"conversation": "x"}}', "invalid_value", "response.conversation",
         None),
    ],
)  # fmt: skip
def test_a_wrong_message_is_an_error_that_names_it_and_the_session_goes_on(
    rig: Rig, message: str | bytes, code: str, param: str | None, event_id: str | None
) -> None:
    rig.session.receive(message)
    (error,) = rig.errors()
    assert (error["code"], error["param"], error["event_id"]) == (code, param, event_id)
    assert error["type"] == "invalid_request_error" and error["message"]
    rig.type("Hello.")
    assert rig.wait("response.done")["response"]["status"] == "completed"


def test_half_a_character_becomes_a_question_mark_and_a_whole_one_stays(rig: Rig) -> None:
    rig.stages.replies.append([CalledTool("c", "f", '{"a": "\ud83d"}')])  # a model may write it, too
    rig.type("Cut \ud83d off, \U0001f600 not.")
    content = rig.all("conversation.item.added")[0]["item"]["content"]
    assert content[0]["text"] == "Cut ? off, \U0001f600 not."
    assert rig.wait("response.done")["response"]["output"][0]["arguments"] == '{"a": "?"}'


def test_a_mistake_of_ours_is_told_as_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(event: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(rig.session._handlers, AudioAppend, fail)
    rig.hears = False
    rig.session.receive(json.dumps({"type": "input_audio_buffer.append", "audio": "", "event_id": "e"}))
    assert rig.errors()[-1] == {**rig.errors()[-1], "type": "server_error", "event_id": "e"}


def test_an_error_has_words() -> None:
    with pytest.raises(WireError, match="must be one of"):
        raise WireError("connections.no_choice", param="x", words=["a", "b"])


@pytest.mark.parametrize("audio", ["AAA", "not base64!", "AAAA"])
def test_invalid_sound_is_an_error_and_what_follows_is_heard(audio: str) -> None:
    rig = Rig(hears=False)
    rig.manual()
    rig.send("input_audio_buffer.append", audio=audio, event_id="e")  # "AAAA" is three bytes
    (error,) = rig.errors()
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_audio", "audio", "e")
    rig.append(rig.speech("turn on the light"))
    rig.send("input_audio_buffer.commit")
    told = rig.wait("conversation.item.input_audio_transcription.completed")
    assert told["transcript"] == "turn on the light"
    rig.close()
