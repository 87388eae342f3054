"""`huiyin bench agent`: the faults of a bad agent stand in the table one by one, and nothing is played twice."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli import agents, bench_agent, main
from huiyin.assistant.scenario.agents.scores import SCORES, Played, faults, played, table, value_of
from huiyin.assistant.scenario.agents.suite import LANGUAGES, families, seeds, suite
from huiyin.assistant.scenario.agents.targets import Target
from huiyin.assistant.scenario.api import parse
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.script import Scenario
from huiyin.configs.messages import said
from huiyin.configs.settings import load
from tests.support.simple_agent import SimpleAgent, bad, good
from tests.support.virtual_agent import play_to

pytestmark = pytest.mark.slow  # some sixty conversations

PROGRAM = f"command:{shlex.quote(sys.executable)}"
FAMILIES = ("turn", "pause", "interruption", "backchannel")


@cache
def results(make: Callable[[], SimpleAgent]) -> tuple[Played, ...]:
    """One English conversation of each of `FAMILIES`."""
    chosen = [next(each for each in suite() if (each.family, each.language) == (name, "en")) for name in FAMILIES]
    return tuple(played(each, play_to(make().exchange, each.scenario)) for each in chosen)


def figures(make: Callable[[], SimpleAgent]) -> dict[str, float | None]:
    """The table's figures of an agent."""
    return {score.name: value_of(score, results(make)).value for score in SCORES}


def test_there_are_sixty_conversations_in_both_languages_of_every_family() -> None:
    assert len(suite()) >= 60
    for family in families():
        for language in LANGUAGES:
            assert sum((each.family, each.language) == (family, language) for each in suite()) >= 4
    assert len({each.scenario.name for each in suite()}) == len(suite())
    assert sum(len(seeds(position)) == 3 for position in range(len(suite()))) >= 20


def test_the_faults_of_a_bad_agent_are_told_one_by_one() -> None:
    worse, better = figures(bad), figures(good)
    assert (worse["takeover rate"], better["takeover rate"]) == (1, 1)
    assert (worse["response latency ms"] or 0) > 2000 > (better["response latency ms"] or 9999)
    assert (worse["yields to interruptions"], better["yields to interruptions"]) == (0, 1)
    assert (worse["interruption handled"], better["interruption handled"]) == (0, 1)
    assert worse["stop latency p50 ms"] is None
    assert (better["stop latency p50 ms"] or 9999) < 200
    # What it does not hear does not disturb it, and who waits for two seconds cuts into no pause.
    assert (worse["pause handling"], better["pause handling"]) == (1, 0)
    # It is deaf to listening words as to interruptions, which is no merit.
    assert (worse["backchannel selectivity"], better["backchannel selectivity"]) == (1, 1)
    assert (worse[said("shown.tells_apart")], better[said("shown.tells_apart")]) == (0.5, 1)
    assert "`reply stops` did not come" in faults(results(bad))


def test_agents_stand_side_by_side() -> None:
    lines = table({"ours": results(good), "theirs": results(bad)}).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == ["", "ours", "theirs"]
    assert "1.00 (1.00–1.00)" in next(line for line in lines if "takeover rate" in line)


def test_a_result_is_read_from_its_file_as_it_was() -> None:
    for each in results(bad):
        assert Played.from_json(each.to_json()) == each


def test_an_interval_is_of_scenarios_not_of_plays() -> None:
    one = results(bad)[0]
    value = value_of(SCORES[0], [one, one, one])
    assert (value.value, value.low, value.high, value.plays) == (1, 1, 1, 3)


def played_here(monkeypatch: pytest.MonkeyPatch, interrupted_at: int = 0) -> list[str]:
    """What `bench agent` plays, to the bad agent in virtual time; Ctrl-C comes when so many have been asked for."""
    asked: list[str] = []

    def play_here(
        target: Target,
        plays: Sequence[tuple[Scenario, int]],
        settings: object,
        arguments: Sequence[str],
        done: Callable[[Result], None],
        words: bool,
    ) -> None:
        for scenario, _ in plays:
            asked.append(scenario.name)
            if len(asked) == interrupted_at:
                raise KeyboardInterrupt
            done(play_to(bad().exchange, scenario))

    monkeypatch.setattr(bench_agent, "play_to", play_here)
    return asked


def test_what_was_played_is_not_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = played_here(monkeypatch, interrupted_at=2)
    command = ["bench", "agent", "--against", f"a={PROGRAM}", "--only", "turn", "--quick", "--out", str(tmp_path)]
    assert main.main(command) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert main.main(command) == 0
    assert asked == ["en-turn-1", "zh-turn-1", "zh-turn-1"]
    assert "takeover rate" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    assert main.main(command) == 0
    assert len(asked) == 3


def test_what_was_kept_without_sound_is_played_again_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = played_here(monkeypatch)
    words = ["--only", "turn", "--quick", "--language", "en", "--out", str(tmp_path)]
    command = ["bench", "agent", "--against", f"{PROGRAM} {'very_' * 60}long.py", *words]
    for options in ([], ["--sound"], ["--sound"]):
        assert main.main([*command, *options]) == 0
    assert asked == ["en-turn-1", "en-turn-1"]
    assert len(list(tmp_path.glob("*/en-turn-1-1.*/people.wav"))) == 1


@pytest.mark.parametrize(
    ("second", "out", "problem"),
    [
        ("b=command:/no/such/program", "results", "cannot be started"),
        ("b=command:'", "results", "No closing quotation"),
        ("b=talk", "results", "is not an agent"),
        (f"a={PROGRAM} other.py", "results", "two agents are called a"),
        (f"b={PROGRAM}", "file/results", "file/results"),
        (f"b={PROGRAM}", "file", "file"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_agent_is_played(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    second: str,
    out: str,
    problem: str,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(bench_agent, "play_to", lambda *given, **options: asked.append(given))
    (tmp_path / "file").touch()
    command = ["bench", "agent", "--against", f"a={PROGRAM}", "--against", second, "--out", str(tmp_path / out)]
    assert main.main(command) in (1, 2)
    assert problem in capsys.readouterr().err
    assert not asked


def test_how_far_the_sound_of_the_people_is_made_is_told_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now_s = 0.0

    async def play_all(
        plays: Sequence[tuple[Scenario, int]], *others: object, prepared: Callable[[int], None], **options: object
    ) -> list[Result]:
        nonlocal now_s
        for count in range(1, len(plays) + 1):
            now_s += 3
            prepared(count)
        return []

    monkeypatch.setattr(agents, "play_all", play_all)
    monkeypatch.setattr(agents.time, "monotonic", lambda: now_s)
    plays = [(parse({"voice": "formants", "turns": [{"user": "Hello!"}]}), seed) for seed in range(6)]
    agents.play_to(Target("command", "x"), plays, load(environ={}), [], words=False)
    told = [line for line in capsys.readouterr().err.splitlines() if "what the people say" in line]
    assert [line.split(": ")[1] for line in told] == ["2 of 6 conversations …", "4 of 6 conversations …"]
