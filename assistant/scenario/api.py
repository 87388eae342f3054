"""Scripted conversations from Python:

    from assistant.scenario.api import Scenario, simulate

    result = simulate(Scenario.read("tests/conversations/en_barge_in.yaml"))
    assert result.passed, result.report()

A scenario can also be written in place, in the grammar of `assistant.scenario.grammar`:

    story = parse({"turns": [{"user": "Tell me a story.", "expect": [{"event": "reply starts", "within_ms": 800}]}]})
    assert simulate(story).figures["takeover rate"] == 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.scenario.expectations import Outcome, judge
from assistant.scenario.grammar import ScenarioError, parse, read
from assistant.scenario.log import Log
from assistant.scenario.metrics import Tally, tally, total
from assistant.scenario.moments import Moment
from assistant.scenario.runner import Runner
from assistant.scenario.script import Depth, Scenario
from assistant.turns.machine import State

__all__ = ["Log", "Moment", "Result", "Scenario", "ScenarioError", "parse", "read", "simulate", "total"]


@dataclass(frozen=True)
class Result:
    """What came of a scenario: `log` has all that happened, `outcomes` what became of each expectation."""

    scenario: Scenario
    depth: Depth
    seed: int
    log: Log
    outcomes: tuple[Outcome, ...]
    tally: Tally

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return all(outcome.met for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """What was not."""
        return [outcome for outcome in self.outcomes if not outcome.met]

    @property
    def figures(self) -> dict[str, float | None]:
        """Metric -> value, None where there was nothing to measure; `metrics.NAMES` explains them."""
        return self.tally.figures()

    def report(self) -> str:
        """The result as text, with the timeline around what failed."""
        from assistant.scenario.report import text_report

        return text_report([self])


def simulate(scenario: Scenario | Path | str, depth: Depth | None = None, seed: int | None = None) -> Result:
    """Play a scenario (or the file it stands in) in virtual time, at its own first depth unless told otherwise.

    Raises ScenarioError where the file is wrong or something it needs is missing; a failed expectation is no error.
    """
    if not isinstance(scenario, Scenario):
        scenario = read(Path(scenario))
    runner = Runner(scenario, depth or scenario.depths[0], seed)
    log = runner.run()
    counted = tally(log)
    outcomes = judge(scenario, log, counted.figures())
    for step, when in runner.unplayed:
        problem = f"turn {step.number} ({step.label()}) never began: it waits for `{when}`"
        outcomes.append(Outcome(step.line, step.number, problem, log.end_s))
    if runner.state_at_end is not State.LISTENING:
        problem = f"the conversation does not come to rest: at the end the machine is {runner.state_at_end.name}"
        outcomes.append(Outcome(1, 0, problem, log.end_s))
    return Result(scenario, runner.depth, runner.seed, log, tuple(outcomes), counted)


def together(results: Sequence[Result]) -> dict[str, float | None]:
    """The figures of all of them."""
    return total(result.tally for result in results).figures()
