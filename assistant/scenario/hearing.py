"""Who said which word when: what a perfect recogniser would make of any stretch of the conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from huiyin.assistant.dialogue.history import join_clauses
from huiyin.assistant.ears.listener import POST_ROLL_S, PRE_ROLL_S
from huiyin.assistant.scenario.script import PAUSE, Step, seconds, speech_s
from huiyin.assistant.turns.events import Transcript
from huiyin.services.common.text import HAN

_UNIT = re.compile(rf"[{HAN}][^\w\s{HAN}]*|[^\s{HAN}]+\s*")  # what is heard whole or not at all
Span = tuple[float, float]
LOUDEST_UNHEARD_DB = -30.0  # speech so much softer than the usual is heard by nobody
_MASKED_DB = 10.0  # nor are words that somebody speaks over who is so much louder


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
    texts, pauses = pieces[::2], [seconds(time) for time in pieces[1::2]]
    return [(text.strip(), pause) for text, pause in zip(texts, [*pauses, 0.0], strict=True)]


def paced(step: Step, start_s: float) -> ScriptedUtterance:
    """The step as somebody says it who begins at `start_s` and takes the usual time for every word."""
    lengths = [(text, speech_s(text) if text else 0.0, pause) for text, pause in parts_of(step)]
    total = sum(length for _, length, _ in lengths)
    scale = step.lasts_s / total if step.lasts_s and total else 1.0
    if not total:
        lengths, scale = [("", step.lasts_s or 0.0, 0.0)], 1.0
    spans: list[Span] = []
    at = start_s
    for _, length, pause in lengths:
        if length:
            spans.append((at, at + length * scale))
        at += length * scale + pause
    return spoken(step, spans)


def spoken(step: Step, spans: Sequence[Span]) -> ScriptedUtterance:
    """The step as it sounds in `spans`, one for each of its parts that says something."""
    texts = [text for text, _ in parts_of(step) if text]
    if step.heard is not None or len(texts) != len(spans):
        return ScriptedUtterance(step, tuple(spans), _spread(step.words, (spans[0][0], spans[-1][1])))
    units = [unit for text, span in zip(texts, spans, strict=True) for unit in _spread(text, span)]
    return ScriptedUtterance(step, tuple(spans), tuple(units))


def transcribed(
    utterances: Sequence[ScriptedUtterance], start_s: float, end_s: float
) -> tuple[Transcript, Step | None]:
    """(what is said between two times, the last step that is heard in it)."""
    texts: list[str] = []
    last: Step | None = None
    audible = [u for u in utterances if u.step.level_db > LOUDEST_UNHEARD_DB]
    for utterance in sorted(audible, key=lambda u: u.start_s):
        louder = [u for u in audible if u.step.level_db >= utterance.step.level_db + _MASKED_DB]
        heard = [
            text
            for text, mid_s in utterance.units
            if start_s - PRE_ROLL_S <= mid_s <= end_s + POST_ROLL_S and not any(u.sounds_at(mid_s) for u in louder)
        ]
        if heard:
            texts.append(_whole(utterance.step) if len(heard) == len(utterance.units) else _joined(heard))
            last = utterance.step
    text = join_clauses(texts)
    if last is None:
        return Transcript(""), None
    return Transcript(text, last.spoken_language, last.emotion, last.events), last


def _whole(step: Step) -> str:
    return step.words.strip()


def _joined(units: Sequence[str]) -> str:
    text = ""
    for unit in units:
        text += (" " if text and text[-1].isascii() and unit[0].isascii() and not text[-1].isspace() else "") + unit
    return text.strip()


def _spread(text: str, span: Span) -> tuple[tuple[str, float], ...]:
    units = _UNIT.findall(text)
    total = sum(map(len, units))
    placed, at = [], 0
    for unit in units:
        placed.append((unit, span[0] + (span[1] - span[0]) * (at + len(unit) / 2) / total))
        at += len(unit)
    return tuple(placed)
