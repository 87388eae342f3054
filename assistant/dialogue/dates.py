"""Dates in words, and whether what is said of today's is right: a small model gets the year or the weekday wrong.

Only where the user has asked for the date of today, or of a day next to it, as that is all that is known; likewise for
the time of day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal

_Part = tuple[Literal["year", "month", "day", "weekday"], int]

_WEEKDAYS = {
    "zh": ("一", "二", "三", "四", "五", "六", "日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
# Not strftime: that follows the machine's locale.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = {
    "zh": {-2: "前天", -1: "昨天", 0: "今天", 1: "明天", 2: "后天"},
    "en": {-1: "Yesterday", 0: "Today", 1: "Tomorrow"},
}

# Whole questions: "what year was it built" and 今天几号开会 ask for something else.
_ASKS = {
    "zh": re.compile(
        r"(?:(?P<day>[今明后昨前][天日儿])|现在|今年|这个?月|本月|^(?:请问|那)?[，,]?)(?:是|的|都|已经|到底|究竟|又)*"
        r"(?:(?:哪一?年|几几年|几月|哪一?月|几[号日]|多少号|哪一?[天日]|什么日[子期]|日期(?:是(?:什么|多少|哪一?天))?"
        r"|(?:星期|礼拜|周)几)[，,]?)+(?:了|呀|啊|呢|来着|吗)*[？?。！!]*$"
    ),
    "en": re.compile(
        r"\b(?:(?:what|which) (?:day|date|year|month)(?: of the (?:week|month))?"
        r" (?:is it|are we in|is today|is tomorrow|was yesterday|will it be)"
        r"|what(?:['’]s| is) the (?:date|day|year|month)|(?:today|tomorrow|yesterday)['’]s date)"
        r"(?:[, ]+(?:today|tomorrow|yesterday|now|right now|again|currently|please|is it|is|then))*[?.!]*$",
        re.I,
    ),
}
_OFFSETS = {"前": -2, "昨": -1, "今": 0, "明": 1, "后": 2}
_EN_OFFSET = re.compile(r"(?P<next>day after tomorrow|tomorrow)|(?P<last>day before yesterday|yesterday)", re.I)

_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0}
_HAN_NUMBER = r"(\d{1,2}|[一二三四五六七八九十]{1,3})"
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)|([一二][零〇一二三四五六七八九]{3})(?=年)")
_ZH_PARTS: tuple[tuple[re.Pattern[str], Literal["month", "day"]], ...] = (
    (re.compile(rf"{_HAN_NUMBER}月"), "month"),
    (re.compile(rf"{_HAN_NUMBER}[日号]"), "day"),
)
_ZH_WEEKDAY = re.compile(r"(?:星期|礼拜|周)([一二三四五六日天])")
_EN_MONTH = "|".join(_MONTHS)
_EN_PARTS = tuple(
    re.compile(rf"\b{pattern}(?!\d)\b")
    for pattern in (
        rf"(?P<weekday>{'|'.join(_WEEKDAYS['en'])})",
        rf"(?P<month>{_EN_MONTH})(?: (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?)?",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?:{_EN_MONTH})",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)",
    )
)
_SENTENCE_ENDS = tuple("。！？.!?")
_TODAY = re.compile(r"今[天日]|\btoday\b", re.I)

_ASKS_TIME = {
    "zh": re.compile(
        r"^(?:请问|麻烦问一?下|你知道|告诉我|那|嗯)?[，,]?(?:现在|这会儿|目前)?(?:是|都|已经)*(?:北京时间)?"
        r"(?:几点|什么时间|什么时候|几点几分)(?:几分|钟)?(?:了|呀|啊|呢|吗)*[？?。！!]*$"
    ),
    "en": re.compile(
        r"\b(?:what time is it|what(?:['’]s| is) the (?:current )?time|(?:do you have|have you got|tell me) the time)"
        r"(?:[, ]+(?:now|right now|please|there|then))*[?.!]*$",
        re.I,
    ),
}
_TIMES = {"zh": "现在{:%H:%M}。", "en": "It is {:%H:%M}."}
_HALF_A_DAY = 12  # hours


def dated(day: date, language: str, *, offset: int = 0) -> str:
    """A sentence in 'zh' or 'en' that tells the date of `day`, which is `offset` days after today: -2 to 2."""
    weekday = _WEEKDAYS[language][day.weekday()]
    name = _DAYS[language].get(offset, "That")
    if language == "zh":
        return f"{name}是{day.year}年{day.month}月{day.day}日，星期{weekday}。"
    return f"{name} {'was' if offset < 0 else 'is'} {weekday}, {day.day} {_MONTHS[day.month - 1]} {day.year}."


class DateCheck:
    """Of one reply. Pure."""

    def __init__(self, user: str, language: str, today: date) -> None:
        """`user`: the words that are answered, in `language` ('zh' or 'en')."""
        offset = _offset_asked_for(user.strip(), language)
        self._is_open = offset is not None
        self._is_told = False
        day = today + timedelta(days=offset or 0)
        self.instead = dated(day, language, offset=offset or 0)
        """What is right."""
        self._right, self._today = set(_parts_of(day)), set(_parts_of(today))

    def is_false(self, clause: str) -> bool:
        """Whether the next clause tells a date that is not right, or a sentence ends with it that tells none.

        Of the first sentence: those behind it may speak of other days.
        """
        if not self._is_open:
            return False
        parts = set(_parts_in(clause))
        self._is_told |= bool(parts)
        self._is_open = clause.rstrip()[-1:] not in _SENTENCE_ENDS
        right = self._right | self._today if _TODAY.search(clause) else self._right
        return bool(parts - right) or not (self._is_told or self._is_open)


class ClockCheck:
    """The same for the time of day. Pure."""

    def __init__(self, user: str, language: str, now: datetime) -> None:
        """As `DateCheck`; `now`: the user's local time."""
        self._is_open = bool(_ASKS_TIME[language].search(user))
        self._hours, self._minute = {now.hour, now.hour % _HALF_A_DAY or _HALF_A_DAY}, now.minute
        self.instead = _TIMES[language].format(now)
        """What is right."""

    def is_false(self, clause: str) -> bool:
        """Whether the next clause, the first that tells anything, does not tell the time in figures."""
        if not self._is_open:
            return False
        self._is_open = False
        told = [int(number) for number in re.findall(r"\d+", clause)][:2]
        return not (len(told) > 1 and told[0] in self._hours and told[1] == self._minute)


def _offset_asked_for(user: str, language: str) -> int | None:
    """Of which day the date is asked for, in days from today; None: of none."""
    if not (asked := _ASKS[language].search(user)):
        return None
    if language == "zh":
        return _OFFSETS[asked["day"][0]] if asked["day"] else 0
    if not (other := _EN_OFFSET.search(user)):
        return 0
    days = 1 if " " not in other[0] else 2
    return days if other["next"] else -days


def _parts_of(day: date) -> tuple[_Part, ...]:
    return ("year", day.year), ("month", day.month), ("day", day.day), ("weekday", day.weekday())


def _parts_in(clause: str) -> Iterator[_Part]:
    """The parts of dates that are told in a clause."""
    for year in _YEAR.finditer(clause):
        yield "year", int(year[1] or "".join(str(_HAN_DIGITS[digit]) for digit in year[2]))
    for pattern, name in _ZH_PARTS:
        for part in pattern.finditer(clause):
            yield name, _number(part[1])
    for weekday in _ZH_WEEKDAY.finditer(clause):
        yield "weekday", _WEEKDAYS["zh"].index(weekday[1].replace("天", "日"))
    for told in (found.groupdict() for pattern in _EN_PARTS for found in pattern.finditer(clause)):
        if weekday_name := told.get("weekday"):
            yield "weekday", _WEEKDAYS["en"].index(weekday_name)
        if month := told.get("month"):
            yield "month", _MONTHS.index(month) + 1
        if day := told.get("day"):
            yield "day", int(day)


def _number(text: str) -> int:
    """0 to 99, in digits or Chinese."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    return (_HAN_DIGITS.get(tens, 1) * 10 if ten else 0) + _HAN_DIGITS.get(ones, 0)
