"""What can be seen of a conversation by a client of the Realtime server, and what it must be lenient with."""

from __future__ import annotations

from dataclasses import replace

from huiyin.assistant.scenario import script
from huiyin.assistant.scenario.metrics import NAMES as METRICS
from huiyin.assistant.scenario.script import Expectation, Scenario

MOMENTS = {
    "start", "user starts", "user ends", "speech heard", "turn ends", "asr answers", "reply starts", "reply stops",
    "reply ends", "committed", "quiet", "end",
}  # fmt: skip
PAUSES = {"reply pauses", "reply resumes"}
"""Seen by a client with the server's extensions."""
SERVICES = {"asr asked", "llm asked", "words judged", "tts asked"}
"""Seen where the services are simulated in the client's process."""
LATE_S = 0.25
"""What a time may be more than in virtual time: two buffers, a connection, a machine that does other things, too."""
_PAUSE_METRICS = {"resume rate", "false interruptions per minute"}


def split(scenario: Scenario, *, extended: bool, services: bool) -> tuple[Scenario, tuple[Expectation, ...]]:
    """(the scenario with the expectations that can be seen, in real time; those that cannot).

    `extended`: the server sends its extensions; `services`: they are simulated here.
    """
    moments = MOMENTS | (PAUSES if extended else set()) | (SERVICES if services else set())
    unseen: list[Expectation] = []

    def seen(expectations: tuple[Expectation, ...]) -> tuple[Expectation, ...]:
        unseen.extend(each for each in expectations if not _is_seen(each, moments, extended, services))
        return tuple(_lenient(each) for each in expectations if each not in unseen)

    steps = tuple(replace(step, expect=seen(step.expect)) for step in scenario.steps)
    return replace(scenario, steps=steps, expect=seen(scenario.expect)), tuple(unseen)


def _is_seen(expectation: Expectation, moments: set[str], extended: bool, services: bool) -> bool:
    match expectation:
        case script.Happens(moment=moment, since=since) | script.Absent(moment=moment, since=since):
            return moment in moments and (since is None or since in moments)
        case script.Says(what=what):
            return what in ("heard", "said") or services
        case script.Spoken():
            return services
        case script.Calls():
            return False
        case script.Loudness(since=since):
            return since.moment in moments
        case script.Bound(metric=metric):
            return metric not in _PAUSE_METRICS or extended
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
