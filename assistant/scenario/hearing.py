"""Which word is spoken when: what a perfect recogniser returns for any part of the conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from huiyin.assistant.dialogue.history import join_clauses
from huiyin.assistant.ears.listener import POST_ROLL_S, PRE_ROLL_S
from huiyin.assistant.scenario.script import PAUSE, Step, seconds, speech_s
from huiyin.assistant.turns.events import Transcript
from huiyin.services.common.text import HAN

Span = tuple[float, float]
LOUDEST_UNHEARD_DB = -30.0  # speech this much softer than usual is not recognised
_MASKED_DB = 10.0  # nor are words during other speech that is this much louder
_UNIT = re.compile(rf"[{HAN}][^\w\s{HAN}]*|[^\s{HAN}]+\s*")  # recognised whole or not at all


@dataclass(frozen=True)
class ScriptedUtterance:
    """A step that makes a sound. `spans` are where it sounds, `units` its words with the middle of each, in seconds."""

    step: Step
    spans: tuple[Span, ...]
    units: tuple[tuple[str, float], ...]

    @property
    def start_s(self) -> float:
        """Its first sound."""
        return self.spans[0][0]

    @property
    def end_s(self) -> float:
        """Its last sound."""
        return self.spans[-1][1]

    def sounds_at(self, at_s: float) -> bool:
        """Whether something of it sounds then."""
        return any(start_s <= at_s < end_s for start_s, end_s in self.spans)


def parts_of(step: Step) -> list[tuple[str, float]]:
    """What a step says, piece by piece, each with the pause after it in seconds."""
    pieces = PAUSE.split(step.content) if step.kind == "user" else [step.words]
    pauses = [seconds(time) for time in pieces[1::2]]
    return [(text.strip(), pause) for text, pause in zip(pieces[::2], [*pauses, 0.0], strict=True)]


def paced(step: Step, start_s: float) -> ScriptedUtterance:
    """The step as it sounds from `start_s` on, at the usual pace."""
    lengths = [(speech_s(text) if text else 0.0, pause_s) for text, pause_s in parts_of(step)]
    total_s = sum(length_s for length_s, _ in lengths)
    scale = step.lasts_s / total_s if step.lasts_s and total_s else 1.0
    if not total_s:
        lengths = [(step.lasts_s or 0.0, 0.0)]
    spans: list[Span] = []
    at_s = start_s
    for length_s, pause_s in lengths:
        if length_s:
            spans.append((at_s, at_s + length_s * scale))
        at_s += length_s * scale + pause_s
    return spoken(step, spans)


def spoken(step: Step, spans: Sequence[Span], begin_s: float = 0.0) -> ScriptedUtterance:
    """The step as it sounds from `begin_s` on in `spans`, one for each of its parts that says something."""
    spans = [(begin_s + start_s, begin_s + end_s) for start_s, end_s in spans]
    texts = [text for text, _ in parts_of(step) if text]
    if step.heard is not None or len(texts) != len(spans):
        return ScriptedUtterance(step, tuple(spans), _spread(step.words, (spans[0][0], spans[-1][1])))
    units = [unit for text, span in zip(texts, spans, strict=True) for unit in _spread(text, span)]
    return ScriptedUtterance(step, tuple(spans), tuple(units))


def transcribed(
    utterances: Sequence[ScriptedUtterance], start_s: float, end_s: float, unheard: Sequence[Span] = ()
) -> tuple[Transcript, Step | None]:
    """(what is recognised of the time between two moments, the last step that has words in it). `unheard`: when
    nothing reached the microphone."""
    texts: list[str] = []
    last: Step | None = None
    audible = [u for u in utterances if u.step.level_db > LOUDEST_UNHEARD_DB]
    for utterance in sorted(audible, key=lambda u: u.start_s):
        step = utterance.step
        louder = [u for u in audible if u.step.level_db >= step.level_db + _MASKED_DB]
        recognised = [
            text
            for text, mid_s in utterance.units
            if start_s - PRE_ROLL_S <= mid_s <= end_s + POST_ROLL_S
            and not any(u.sounds_at(mid_s) for u in louder)
            and not any(lost_s <= mid_s < back_s for lost_s, back_s in unheard)
        ]
        if recognised:
            is_whole = len(recognised) == len(utterance.units)
            texts.append(step.words.strip() if is_whole else _joined(recognised))
            last = step
    text = join_clauses(texts)
    if last is None:
        return Transcript(""), None
    return Transcript(text, last.spoken_language, last.emotion, last.events), last


def _joined(units: Sequence[str]) -> str:
    text = ""
    for unit in units:
        if re.search(r"[!-~]\Z", text) and unit[0].isascii():
            text += " "
        text += unit
    return text.strip()


def _spread(text: str, span: Span) -> tuple[tuple[str, float], ...]:
    units = _UNIT.findall(text)
    total = sum(map(len, units))
    start_s, end_s = span
    spread = []
    at = 0
    for unit in units:
        spread.append((unit, start_s + (end_s - start_s) * (at + len(unit) / 2) / total))
        at += len(unit)
    return tuple(spread)
