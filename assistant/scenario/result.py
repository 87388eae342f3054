"""What came of a scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from huiyin.assistant.scenario.expectations import Outcome
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.meaning import Question, Verdict
from huiyin.assistant.scenario.metrics import Tally
from huiyin.assistant.scenario.reader import ScenarioError
from huiyin.assistant.scenario.script import Depth, Expectation, Scenario
from huiyin.configs.messages import said

_AROUND_S = 1.5  # of the timeline is shown before and after what failed


class NotPlayable(ScenarioError):
    """The scenario is right, but needs what this depth, or real services, cannot give. Facts: name, depth, why."""


@dataclass(frozen=True)
class Result:
    """What came of a scenario: `log` has all that happened, `outcomes` what became of each expectation."""

    scenario: Scenario
    depth: Depth
    seed: int
    services: Literal["simulated", "real"]
    log: Log
    outcomes: tuple[Outcome, ...]
    tally: Tally
    not_judged: tuple[Question, ...] = ()
    """Replies that no language model has judged, as none was asked."""
    unseen: tuple[Expectation, ...] = ()
    """What cannot be seen from where it was played, and was not judged."""
    agent_log: tuple[str, ...] = ()
    """The newest lines that an agent wrote to its log."""

    def judged(self, ask: Callable[[Question], Verdict]) -> Result:
        """The same with all of it judged by `ask`."""
        outcomes = list(self.outcomes)
        for question in self.not_judged:
            verdict = ask(question)
            outcomes.append(Outcome(question.line, question.step, verdict.problem(question), question.at_s, verdict))
        return replace(self, outcomes=tuple(outcomes), not_judged=())

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

    @property
    def title(self) -> str:
        """The scenario and how it was played; the seed where it is not the scenario's own."""
        how: list[str] = [self.depth]
        if self.services == "real" and self.depth not in ("live", "agent"):
            how.append(said("scenario.real_services"))
        if self.seed != self.scenario.seed:
            how.append(said("scenario.seed", seed=self.seed))
        return f"{self.scenario.name} [{', '.join(how)}]"

    def report(self, *, verbose: bool = False) -> str:
        """One line; where it failed (`verbose`: always) also what was expected, and the timeline around it."""
        mark = "ok  " if self.passed else "FAIL"
        met, count = len(self.outcomes) - len(self.failures), len(self.outcomes)
        counted = [said("scenario.counted", met=met, count=count)]
        if self.unseen:
            counted.append(said("scenario.not_seen", count=len(self.unseen)))
        if self.not_judged:
            counted.append(said("scenario.not_judged", count=len(self.not_judged)))
        counted.append(said("scenario.length", length_s=self.log.end_s))
        lines = [f"{mark} {self.title}  {said('scenario.line', parts=counted)}"]
        for outcome in self.failures:
            lines += ["", f"  {self.explain(outcome)}", *_indented(prompt_of(outcome)), "", *self.timeline(outcome), ""]
        if verbose:
            lines += self.met_by_verdict()
            lines += [f"  {said('scenario.unseen', place=self._place(each.line))}" for each in self.unseen]
            lines += [f"  {self.unjudged(each)}" for each in self.not_judged]
            lines += ["", *(f"    {moment}" for moment in self.log.moments), ""]
        return "\n".join(lines)

    def explain(self, outcome: Outcome) -> str:
        """What became of an expectation, after the place where it stands."""
        return f"{self._place(outcome.line)}: {outcome.problem}"

    def met_by_verdict(self) -> list[str]:
        """What a language model has judged to be as expected, with what it was asked, as lines."""
        lines: list[str] = []
        for outcome in self.outcomes:
            if outcome.met and outcome.verdict:
                lines += [
                    f"  {said('scenario.said_yes', place=self._place(outcome.line), why=outcome.verdict.reason)}",
                    *_indented(prompt_of(outcome)),
                ]
        return lines

    def unjudged(self, question: Question) -> str:
        """A reply that no language model has judged, after the place where its expectation stands."""
        place = self._place(question.line)
        return said("scenario.unjudged", place=place, claim=question.claim, reply=question.reply)

    def _place(self, line: int) -> str:
        return f"{self.scenario.path or self.scenario.name}:{line}"

    def timeline(self, outcome: Outcome) -> list[str]:
        """The moments around an outcome, as lines."""
        start_s, end_s = outcome.at_s - _AROUND_S, outcome.at_s + _AROUND_S
        return [f"    {moment}" for moment in self.log.moments if start_s <= moment.at_s <= end_s]


def prompt_of(outcome: Outcome) -> str:
    """What a language model was asked about it, and which; '' where none was."""
    verdict = outcome.verdict
    if verdict is None:
        return ""
    key = "scenario.asked_of" if verdict.forced else "scenario.asked_freely"
    return said(key, model=verdict.model or said("scenario.a_judge"), prompt=verdict.prompt)


def _indented(text: str) -> list[str]:
    return [f"    | {line}" for line in text.splitlines()]
