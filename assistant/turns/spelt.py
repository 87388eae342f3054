"""Digits and letters said one by one or in groups at the end of a text, as recognisers write them.

"one three eight", 一三八, "double five", "1 3 8", "138-0013" and any mixture of these; letters and figures of plates,
flights and names: 京A一二三四五, "S M I T H", "CA 1831".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from huiyin.assistant.turns.normalise import APOSTROPHE
from huiyin.services.common.text import HAN

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
"""The first character of a Chinese number plate."""

UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""English numbers from 1 on."""

_DIGITS = dict(zip(["zero", *UNITS], "0123456789", strict=True))
_DIGITS |= {"oh": "0", "o": "0", "nought": "0"}
_DIGITS |= dict(zip("零一二三四五六七八九〇幺", "012345678901", strict=True))
# What recognisers write for Chinese digits: characters of the same sound.
_ALIKE = {
    "0": "令领灵铃玲凌陵岭林", "1": "以已衣医依意义易亦椅姨疑宜仪乙要腰药妖邀", "2": "而儿耳尔饵",
    "3": "山伞散删衫珊", "4": "死思斯丝司私寺似撕", "5": "屋无午舞物武误务雾吾乌勿吴", "6": "溜刘留流柳",
    "7": "气起妻期其奇器汽齐骑", "8": "吧爸巴把霸罢拔", "9": "就酒久旧救舅究纠",
}  # fmt: skip
_TO_DIGIT = str.maketrans({character: digit for digit, alike in _ALIKE.items() for character in alike})
_FEWEST_ALIKE = 3  # characters in a row
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBERS = {word: str(10 + i) for i, word in enumerate(_TEENS)} | {word: f"{2 + i}0" for i, word in enumerate(_TENS)}
NUMBER_WORDS = "|".join([*(word for word in _DIGITS if word.isascii() and len(word) > 1), *_NUMBERS])
"""English words of numbers below 100, as alternatives of a regular expression."""
_TIMES = {"double": 2, "triple": 3, "treble": 3}
_SIGNS = {"plus": "+"}
_BETWEEN = {"dash", "hyphen", "dot", "杠", "横"}  # said, and no part of it
_SHORT_WORD = re.compile(
    "am|an|as|at|be|by|do|go|he|hi|if|in|is|it|me|my|no|of|ok|on|or|so|to|uh|um|up|us|we"
)  # no such letters
_PREFIX = 2  # letters, at most, that stand together before figures: of an airline, a courier

_IN_PLACES = "".join(rf"(?<!\b{word} )" for word in ("in", "to", "the", "from", "a", "an", "on"))  # "in the UK"
_CAPITALS = re.compile(
    rf"(?<![A-Za-z])(?i:{_IN_PLACES})[A-Z](?:[.-]?[A-Z]){{1,3}}(?![A-Za-z])"
)  # longer ones are words
_CAPITAL_WORDS = ("OK", "AM", "PM", "TV")
_ACRONYM = re.compile(r"\b(?:[a-z]\.){2,}")  # "p.m." is a word
_AS_IN = re.compile(r"\b([a-z]),? (?:as in|for|like) [a-z]+")  # "b as in boy"
# Sums, times and decimals are one figure: a number of its own, unless digits are expected.
_TOKEN = re.compile(rf"\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+(?:[.:]\d+)+|\+|\d+|[a-z']+|[{HAN}]")
_CLOCK = re.compile(r"(?:1?\d|2[0-3]) [0-5]\d")  # "7 30"
_FIGURE_MARK = re.compile("[,.:]")
_COUNTED = {*"十百千万亿点第周期拜", "hundred", "thousand", "million", "point"}  # before it: a number of its own


_WRITTEN = "\\d零一二三四五六七八九〇幺"
_DIGIT_ZH = f"[{_WRITTEN}{''.join(_ALIKE.values())}]"
_ALIKE_END = re.compile(rf"(?:{_DIGIT_ZH}[\s,.。、，-]*){{{_FEWEST_ALIKE},}}$")


class Spelt(NamedTuple):
    """What is spelt at the end of a text. `before`: the text before it; `characters`: digits and lower-case letters."""

    before: str
    characters: str
    groups: int = 0  # pieces that it was said or written in
    is_cut: bool = False  # the last word announces another: "double", "dash"
    is_one_by_one: bool = True  # no piece is a number of its own, such as "thirty" or "7:30"; all are written alike


def plain(text: str) -> str:
    """Lower case, half width, straight apostrophes, acronyms without stops, "b as in boy" as "b"; the
    toll-free prefix of North America digit by digit."""
    text = APOSTROPHE.sub("'", unicodedata.normalize("NFKC", text).lower())
    text = text.replace("one eight hundred", "one eight oh oh")
    return _AS_IN.sub(r"\1", _ACRONYM.sub(lambda match: match[0].replace(".", ""), text))


def letters_apart(text: str) -> str:
    """`text`, not yet `plain`, with the letters of "BA", "B.A." and "H-A-U" apart: as recognisers write what is spelt.

    "OK" stays a word, and "UK" after "the".
    """

    def apart(match: re.Match[str]) -> str:
        letters = [letter for letter in match[0] if letter.isalpha()]
        return match[0] if "".join(letters) in _CAPITAL_WORDS else " ".join(letters)

    return _CAPITALS.sub(apart, text)


def digits_by_sound(text: str) -> str:
    """`text`, where all characters at its end are Chinese digits or sound like some: with these as digits."""
    found = _ALIKE_END.search(text)
    if not found or not re.search(f"[{_WRITTEN}]", found[0]):
        return text
    return text[: found.start()] + found[0].translate(_TO_DIGIT)


def share_of_digits(text: str) -> float:
    """Of the letters and figures of `text`, 0..1: digits, written or by their sound, and characters that count."""
    letters = [letter for letter in text if letter.isalnum()]
    return len(re.findall(f"{_DIGIT_ZH}|[十百千万亿]", "".join(letters))) / max(1, len(letters))


def spelt_end(text: str, *, letters: bool) -> Spelt:
    """The digits, and with `letters` also single letters, at the end of `text`, which is `plain`."""
    tokens = list(_TOKEN.finditer(text))
    first = len(tokens)
    while first and _is_spelt(tokens[first - 1][0], letters):
        first -= 1
    first = _with_prefix(tokens, first) if letters else first
    if first < len(tokens) and tokens[first][0] in ("a", "i") and not _is_letter(tokens, first + 1):
        first += 1  # a word of the sentence
    said = [token[0] for token in tokens[first:]]
    is_pronoun = first > 0 and said == ["one"]
    if not said or is_pronoun or (first and tokens[first - 1][0] in _COUNTED):
        return Spelt(text, "")
    return Spelt(
        text[: tokens[first].start()],
        "".join(_read(said)),
        len(said),
        said[-1] in _TIMES or said[-1] in _BETWEEN,
        not any(word in _NUMBERS or _FIGURE_MARK.search(word) for word in said)
        and not _CLOCK.fullmatch(" ".join(said))
        and len({word[0].isdecimal() for word in said}) == 1,
    )


def _is_spelt(token: str, letters: bool) -> bool:
    if token[0].isdecimal() or token == "+" or token in _DIGITS or token in _NUMBERS or token in _TIMES:
        return True
    if token in _BETWEEN or token in _SIGNS:
        return True
    return letters and ((len(token) == 1 and token.isascii()) or token in PROVINCES)


def _is_letter(tokens: list[re.Match[str]], at: int) -> bool:
    return at < len(tokens) and len(tokens[at][0]) == 1 and tokens[at][0].isascii() and tokens[at][0].isalpha()


def _with_prefix(tokens: list[re.Match[str]], first: int) -> int:
    """Where it begins with the letters before its figures: "CA" of "CA 1831"."""
    if not 0 < first < len(tokens) or not (tokens[first][0].isdecimal() or tokens[first][0] in _DIGITS):
        return first
    prefix = tokens[first - 1]
    is_glued = prefix.end() == tokens[first].start()
    is_short = prefix[0].isascii() and prefix[0].isalpha() and len(prefix[0]) <= _PREFIX
    if not is_short or (_SHORT_WORD.fullmatch(prefix[0]) and not is_glued):
        return first
    return first - 2 if first > 1 and tokens[first - 2][0] in PROVINCES else first - 1


def _read(said: list[str]) -> Iterator[str]:
    times, tens = 1, ""
    for word in said:
        if word in _TIMES:
            times = _TIMES[word]
            continue
        digit = _DIGITS.get(word, "")
        if tens and digit not in ("", "0"):  # "twenty three"
            yield tens[0] + digit
            tens = ""
            continue
        yield tens
        tens = ""
        if word in _TENS:
            tens = _NUMBERS[word]
        elif word not in _BETWEEN:
            character = _NUMBERS.get(word) or _SIGNS.get(word) or digit or _FIGURE_MARK.sub("", word)
            yield character[0] * times + character[1:]
        times = 1
    yield tens
