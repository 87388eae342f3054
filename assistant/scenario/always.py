"""What holds in every conversation with simulated services, whatever its script says and whatever fails.

It comes to rest; the assistant is not silent for longer than its deadlines allow while it has the floor; and the
history names no words whose sound has not been played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.expectations import Outcome
from huiyin.assistant.scenario.log import BLOCK_S, Log
from huiyin.assistant.turns.machine import State
from huiyin.configs.messages import said
from huiyin.configs.turns_settings import TurnsSettings

_LATE_S = 0.3  # until a deadline that has passed is heard of: an apology's first block
_UNNOTICED_S = 0.5  # of sound: a word that is cut in two, and the fades of a pause
_UNEVEN = 1.15  # a natural voice says clauses faster than all of them at once


def problems(log: Log, turns: TurnsSettings, speak: Callable[[str], Pcm16]) -> Iterator[Outcome]:
    """What does not hold. `speak`: the assistant's voice."""
    yield from _silences(log, turns)
    yield from _unheard(log, speak)


def _silences(log: Log, turns: TurnsSettings) -> Iterator[Outcome]:
    """Before a reply each of its stages may take its time, also after an opener; within one, only what comes next."""
    before_s = turns.asr_timeout_s + turns.llm_timeout_s + turns.tts_timeout_s
    within_s = turns.llm_idle_timeout_s + turns.tts_timeout_s
    paused_s = turns.asr_timeout_s + turns.listening_s + turns.resume_s
    allowed = {State.THINKING: before_s, State.SPEAKING: within_s, State.PAUSED: within_s + paused_s}
    for (start_s, state), (end_s, _) in pairwise([*log.floor, (log.end_s, State.LISTENING)]):
        if state in allowed:
            reply = log.first("reply starts", start_s)
            for since_s, silent_s in _silent_spans(log, start_s, end_s):
                is_opened = state is State.SPEAKING and reply is not None and since_s < reply.at_s
                limit_s = (
                    allowed[State.THINKING if is_opened else state]
                    + _failing_s(log, since_s, since_s + silent_s)
                    + _LATE_S
                )
                if silent_s > limit_s:
                    problem = said("scenario.silent_for", silent_s=silent_s, state=state.name, limit_s=limit_s)
                    yield Outcome(1, 0, problem, since_s)


def _silent_spans(log: Log, start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    """(since when, how long) the loudspeaker gave nothing between two moments. What the user does begins another."""
    sounds = [block.at_s for block in log.blocks if start_s <= block.at_s < end_s and not block.is_empty]
    steps = [at_s for at_s, step in log.steps if start_s < at_s < end_s and step.kind != "device"]
    marks = sorted([start_s, *sounds, *steps, end_s])
    for before_s, after_s in pairwise(marks):
        yield before_s, after_s - before_s


def _failing_s(log: Log, start_s: float, end_s: float) -> float:
    """Seconds of faults of the sound device that touch a span: nothing can be heard meanwhile."""
    lasting = ((at_s, at_s + (step.lasts_s or 0.0)) for at_s, step in log.steps if step.kind == "device")
    return sum(until_s - since_s for since_s, until_s in lasting if since_s < end_s and until_s > start_s)


def _unheard(log: Log, speak: Callable[[str], Pcm16]) -> Iterator[Outcome]:
    """Each exchange is written down when its reply is over: its words must have been played since the one before."""
    since_s = 0.0
    for moment in log.named("committed"):
        played_s = BLOCK_S * sum(since_s <= b.at_s <= moment.at_s and not b.is_empty for b in log.blocks)
        spoken_s = len(speak(moment.text)) / SAMPLE_RATE if moment.text.strip() else 0.0
        if spoken_s > played_s * _UNEVEN + _UNNOTICED_S:
            problem = said("scenario.not_played_out", text=moment.text, spoken_s=spoken_s, played_s=played_s)
            yield Outcome(1, 0, problem, moment.at_s)
        since_s = moment.at_s
