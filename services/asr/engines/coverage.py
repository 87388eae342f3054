"""Whether a text is too short for its speech: a decoder may stop after the first of two sentences.

Measured on 140 recorded and synthesised sentences in zh and en, in letters a second of voice activity (a Chinese
character counts as three, as long as it takes to say): 9.8 the slowest, 15 the median.

Missing words that are few do not make the text too short. But the times at which the decoder turned to the words show
speech without any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, pairwise

from huiyin.services.asr.engines.languages import Stretch
from huiyin.services.common.text import HAN, HANGUL, KANA

_SLOWEST = 9.0  # letters a second
_USUAL = 13.0
_MISSING_S = 1.5  # of speech without text, at least: a hesitation has no words
_LONG_SIGN = re.compile(f"[{HAN}{KANA}{HANGUL}0-9]")
_LONG_LETTERS = 3
_WORD = re.compile(rf"[{HAN}{KANA}{HANGUL}]|[^\W{HAN}{KANA}{HANGUL}]+")  # of scripts without spaces, one character
_THINNER = 1.3  # times fewer letters a second than in the other half: something is missing
_SAME = 0.5  # of the words: a second decoding writes some of them otherwise
_CHANCE = 0.2  # of the words that two sentences have in common (的, "the")
_QUICKEST = 24.0  # letters a second
_LEAST_FRAMES = 8  # of 32 ms: the shortest word
_LATE_S = 0.1  # after the end of the speech: a word's beginning is as inexact


@dataclass(frozen=True)
class Piece:
    """Frames of voice activity, `end` not included, and which texts were said in them: empty where it was left out."""

    start: int
    end: int
    said: range


def letters(text: str) -> int:
    """How long it takes to say `text`, in Latin letters."""
    return sum(_LONG_LETTERS if _LONG_SIGN.match(char) else 1 for char in text if char.isalnum())


def is_too_short(text: str, speech_s: float) -> bool:
    """Whether words are likely to be missing from the text of so much speech."""
    count = letters(text)
    return count < _SLOWEST * speech_s and speech_s - count / _USUAL > _MISSING_S


def holds(text: str, part: str) -> bool:
    """Whether `text` has most of the words of `part`, in their order: then they are the same speech."""
    return _in_common(text, part) >= _SAME * len(_words(part))


def is_as_dense(text: str, part: str, other_s: float, part_s: float) -> bool:
    """Whether `text`, of `part_s` seconds of speech with the words `part` and `other_s` of other, is as full there."""
    count = letters(part)
    return _THINNER * (letters(text) - count) * part_s >= count * other_s


def is_of_the_other(text: str, part: str, other_s: float) -> bool:
    """Whether `text` is what was said in `other_s` seconds of speech beside the words `part`, and nothing of these."""
    if letters(text) > _QUICKEST * other_s or is_too_short(text, other_s):
        return False
    return _in_common(text, part) <= _CHANCE * len(_words(text))


def places(texts: Sequence[str], starts_s: Sequence[float], speech_s: Sequence[tuple[float, float]]) -> list[int]:
    """In which part of the speech each of `texts` was said: characters, parts of words, marks, in order.

    `starts_s`: when each begins, and when the last one ends. `speech_s`: the parts, from when to when. What begins in a
    pause belongs to the part after it, a mark to what is before it. The first text seems to begin with the sound,
    wherever it is: the next one tells.
    """
    following = texts[1:2] if any(map(_is_spoken, texts[1:2])) else ()
    before_s = [start_s for start_s, _ in speech_s if start_s < starts_s[1]]
    found = [_place(starts_s[1], speech_s) if following else max(len(before_s) - 1, 0)]
    for text, start_s in zip(texts[1:], starts_s[1:-1], strict=True):
        found.append(max(found[-1], _place(start_s, speech_s)) if _is_spoken(text) else found[-1])
    return found


def pieces(parts: Sequence[Stretch], frames: int, where: Sequence[int]) -> list[Piece]:
    """The pieces of `frames` frames with and without text in turn, cut in the middles of the pauses.

    `where`: in which part each text was said. Speech shorter than any word goes with the rest.
    """
    found: list[tuple[bool, int, int]] = []  # (without text, first part, end)
    for silent, group in groupby(range(len(parts)), key=lambda number: number not in where):
        numbers = list(group)
        silent = silent and sum(parts[i].end - parts[i].start for i in numbers) >= _LEAST_FRAMES
        first = found.pop()[1] if found and not (silent or found[-1][0]) else numbers[0]
        found.append((silent, first, numbers[-1] + 1))
    cuts = [0, *((parts[end - 1].end + parts[end].start) // 2 for *_, end in found[:-1]), frames]
    said = [[i for i, number in enumerate(where) if first <= number < end] for _, first, end in found]
    return [
        Piece(start, end, range(each[0], each[-1] + 1) if each else range(0))
        for (start, end), each in zip(pairwise(cuts), said, strict=True)
    ]


def is_at_an_end(text: str, part: str) -> bool:
    """Whether `text` begins or ends with the words of `part`."""
    words, some = _words(text), _words(part)
    return some in (words[: len(some)], words[len(words) - len(some) :])


def _is_spoken(text: str) -> bool:
    return any(map(str.isalnum, text))


def _place(begins_s: float, speech_s: Sequence[tuple[float, float]]) -> int:
    return min(sum(begins_s > end_s + _LATE_S for _, end_s in speech_s), len(speech_s) - 1)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _in_common(text: str, other: str) -> int:
    """How many words both have, in one order."""
    blocks = SequenceMatcher(None, _words(text), _words(other), autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks)
