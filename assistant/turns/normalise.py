"""Transcripts made comparable: the recogniser's case, marks and spaces say nothing about what was meant."""

from __future__ import annotations

import re

from huiyin.services.common.text import HAN, HAN_CHARACTER

_MARKS = re.compile(rf"[^\w{HAN}']+")
APOSTROPHE = re.compile(r"[’‘`]")  # that is not straight
_HAN_A_WORD = 1.5  # Chinese words have one or two characters
_WITHIN_A_WORD = re.compile(rf"[^\s{HAN}][^\s{HAN}]")
_BESIDE_HAN = re.compile(rf"(?<=[{HAN}]) | (?=[{HAN}])")


def normalised(text: str) -> str:
    """Lower case, no marks, one space between words of Latin script and none beside a Chinese character."""
    plain = _MARKS.sub(" ", APOSTROPHE.sub("'", text.lower())).replace("_", " ")
    return _BESIDE_HAN.sub("", " ".join(plain.split()))


def word_count(text: str) -> float:
    """About how many words these are: a Chinese character is two thirds of one."""
    plain = normalised(text)
    return len(HAN_CHARACTER.findall(plain)) / _HAN_A_WORD + len(HAN_CHARACTER.sub(" ", plain).split())


def words_of_part(text: str, first: float, last: float) -> str:
    """The words of the part of `text` from `first` to `last`, 0..1 of its length; those cut in two are whole."""
    start, end = round(first * len(text)), round(last * len(text))
    while 0 < start < len(text) and _WITHIN_A_WORD.match(text, start - 1):
        start -= 1
    while 0 < end < len(text) and _WITHIN_A_WORD.match(text, end - 1):
        end += 1
    return text[start:end]


def sequence_of(phrases: str) -> re.Pattern[str]:
    """A pattern for normalised text that is nothing but these phrases ('a|b'), once or several times over."""
    return re.compile(rf"(?:(?:{phrases})\s?)+")
