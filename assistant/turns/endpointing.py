"""How long a pause must last before it ends the user's turn.

Three judges, best first (how good each is: docs/performance.md, `python -m benchmarks.latency_judges`):

- a language model, by the words: how likely a message ends with them. Where it has judged, it decides, with the sound;
- the endpoint model, by the sound. Alone it needs the text to agree, or leaves no doubt itself;
- the text itself: its last words and the recogniser's marks (`text_judge`). An unfinished one lengthens any wait.

What is dictated goes by its own length, not by the judges: a group sounds like an end (`dictation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

from huiyin.assistant.turns.dictation import Progress
from huiyin.assistant.turns.normalise import word_count
from huiyin.assistant.turns.text_judge import Vote, can_be_judged, has_full_stop, is_whole_alone, stays_open, text_vote
from huiyin.configs.settings import TurnsSettings

_LEAST_P = 1e-3  # no judge is surer


@dataclass
class Evidence:
    """What is known of a pause. Probabilities (0..1) that the turn is complete are None until they are judged."""

    p_sound: float | None = None
    text: str = ""  # the turn so far
    p_words: float | None = None
    words_awaited: bool = False  # the language model has been asked
    sound_awaited: bool = False
    stops_are_set: bool = True  # this recogniser ends sentences with a mark
    dictation: Progress | None = None  # of what is dictated; None: nothing is


class Judgement(NamedTuple):
    """What is made of a pause. `doubt` where it is not complete, -1..1: from nearly so to sure that more will come."""

    is_complete: bool
    doubt: float


def wait_s(policy: TurnsSettings, evidence: Evidence) -> float:
    """Seconds of silence after which the turn is over."""
    vote = text_vote(evidence.text)
    silence_s = _judged_silence_s(policy, evidence, vote)
    if vote == "unfinished":
        silence_s += policy.endpoint_unfinished_s
    match evidence.dictation:
        case Progress.PART:
            silence_s = max(silence_s, policy.dictation_part_s)
        case Progress.OPEN:
            silence_s = max(silence_s, policy.dictation_open_s)
        case Progress.WHOLE if not stays_open(evidence.text):
            silence_s = min(silence_s, policy.endpoint_s)
    return min(silence_s, policy.endpoint_longest_s)


def _judged_silence_s(policy: TurnsSettings, evidence: Evidence, vote: Vote) -> float:
    together = judge_together(policy, evidence)
    if evidence.words_awaited or (evidence.sound_awaited and together is None):
        return policy.endpoint_doubtful_s
    decisive = _judge_sound(policy, evidence, vote) if together is None else together
    if decisive is None:
        return policy.endpoint_sure_s if vote == "finished" else policy.endpoint_s
    if decisive.is_complete:
        return policy.endpoint_sure_s if together is None else policy.endpoint_complete_s
    if together is None and vote == "finished":
        return policy.endpoint_doubtful_s
    further_s = policy.endpoint_unsure_s if decisive.doubt > 0 else policy.endpoint_complete_s
    return policy.endpoint_doubtful_s + (further_s - policy.endpoint_doubtful_s) * abs(decisive.doubt)


def judge_together(policy: TurnsSettings, evidence: Evidence) -> Judgement | None:
    """By the words and the sound; None: the words have not been judged."""
    if evidence.p_words is None:
        return None
    p_sound = policy.p_sound_unjudged if evidence.p_sound is None else evidence.p_sound
    p = _probability(log_odds_together(policy, evidence.p_words, p_sound))
    sounds_complete = evidence.p_sound is None or evidence.p_sound >= policy.p_sound_confirmed
    few = word_count(evidence.text) < policy.few_words and sounds_complete
    if p >= policy.p_complete or (few and evidence.p_words >= policy.p_few_words):
        return Judgement(True, 0.0)
    if p < policy.p_goes_on:
        return Judgement(False, 1 - p / policy.p_goes_on)
    doubtful = log_odds(policy.p_goes_on)
    between = log_odds(policy.p_complete) - doubtful
    return Judgement(False, (doubtful - log_odds(p)) / between if between else 0.0)


def log_odds_together(policy: TurnsSettings, p_words: float, p_sound: float) -> float:
    """That the turn is complete, by its words and its sound."""
    p_sound = min(max(p_sound, 1 - policy.p_sound_surest), policy.p_sound_surest)
    return log_odds(p_words) + policy.sound_weight * log_odds(p_sound)


def log_odds(p: float) -> float:
    """Of a judge's probability, who is never quite sure."""
    p = min(max(p, _LEAST_P), 1 - _LEAST_P)
    return log(p / (1 - p))


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))


def _judge_sound(policy: TurnsSettings, evidence: Evidence, vote: Vote) -> Judgement | None:
    if evidence.p_sound is None:
        return None
    threshold = _sound_threshold(policy, evidence, vote)
    is_complete = threshold is not None and evidence.p_sound >= threshold
    doubt = (policy.p_sound_alone - evidence.p_sound) / (policy.p_sound_alone - policy.p_sound_incomplete)
    return Judgement(is_complete, min(max(doubt, 0.0), 1.0))


def _sound_threshold(policy: TurnsSettings, evidence: Evidence, vote: Vote) -> float | None:
    """The probability from which on the sound is believed; None: it is not, however high."""
    text = evidence.text
    if vote == "finished" or (vote == "neither" and is_whole_alone(text)):
        return policy.p_sound_confirmed
    # A recogniser ends whatever it understood with a full stop; after one word that says nothing, nor does the sound.
    if text and not can_be_judged(text):
        return None
    if vote == "neither" and has_full_stop(text):
        return policy.p_sound_confirmed
    if vote == "neither" and evidence.stops_are_set:
        return policy.p_sound_unmarked if text else 1 - policy.p_sound_incomplete  # before the words are there
    return policy.p_sound_alone
