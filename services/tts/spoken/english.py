"""Digits, signs and abbreviations in English text, as they are read aloud: $3.50 -> three dollars and fifty cents.

The rules are in `english.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from huiyin.services.tts.spoken import english_times
from huiyin.services.tts.spoken.numbers import cardinal_en, counted_en, digits_en, number_en, ordinal_en, plural_en
from huiyin.services.tts.spoken.rules import Rules, has_digits, language_table

_TABLE = language_table("english")
_MONEY: dict[str, tuple[str, str, str, str]] = _TABLE["money"]
_SCALES: dict[str, str] = _TABLE["scales"]
_UNITS: dict[str, str | tuple[str, str]] = _TABLE["units"]
_LONE_A = re.compile(r"\W?A")
_ROMAN = {"II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12,
          "XIII": 13, "XIV": 14, "XV": 15, "XVI": 16, "XX": 20}  # fmt: skip


def read_english(text: str) -> str:
    """`text`, English, with its digits, signs and abbreviations in words.

    >>> read_english("It was 10:05 a.m. on May 5, 2024: -5°C.")
    'It was ten oh five a.m. on May fifth, twenty twenty-four: minus five degrees Celsius.'
    """
    text = _ABBREVIATIONS.apply(text)
    if has_digits(text):
        text = _NUMBERS.apply(text)
    return _SIGNS.apply(text)


def _money(match: re.Match[str]) -> str:
    one, many, cent, cents = _MONEY[match["sign"]]
    minus = "minus " if match["minus"] else ""
    number, scale = match["n"], (match["scale"] or "").strip()
    if scale:
        return f"{minus}{number_en(_trimmed(number))} {_SCALES.get(scale, scale)} {many}"
    whole, _, part = number.replace(",", "").partition(".")
    if len(part) not in (0, 2):
        return f"{minus}{number_en(number)} {many}"
    words = [counted_en(whole, (one, many))] if int(whole) or not int(part or 0) else []
    if int(part or 0):
        words.append(counted_en(part.lstrip("0"), (cent, cents)))
    return minus + " and ".join(words)


def _money_range(match: re.Match[str]) -> str:
    scale = (match["scale"] or "").strip()
    scale = f" {_SCALES.get(scale, scale)}" if scale else ""
    return f"{number_en(match['a'])} to {number_en(match['b'])}{scale} {_MONEY[match['sign']][1]}"


def _roman(numeral: str, read: Callable[[int], str]) -> str:
    return read(_ROMAN[numeral]) if numeral in _ROMAN else "one" if numeral == "I" else numeral


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _unit(match: re.Match[str]) -> str:
    unit = _UNITS[match["unit"]]
    names = (unit, unit + "s") if isinstance(unit, str) else unit
    return ("minus " if match["minus"] else "") + counted_en(match["n"], (names[0], names[1]))


def _fraction(match: re.Match[str]) -> str:
    top, bottom = int(match["a"]), int(match["b"])
    whole = f"{number_en(match['whole'])} and " if match["whole"] else ""
    if top >= bottom or bottom > 100:
        return f"{whole}{number_en(match['a'])} {'over ' if bottom > 100 else ''}{number_en(match['b'])}"
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


def _named(match: re.Match[str]) -> str:
    """A number that belongs to a name: A4, H264; small ones after a hyphen are numbers: COVID-19."""
    number = match["n"]
    words = number_en(number) if len(number) <= 2 or "." in number else digits_en(number)
    article = _LONE_A.fullmatch(match.string[: match.start()][-2:])  # "A four" would be read as the article
    return ("-" if article else " ") + words + (" " if match["next"] else "")


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ("plus " if match[0].startswith("+") else "") + ", ".join(map(digits_en, groups))


def _range_of(match: re.Match[str]) -> str:
    """3-5, 3%-5%; the unit that follows is that of both."""
    second_has_percent = match.string.startswith("%", match.end())
    first = number_en(match["a"]) + (" percent" if match["percent"] and not second_has_percent else "")
    # The second is left for the rules after this one: it may carry a percent sign or a unit.
    return f"{first} to {match['b']}"


def _spaced(match: re.Match[str]) -> str:
    return number_en(match["n"]) + (" " if match["next"] else "")


_FORMS = {
    "number": number_en,
    "digits": digits_en,
    "room": lambda number: digits_en(number, "oh"),
    "minor": _minor,
    "ordinal": lambda number: ordinal_en(int(number.replace(",", "")[:15])),
    "roman": lambda numeral: _roman(numeral, cardinal_en),
    "crowned": lambda numeral: _roman(numeral, lambda n: f"the {ordinal_en(n)}"),
    "scale": _SCALES.__getitem__,
    "operator": lambda sign: _TABLE["operators"][sign.strip()],
    **english_times.FORMS,
}
_READERS = (_dotted, _phone, _money_range, _money, _fraction, _range_of, _unit, _named, _spaced, *english_times.READERS)
_ABBREVIATIONS = Rules(_TABLE["abbreviations"], _TABLE["patterns"], _FORMS)
_NUMBERS = Rules(_TABLE["numbers"], _TABLE["patterns"], _FORMS, _READERS)
_SIGNS = Rules(_TABLE["signs"], _TABLE["patterns"], _FORMS)
