"""What a client may set, how it is merged, and how it is shown to the client."""

from __future__ import annotations

from typing import Any

import pytest

from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.wire import WireError
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.faces.realtime.turn_policy import turns_settings
from huiyin.configs.settings import TurnsSettings
from tests.realtime.rig import Rig


@pytest.fixture
def config() -> SessionConfig:
    persona = Persona("P", "Hi.", voice="alloy")
    return SessionConfig("s", kind="realtime", model="m", persona=persona, personas={"p": persona}, expires_at=1)


def merged(config: SessionConfig, **session: Any) -> dict[str, Any]:
    config.update({"type": "realtime", **session})
    return config.echo()


def test_a_level_that_is_not_named_stays(config: SessionConfig) -> None:
    merged(config, audio={"input": {"transcription": {"model": "whisper-1", "language": "en"}}})
    echo = merged(config, audio={"input": {"transcription": {"language": "zh"}}})
    assert echo["audio"]["input"]["transcription"] == {"model": "whisper-1", "language": "zh"}
    assert echo["audio"]["output"]["voice"] == "alloy"


def test_empty_and_null_are_values(config: SessionConfig) -> None:
    merged(config, tools=[{"type": "function", "name": "f"}], audio={"input": {"transcription": {"model": "w"}}})
    echo = merged(config, instructions="", tools=[], audio={"input": {"transcription": None, "turn_detection": None}})
    assert echo["instructions"] == "" and echo["tools"] == []
    assert echo["audio"]["input"]["transcription"] is None and echo["audio"]["input"]["turn_detection"] is None


def test_another_kind_of_turn_detection_has_its_own_defaults(config: SessionConfig) -> None:
    echo = merged(config, audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}}})
    assert echo["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "create_response": True,
        "interrupt_response": True,
        "idle_timeout_ms": None,
    }
    echo = merged(config, audio={"input": {"turn_detection": {"threshold": 0.9}}})
    assert echo["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 200


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"audio": {"input": {"turn_detection": {"type": "magic"}}}}, "session.audio.input.turn_detection.type"),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 7}}}}, "session.audio.input.format.rate"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"speed": "fast"}}}, "session.audio.output.speed"),
        ({"audio": 3}, "session.audio"),
        ({"output_modalities": ["text", "audio"]}, "session.output_modalities"),
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "session.tools[0].type"),
        ({"tools": [{"type": "function"}]}, "session.tools[0].name"),
        ({"tool_choice": "perhaps"}, "session.tool_choice"),
        ({"type": "strange"}, "session.type"),
        ({"instructions": None}, "session.instructions"),
        ({"huiyin": {"enabled": "yes"}}, "session.huiyin.enabled"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_changed(
    config: SessionConfig, session: dict[str, Any], param: str
) -> None:
    before = config.echo()
    with pytest.raises(WireError) as error:
        merged(config, **{"instructions": "New.", **session})
    assert error.value.param == param
    assert config.echo() == before


def test_what_is_not_known_is_left_out(config: SessionConfig) -> None:
    echo = merged(config, future={"a": 1}, audio={"input": {"future": 1}}, tracing="auto", prompt={"id": "p"})
    assert "future" not in echo and "future" not in echo["audio"]["input"] and echo["tracing"] == "auto"


def test_names_of_the_beta(config: SessionConfig) -> None:
    echo = merged(
        config,
        modalities=["audio", "text"],
        voice="echo",
        input_audio_format="g711_ulaw",
        output_audio_format="pcm16",
        input_audio_transcription={"model": "whisper-1"},
        turn_detection={"type": "server_vad"},
        temperature=0.8,
        max_response_output_tokens=100,
    )
    assert echo["output_modalities"] == ["audio"] and echo["max_output_tokens"] == 100
    assert echo["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert echo["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    assert echo["audio"]["output"]["voice"] == "echo" and "temperature" not in echo


def test_the_type_is_fixed_once_the_session_is_used() -> None:
    rig = Rig(hears=False)
    rig.send("session.update", session={"type": "transcription"})
    assert rig.events[-1]["session"]["type"] == "transcription"
    rig.append(rig.speech("hello"))
    rig.send("session.update", session={"type": "realtime"}, event_id="u")
    assert rig.errors()[-1]["event_id"] == "u" and rig.errors()[-1]["param"] == "session.type"
    rig.close()


def test_every_update_is_answered_with_the_whole_session(rig: Rig) -> None:
    for text in ("One.", "Two.", "Two."):
        rig.send("session.update", session={"type": "realtime", "instructions": text})
        assert rig.events[-1]["type"] == "session.updated"
        assert rig.events[-1]["session"]["instructions"] == text and rig.events[-1]["session"]["id"] == "sess_1"
    rig.type("Hello.")
    rig.wait("response.done")
    assert rig.stages.asked[-1][0]["content"] == "Two."


def test_instructions_of_the_clients_own_are_all_that_is_said_of_the_language(rig: Rig) -> None:
    for instructions, hint in (("You are a test.", "(Answer in English.)\n"), ("Translate into Chinese.", "")):
        rig.update(instructions=instructions, output_modalities=["text"])
        rig.stages.replies += [["\u4f60\u597d\u3002"]]
        rig.type("Say it.")
        rig.wait("response.done")
        rig.wants_words()
        rig.go_on(0.5)
        rig.say("what is the time")
        rig.wait("response.done")
        assert rig.stages.asked[-1][-1]["content"] == f"{hint}what is the time"
        rig.go_on(1.0)


# -- turn detection


def test_server_vad_waits_for_one_length_of_silence(config: SessionConfig) -> None:
    merged(config, audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 700}}})
    turns = turns_settings(config, TurnsSettings())
    assert {getattr(turns, f"endpoint_{wait}s") for wait in ("", "complete_", "sure_", "doubtful_", "unsure_")} == {0.7}
    assert turns.endpoint_longest_s == 0.7
    assert (
        turns.endpoint_unfinished_s == turns.dictation_part_s == turns.dictation_open_s == 0
        and turns.replies
        and turns.barge_in == "voice"
    )


@pytest.mark.parametrize(("eagerness", "longest_s"), [("low", 8.0), ("medium", 4.0), ("high", 2.0), ("auto", 2.5)])
def test_semantic_vad_waits_by_what_was_said_at_most_so_long(
    config: SessionConfig, eagerness: str, longest_s: float
) -> None:
    own = TurnsSettings(endpoint_longest_s=2.5)
    merged(config, audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}})
    turns = turns_settings(config, own)
    assert turns.endpoint_longest_s == longest_s and turns.endpoint_sure_s == own.endpoint_sure_s
    assert turns.endpoint_unsure_s + turns.endpoint_unfinished_s <= longest_s


def test_the_client_may_decide_itself(config: SessionConfig) -> None:
    detection = {"type": "server_vad", "create_response": False, "interrupt_response": False}
    merged(config, audio={"input": {"turn_detection": detection}})
    turns = turns_settings(config, TurnsSettings())
    assert not turns.replies and turns.barge_in == "ignore"
