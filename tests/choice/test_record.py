"""What was chosen stands below everything that somebody says, and is used where nobody says anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from huiyin.assistant.faces.cli.checks.model_files import chosen as doctor_says
from huiyin.configs.choice import record
from huiyin.configs.choice.record import PartRecord, Record, read_record, record_path, write_record
from huiyin.configs.settings import load

RECORD = Record(
    machine="a machine",
    parts={
        "asr": PartRecord("sensevoice", "sensevoice", {"asr.engine": "sensevoice", "asr.model": "sensevoice-small"}),
        "llm": PartRecord("chat", "chat", {"llm.upstreams": ("embedded",), "llm.model": "chat.gguf"}),
    },
    proven=("sensevoice",),
)


@pytest.fixture(autouse=True)
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with that record, for this process."""
    monkeypatch.setenv("HUIYIN_STORE_CHOOSE", "true")
    monkeypatch.setenv("HUIYIN_STORE_DIR", str(tmp_path))
    write_record(tmp_path, RECORD)
    return tmp_path


def test_it_comes_back_as_it_was_written(chosen: Path) -> None:
    record = read_record(chosen)
    assert record is not None and record.proven == ("sensevoice",) and record.parts["asr"] == RECORD.parts["asr"]


def test_it_stands_for_what_nobody_has_said() -> None:
    settings = load()
    assert (settings.asr.engine, settings.asr.model) == ("sensevoice", "sensevoice-small")
    assert (settings.llm.upstreams, settings.llm.model) == (("embedded",), "chat.gguf")


def test_one_word_takes_its_whole_part_out(monkeypatch: pytest.MonkeyPatch) -> None:
    own = load(overrides=["asr.engine=whisper"])
    assert own.asr.model == "whisper-base", "not SenseVoice's folder with Whisper's engine"
    assert own.llm.model == "chat.gguf"
    monkeypatch.setenv("HUIYIN_LLM_UPSTREAMS", "http://127.0.0.1:11434/v1")
    assert load().llm.model != "chat.gguf" and load().asr.engine == "sensevoice"


@pytest.mark.parametrize("variable", ["HUIYIN_PROFILE=embedded", "HUIYIN_STORE_CHOOSE=false"])
def test_a_profile_and_a_setting_leave_it_aside(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*variable.split("="))
    assert load().asr.engine == "whisper" and load(profile="funasr").asr.engine == "sensevoice"


def test_the_doctor_says_what_was_chosen(chosen: Path) -> None:
    (check,) = doctor_says(load())
    assert check.text() == "models chosen for this machine: sensevoice, chat" and "huiyin models choose" in check.hint()
    record_path(chosen).unlink()
    assert list(doctor_says(load())) == []


def test_settings_of_another_environment_do_not_look_at_this_machine() -> None:
    assert load(environ={}).asr.engine == "whisper"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', '{"version": 1, "parts": 3}'])
def test_a_record_that_cannot_be_read_is_none(chosen: Path, text: str) -> None:
    record_path(chosen).write_text(text, encoding="utf-8")
    assert read_record(chosen) is None and load().asr.engine == "whisper"


def test_a_test_run_does_not_see_what_was_chosen_for_its_machine() -> None:
    own = load(environ={}).store
    assert own.choose, "nothing else keeps it from being read"
    assert record.read_record(own.path) is None
    assert own.path not in record.record_path(own.path).parents
