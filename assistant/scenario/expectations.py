"""Whether each expectation was met, and if not, what came instead."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.scenario import script
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.meaning import Question, Verdict
from huiyin.assistant.scenario.metrics import meaning
from huiyin.assistant.scenario.moments import Moment
from huiyin.assistant.turns.normalise import normalised
from huiyin.configs.messages import said

_MOMENTS_WITH_TEXT = {"heard": "asr answers", "said": "committed"}
_NO_TEXT = {
    "heard": "scenario.none_transcribed",
    "said": "scenario.none_committed",
    "asked": "scenario.none_asked",
    "prompt": "scenario.none_asked",
}
# What these are measured from, where it is not said; all others are from the end of the turn's words.
_FROM_THE_BEGINNING = ("reply pauses", "reply stops", "speech heard")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}


@dataclass(frozen=True)
class Outcome:
    """What became of an expectation. `problem` is '' where it was met; `at_s` where to look in the timeline."""

    line: int
    step: int  # 0: of the whole scenario
    problem: str
    at_s: float
    verdict: Verdict | None = None  # of a language model, where it was one that judged

    @property
    def met(self) -> bool:
        """Whether it was."""
        return not self.problem


@dataclass(frozen=True)
class _Window:
    """The part of the conversation that an expectation looks at, and the figures of all of it."""

    log: Log
    figures: Mapping[str, float | None]
    step: script.Step | None
    start_s: float
    end_s: float

    def moments(self, name: str) -> list[Moment]:
        return list(self.log.named(name, self.start_s, self.end_s))

    def reference(self, since: str | None, wanted: str) -> tuple[str, float | None]:
        """(the moment that times are measured from, when it came; None where it did not)."""
        natural = "user starts" if wanted in _FROM_THE_BEGINNING else "user ends"
        name = since or (natural if self.step else "start")
        moments = self.moments(name)
        if self.step and name in ("user starts", "user ends"):
            moments = [m for m in self.log.named(name) if m.step == self.step.number]
        return name, moments[0].at_s if moments else None


def judge(
    scenario: script.Scenario, log: Log, figures: Mapping[str, float | None], depth: script.Depth
) -> tuple[list[Outcome], list[Question]]:
    """Every expectation of a scenario at this depth, in the order of the file; none of those of turns that never began.

    Of some it takes a language model to judge a reply: these are questions to it.
    """
    outcomes: list[Outcome] = []
    questions: list[Question] = []
    windows = [(_Window(log, figures, step, at_s, _window_end(step, log)), step.expect) for at_s, step in log.steps]
    for window, expectations in (*windows, (_Window(log, figures, None, log.start_s, float("inf")), scenario.expect)):
        for expectation in (each for each in expectations if each.holds_at(depth)):
            if isinstance(expectation, script.Meaning) and (question := _question(expectation, window)):
                questions.append(question)
            else:
                outcomes.append(_judge(expectation, window))
    return outcomes, questions


def _window_end(step: script.Step, log: Log) -> float:
    for at_s, later in log.steps:
        if later.number > step.number and (later.takes_floor or not step.takes_floor):
            return at_s
    return float("inf")


def _judge(expectation: script.Expectation, window: _Window) -> Outcome:
    problem, at_s = _JUDGES[type(expectation)](expectation, window)
    return Outcome(expectation.line, window.step.number if window.step else 0, problem, at_s)


# -- each returns (what is wrong, or ''; where to look in the timeline, in seconds)


def _happens(wanted: script.Happens, window: _Window) -> tuple[str, float]:
    moments = window.moments(wanted.moment)
    if not moments:
        return said("scenario.did_not_come", moment=wanted.moment), window.start_s
    at_s = moments[0].at_s
    if wanted.times is not None and len(moments) != wanted.times:
        came, right = _times(len(moments)), _times(wanted.times)
        return said("scenario.came_times", moment=wanted.moment, came=came, right=right), at_s
    if wanted.since is None and wanted.within_s is None and not wanted.not_before_s:
        return "", at_s
    name, since_s = window.reference(wanted.since, wanted.moment)
    if since_s is None:
        return said("scenario.no_beginning", since=name, moment=wanted.moment), at_s
    if wanted.since:  # the first after it
        at_s = next((m.at_s for m in moments if m.at_s >= since_s), at_s)
    late_s = at_s - since_s
    key = "scenario.came_before" if late_s < 0 else "scenario.came_after"
    came = said(key, moment=wanted.moment, ms=abs(late_s) * 1000, since=name)
    if late_s < wanted.not_before_s:
        least_ms = wanted.not_before_s * 1000
        return said("scenario.not_before", came=came, ms=least_ms) if least_ms else came, at_s
    if wanted.within_s is not None and late_s > wanted.within_s:
        return said("scenario.not_within", came=came, ms=wanted.within_s * 1000), at_s
    return "", at_s


def _absent(unwanted: script.Absent, window: _Window) -> tuple[str, float]:
    since_s: float | None = window.start_s
    if unwanted.since:
        _, since_s = window.reference(unwanted.since, unwanted.moment)
    if since_s is None:
        return said("scenario.did_not_come", moment=unwanted.since), window.start_s
    until_s = window.end_s if unwanted.within_s is None else min(since_s + unwanted.within_s, window.end_s)
    moment = window.log.first(unwanted.moment, since_s, until_s)
    if moment is None:
        return "", window.start_s
    return said("scenario.came", moment=unwanted.moment, what=str(moment)), moment.at_s


def _says(wanted: script.Says, window: _Window) -> tuple[str, float]:
    texts = _texts(wanted.what, window)
    if not texts:
        return said(_NO_TEXT[wanted.what]), window.start_s
    at_s, text = texts[-1]
    wrong = mismatch(wanted.words, text)
    return f"{wanted.what}: {wrong}" if wrong else "", at_s


def _texts(what: str, window: _Window) -> list[tuple[float, str]]:
    """(seconds, text) of all that was transcribed, said by the assistant or asked of the model."""
    if what in _MOMENTS_WITH_TEXT:
        return [(m.at_s, m.text) for m in window.moments(_MOMENTS_WITH_TEXT[what])]
    texts = []
    for at_s, _, messages in window.log.prompts:
        if window.start_s <= at_s < window.end_s:
            chosen = messages[-1:] if what == "asked" else messages
            texts.append((at_s, "\n".join(message["content"] for message in chosen)))
    return texts


def _question(wanted: script.Meaning, window: _Window) -> Question | None:
    """What to ask of the last reply; None without a reply."""
    commits = [m for m in window.log.named("committed") if m.at_s < window.end_s]
    if not commits or commits[-1].at_s < window.start_s:
        return None
    step, turn = window.step, window.log.history[len(commits) - 1]
    if not turn.heard.strip():
        return None
    user = step.text if step and step.text else turn.user
    number = step.number if step else 0
    return Question(wanted.line, number, commits[-1].at_s, user, turn.heard, wanted.claim)


def _meaning(wanted: script.Meaning, window: _Window) -> tuple[str, float]:
    return said("scenario.means_nothing", claim=wanted.claim), window.start_s


def _calls(wanted: script.Calls, window: _Window) -> tuple[str, float]:
    calls = [call for call in window.log.calls if window.start_s <= call.at_s < window.end_s]
    right = [call for call in calls if call.name == wanted.name and wanted.arguments.items() <= call.arguments.items()]
    at_s = right[0].at_s if right else window.start_s
    if (len(right) == wanted.times) if wanted.times is not None else right:
        return "", at_s
    made = ", ".join(f"{call.name} {dict(call.arguments)}" for call in calls) or said("scenario.nothing")
    key = "scenario.called" if wanted.times is None else "scenario.called_not"
    expected = "" if wanted.times is None else _times(wanted.times)
    return said(key, name=wanted.name, times=_times(len(right)), right=expected, made=made), at_s


def _remembers(wanted: script.Remembers, window: _Window) -> tuple[str, float]:
    commits = [m.at_s for m in window.log.named("committed", 0.0, window.end_s)]
    turns = window.log.history[: len(commits)]
    at_s = commits[-1] if commits else window.start_s
    if len(turns) != len(wanted.turns):
        key = "scenario.holds_one" if len(turns) == 1 else "scenario.holds"
        return said(key, count=len(turns), right=len(wanted.turns), turns=_shown(turns)), at_s
    for number, (turn, right) in enumerate(zip(turns, wanted.turns, strict=True), 1):
        for who, words, text in (("user", right.user, turn.user), ("assistant", right.assistant, turn.heard)):
            if wrong := mismatch(words, text):
                return said("scenario.history_words", number=number, who=who, wrong=wrong), commits[number - 1]
        if right.interrupted is not None and right.interrupted != turn.interrupted:
            key = "scenario.was_interrupted" if turn.interrupted else "scenario.was_not_interrupted"
            return said(key, number=number, turn=_shown([turn])), commits[number - 1]
    return "", at_s


def _spoken(wanted: script.Spoken, window: _Window) -> tuple[str, float]:
    styles = [(at_s, style) for at_s, style in window.log.styles if window.start_s <= at_s < window.end_s]
    if not styles:
        return said("scenario.no_reply_asked"), window.start_s
    at_s, style = styles[-1]
    wrong = said("scenario.other_style", style=style, right=wanted.style)
    return "" if style == wanted.style else wrong, at_s


def _loudness(wanted: script.Loudness, window: _Window) -> tuple[str, float]:
    moment_s = window.reference(wanted.since.moment, "")[1]
    if moment_s is None:
        return said("scenario.no_beginning_of_sound", since=wanted.since.moment), window.start_s
    since_s = moment_s + wanted.since.delay_s
    power = window.log.power(since_s, since_s + wanted.for_s) / 32768**2
    level = 10 * np.log10(power) if power > 1e-12 else -120.0
    if wanted.above_dbfs is not None and level < wanted.above_dbfs:
        return said("scenario.too_soft", level=level, right=wanted.above_dbfs), since_s
    if wanted.below_dbfs is not None and level > wanted.below_dbfs:
        return said("scenario.too_loud", level=level, right=wanted.below_dbfs), since_s
    return "", since_s


def _bound(wanted: script.Bound, window: _Window) -> tuple[str, float]:
    value = window.figures[wanted.metric]
    if value is None:
        return said("scenario.not_measured", metric=wanted.metric, meaning=meaning(wanted.metric)), window.start_s
    if _COMPARE[wanted.operator](value, wanted.value):
        return "", window.start_s
    bound = f"{wanted.operator} {wanted.value:g}"
    return said("scenario.out_of_bounds", metric=wanted.metric, value=value, bound=bound), window.start_s


_JUDGES: dict[type[script.Expectation], Callable[[Any, _Window], tuple[str, float]]] = {
    script.Happens: _happens,
    script.Absent: _absent,
    script.Says: _says,
    script.Meaning: _meaning,  # of no reply
    script.Calls: _calls,
    script.Remembers: _remembers,
    script.Spoken: _spoken,
    script.Loudness: _loudness,
    script.Bound: _bound,
}


def mismatch(words: script.Words, text: str) -> str:
    """What is wrong with `text`; '' where it is as it must be."""
    if words.exactly is not None and normalised(words.exactly) != normalised(text):
        return said("scenario.other_words", text=text, right=words.exactly)
    if words.begins is not None and not normalised(text).startswith(normalised(words.begins)):
        return said("scenario.other_beginning", text=text, right=words.begins)
    for part in words.contains:
        if not _holds(text, part):
            return said("scenario.lacks", text=text, part=part)
    for part in words.without:
        if _holds(text, part):
            return said("scenario.contains", text=text, part=part)
    return ""


def _holds(text: str, part: str) -> bool:
    words = normalised(part)
    return words in normalised(text) if words else part in text


def _shown(turns: list[Turn]) -> str:
    whole, cut = "scenario.shown_turn", "scenario.shown_interrupted"
    return "; ".join(said(cut if turn.interrupted else whole, user=turn.user, heard=turn.heard) for turn in turns)


def _times(count: int) -> str:
    return said("scenario.once" if count == 1 else "scenario.times", count=count)
