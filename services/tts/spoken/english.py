"""Digits, signs and abbreviations in English text, as they are read aloud: $3.50 -> three dollars and fifty cents.

The rules are in the folder `en`, one kind a file; this is what they call for where a template is not enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from huiyin.services.tts.spoken import english_times
from huiyin.services.tts.spoken.english_units import unit_readers
from huiyin.services.tts.spoken.formulas import SYMBOLS
from huiyin.services.tts.spoken.numbers import (
    cardinal_en,
    counted_en,
    digits_en,
    number_en,
    ordinal_en,
    paired_en,
    plural_en,
    roman_value,
)
from huiyin.services.tts.spoken.rules import Rules, expanded, has_digits, language_table

_KINDS = (
    "dates", "codes", "scores", "names", "money", "times", "mathematics", "ranges", "units", "amounts",
)  # fmt: skip
_TABLE = language_table("en", ("abbreviations", *_KINDS, "signs"))
_MONEY: dict[str, tuple[str, str, str, str]] = _TABLE["money"]
_SCALES: dict[str, str] = _TABLE["scales"]
_LONE_A = re.compile(r"\W?A")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MENUS = re.compile(r"(?:Settings|File|Edit|View|Tools|Options|Preferences|Menu|System|Home|Window|Help)\s*$")
_ARROW = re.compile(expanded(r"\s*{ARROW}\s*", _TABLE["patterns"]))


def read_english(text: str) -> str:
    """`text`, English, with its digits, signs and abbreviations in words.

    >>> read_english("It was 10:05 a.m. on May 5, 2024: -5°C.")
    'It was ten oh five a.m. on May fifth, twenty twenty-four: minus five degrees Celsius.'
    """
    text = _ABBREVIATIONS.apply(text)
    if has_digits(text):
        text = _NUMBERS.apply(text)
    elif "^" in text or "(" in text or "√" in text:
        text = _MATHEMATICS.apply(text)
    return _SIGNS.apply(text)


def _money(match: re.Match[str]) -> str:
    one, many, cent, cents = _MONEY[match["sign"]]
    minus = "minus " if match["minus"] or "-" in match[0][:-1].split(match["n"])[0] else ""
    number, scale = match["n"], (match["scale"] or "").strip()
    if scale:
        return f"{minus}{number_en(_trimmed(number))} {_SCALES.get(scale, scale)} {many}"
    whole, _, part = number.replace(",", "").partition(".")
    if len(part) not in (0, 2) or not cent:
        return f"{minus}{counted_en(number, (one, many))}"
    words = [counted_en(whole, (one, many))] if int(whole) or not int(part or 0) else []
    if int(part or 0):
        words.append(counted_en(part.lstrip("0"), (cent, cents)))
    return minus + " and ".join(words)


def _money_range(match: re.Match[str]) -> str:
    scale = (match["scale"] or "").strip()
    scale = f" {_SCALES.get(scale, scale)}" if scale else ""
    return f"{number_en(match['a'])} to {number_en(match['b'])}{scale} {_MONEY[match['sign']][1]}"


def _roman(numeral: str, read: Callable[[int], str]) -> str:
    return read(roman_value(numeral))


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _fraction(match: re.Match[str]) -> str:
    top, bottom = int(match["a"]), int(match["b"])
    whole = f"{number_en(match['whole'])} and " if match["whole"] else ""
    if top >= bottom or bottom > 100:
        return f"{whole}{number_en(match['a'])} {'over ' if bottom > 100 or bottom < 10 else ''}{number_en(match['b'])}"
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal_en(bottom)
    words = f"{cardinal_en(top)} {name}" if top == 1 else f"{cardinal_en(top)} {plural_en(name)}"
    return whole + ("a half" if whole and words == "one half" else words)


def _dotted(match: re.Match[str]) -> str:
    """A version in numbers, an address in digits."""
    parts = match["n"].split(".")
    version = "version " if match["v"] else ""
    if len(parts) == 4 and not version:
        return " dot ".join(map(digits_en, parts))
    return version + " point ".join(cardinal_en(int(part)) if len(part) < 5 else digits_en(part) for part in parts)


def _minor(part: str) -> str:
    return digits_en(part, "oh") if part[0] == "0" and len(part) > 1 else number_en(part)


def _part(number: str) -> str:
    """A number in a name: RTX 4090 is forty ninety."""
    return number_en(number) if "." in number or "," in number else paired_en(number)


def _named(match: re.Match[str]) -> str:
    """A number that belongs to a name: A4, H264; small ones after a hyphen are numbers: COVID-19."""
    article = _LONE_A.fullmatch(match.string[: match.start()][-2:])  # "A four" would be read as the article
    return ("-" if article else " ") + _part(match["n"]) + (" " if match["next"] else "")


def _model(match: re.Match[str]) -> str:
    """i7-12700K -> i seven, twelve seven hundred K."""
    first = True
    words = []
    for part in re.findall(r"[A-Za-z]+|\d+(?:\.\d+)?", match[0]):
        if part.isalpha():
            words.append(part)
        else:
            words.append(("" if first or len(part) < 3 else ", ") + _part(part))
            first = False
    return " ".join(words).replace(" , ", ", ")


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ("plus " if match[0].startswith("+") else "") + ", ".join(map(digits_en, groups))


def _to_below(match: re.Match[str]) -> str:
    """-20 to -10: the second is left for the rules after this one."""
    return f"{match['a']}{match['ua'] or ''} to -"


def _range_of(match: re.Match[str]) -> str:
    """3-5, 3%-5%; the unit that follows is that of both."""
    second_has_percent = match.string.startswith("%", match.end())
    first = number_en(match["a"]) + (" percent" if match["percent"] and not second_has_percent else "")
    # The second is left for the rules after this one: it may carry a percent sign or a unit.
    return f"{first} to {match['b']}"


def _spaced(match: re.Match[str]) -> str:
    return number_en(match["n"]) + (" " if match["next"] else "")


def _charge(match: re.Match[str]) -> str:
    return f" {number_en(match['n']) + ' ' if match['n'] else ''}{'plus' if match['sign'] == '+' else 'minus'}"


def _power(match: re.Match[str]) -> str:
    exponent = match["n"]
    if exponent in ("2", "3"):
        return " squared" if exponent == "2" else " cubed"
    minus = "minus " if exponent[0] == "-" else ""
    exponent = exponent.lstrip("-")
    return f" to the power of {minus}{number_en(exponent) if _NUMBER.fullmatch(exponent) else exponent}"


def _angle(match: re.Match[str]) -> str:
    words = f"{counted_en(match['d'], ('degree', 'degrees'))} {counted_en(match['m'], ('minute', 'minutes'))}"
    return words + (f" {counted_en(match['s'], ('second', 'seconds'))}" if match["s"] else "")


def _arrows(match: re.Match[str]) -> str:
    """A -> B is "to"; the way through menus has pauses."""
    first, *rest = _ARROW.split(match[0])
    return (", " if _MENUS.search(first) else " to ").join([first, *rest])


_FORMS = {
    "number": number_en,
    "digits": digits_en,
    "paired": paired_en,
    "last": lambda number: cardinal_en(int(number[-1])),
    "minor": _minor,
    "ordinal": lambda number: ordinal_en(int(number.replace(",", "")[:15])),
    "roman": lambda numeral: _roman(numeral, cardinal_en),
    "crowned": lambda numeral: _roman(numeral, lambda n: f"the {ordinal_en(n)}"),
    "scale": _SCALES.__getitem__,
    "operator": lambda sign: _TABLE["operators"][sign.strip()],
    "symbol": lambda sign: SYMBOLS[sign.strip()][1],
    **english_times.FORMS,
}
_READERS = (
    _dotted, _phone, _money_range, _money, _fraction, _to_below, _range_of, _named, _model, _spaced, _charge, _power,
    _angle, _arrows, *unit_readers(_TABLE["units"], _TABLE["per"]), *english_times.READERS,
)  # fmt: skip
_ABBREVIATIONS = Rules(_TABLE["rules"]["abbreviations"], _FORMS, _READERS)
_NUMBERS = Rules([row for kind in _KINDS for row in _TABLE["rules"][kind]], _FORMS, _READERS)
_MATHEMATICS = Rules(_TABLE["rules"]["mathematics"], _FORMS, _READERS)
_SIGNS = Rules(_TABLE["rules"]["signs"], _FORMS, _READERS)
