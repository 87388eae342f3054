"""What can be seen of a conversation from outside the assistant, and what must be judged leniently there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from huiyin.assistant.scenario import script
from huiyin.assistant.scenario.metrics import NAMES as METRICS
from huiyin.assistant.scenario.script import Expectation, Scenario

_ANYWHERE = {"start", "user starts", "user ends", "reply starts", "reply stops", "reply ends", "quiet", "end"}
_OVER_THE_WIRE = {"speech heard", "turn ends", "asr answers", "committed"}
_PAUSES = {"reply pauses", "reply resumes"}
_SERVICES = {"asr asked", "llm asked", "words judged", "tts asked"}
LATE_S = 0.25
"""What a time may be more than in virtual time: two buffers, a connection, a machine that does other things, too."""
_PAUSE_METRICS = {"resume rate", "false interruptions per minute"}


@dataclass(frozen=True)
class Sight:
    """What can be seen from one place."""

    moments: frozenset[str]
    texts: frozenset[str]  # of `script.Says`
    history: bool  # what the assistant remembers
    styles: bool  # of its voice


def through_realtime(*, extended: bool, services: bool) -> Sight:
    """By a client of the Realtime server.

    `extended`: the server sends its extensions; `services`: they are simulated in the client's process.
    """
    moments = _ANYWHERE | _OVER_THE_WIRE | (_PAUSES if extended else set()) | (_SERVICES if services else set())
    texts = {"heard", "said"} | ({"asked", "prompt"} if services else set())
    return Sight(frozenset(moments), frozenset(texts), history=True, styles=services)


BY_SOUND = Sight(frozenset(_ANYWHERE | _PAUSES), frozenset({"said"}), history=False, styles=False)
"""By somebody who hears the assistant, and a recogniser who writes it down."""


def split(scenario: Scenario, sight: Sight) -> tuple[Scenario, tuple[Expectation, ...]]:
    """(the scenario with the expectations that can be seen, in real time; those that cannot)."""
    unseen: list[Expectation] = []

    def seen(expectations: tuple[Expectation, ...]) -> tuple[Expectation, ...]:
        expectations = tuple(each for each in expectations if each.depth != "text")
        unseen.extend(each for each in expectations if not _is_seen(each, sight))
        return tuple(_lenient(each) for each in expectations if each not in unseen)

    steps = tuple(replace(step, expect=seen(step.expect)) for step in scenario.steps)
    return replace(scenario, steps=steps, expect=seen(scenario.expect)), tuple(unseen)


def _is_seen(expectation: Expectation, sight: Sight) -> bool:
    match expectation:
        case script.Happens(moment=moment, since=since) | script.Absent(moment=moment, since=since):
            return moment in sight.moments and (since is None or since in sight.moments)
        case script.Says(what=what):
            return what in sight.texts
        case script.Meaning():
            return "said" in sight.texts
        case script.Spoken():
            return sight.styles
        case script.Calls():
            return False
        case script.Loudness(since=since):
            return since.moment in sight.moments
        case script.Bound(metric=metric):
            return metric not in _PAUSE_METRICS or sight.moments >= _PAUSES
        case script.Remembers():
            return sight.history
    return True


def _lenient(expectation: Expectation) -> Expectation:
    match expectation:
        case script.Happens(within_s=within_s) if within_s is not None:
            return replace(expectation, within_s=within_s + LATE_S)
        case script.Bound(metric=metric, operator="<" | "<=", value=value) if metric.endswith("ms"):
            assert metric in METRICS
            return replace(expectation, value=value + LATE_S * 1000)
        case script.Loudness(since=since):
            return replace(expectation, since=replace(since, delay_s=since.delay_s + LATE_S / 5))
    return expectation
