"""Scripted conversations: the grammar and its errors, virtual time, what fails and how it is told."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as xml

import numpy as np
import pytest
from PIL import Image

from huiyin.assistant.dialogue.history import HeardClause
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.faces.cli.main import main
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.assistant.scenario import grammar
from huiyin.assistant.scenario.api import ScenarioError, parse, read, simulate
from huiyin.assistant.scenario.expectations import judge, mismatch
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.metrics import NAMES as METRICS
from huiyin.assistant.scenario.moments import NAMES
from huiyin.assistant.scenario.needs import lacking
from huiyin.assistant.scenario.report import json_report, junit_report
from huiyin.assistant.scenario.script import Words
from huiyin.assistant.turns import machine
from huiyin.assistant.turns.transitions import BY_TIME
from huiyin.configs.settings import SettingsConflict, load, with_overrides
from tests.support import CONVERSATIONS, ROOT
from tests.support.speech_clips import english

STORY = "Once upon a time there was a lighthouse on a small island. Nobody had lived in it for many years."
pytest_plugins = ["pytester"]


def test_a_few_lines_are_a_scenario() -> None:
    result = simulate(parse("turns:\n- user: What is the capital of France?\n  reply: Paris."))
    assert result.passed
    assert [(turn.user, turn.heard) for turn in result.log.history] == [("What is the capital of France?", "Paris.")]
    assert result.figures["takeover rate"] == 1
    assert 0.3 < result.figures["voice-to-voice p50 ms"] / 1000 < 0.8  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "where", "right"),
    [
        ("turns:\n- usr: hello", "s:2", "did you mean 'user'?"),
        ("turns:\n- user: hello\n  types: hello", "s:2", "exactly one of: user, audio, types, key, sound, device"),
        ("turns:\n- user: hello\n  after: reply start", "s:3", "did you mean 'reply starts'?"),
        ("turns:\n- user: hello\n  after: start + 2 sec", "s:3", "reply starts + 300 ms"),
        ("turns:\n- user: hello\n  after: reply starts - 100 ms", "s:3", "reply starts + 300 ms"),
        ("turns:\n- user: I would like [700] a table", "s:2", "a pause is written [700 ms]"),
        ("turns:\n- user: 我想要［0.7 s］一张桌子", "s:2", "a pause is written [700 ms]"),
        ("turns:\n- user: hello\n  expect:\n  - event: reply starts\n    within: 3", "s:5", "'within_ms'"),
        ("turns:\n- user: hello\n  expect: [{absent: apology, times: 2}]", "s:3", "does not go with `absent`"),
        ("turns:\n- user: hello\nexpect: [{metric: takeover <= 1}]", "s:3", "'takeover rate'"),
        ("turns:\n- user: hello\n  complete: 2", "s:3", "between 0 and 1"),
        ("turns:\n- user: hello\n  fails: {llm: explode}", "s:3", "error, stall, disconnect"),
        ("turns:\n- audio: nowhere.wav", "s:2", "no file nowhere.wav"),
        ("settings: {turns.endpoint: 3}\nturns:\n- user: hello", "s:1", "endpoint_s"),
        ("settings: {turns.p_goes_on: 0.5}\nturns:\n- user: hello", "s:1", "is more than turns.p_complete = 0.3"),
        ("turns: hello", "s:1", "should be a list"),
        ("turns:\n- user: a: b", "s:2", "wants quotes"),
        ("", "s", "empty"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_would_be_right(text: str, where: str, right: str) -> None:
    with pytest.raises(ScenarioError) as error:
        parse(text, name="s")
    assert str(error.value).startswith(f"{where}:")
    assert right in str(error.value)


def test_settings_that_are_right_together_are_taken() -> None:
    scenario = parse({"settings": {"turns.p_goes_on": 0.5, "turns.p_complete": 0.6}, "turns": [{"user": "hello"}]})
    turns = with_overrides(load(environ={}), scenario.settings).turns
    assert (turns.p_goes_on, turns.p_complete) == (0.5, 0.6)
    cautious = load(environ={}, overrides=["turns.p_goes_on=0.8", "turns.p_complete=0.9"])
    with pytest.raises(SettingsConflict):
        with_overrides(cautious, ["turns.p_complete=0.6"])


def test_a_mistake_of_each_turn_is_told() -> None:
    with pytest.raises(ScenarioError) as error:
        parse("turns:\n- usr: hello\n- user: hello\n- sound: bark", name="s")
    assert [line.split(":")[1] for line in str(error.value).splitlines()] == ["2", "4"]


@pytest.mark.parametrize("pause", ["[700 ms]", "[700ms]", "[ 0.7 s ]"])
def test_a_pause_is_told_in_either_unit(pause: str) -> None:
    log = simulate(parse({"turns": [{"user": f"I would like {pause} a table", "reply": "Sure."}]})).log
    ends = next(log.named("user ends")).at_s - next(log.named("user starts")).at_s
    assert ends == pytest.approx(5 * 0.32 + 0.7)


@pytest.mark.parametrize(
    ("level_db", "understood"),
    [(0, "what is that did you call Mary yesterday"), (-12, "what is that Mary yesterday"), (-35, "what is that")],
)
def test_of_two_who_speak_at_once_the_softer_is_not_understood(level_db: float, understood: str) -> None:
    other = {"user": "did you call Mary yesterday", "speaker": "Anna", "means": "noise", "level_db": level_db}
    turns = [{"user": "what is that", "reply": "Nothing."}, {**other, "after": "user starts + 100 ms"}]
    log = simulate(parse({"turns": turns})).log
    assert [m.text for m in log.named("asr answers")][-1] == understood


def test_case_and_marks_do_not_count_unless_a_mark_is_looked_for() -> None:
    assert mismatch(Words(contains=("sorry",), without=("*", "mary")), "I am Sorry!") == ""
    assert "contains" in mismatch(Words(without=("*",)), "I am *very* sorry")
    assert "contains" in mismatch(Words(without=("SORRY",)), "I am very sorry.")


def test_of_a_file_that_is_no_scenario_little_is_shown() -> None:
    with pytest.raises(ScenarioError) as error:
        parse("root:x:0:0:root:/root\n" * 1000, name="s")
    assert "'root:x" in str(error.value) and len(str(error.value)) < 200


def test_the_same_seed_gives_the_same_bytes() -> None:
    scenario = read(CONVERSATIONS / "en_barge_in.yaml")
    first, second = (json_report([simulate(scenario, "text", 7)]) for _ in range(2))
    assert first == second


@pytest.mark.slow
@pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1])
def test_in_a_room_the_same_seed_gives_the_same_sound_and_another_another() -> None:
    scenario = read(CONVERSATIONS / "zh_very_short_turn.yaml")
    first, second, other = (simulate(scenario, "room", seed) for seed in (7, 7, 8))
    assert json_report([first]) == json_report([second])
    assert first.log.recording is not None and second.log.recording is not None and other.log.recording is not None
    assert first.log.recording.tobytes() == second.log.recording.tobytes()
    assert first.log.recording.tobytes() != other.log.recording.tobytes()


@pytest.mark.slow
@pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1])
def test_a_recording_is_heard_and_judged_by_the_real_endpoint_model(tmp_path: Path) -> None:
    (tmp_path / "question.wav").write_bytes(wav_bytes((english() * 32767).astype("int16"), 16_000))
    turn = {
        "audio": "question.wav",
        "heard": "What is the time, please?",
        "reply": "Three o'clock.",
        "expect": [{"event": "endpoint scored"}, {"asked": "(It is 09:00.) What is the time, please?"}],
    }
    result = simulate(parse({"turns": [turn]}, folder=tmp_path))
    assert result.depth == "room"
    assert result.passed, result.report()


def test_time_skips_what_is_not_awaited() -> None:
    turn = {"user": "hello", "fails": {"llm": "stall"}, "expect": {"event": "apology"}}
    result = simulate(parse({"settings": {"turns.openers": False}, "turns": [turn]}))
    assert result.passed
    assert result.log.end_s > 20
    assert len(result.log.blocks) < 20 / 0.02, "silence is not played"


def test_a_failed_expectation_shows_what_came_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "slow.yaml"
    file.write_text("turns:\n- user: hello\n  reply: Hi.\n  expect:\n  - event: reply starts\n    within_ms: 100\n")
    junit = tmp_path / "out" / "junit.xml"
    assert main(["simulate", str(file), "--junit", str(junit), "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr().out
    assert f"{file}:5: `reply starts` came " in shown
    assert "not within 100 ms" in shown
    assert "llm asked #1" in shown, "the timeline around it"
    case = xml.parse(junit).getroot().find("testcase")
    assert case is not None and case.find("failure") is not None
    picture = Image.open(tmp_path / "out" / "slow-text" / "timeline.png")
    head = np.asarray(picture.convert("RGB"))[:90]
    assert (head == (208, 0, 0)).all(axis=2).any(), "what failed stands above the timeline"


def test_an_expectation_that_comes_too_early_is_not_met() -> None:
    turns = [{"user": "I would like [1500 ms] a coffee", "expect": {"event": "reply starts", "within_ms": 900}}]
    result = simulate(parse({"turns": turns}))
    assert "before `user ends`" in result.failures[0].problem
    assert result.figures["cut-off rate"] == 1


def test_a_turn_that_never_begins_is_a_failure() -> None:
    result = simulate(parse({"turns": [{"user": "hello"}, {"user": "and?", "after": "apology"}]}))
    assert "turn 2 (user: and?) never began: it waits for `apology`" in result.failures[0].problem


def test_a_conversation_that_never_comes_to_rest_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BY_TIME, machine.TurnMachine._check_turn, {})
    result = simulate(parse({"turns": [{"user": "hello"}]}))
    assert "does not come to rest: at the end the machine is USER" in result.failures[0].problem


def test_figures_of_an_interruption() -> None:
    turns = [
        {"user": "Tell me a story.", "reply": STORY},
        {"user": "mm-hmm", "means": "backchannel", "after": "reply starts + 1000 ms"},
        {"sound": "cough", "after": "user ends + 1500 ms"},
        {"user": "Sorry, how tall was it?", "after": "user ends + 1500 ms", "reply": "Very."},
    ]
    figures = simulate(parse({"turns": turns})).figures
    assert figures["backchannel selectivity"] == figures["noise selectivity"] == 1
    assert figures["resume rate"] == figures["yield rate"] == 1
    assert figures["takeover rate"] == 1
    assert figures["stop latency p50 ms"] == pytest.approx(210, abs=40), "192 ms of speech and a fade of 20"
    assert figures["false interruptions per minute"] > 10  # type: ignore[operator]


@pytest.mark.parametrize(
    ("part", "attribute", "broken", "scenario"),
    [
        ("huiyin.assistant.turns.interruption", "is_backchannel", lambda text: False, "en_backchannel"),
        ("huiyin.assistant.turns.interruption", "orders_silence", lambda text: False, "zh_stop_word"),
        ("huiyin.assistant.turns.earlier", "is_only_stop", lambda text: False, "en_stop_word"),
        ("huiyin.assistant.turns.interruption", "is_own_echo", lambda *words: False, "en_own_echo_words"),
        ("huiyin.assistant.turns.endpointing", "text_vote", lambda text: "neither", "zh_trailing_because"),
        ("huiyin.assistant.turns.user_turn", "wait_s", lambda *known, **more: 0.3, "en_doubtful_end_is_waited_for"),
        ("huiyin.assistant.ports.player.Player", "resume", lambda *known: None, "en_cough"),
        ("huiyin.assistant.ports.player.Player", "pause", lambda *known: None, "en_barge_in"),
        ("huiyin.assistant.dialogue.history", "_interruption", lambda *known: "", "zh_barge_in"),
        ("huiyin.assistant.turns.reply.Reply", "deadlines", lambda reply: (), "en_llm_stalls_midway"),
        (
            "huiyin.assistant.dialogue.clauses.ClauseSplitter",
            "hurry",
            lambda splitter: [],
            "en_llm_stalls_after_a_short_sentence",
        ),
    ],
)
def test_scenarios_fail_where_the_machine_is_broken(
    part: str, attribute: str, broken: object, scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = read(CONVERSATIONS / f"{scenario}.yaml")
    assert simulate(script, "text").passed
    monkeypatch.setattr(f"{part}.{attribute}", broken)
    assert not simulate(script, "text").passed


def test_words_that_were_not_played_and_silence_beyond_the_deadlines_fail_any_conversation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = [{"user": "Tell me a story.", "reply": STORY, "fails": {"tts": {"how": "stall", "clause": 2}}}]
    broken = parse({"turns": turns})
    assert simulate(broken).passed
    with monkeypatch.context() as patch:
        whole = lambda texts, heard, spans: [HeardClause(text, 1.0) for text in texts.values()]  # noqa: E731
        patch.setattr("huiyin.assistant.conversation.replies.heard_clauses", whole)
        assert "it remembers to have said" in simulate(broken).failures[0].problem
    stalled = parse({"turns": [{"user": "hello", "fails": {"llm": "stall"}}]})
    monkeypatch.setattr("huiyin.assistant.conversation.session.Session._apologise", lambda *known: None)
    assert any("silent for" in outcome.problem for outcome in simulate(stalled).failures)


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ("microphone is silent", "one two five six seven eight nine ten"),
        ("both stall", "one two five six seven eight nine ten"),
        ("clock jumps", "one two five six seven eight nine ten"),
        ("loudspeaker stops", "one two three four five six seven eight nine ten"),
        ("microphone slips", "one two three four five six seven eight nine ten"),
    ],
)
def test_what_a_device_loses_is_not_heard(fault: str, heard: str) -> None:
    turns = [
        {"user": "one two three four five six seven eight nine ten", "complete": 0.1},
        {"device": fault, "after": "user starts + 650 ms", "lasts_ms": 2 * 320},
    ]
    log = simulate(parse({"turns": turns, "settings": {"turns.endpoint_unsure_s": 4, "turns.endpoint_s": 4}})).log
    assert [turn.user for turn in log.history] == [heard]


@pytest.mark.slow
@pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1])
def test_without_echo_cancellation_it_would_interrupt_itself() -> None:
    scenario = read(CONVERSATIONS / "en_own_echo_in_the_room.yaml")
    result = simulate(replace(scenario, settings=("audio.echo=off",)))
    assert result.figures["false interruptions per minute"] > 10  # type: ignore[operator]
    assert not result.passed


def test_an_unknown_action_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dance(machine.do.Action):
        """Not in any repertoire."""

    monkeypatch.setattr(machine.TurnMachine, "handle", lambda self, event: [Dance()])
    with pytest.raises(TypeError, match="Dance"):
        simulate(parse({"turns": [{"user": "hello"}]}))


@pytest.mark.slow
def test_pytest_collects_a_folder_of_conversations(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("conversations")
    (folder / "good.yaml").write_text("turns: [{user: hello, expect: {event: reply ends}}]\nhuiyin: scenario")
    (folder / "bad.yaml").write_text("turns: [{user: hello, expect: {absent: reply ends}}]\nhuiyin: scenario")
    (folder / "wrong.yaml").write_text("turns: [{usr: hello}]\nhuiyin: scenario")
    (pytester.path / "other.yaml").write_text("not: a scenario")
    outcome = pytester.runpytest_subprocess()
    outcome.assert_outcomes(passed=1, failed=2)
    outcome.stdout.fnmatch_lines(["*wrong.yaml:1: a turn has no key 'usr' (did you mean 'user'?)*"])
    outcome.stdout.fnmatch_lines(["*bad.yaml:1: `reply ends` came*"])


def test_junit_counts_and_json_holds_the_figures() -> None:
    results = [simulate(read(CONVERSATIONS / name)) for name in ("en_plain_turn.yaml", "zh_plain_turn.yaml")]
    assert 'tests="2" failures="0"' in junit_report(results)
    document = json.loads(json_report(results))
    assert document["metrics"]["takeover rate"] == 1
    assert {moment["moment"] for moment in document["scenarios"][0]["moments"]} <= {*NAMES, "clause 2 starts"}


def test_the_shipped_conversations_are_in_both_languages_and_say_what_they_guard() -> None:
    scenarios = [read(path) for path in CONVERSATIONS.glob("*.yaml")]
    assert len(scenarios) >= 40
    assert all(scenario.about for scenario in scenarios)
    assert min(sum(s.name.startswith(language) for s in scenarios) for language in ("en_", "zh_")) >= 15


def test_an_expectation_of_one_depth_is_judged_there_alone() -> None:
    scenario = parse("turns:\n- user: hello\n  expect: [{absent: reply starts, depth: room}, {said: '', depth: text}]")
    assert [outcome.problem.split(":")[0] for outcome in simulate(scenario).failures] == ["said"]
    log = Log(steps=[(1.0, scenario.steps[0])])
    in_sound, _ = judge(scenario, log, {}, "live")
    assert [outcome.met for outcome in in_sound] == [True], "no reply has started"
    with pytest.raises(ScenarioError, match="'live'"):
        parse("turns:\n- user: hello\n  expect: [{absent: reply starts, depth: live}]")


def test_what_is_expected_at_text_depth_is_not_in_the_way_of_real_services() -> None:
    said = "turns:\n- user: hello\n  reply: hello there\n  expect: [{{said: hello there{}}}]"
    lacks = [lacking(parse(said.format(depth)), "live", real_services=True) for depth in ("", ", depth: text")]
    assert [why is None for why in lacks] == [False, True]


@pytest.mark.slow
@pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1])
def test_shipped_conversations_that_are_judged_otherwise_in_a_room_hold_there() -> None:
    scenarios = map(read, CONVERSATIONS.glob("*.yaml"))
    chosen = [scenario for scenario in scenarios if any(each.depth == "room" for each in scenario.all_expectations)]
    results = [simulate(scenario, "room") for scenario in chosen]
    assert len(results) >= 6 and all(r.passed for r in results), "\n".join(r.report() for r in results)


# Noise suppression cut each of them in pieces.
@pytest.mark.slow
@pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1])
@pytest.mark.parametrize("text", ["Tell me how to bake the bread, please.", "给我讲个故事吧", "法国的首都是哪里？"])
def test_the_made_voice_is_heard_from_beginning_to_end(text: str) -> None:
    log = simulate(parse({"turns": [{"user": text}]}), "room").log
    begins, ends = (next(log.named(name)).at_s for name in ("user starts", "user ends"))
    assert [begins < m.at_s < ends for m in log.named("speech heard")] == [True]
    assert [m.at_s > ends for m in log.named("pause heard")] == [True]


def test_the_examples_of_the_documentation_play_and_its_tables_are_complete() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert len(examples) == 5
    for scenario in map(parse, examples):
        if scenario.depths == ("live",):
            assert not lacking(scenario, "live", real_services=True)
        else:
            result = simulate(scenario)
            assert result.passed, result.report()
    assert all(f"| `{name}` |" in page for name in (*NAMES, *METRICS))
    assert all(f"`{name}`" in page for name in grammar._ROOM), "every key of `room:`"
    assert grammar.__doc__ is not None
    assert grammar.__doc__.split("\n\n", 1)[1].strip() in page


def test_no_depth_named_is_the_usual_depth(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("depth: []\nturns: [{user: hi}]\n")
    assert read(path).depths == ("text",)
