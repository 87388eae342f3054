"""Dates, times of day and years in English: 2024-05-01 -> May first, twenty twenty-four; 10:05 -> ten oh five."""

from __future__ import annotations

import re

from huiyin.services.tts.spoken.numbers import cardinal_en, counted_en, digits_en, ordinal_en, plural_en, year_en
from huiyin.services.tts.spoken.rules import WORDS

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_YEAR_CUE = re.compile(rf"\b(?:{WORDS['year_cues']})\s\Z|(?<!\w)\(\Z", re.I)
_THIS_CENTURY = 70  # a year of two digits below this is of this century
_LONGEST_CUE = 9  # characters: "between", the space after it, and what stands before it


def _month(name: str) -> str:
    return next(month for month in _MONTHS if month.startswith(name[:3].title()))


def _date(match: re.Match[str]) -> str:
    month, day = int(match["m"]), int(match["d"])
    year = int(match["year"])
    if year < 100:
        year += 2000 if year < _THIS_CENTURY else 1900
    return f"{_MONTHS[month - 1]} {ordinal_en(day)}, {year_en(year)}"


def _days(match: re.Match[str]) -> str:
    words = f"{_month(match['month'])} {ordinal_en(int(match['d']))} to {ordinal_en(int(match['e']))}"
    return words + (f", {year_en(int(match['y']))}" if match["y"] else "")


def _named_date(match: re.Match[str]) -> str:
    words = f"{_month(match['month'])} {ordinal_en(int(match['d']))}"
    return words + (f", {year_en(int(match['y']))}" if match["y"] else "")


def _day_first(match: re.Match[str]) -> str:
    the = "" if match["the"] else "the "
    year = f" {year_en(int(match['y']))}" if match["y"] else ""
    return f"{match['the'] or ''}{the}{ordinal_en(int(match['d']))} of {_month(match['month'])}{year}"


def _time(match: re.Match[str]) -> str:
    hour, minute = int(match["hour"]), match["minute"]
    half = (match["half"] or "").lower()
    words = cardinal_en(hour)
    if minute and int(minute):
        words += (" oh " if minute[0] == "0" else " ") + cardinal_en(int(minute))
    elif not half:
        words = f"{words} hundred" if hour > 12 else f"{words} o'clock" if hour else "midnight"
    if match["second"]:
        words += f" and {counted_en(match['second'], ('second', 'seconds'))}"
    ends_sentence = match.string[match.end() : match.end() + 1] == "."  # one point is enough
    return words + (f" {half}.m{'' if ends_sentence else '.'}" if half else "")


def _cued_year(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - _LONGEST_CUE) : match.start()]
    return year_en(int(match["year"])) if _YEAR_CUE.search(before) else match[0]


def _decade(match: re.Match[str]) -> str:
    number = int(match["n"])
    return plural_en(cardinal_en(number) if number < 100 else year_en(number))


def _short_year(year: str) -> str:
    """'87 -> eighty-seven, '05 -> oh five."""
    return digits_en(year, "oh") if year[0] == "0" else cardinal_en(int(year))


FORMS = {"month": _month, "year": lambda year: year_en(int(year)), "short_year": _short_year}
READERS = (_date, _days, _named_date, _day_first, _time, _cued_year, _decade)
