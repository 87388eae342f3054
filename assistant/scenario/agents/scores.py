"""How well agents converse: the figures of `huiyin bench agent`, side by side, with intervals.

Takeover rate, response latency, pause handling and what is done about interruptions are those of Full-Duplex-Bench
(Lin et al. 2025: version 1.0, and 1.5 for stop latency, talk to others and background speech); selectivity and yielding
those of τ-voice. Each figure is measured on the scenarios that are about it; an interval holds 95 % of what comes out
when the scenarios are drawn anew, with repetition (bootstrap; all plays of a scenario together).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.scenario.agents.suite import Suited
from huiyin.assistant.scenario.metrics import Tally, total
from huiyin.assistant.scenario.result import Result
from huiyin.configs.messages import said

_DRAWS = 1000
_SEED = 20
_INTERVAL = (2.5, 97.5)  # percent
_ASIDES = ("backchannel", "others", "background", "noise")


@dataclass(frozen=True)
class Played:
    """What is kept of one play."""

    scenario: str
    family: str
    language: str
    seed: int
    problems: tuple[str, ...]  # what was not as expected
    tally: Tally

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.problems

    def to_json(self) -> str:
        """For a file."""
        return json.dumps({**vars(self), "tally": vars(self.tally)}, ensure_ascii=False, indent=1)

    @staticmethod
    def from_json(text: str) -> Played:
        """From a file. Raises ValueError, TypeError or KeyError for any other content."""
        values = json.loads(text)
        tally = Tally(**values["tally"])
        tally.asides, tally.ignored = Counter(tally.asides), Counter(tally.ignored)
        return Played(**{**values, "problems": tuple(values["problems"]), "tally": tally})


def played(suited: Suited, result: Result) -> Played:
    """What is kept of a result."""
    problems = tuple(outcome.problem for outcome in result.failures)
    return Played(suited.scenario.name, suited.family, suited.language, result.seed, problems, result.tally)


Measure = Callable[[Sequence[Played]], "float | None"]


@dataclass(frozen=True)
class Score:
    """A line of the table. `key`: of its name; `families`: of the scenarios that it is measured on."""

    key: str
    families: tuple[str, ...]
    measure: Measure
    is_time: bool = False
    """Milliseconds, of which fewer are better; else a share, 1 is best."""

    @property
    def name(self) -> str:
        """In the program's language."""
        return said(self.key)


def _figure(name: str) -> Measure:
    return lambda plays: total(each.tally for each in plays).figures()[name]


def _not_cut_into(plays: Sequence[Played]) -> float | None:
    rate = _figure("cut-off rate")(plays)
    return None if rate is None else 1 - rate


def _passed(plays: Sequence[Played]) -> float | None:
    return sum(each.passed for each in plays) / len(plays) if plays else None


def _tells_apart(plays: Sequence[Played]) -> float | None:
    """Balanced accuracy: the mean of what is yielded to that should be, and what is not that should not."""
    tally = total(each.tally for each in plays)
    asides = tally.asides.total()
    if not tally.interruptions or not asides:
        return None
    return (tally.yielded / tally.interruptions + tally.ignored.total() / asides) / 2


SCORES = (
    Score("shown.takeover", ("turn",), _figure("takeover rate")),
    Score("shown.response", ("turn",), _figure("response latency ms"), is_time=True),
    Score("shown.pauses", ("pause",), _not_cut_into),
    Score("shown.yields", ("interruption", "stop"), _figure("yield rate")),
    Score("shown.stops", ("interruption", "stop"), _figure("stop latency p50 ms"), is_time=True),
    Score("shown.interruptions", ("interruption",), _passed),
    Score("shown.response_after", ("interruption",), _figure("response latency after interruption ms"), is_time=True),
    Score("shown.backchannels", ("backchannel",), _figure("backchannel selectivity")),
    Score("shown.others", ("others",), _figure("noise selectivity")),
    Score("shown.background", ("background",), _figure("noise selectivity")),
    Score("shown.noises", ("noise",), _figure("noise selectivity")),
    Score("shown.tells_apart", ("interruption", "stop", *_ASIDES), _tells_apart),
    Score("shown.resumed", _ASIDES, _figure("resume rate")),
)


@dataclass(frozen=True)
class Value:
    """A figure of one agent; None where there was nothing to measure."""

    value: float | None
    low: float | None
    high: float | None
    plays: int

    def shown(self, *, is_time: bool) -> str:
        """In a cell of the table."""
        if self.value is None or self.low is None or self.high is None:
            return "–"
        low, value, high = (f"{each:.0f}" if is_time else f"{each:.2f}" for each in (self.low, self.value, self.high))
        return f"{value} ({low}–{high})"


def value_of(score: Score, plays: Sequence[Played]) -> Value:
    """A figure with its interval."""
    by_scenario: dict[str, list[Played]] = {}
    for each in plays:
        if each.family in score.families:
            by_scenario.setdefault(each.scenario, []).append(each)
    groups = list(by_scenario.values())
    counted = [each for group in groups for each in group]
    value = score.measure(counted)
    if value is None:
        return Value(None, None, None, len(counted))
    rng = np.random.default_rng(_SEED)
    draws = rng.integers(len(groups), size=(_DRAWS, len(groups)))
    drawn = [score.measure([each for i in draw for each in groups[i]]) for draw in draws]
    low, high = np.percentile([each for each in drawn if each is not None], _INTERVAL)
    return Value(value, float(low), float(high), len(counted))


def table(agents: Mapping[str, Sequence[Played]]) -> str:
    """A table in Markdown: a line a figure, a column an agent."""
    rows = [["", *agents]]
    for score in SCORES:
        values = [value_of(score, plays) for plays in agents.values()]
        rows.append([score.name, *(value.shown(is_time=score.is_time) for value in values)])
    passed = [
        said("shown.share_passed", passed=sum(each.passed for each in plays), count=len(plays))
        for plays in agents.values()
    ]
    rows.append([said("shown.as_expected"), *passed])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def faults(plays: Sequence[Played]) -> str:
    """What was not as expected, one by one, as a list in Markdown; '' where all was."""
    return "\n".join(
        said("shown.fault", scenario=each.scenario, seed=each.seed, problem=problem)
        for each in plays
        for problem in each.problems
    )
