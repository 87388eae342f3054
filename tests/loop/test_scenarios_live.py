"""Scenarios in real time through the live loop, and in virtual time with real services (here: stubs behind HTTP)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.conversation.prepared_speech import PreparedSpeech
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.faces.cli.main import main
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.scenario.api import NotPlayable, parse, simulate
from huiyin.assistant.scenario.cast import Mix, ServiceVoice
from huiyin.assistant.scenario.needs import lacking
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.stub_services import Stub
from tests.support.virtual_card import NoCard, VirtualCard

pytest_plugins = ["pytester"]
NO_ECHO_PATH = make_echo_path("both")[1]
STUB_VOICE = "tts.voice=stub"  # apologies kept on this machine are not the stub's
REPLY = (  # long enough that the user still cuts in where the machine is late by seconds
    "Once upon a time there was a lighthouse on an island. Nobody had lived in it for a hundred years, "
    "and its lamp was dark."
)
NO_OPENER = "turns.openers=false"  # a slow machine's would come before its words
slow_in_sound = [pytest.mark.slow, pytest.mark.skipif(bool(NO_ECHO_PATH), reason=NO_ECHO_PATH)]

SPOKEN = "Tell me a story, please."
CUTS_IN: dict[str, Any] = {
    "voice": "hibari",
    "turns": [
        {
            "user": SPOKEN,
            "expect": [
                {"event": "reply starts"},
                {"heard": "where is the sun"},
                {"loudspeaker": {"above_dbfs": -30}, "since": "reply starts", "for_ms": 500},
            ],
        },
        {
            "user": "Sorry, how tall was that lighthouse?",
            "after": "reply starts + 1500 ms",  # before, the stub's pure tone may hide the user
            "expect": [{"event": "reply stops"}, {"prompt": {"contains": "where is the sun"}}, {"event": "committed"}],
        },
    ],
    "expect": [
        {"history": [
            {"user": "where is the sun", "assistant": {"begins": "Once"}, "interrupted": True},
            {"user": "where is the sun", "assistant": REPLY, "interrupted": False},
        ]},
        {"metric": "yield rate == 1"},
        {"metric": "takeover rate == 1"},
        {"metric": "voice-to-voice p50 ms >= 200"},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_apology_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stub's voice has no place in this machine's cache."""
    monkeypatch.setattr(PreparedSpeech, "_keep", lambda *known: None)


@pytest.mark.parametrize("depth", [pytest.param(depth, marks=slow_in_sound) for depth in ("room", "live")])
def test_with_real_services_the_same_scenario_is_played_in_virtual_and_in_real_time(depth: Any) -> None:
    with Stub(reply=REPLY) as stub:
        result = simulate(parse(CUTS_IN), depth, settings=stub.settings(STUB_VOICE, NO_OPENER), services="real")
    assert result.passed, result.report()
    assert result.services == "real"
    assert len(stub.asked) >= 2
    assert result.log.recording is not None and result.log.recording.shape[0] == 2


@pytest.mark.slow
@pytest.mark.skipif(bool(NO_ECHO_PATH), reason=NO_ECHO_PATH)
def test_a_real_service_that_fails_is_apologised_for() -> None:
    turn = {"user": SPOKEN, "expect": [{"event": "stage fails"}, {"event": "apology"}]}
    with Stub(fail={"llm"}) as stub:
        result = simulate(
            parse({"voice": "hibari", "turns": [turn]}), "room", settings=stub.settings(), services="real"
        )
    assert result.passed, result.report()


@pytest.mark.slow
@pytest.mark.skipif(bool(NO_ECHO_PATH), reason=NO_ECHO_PATH)
def test_on_a_sound_card_the_user_is_heard_through_the_air(tmp_path: Path) -> None:
    scenario, folder = tmp_path / "said.yaml", tmp_path / "card"
    scenario.write_text("voice: hibari\nturns:\n- user: What is the time?\n  expect: [{said: Noon.}]\n")
    folder.mkdir(mode=0o700)
    program = (
        "import sys; from pathlib import Path; from tests.support.virtual_card import play;"
        "sys.exit(play(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))"
    )
    try:
        with Stub(reply="Noon.") as stub, VirtualCard(folder) as card:
            settings = [f"{name}.port={stub.settings().asr.port}" for name in ("asr", "llm", "tts")]
            command = [sys.executable, "-c", program, str(folder), str(scenario), STUB_VOICE, *settings]
            done = subprocess.run(
                command, env=card.environment, cwd=ROOT, capture_output=True, text=True, timeout=3 * PATIENCE_S
            )
    except NoCard as why:
        pytest.skip(str(why))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("scenario", "depth", "why"),
    [
        ("turns:\n- user: hi\n  fails: {llm: error, tts: stall}", "live", "line 2: llm and tts fails"),
        ("turns:\n- user: hi\n  emotion: {sad: 0.8}", "live", "line 2: the recogniser states the emotion"),
        ("turns:\n- user: hi\n  heard: high", "live", "line 2: the recogniser mishears"),
        ("turns:\n- user: hi\n  complete: 0.2", "live", "line 2: the endpoint model doubts"),
        ("turns:\n- user: hi\n  lasts_ms: 900", "live", "line 2: a voice takes as long"),
        ("turns:\n- user: hi\n  reply: ''", "room", "line 2: the model says nothing"),
        ("services: {asr: {takes_ms: 9}}\nturns:\n- user: hi", "room", "states what the services take"),
        ("turns:\n- user: hi\n  reply: Hello.\n  expect: [{said: Hello.}]", "live", "line 4 expects the words"),
        ("turns:\n- user: hi\n  expect: [{said: Hello.}]", "live", ""),
        ("turns:\n- user: hi\n  reply: Hello.\n  complete: 0.95\n- sound: cough", "live", ""),
        ("turns:\n- user: hi", "text", "no sound at text depth"),
    ],
)
def test_what_real_services_cannot_give_is_named(scenario: str, depth: Any, why: str) -> None:
    lacks = lacking(parse(scenario), depth, real_services=True)
    assert why in str(lacks) if why else lacks is None
    if why:
        with pytest.raises(NotPlayable, match=why):
            simulate(parse(scenario, name="x"), depth, services="real")


def test_an_own_echo_cannot_be_stated_where_the_room_makes_it() -> None:
    scenario = parse("turns:\n- user: hi\n- user: I see\n  speaker: loudspeaker\n  after: reply starts", name="x")
    assert not lacking(scenario, "text", real_services=False)
    with pytest.raises(NotPlayable, match="line 3 says what comes back of the assistant's voice"):
        simulate(scenario, "room")


def test_a_room_cannot_be_stated_where_it_is_real() -> None:
    scenario = parse("room: {rt60_s: 0.6}\nturns:\n- user: hi")
    assert "what the room is like" in str(lacking(scenario, "live", real_services=True, card=True))
    assert not lacking(scenario, "live", real_services=True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--depth", "live"], "line 1: asr fails on request"),
        (["--services", "real"], "no sound at text depth"),
        (["--sound", "card"], "add --depth live"),
        (["--depth", "live", "--services", "simulated"], "--depth room"),
        (["--seed", "-1"], "--seed"),
        (["--repeat", "0"], "--repeat"),
    ],
)
def test_what_cannot_be_played_at_all_is_a_usage_error(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("turns: [{user: hello, fails: {asr: error}}]")
    assert main(["simulate", str(file), *arguments]) == 2
    assert told in capsys.readouterr().err


def test_what_cannot_be_played_is_named_beside_what_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("turns: [{audio: a.wav}]")
    (tmp_path / "a.wav").write_bytes(b"")
    (tmp_path / "b.yaml").write_text("turns: [{user: hello}]")
    junit = tmp_path / "junit.xml"
    assert main(["simulate", str(tmp_path), "--depth", "text", "--junit", str(junit)]) == 0
    shown = capsys.readouterr().out
    assert "a.yaml: line 1 plays a recording" in shown
    assert "1 passed, 0 failed, 1 not played" in shown
    assert 'tests="2" failures="0" skipped="1"' in junit.read_text()


@pytest.mark.parametrize("how", [[], ["--against", "realtime"]])
def test_a_scenario_whose_settings_contradict_those_of_the_command_is_named_alone(
    how: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "a.yaml: its own settings contradict yours: turns.p_goes_on = 0.8 is more than turns.p_complete = 0.6"
    (tmp_path / "a.yaml").write_text("depth: room\nsettings: {turns.p_complete: 0.6}\nturns: [{user: hello}]")
    yours = ["--set", "turns.p_goes_on=0.8", "--set", "turns.p_complete=0.9"]
    assert main(["simulate", str(tmp_path), *how, *yours]) == 2
    assert told in capsys.readouterr().err
    if not how:
        (tmp_path / "b.yaml").write_text("turns: [{user: hello}]")
        assert main(["simulate", str(tmp_path), "--depth", "text", *yours]) == 0
        shown = capsys.readouterr().out
        assert told in shown and "1 passed, 0 failed, 1 not played" in shown


def test_pytest_skips_a_live_scenario_where_the_services_do_not_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASR", "LLM", "TTS"):
        monkeypatch.setenv(f"HUIYIN_{name}_PORT", "9")
    (pytester.mkdir("conversations") / "said.yaml").write_text("depth: live\nturns: [{user: hello}]\nhuiyin: scenario")
    outcome = pytester.runpytest_inprocess("-rs")
    outcome.assert_outcomes(skipped=1)
    outcome.stdout.fnmatch_lines(["*not running: asr, llm, tts; start them with `huiyin serve`*"])


def test_a_missing_sound_card_is_told_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huiyin.assistant.scenario.real_time.list_devices", lambda: [])
    (tmp_path / "s.yaml").write_text("turns: [{user: hello}]")
    assert main(["simulate", str(tmp_path / "s.yaml"), "--depth", "live", "--sound", "card"]) == 1
    assert "there is no sound input on this machine" in capsys.readouterr().err


def test_people_have_voices_of_their_own() -> None:
    class Listed:
        def get(self, name: str, path: str) -> dict[str, list[dict[str, str]]]:
            names = {"zf_a": "female", "zf_b": "female", "zm_a": "male", "zm_b": "male"}
            voices = [{"name": name, "gender": gender, "language": "zh-CN"} for name, gender in names.items()]
            return {"voices": [*voices, {"name": "am_a", "gender": "male", "language": "en-US"}]}

    voice = ServiceVoice(Listed(), "zf_a")  # type: ignore[arg-type]
    assert voice._voice_of("user", "zh") == "zm_a"
    assert voice._voice_of("user", "en") == "am_a"
    assert voice._voice_of("Anna", "zh") in ("zf_b", "zm_b")
    assert voice._voice_of("Anna", "zh") == voice._voice_of("Anna", "zh")


def test_people_who_speak_at_once_are_heard_on_top_of_each_other() -> None:
    mix, sound = Mix(begin=4), np.ones(4, np.float32)
    assert mix.add(sound, 0.0) == 4 / SAMPLE_RATE, "what is past begins at once"
    assert mix.add(sound, 6 / SAMPLE_RATE) == 6 / SAMPLE_RATE
    assert [*mix.take(4), *mix.take(4)] == [1, 1, 2, 2, 1, 1, 0, 0]
