"""Settings: layers, and refusals that name what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from huiyin.configs.messages import text
from huiyin.configs.reasons import reasons
from huiyin.configs.settings import SettingsConflict, SettingsError, load, sections


def test_later_layers_win(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text("[asr]\nthreads = 3\nport = 7001\n[llm]\nupstreams = ['http://a/v1', 'embedded']\n")
    environ = {"HUIYIN_ASR_THREADS": "4", "PATH": "/bin"}
    assert load(str(profile), environ=environ).asr.threads == 4
    settings = load(str(profile), ["asr.threads=5"], environ)
    assert (settings.asr.threads, settings.asr.port) == (5, 7001)
    assert settings.llm.upstreams == ("http://a/v1", "embedded")
    assert load(environ={"HUIYIN_PROFILE": str(profile)}).asr.port == 7001


def test_own_llm_is_one_line() -> None:
    assert load(overrides=["llm.upstreams=http://127.0.0.1:11434/v1"], environ={}).llm.upstreams == (
        "http://127.0.0.1:11434/v1",
    )


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("asr.thread=4", "did you mean 'asr.threads'?"),
        ("arr.threads=4", "did you mean 'asr'?"),
        ("asr.threads=four", "whole number"),
        ("asr.threads=2.5", "whole number"),
        ("asr.threads=0", "between 1 and 64"),
        ("service.load_wait_s=nan", "between"),
        ("tts.engine=kokor", "did you mean 'kokoro'?"),
        ("store.offline=perhaps", "true or false"),
        ("asr.languages=", "must not be empty"),
        ("threads=4", "section.key=value"),
        ("asr.threads", "section.key=value"),
        ("turns.endpoint_ms=500", "turns.endpoint_s now, in seconds: write turns.endpoint_s=0.5"),
        ("turns.endpoint_ms=half", "did you mean 'turns.endpoint_s'?"),
    ],
)
def test_bad_values_are_refused_with_what_would_be_right(override: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says.replace("?", r"\?").replace(".", r"\.")):
        load(overrides=[override], environ={})


@pytest.mark.parametrize(
    ("overrides", "pairs"),
    [
        (["turns.p_goes_on=0.5"], ["p_goes_on = 0.5 is more than turns.p_complete = 0.3"]),
        (["turns.p_sound_incomplete=0.4", "turns.p_sound_confirmed=0.3"], ["p_sound_incomplete = 0.4 is more than"]),
        (["turns.opener_s=2"], ["opener_s = 2 is more than turns.opener_late_s = 1"]),
        (
            ["turns.barge_in_s=1.5"],
            [f"barge_in_s = 1.5 is more than turns.{longer}_s" for longer in ("confirm", "doubt")],
        ),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_refused_all_at_once(overrides: list[str], pairs: list[str]) -> None:
    with pytest.raises(SettingsConflict) as error:
        load(overrides=overrides, environ={})
    assert str(error.value).count("is more than") == len(pairs)
    assert [pair for pair in pairs if pair not in str(error.value)] == []
    assert error.value.hint == "of each two, lower the first or raise the second"
    assert "大于 turns." in text(error.value.key, error.value.facts, "zh")


@pytest.mark.parametrize(
    "shorter", ["endpoint_longest_s=0.4", "endpoint_doubtful_s=0.6", "max_tries=0", "possible_speech_longest_s=0"]
)
def test_what_cuts_others_short_may_be_below_them(shorter: str) -> None:
    load(overrides=[f"turns.{shorter}"], environ={})


def test_two_that_are_alike_do_not_contradict_each_other() -> None:
    assert load(overrides=["turns.p_goes_on=0.3"], environ={}).turns.p_goes_on == 0.3


def test_bad_environment_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="HUIYIN_ASR_TREADS"):
        load(environ={"HUIYIN_ASR_TREADS": "4"})


def test_a_length_in_milliseconds_is_refused_with_the_seconds_to_write(tmp_path: Path) -> None:
    profile = tmp_path / "old.toml"
    profile.write_text("[turns]\nresume_ms = 650\n")
    with pytest.raises(SettingsError, match=r"old\.toml:2: .*write turns\.resume_s=0\.65"):
        load(str(profile), environ={})
    with pytest.raises(SettingsError, match=r"HUIYIN_TURNS_BARGE_IN_MS: .*write turns\.barge_in_s=0\.192"):
        load(environ={"HUIYIN_TURNS_BARGE_IN_MS": "192"})


@pytest.mark.parametrize("text", ["[asr\n", "threads = 3\n", "[asr]\nthreads = true\n", "[asr]\nlanguages = [1]\n"])
def test_bad_profile_is_refused(tmp_path: Path, text: str) -> None:
    profile = tmp_path / "bad.toml"
    profile.write_text(text)
    with pytest.raises(SettingsError):
        load(str(profile), environ={})


def test_unknown_profile_names_the_known() -> None:
    with pytest.raises(SettingsError, match="did you mean 'embedded'"):
        load("embeded", environ={})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("1e400", "must be a whole number"),
        ("9" * 4_000, "must be a whole number"),
        ("9" * 5_000, "too many digits"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("{a=" * 3_000 + "1" + "}" * 3_000, "nested too deeply"),
        ("[[1], [2]]", "must be a whole number"),
    ],
    ids=lambda text: text[:12],
)
def test_a_value_that_python_cannot_hold_is_refused_with_file_and_line(tmp_path: Path, value: str, says: str) -> None:
    profile = tmp_path / "odd.toml"
    profile.write_text(f"[llm]\nport = 7001\n\n[asr]\nthreads = {value}\n")
    with pytest.raises(SettingsError, match=says) as refused:
        load(str(profile), environ={})
    text = str(refused.value)
    assert str(profile) in text and ("line 5" in text or "odd.toml:5:" in text) and len(text) < 400


def test_a_key_comes_from_the_environment_or_a_file_and_never_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("of-the-file # mine")
    file.chmod(0o600)
    named = [f"service.key_file={file}"]
    assert load(overrides=named, environ={}).service.api_key == "of-the-file"
    variable = {"HUIYIN_SERVICE_API_KEY": "of-the-environment"}
    assert load(overrides=named, environ=variable).service.api_key == "of-the-environment"
    with pytest.raises(SettingsError, match="every user of this machine can read it") as refusal:
        load(overrides=["service.api_key=SECRET"], environ={})
    assert "HUIYIN_SERVICE_API_KEY" in refusal.value.hint and "service.key_file" in refusal.value.hint
    assert "SECRET" not in str(refusal.value) + refusal.value.hint


@pytest.mark.parametrize("key", ["钥匙", "schlüssel", "open sesame", "line\n"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="no key has") as refusal:
        load(environ={"HUIYIN_SERVICE_API_KEY": key})
    assert key not in str(refusal.value)


FILLING = frozenset(
    "a an any as at by for from here in is it no not of on one or so than that the then there this to".split()  # noqa: SIM905
)
FRAGMENT = re.compile(r"\.\.\.|as \w+_\w+$|likewise|at least,|how long|in all,|nor |then ")
LEAST_WORDS = 4  # that a reason adds to its setting's name


def test_a_reason_stands_alone_and_says_more_than_the_name() -> None:
    """`huiyin settings turns.opener_s` shows one, without its neighbours."""
    poor = {}
    for section, table in sections().items():
        for name, reason in reasons(table).items():
            added = set(re.findall(r"[\w'-]+", reason.lower())) - FILLING - set(name.split("_")) - {section}
            if FRAGMENT.match(reason) or reason.endswith("likewise") or len(added) < LEAST_WORDS:
                poor[f"{section}.{name}"] = reason
    assert poor == {}
