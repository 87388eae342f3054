"""Whether what was expected came about, and if not, what came instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.dialogue.history import Turn
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.metrics import NAMES as METRICS
from huiyin.assistant.scenario.moments import Moment
from huiyin.assistant.scenario.script import (
    Absent,
    Bound,
    Expectation,
    Happens,
    Loudness,
    Remembers,
    Says,
    Scenario,
    Spoken,
    Step,
    Words,
)
from huiyin.assistant.turns.normalise import normalised

# What these are measured from, where it is not said; all others are from the end of the turn's words.
_FROM_THE_BEGINNING = ("reply pauses", "reply stops", "speech heard")
_COMPARE = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
}


@dataclass(frozen=True)
class Outcome:
    """What became of an expectation. `problem` is '' where it was met; `at_s` where to look in the timeline."""

    line: int
    step: int  # 0: of the whole scenario
    problem: str
    at_s: float

    @property
    def met(self) -> bool:
        """Whether it was."""
        return not self.problem


@dataclass(frozen=True)
class _Window:
    """The stretch of the conversation that an expectation looks at."""

    log: Log
    step: Step | None
    start_s: float
    end_s: float

    def moments(self, name: str) -> list[Moment]:
        return list(self.log.named(name, self.start_s, self.end_s))

    def reference(self, since: str | None, wanted: str) -> float | None:
        """What times are measured from; None where it did not come."""
        natural = "user starts" if wanted in _FROM_THE_BEGINNING else "user ends"
        name = since or (natural if self.step else "start")
        if self.step and name in ("user starts", "user ends"):
            return next((m.at_s for m in self.log.named(name) if m.step == self.step.number), None)
        return next((m.at_s for m in self.log.named(name, self.start_s, self.end_s)), None)


def judge(scenario: Scenario, log: Log, figures: Mapping[str, float | None]) -> list[Outcome]:
    """Every expectation of a scenario, in the order of the file. Those of turns that never began are not met."""
    outcomes: list[Outcome] = []
    begun = {step.number: at_s for at_s, step in log.steps}
    for step in scenario.steps:
        window = _Window(log, step, begun.get(step.number, log.end_s), _window_end(step, log))
        for expectation in step.expect if step.number in begun else ():
            outcomes.append(_judge(expectation, window, figures))
    whole = _Window(log, None, 0.0, float("inf"))
    outcomes += [_judge(expectation, whole, figures) for expectation in scenario.expect]
    return outcomes


def _window_end(step: Step, log: Log) -> float:
    for at_s, later in log.steps:
        if later.number > step.number and (later.takes_floor or not step.takes_floor):
            return at_s
    return float("inf")


def _judge(expectation: Expectation, window: _Window, figures: Mapping[str, float | None]) -> Outcome:
    at_s = window.start_s
    match expectation:
        case Happens():
            problem, at_s = _happens(expectation, window)
        case Absent():
            problem, at_s = _absent(expectation, window)
        case Says():
            problem, at_s = _says(expectation, window)
        case Remembers():
            problem, at_s = _remembers(expectation, window)
        case Spoken():
            problem, at_s = _spoken(expectation, window)
        case Loudness():
            problem, at_s = _loudness(expectation, window)
        case Bound():
            problem = _bound(expectation, figures)
        case _:
            raise TypeError(f"nobody knows how to judge {expectation}")
    return Outcome(expectation.line, window.step.number if window.step else 0, problem, at_s)


def _happens(wanted: Happens, window: _Window) -> tuple[str, float]:
    moments = window.moments(wanted.moment)
    if not moments:
        return f"`{wanted.moment}` did not come", window.start_s
    at_s = moments[0].at_s
    if wanted.times is not None and len(moments) != wanted.times:
        return f"`{wanted.moment}` came {_times(len(moments))}, not {_times(wanted.times)}", at_s
    if wanted.since is None and wanted.most_s is None and not wanted.least_s:
        return "", at_s
    since_s = window.reference(wanted.since, wanted.moment)
    name = wanted.since or ("user starts" if wanted.moment in _FROM_THE_BEGINNING else "user ends")
    if since_s is None:
        return f"`{name}`, from which `{wanted.moment}` is measured, did not come", at_s
    if wanted.since:  # the first after it
        at_s = next((m.at_s for m in moments if m.at_s >= since_s), at_s)
    late_s = at_s - since_s
    shown = f"`{wanted.moment}` came {late_s * 1000:.0f} ms after `{name}`"
    if late_s < wanted.least_s:
        early = f"{-late_s * 1000:.0f} ms before `{name}`" if late_s < 0 else ""
        least = f", not before {wanted.least_s * 1000:.0f} ms" if wanted.least_s else ""
        return (f"`{wanted.moment}` came {early}" if early else shown) + least, at_s
    if wanted.most_s is not None and late_s > wanted.most_s:
        return f"{shown}, not within {wanted.most_s * 1000:.0f} ms", at_s
    return "", at_s


def _absent(unwanted: Absent, window: _Window) -> tuple[str, float]:
    since_s: float | None = window.start_s
    if unwanted.since:
        since_s = window.reference(unwanted.since, unwanted.moment)
        if since_s is None:
            return f"`{unwanted.since}` did not come", window.start_s
    assert since_s is not None
    until_s = window.end_s if unwanted.within_s is None else since_s + unwanted.within_s
    moment = window.log.first(unwanted.moment, since_s, min(until_s, window.end_s))
    return (f"`{unwanted.moment}` came: {moment}" if moment else ""), moment.at_s if moment else window.start_s


def _says(wanted: Says, window: _Window) -> tuple[str, float]:
    log = window.log
    source = {"heard": "asr answers", "said": "committed"}.get(wanted.what)
    if source:
        moments = window.moments(source)
        text = moments[-1].text if moments else None
        at_s = moments[-1].at_s if moments else window.start_s
    else:
        asked = [(at, messages) for at, _, messages in log.prompts if window.start_s <= at < window.end_s]
        messages = asked[-1][1] if asked else []
        chosen = messages[-1:] if wanted.what == "asked" else messages
        text = "\n".join(message["content"] for message in chosen) if asked else None
        at_s = asked[-1][0] if asked else window.start_s
    if text is None:
        nothing = {"heard": "nothing was transcribed", "said": "no reply was committed"}
        return nothing.get(wanted.what, "the model was not asked"), at_s
    wrong = mismatch(wanted.words, text)
    return (f"{wanted.what}: {wrong}" if wrong else ""), at_s


def _remembers(wanted: Remembers, window: _Window) -> tuple[str, float]:
    commits = [m.at_s for m in window.log.named("committed", 0.0, window.end_s)]
    turns = window.log.history[: len(commits)]
    at_s = commits[-1] if commits else window.start_s
    if len(turns) != len(wanted.turns):
        return f"history holds {_times(len(turns), 'turn')}, not {len(wanted.turns)}: {_shown(turns)}", at_s
    for number, (turn, right) in enumerate(zip(turns, wanted.turns, strict=True), 1):
        for who, words, text in (("user", right.user, turn.user), ("assistant", right.assistant, turn.heard)):
            if wrong := mismatch(words, text):
                return f"turn {number} of the history, {who}: {wrong}", commits[number - 1]
        if right.interrupted is not None and right.interrupted != turn.interrupted:
            state = "interrupted" if turn.interrupted else "not interrupted"
            return f"turn {number} of the history was {state}: {_shown([turn])}", commits[number - 1]
    return "", at_s


def _spoken(wanted: Spoken, window: _Window) -> tuple[str, float]:
    styles = [(at_s, style) for at_s, style in window.log.styles if window.start_s <= at_s < window.end_s]
    if not styles:
        return "no reply was asked for", window.start_s
    at_s, style = styles[-1]
    return ("" if style == wanted.style else f"the reply is spoken in the style {style}, not {wanted.style}"), at_s


def _loudness(wanted: Loudness, window: _Window) -> tuple[str, float]:
    since_s = window.reference(wanted.since, "")
    if since_s is None:
        return f"`{wanted.since}`, from which the loudspeaker is measured, did not come", window.start_s
    since_s += wanted.delay_s
    power = window.log.power(since_s, since_s + wanted.for_s) / 32768**2
    level = 10 * np.log10(power) if power > 1e-12 else -120.0
    if wanted.above_dbfs is not None and level < wanted.above_dbfs:
        return f"the loudspeaker gave {level:.0f} dBFS, not more than {wanted.above_dbfs:g}", since_s
    if wanted.below_dbfs is not None and level > wanted.below_dbfs:
        return f"the loudspeaker gave {level:.0f} dBFS, not less than {wanted.below_dbfs:g}", since_s
    return "", since_s


def _bound(wanted: Bound, figures: Mapping[str, float | None]) -> str:
    value = figures[wanted.metric]
    if value is None:
        meaning = METRICS[wanted.metric] or METRICS[wanted.metric.replace("p95", "p50")]
        return f"{wanted.metric}: there was nothing to measure; it is: {meaning}"
    met = _COMPARE[wanted.operator](value, wanted.value)
    return "" if met else f"{wanted.metric} is {value:g}, not {wanted.operator} {wanted.value:g}"


def mismatch(words: Words, text: str) -> str:
    """What is wrong with `text`; '' where it is as it must be."""
    if words.exactly is not None and normalised(words.exactly) != normalised(text):
        return f"“{text}”, not “{words.exactly}”"
    if words.begins is not None and not normalised(text).startswith(normalised(words.begins)):
        return f"“{text}” does not begin with “{words.begins}”"
    for part in words.contains:
        if not _holds(text, part):
            return f"“{text}” does not contain “{part}”"
    for part in words.without:
        if _holds(text, part):
            return f"“{text}” contains “{part}”"
    return ""


def _holds(text: str, part: str) -> bool:
    words = normalised(part)
    return words in normalised(text) if words else part in text


def _shown(turns: list[Turn]) -> str:
    return "; ".join(f"“{turn.user}” → “{turn.heard}”{' (interrupted)' if turn.interrupted else ''}" for turn in turns)


def _times(count: int, word: str = "time") -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
