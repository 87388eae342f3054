"""Which feeling the user's own words tell of, and how surely. Rules and words alone: microseconds a line.

What is looked for, each in a table of its own: a feeling named in a frame that makes it the speaker's own, now
(`told.toml` in the frames of `frames.toml`); what people say when they feel so (`shown.toml`); what has just happened
to them (`happened.toml`). It is left out where it is quoted, a title, about others, past and gone, a condition, a
question, negated, or to be told, written or translated for someone.
How right that is: docs/dialogue.md, `python -m benchmarks.emotion_words`.
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
_LONGEST = 400  # characters that are read of a turn, its end: a description of the present mood is shorter
_NAME = re.compile(r"\{([a-z]+)\}")

# The surest first. Below what each reached on the lines of the benchmark: the same author wrote lines and tables.
_CONFIDENCE = {"told": 0.9, "feel": 0.9, "shown": 0.8, "happened": 0.75}

_NAMELESS = ("shown", "happened")  # they name no feeling: what a question holds of them is what it asks about


@dataclass(frozen=True)
class Feeling:
    """`label` as the recognisers' of emotion; `confidence` 0..1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class _Language:
    """`rules`: kind -> what is looked for, a group for each label; `frame`: the patterns beside them."""

    rules: dict[str, re.Pattern[str]]
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
        message = frame["message"].search(sentence)
        start = 0
        for cut in [*frame["clause"].finditer(sentence), None]:
            end = cut.start() if cut else len(sentence)
            start += len(sentence[start:end]) - len(sentence[start:end].lstrip())
            if message and start >= message.start():
                break
            clause = sentence[start:end].rstrip()
            for kind, pattern in language.rules.items():
                match = next((m for m in pattern.finditer(clause) if _is_meant(kind, m, start, sentence, frame)), None)
                if match and match.lastgroup:
                    yield match.lastgroup, _CONFIDENCE[kind]
                    break
            start = cut.end() if cut else end
        if message and message[0].endswith((":", "：")):
            return  # all that follows belongs to it


def _is_meant(kind: str, match: re.Match[str], start: int, sentence: str, frame: dict[str, re.Pattern[str]]) -> bool:
    """Whether nothing around a match in the clause that begins at `start` says otherwise."""
    left, right = sentence[: start + match.start()].lstrip(), sentence[start + match.end() :]
    clause = match.string[: match.start()] + " " + match.string[match.end() :]
    if kind in _NAMELESS and frame["asked"].search(clause):
        return False
    if frame["left"].search(left) or frame["right"].search(right):
        return False
    past = frame["past"].search(sentence)
    if past and not frame["now"].search(sentence[past.end() : start + match.end()]):
        return False
    if kind == "told" and not frame["least"].search(match.groupdict().get("before") or match[0]):
        return False
    return kind == "shown" or bool(frame["own"].search(match[0])) or not frame["others"].search(left)


@cache
def _table(language: str) -> _Language:
    frame = _read("frames", language)
    lists = {name: f"(?:{'|'.join(words)})" for name, words in frame.items() if isinstance(words, list)}

    def compiled(pattern: str, **more: str) -> re.Pattern[str]:
        names = {**frame, **lists, **more}
        while _NAME.search(pattern):
            pattern = _NAME.sub(lambda match: names[match[1]], pattern)
        return re.compile(pattern, re.IGNORECASE)

    kinds = {kind: _read(kind, language) for kind in ("told", "shown", "happened")}
    kinds["feel"] = kinds["told"].pop("feel", {})
    rules = {}
    for kind in (kind for kind in _CONFIDENCE if kinds[kind]):
        groups = (f"(?P<{label}>{'|'.join(words)})" for label, words in kinds[kind].items())
        rules[kind] = compiled(frame[kind], words="|".join(groups))
    patterns = ("clause", "left", "right", "past", "now", "least", "others", "own", "message", "asked")
    return _Language(rules, {name: compiled(frame[name]) for name in patterns})


def _read(name: str, language: str) -> dict[str, Any]:
    return dict(read_table(Path(__file__).with_name(f"{name}.toml"))[language])
