"""Transcripts made comparable: the recogniser's case, marks and spaces say nothing about what was meant."""

from __future__ import annotations

import re

from huiyin.services.common.text import HAN, HAN_CHARACTER

_MARKS = re.compile(rf"[^\w{HAN}']+")
_APOSTROPHE = re.compile(r"[’‘`]")
_HAN_A_WORD = 1.5  # Chinese words have one or two characters
_BESIDE_HAN = re.compile(rf"(?<=[{HAN}]) | (?=[{HAN}])")


def normalised(text: str) -> str:
    """Lower case, no marks, one space between words of Latin script and none beside a Chinese character."""
    plain = _MARKS.sub(" ", _APOSTROPHE.sub("'", text.lower())).replace("_", " ")
    return _BESIDE_HAN.sub("", " ".join(plain.split()))


def word_count(text: str) -> float:
    """About how many words these are: a Chinese character is two thirds of one."""
    plain = normalised(text)
    return len(HAN_CHARACTER.findall(plain)) / _HAN_A_WORD + len(HAN_CHARACTER.sub(" ", plain).split())


def sequence_of(phrases: str) -> re.Pattern[str]:
    """A pattern for normalised text that is nothing but these phrases ('a|b'), once or several times over."""
    return re.compile(rf"(?:(?:{phrases})\s?)+")
