"""Dates, times of day and years in English: 2024-05-01 -> May first, twenty twenty-four; 10:05 -> ten oh five."""

from __future__ import annotations

import re

from huiyin.services.tts.spoken.numbers import cardinal_en, counted_en, ordinal_en, plural_en, year_en
from huiyin.services.tts.spoken.rules import BOUND, TO, TO_SIGNS, rule

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_MONTH_SIGNS = "JFMASOND"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])"
_YEAR_CUE = re.compile(
    r"\b(?:in|since|by|until|till|before|after|during|of|from|to|around|circa|early|late|mid|year|for|between|and"
    r"|spring|summer|autumn|fall|winter|born|©|founded|than)\s\Z|(?<!\w)\(\Z",
    re.I,
)
_LONGEST_CUE = 9  # characters: "between", the space after it, and what stands before it
# After "in 2000" comes no noun when it is a year: the end, a mark, or one of these.
_YEAR_END = (
    r"(?=\s*(?:$|[.,;:!?)\"”\n—–])|\s+(?:and|or|to|until|was|were|is|the|it|he|she|they|we|I|you|a|an|when|with|by|at|in|on"
    r"|for|but|as|because|after|before|which|that|there|saw|had|has|has|will|would|while|census|election)\b)"
)
_YEAR = r"(?P<year>1[1-9]\d\d|20\d\d)(?![\d,.]\d|[%°])"
_CLOCK = (
    r"(?P<hour>[01]?\d|2[0-4])(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?\s?(?P<half>[AaPp])(?:\.[Mm]\.|[Mm]\b)"
)


def _month(name: str) -> str:
    return next(month for month in _MONTHS if month.startswith(name[:3].title()))


def _date(match: re.Match[str]) -> str:
    month, day = int(match["m"]), int(match["d"])
    return f"{_MONTHS[month - 1]} {ordinal_en(day)}, {year_en(int(match['year']))}"


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
    return words + (f" {half}.m." if half else "")


def _year(match: re.Match[str]) -> str:
    return year_en(int(match["year"]))


def _cued_year(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - _LONGEST_CUE) : match.start()]
    return _year(match) if _YEAR_CUE.search(before) else match[0]


def _decade(match: re.Match[str]) -> str:
    number = int(match["n"])
    return plural_en(cardinal_en(number) if number < 100 else year_en(number))


DATES = [
    rule(BOUND + r"(?P<year>[12]\d{3})[-/](?P<m>0?[1-9]|1[0-2])[-/](?P<d>0?[1-9]|[12]\d|3[01])(?!\d)", _date, "-/"),
    rule(BOUND + r"(?P<m>0?[1-9]|1[0-2])/(?P<d>0?[1-9]|[12]\d|3[01])/(?P<year>[12]\d{3})(?!\d)", _date, "/"),
    rule(rf"\b{_MONTH}\s(?P<d>{_DAY})(?:st|nd|rd|th)?\b(?![:.,]\d)(?:,?\s(?P<y>[12]\d{{3}})\b)?", _named_date,
         _MONTH_SIGNS),
    rule(rf"(?P<the>\bthe )?{BOUND}(?P<d>{_DAY})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (?P<y>[12]\d{{3}})\b)?",
         _day_first, _MONTH_SIGNS),
    rule(rf"\b{_MONTH} (?P<y>1[1-9]\d\d|20\d\d)\b", lambda m: f"{_month(m['month'])} {year_en(int(m['y']))}",
         _MONTH_SIGNS),
]  # fmt: skip
TIMES = [
    rule(rf"{BOUND}(?P<a>\d{{1,2}}(?::\d\d)?\s?(?:[AaPp]\.?[Mm]\.?)?){TO}(?=\d{{1,2}}(?::\d\d|\s?[AaPp]\.?[Mm]))",
         r"\g<a> to ", TO_SIGNS),
    rule(BOUND + _CLOCK, _time, "AaPp"),
    rule(BOUND + r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?P<half>)(?![\d:])",
         _time, ":"),
    rule(r"(?<![\w.])'?(?P<n>1[1-9]\d0|20\d0|[1-9]0)'?s\b", _decade, "s"),
    rule(BOUND + r"(?P<a>1[1-9]\d\d|20\d\d)\s?[-–—]\s?(?P<b>1[1-9]\d\d|20\d\d)(?![\d,]|\.\d)",
         lambda m: f"{year_en(int(m['a']))} to {year_en(int(m['b']))}", "-–—"),
    rule(rf"(?<=[\s(]){_YEAR}{_YEAR_END}", _cued_year, flags=re.I),
    rule(rf"(?m)(?:^|(?<=[.!?]\s)){_YEAR}(?=\s(?:was|is|saw|will|marked|would|were|had)\b)", _year),
    rule(rf"{BOUND}{_YEAR}(?=\s(?:BC|AD|BCE|CE)\b)", _year, "BAC"),
]  # fmt: skip
