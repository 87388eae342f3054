"""Figures over one or many scenarios, in the words of the full-duplex benchmarks.

Takeover rate, response latency and the latency after an interruption are those of Full-Duplex-Bench (Lin et al.
2025), stop latency that of its version 1.5; responsiveness, interrupt rate (here: cut-off rate), yielding and
selectivity (of backchannels; of vocal tics and talk to others, here: noises) those of τ-voice. Times are measured at
the loudspeaker, from the script's own truth of who spoke when, never from what voice activity made of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from huiyin.assistant.scenario.log import BLOCK_S, Log
from huiyin.assistant.scenario.moments import LATER_CLAUSE
from huiyin.assistant.scenario.script import Step
from huiyin.configs.messages import FOLDER as MESSAGES
from huiyin.configs.messages import language
from huiyin.configs.tables import read_table

NAMES: dict[str, str] = read_table(Path(__file__).with_name("vocabulary.toml"))["metrics"]
"""Metric -> what it is; that of a p95 is its p50's."""
_NAMES_ZH = MESSAGES / "zh" / "metrics.toml"
_ASIDES = ("backchannel", "noise")  # what does not mean to take the floor
ATTRIBUTED_S = 1.5
"""A turn causes what interrupts the assistant until this long after its end."""


def meaning(metric: str) -> str:
    """What a figure is, in the program's language; of a p95 what its p50 is."""
    names = read_table(_NAMES_ZH) if language() == "zh" else NAMES
    return str(names[metric] or names[metric.replace("p95", "p50")])


@dataclass
class Tally:
    """What is counted in one scenario, or in several together. Times in seconds."""

    turns: int = 0
    answered: int = 0
    cut_off: int = 0
    latencies: list[float] = field(default_factory=list)  # of turns that interrupt nothing
    latencies_after: list[float] = field(default_factory=list)  # of the turns that do
    first_sounds: list[float] = field(default_factory=list)  # of spoken turns; an opener, or the reply
    typed: list[float] = field(default_factory=list)
    interruptions: int = 0
    yielded: int = 0
    stops: list[float] = field(default_factory=list)
    asides: Counter[str] = field(default_factory=Counter)  # listening words and noises during a reply
    ignored: Counter[str] = field(default_factory=Counter)
    false_interruptions: int = 0
    resumed: int = 0
    spoken_s: float = 0.0  # by the assistant
    gaps: list[float] = field(default_factory=list)  # the longest of each reply
    clause_gaps: list[float] = field(default_factory=list)  # one before each clause but the first

    def add(self, other: Tally) -> None:
        """Add the counts of another."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def figures(self) -> dict[str, float | None]:
        """Metric -> value; None where nothing was there to be measured."""
        spoken = self.latencies + self.latencies_after
        minutes = self.spoken_s / 60
        values = (
            _share(self.answered, self.turns),
            _share(self.cut_off, self.turns),
            _mean_ms(self.latencies + self.typed),
            _mean_ms(self.latencies_after),
            _percentile(spoken, 50),
            _percentile(spoken, 95),
            _percentile(self.first_sounds, 50),
            _percentile(self.first_sounds, 95),
            _share(self.yielded, self.interruptions),
            _percentile(self.stops, 50),
            _percentile(self.stops, 95),
            self.false_interruptions / minutes if minutes else None,
            _share(self.resumed, self.false_interruptions),
            _share(self.ignored["backchannel"], self.asides["backchannel"]),
            _share(self.ignored["noise"], self.asides["noise"]),
            max(self.gaps) * 1000 if self.gaps else None,
            _percentile(self.clause_gaps, 50),
            _percentile(self.clause_gaps, 95),
        )
        return {
            name: None if value is None else round(float(value), 3) for name, value in zip(NAMES, values, strict=True)
        }


def tally(log: Log) -> Tally:
    """Count one scenario."""
    count = Tally()
    replies = _replies(log)
    count.spoken_s = sum(end_s - start_s for start_s, end_s in replies)
    for i, (start_s, step) in enumerate(log.steps):
        end_s = next((m.at_s for m in log.named("user ends") if m.step == step.number), log.end_s)
        until_s = next((at_s for at_s, later in log.steps[i + 1 :] if later.takes_floor), log.end_s + 1)
        during = any(begin_s <= start_s < stop_s for begin_s, stop_s in replies)
        if step.takes_floor and during:
            _count_interruption(count, log, start_s, until_s)
        if step.means == "turn" and step.kind in ("user", "audio", "types"):
            _count_turn(count, log, step, (start_s, end_s, until_s), during)
        elif step.means in _ASIDES and during:
            count.asides[step.means] += 1
            if log.first("reply stops", start_s, until_s) is None:
                count.ignored[step.means] += 1
    _count_false(count, log)
    count.gaps = _gaps(log, replies)
    count.clause_gaps = clause_gaps(log)
    return count


def _count_turn(count: Tally, log: Log, step: Step, times: tuple[float, float, float], interrupts: bool) -> None:
    start_s, end_s, until_s = times
    count.turns += 1
    opener = log.first("opener starts", start_s, until_s)
    reply = log.first("reply starts", start_s, until_s)
    if reply is None:
        return
    count.answered += 1
    first_s = min(reply.at_s, opener.at_s if opener else reply.at_s)
    if step.kind != "types" and first_s >= end_s:
        count.first_sounds.append(first_s - end_s)
    if reply.at_s < end_s:
        count.cut_off += 1
    elif step.kind == "types":
        count.typed.append(reply.at_s - end_s)
    elif interrupts:
        count.latencies_after.append(reply.at_s - end_s)
    else:
        count.latencies.append(reply.at_s - end_s)


def _count_interruption(count: Tally, log: Log, start_s: float, until_s: float) -> None:
    count.interruptions += 1
    stop = log.first("reply stops", start_s, until_s)
    if stop is None:
        return
    count.yielded += 1
    silent_s = stop.at_s
    for pause in log.named("reply pauses", start_s, stop.at_s + 1e-9):
        if log.first("reply resumes", pause.at_s, stop.at_s) is None:
            silent_s = pause.at_s
            break
    count.stops.append(log.silent_from(silent_s) - start_s)


def _count_false(count: Tally, log: Log) -> None:
    is_paused = False  # a stop that follows a pause is the same interruption
    is_false = False  # the newest interruption
    for moment in log.moments:
        if moment.name in ("reply pauses", "reply stops") and not is_paused:
            is_false = not _has_cause(log, moment.at_s)
            if is_false:
                count.false_interruptions += 1
        if moment.name == "reply resumes" and is_paused and is_false:
            count.resumed += 1
        if moment.name in ("reply pauses", "reply stops", "reply resumes"):
            is_paused = moment.name == "reply pauses"


def _has_cause(log: Log, at_s: float) -> bool:
    """Whether the assistant fell silent because of a turn of the user's."""
    for start_s, step in log.steps:
        end_s = next((m.at_s for m in log.named("user ends") if m.step == step.number), start_s)
        if step.takes_floor and start_s <= at_s <= end_s + ATTRIBUTED_S:
            return True
    return False


def _replies(log: Log) -> list[tuple[float, float]]:
    """When the assistant has the floor."""
    ends = [moment.at_s for moment in log.moments if moment.name in ("reply ends", "reply stops")]
    starts: dict[int, float] = {}
    for moment in log.moments:
        if moment.name in ("opener starts", "reply starts"):
            starts.setdefault(moment.generation, moment.at_s)
    return [(start_s, next((at_s for at_s in ends if at_s >= start_s), log.end_s)) for start_s in starts.values()]


def clause_gaps(log: Log) -> list[float]:
    """The silence for want of sound before each clause of a reply but its first, in seconds."""
    pauses = _pauses(log)
    begun: dict[int, float] = {}  # reply -> when its clause before began
    gaps = []
    for moment in log.moments:
        if moment.name == "reply starts":
            begun[moment.generation] = moment.at_s
        elif moment.name.startswith(LATER_CLAUSE) and moment.generation in begun:
            since_s = begun[moment.generation]
            begun[moment.generation] = moment.at_s
            blocks = (b for b in log.blocks if since_s <= b.at_s < moment.at_s and b.is_empty)
            gaps.append(BLOCK_S * sum(not _is_paused(block.at_s, pauses) for block in blocks))
    return gaps


def _pauses(log: Log) -> list[tuple[float, float]]:
    """When the assistant was paused."""
    resumes = ((pause.at_s, log.first("reply resumes", pause.at_s)) for pause in log.named("reply pauses"))
    return [(pause_s, resume.at_s if resume else log.end_s) for pause_s, resume in resumes]


def _is_paused(at_s: float, pauses: Sequence[tuple[float, float]]) -> bool:
    return any(pause_s <= at_s <= resume_s + BLOCK_S for pause_s, resume_s in pauses)


def _gaps(log: Log, replies: Sequence[tuple[float, float]]) -> list[float]:
    """The longest silence inside each reply, in seconds, where the assistant was not paused."""
    pauses = _pauses(log)
    gaps: list[float] = []
    for start_s, end_s in replies:
        opener = log.first("opener starts", start_s, end_s)
        reply = log.first("reply starts", start_s, end_s)
        if opener:  # it is there because the reply is not
            start_s = reply.at_s if reply else end_s
        gap_s = longest_s = 0.0
        for block in log.blocks:
            if start_s <= block.at_s < end_s - BLOCK_S:
                is_gap = block.is_empty and not _is_paused(block.at_s, pauses)
                gap_s = gap_s + BLOCK_S if is_gap else 0.0
                longest_s = max(longest_s, gap_s)
        gaps.append(longest_s)
    return gaps


def total(tallies: Iterable[Tally]) -> Tally:
    """All together."""
    together = Tally()
    for one in tallies:
        together.add(one)
    return together


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) * 1000 if values else None


def _mean_ms(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) * 1000 if values else None
