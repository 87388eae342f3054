"""Which feeling the user's own words tell of, and how surely. Rules and words alone: microseconds a line.

What is looked for, each in a table of its own: a feeling named in a frame that makes it the speaker's own, now
(`told.toml` in the frames of `frames.toml`); what people say when they feel so (`shown.toml`); what has just happened
to them (`happened.toml`). It is left out where it is quoted, a title, about others, past and gone, a condition, a
question or negated. How right that is: docs/dialogue.md, `python -m benchmarks.emotion_words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from huiyin.configs.tables import read_table

GLAD = ("happy",)
"""The feelings that speak against the others."""

_SENTENCES = re.compile(r"[^。！!？?.\n…]+")
_NOT_OWN = re.compile(r"《[^》]*》|“[^”]*”|「[^」]*」|『[^』]*』|\"[^\"]*\"")  # titles, and words of someone else
_LONGEST = 400  # characters that are read of a turn, its end: nobody tells more of how they feel now
_NAME = re.compile(r"\{([a-z]+)\}")

# Below what each reached on the lines of the benchmark: whoever wrote the tables wrote the lines, too.
_CONFIDENCE = {"told": 0.9, "feel": 0.9, "shown": 0.8, "happened": 0.75}


@dataclass(frozen=True)
class Feeling:
    """`label` as the recognisers' of emotion; `confidence` 0..1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class _Rule:
    label: str
    kind: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class _Language:
    rules: tuple[_Rule, ...]
    frame: dict[str, re.Pattern[str]]


def feeling_in(text: str, language: str) -> Feeling | None:
    """What the words of a turn, in `language` ('zh' or 'en'), tell of how their speaker feels now; None: nothing.

    Several signs of one feeling make it surer; signs of gladness and of its contrary make each other doubtful.
    """
    doubts: dict[str, float] = {}  # label -> probability that all its signs are wrong
    for label, confidence in _signs(text[-_LONGEST:], _table(language)):
        doubts[label] = doubts.get(label, 1.0) * (1 - confidence)
    if not doubts:
        return None
    label = min(doubts, key=lambda each: doubts[each])
    contrary = [doubt for other, doubt in doubts.items() if (other in GLAD) != (label in GLAD)]
    return Feeling(label, (1 - doubts[label]) * min(contrary, default=1.0))


def _signs(text: str, language: _Language) -> Iterator[tuple[str, float]]:
    """(label, confidence): at most one of each clause, the surest."""
    frame = language.frame
    for sentence in _SENTENCES.findall(_NOT_OWN.sub(" ", text)):
        start = 0
        for cut in [*frame["clause"].finditer(sentence), None]:
            clause = sentence[start : cut.start() if cut else len(sentence)]
            found = [rule for rule in language.rules if _is_meant(rule, clause, start, sentence, frame)]
            if found:
                best = max(found, key=lambda rule: _CONFIDENCE[rule.kind])
                yield best.label, _CONFIDENCE[best.kind]
            start = cut.end() if cut else start


def _is_meant(rule: _Rule, clause: str, start: int, sentence: str, frame: dict[str, re.Pattern[str]]) -> bool:
    """Whether a rule fits a clause, which begins at `start` in its sentence, and nothing there says otherwise."""
    match = rule.pattern.search(clause.strip())
    if match is None:
        return False
    start += len(clause) - len(clause.lstrip())
    left, right = sentence[: start + match.start()].lstrip(), sentence[start + match.end() :]
    if frame["left"].search(left) or frame["right"].search(right):
        return False
    past = frame["past"].search(sentence)
    if past and not frame["now"].search(sentence[past.end() : start + match.end()]):
        return False
    if rule.kind == "told" and not frame["least"].search(match.groupdict().get("before") or match[0]):
        return False
    return rule.kind == "shown" or bool(frame["own"].search(match[0])) or not frame["others"].search(left)


@cache
def _table(language: str) -> _Language:
    frame = _read("frames", language)
    lists = {name: f"(?:{'|'.join(words)})" for name, words in frame.items() if isinstance(words, list)}

    def compiled(pattern: str, **more: str) -> re.Pattern[str]:
        names = {**lists, "before": frame.get("before", ""), "adverbs": frame.get("adverbs", ""), **more}
        while _NAME.search(pattern):
            pattern = _NAME.sub(lambda match: names[match[1]], pattern)
        return re.compile(pattern, re.IGNORECASE)

    kinds = {kind: _read(kind, language) for kind in ("told", "shown", "happened")}
    kinds["feel"] = kinds["told"].pop("feel", {})
    rules = tuple(
        _Rule(label, kind, compiled(frame[kind], words="|".join(words)))
        for kind, labels in kinds.items()
        for label, words in labels.items()
    )
    patterns = ("clause", "left", "right", "past", "now", "least", "others", "own")
    return _Language(rules, {name: compiled(frame[name]) for name in patterns})


def _read(name: str, language: str) -> dict[str, Any]:
    return dict(read_table(Path(__file__).with_name(f"{name}.toml"))[language])
