"""Digits and signs in Chinese text, as they are read aloud: 3.5% -> 百分之三点五, 10:05 -> 十点零五分, 2个 -> 两个.

The rules are in `chinese.toml`.
"""

from __future__ import annotations

import re

from huiyin.services.tts.spoken.numbers import cardinal_zh, digits_zh, number_zh
from huiyin.services.tts.spoken.rules import Rules, expanded, has_digits, language_table

_TABLE = language_table("chinese")
_MONEY: dict[str, str] = _TABLE["money"]
_UNITS: dict[str, str] = _TABLE["units"]
_OPERATORS: dict[str, str] = _TABLE["operators"]
_SIGNS: dict[str, str] = _OPERATORS | _TABLE["signs"]
_COUNTED = re.compile(expanded("{COUNTED}", _TABLE["patterns"]))
_YEAR_FROM, _YEAR_TO = 1000, 2199
_ROUND = {"100": "百", "1000": "千", "10000": "万"}


def read_chinese(text: str) -> str:
    """`text`, Chinese, with its digits and signs in Chinese words.

    >>> read_chinese("涨了3.5%，到2024年5月1日10:05")
    '涨了百分之三点五，到二零二四年五月一日十点零五分'
    """
    if has_digits(text):
        text = _NUMBERS.apply(text)
    return _BETWEEN_WORDS.apply(text)


def _count(number: str, following: str) -> str:
    """The number as it is said before `following`: 2个 -> 两."""
    return "两" if number == "2" and _COUNTED.match(following) else number_zh(number)


def _after(match: re.Match[str]) -> str:
    return match.string[match.end() : match.end() + 4]


def _date(match: re.Match[str]) -> str:
    words = f"{digits_zh(match['year'])}年{cardinal_zh(int(match['month']))}月"
    return words + f"{cardinal_zh(int(match['day']))}日"


def _time(match: re.Match[str]) -> str:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    words = ("两" if int(hour) == 2 else cardinal_zh(int(hour))) + "点"
    if int(minute) or second:
        words += ("零" if minute[0] == "0" and int(minute) else "") + cardinal_zh(int(minute)) + "分"
    if second:
        words += ("零" if second[0] == "0" and int(second) else "") + cardinal_zh(int(second)) + "秒"
    return words


def _year(match: re.Match[str]) -> str:
    return digits_zh(match[0]) if _YEAR_FROM <= int(match[0]) <= _YEAR_TO else number_zh(match[0])


def _range(match: re.Match[str]) -> str:
    percent = "百分之" if match["pa"] or match["pb"] else ""
    unit = _UNITS.get(match["unit"] or "", "")
    after = "" if match["pb"] else unit or _after(match)
    first, second = _count(match["a"], after), _count(match["b"], after)
    if match.string[: match.start()].endswith("第"):
        first = number_zh(match["a"])
    minus = ("零下" if "度" in unit else "负") if match["minus"] else ""
    return f"{percent}{minus}{first}到{percent}{second}{unit}"


def _counted(match: re.Match[str]) -> str:
    return _count(match["n"], _after(match))


def _price(match: re.Match[str]) -> str:
    return _count(_whole(match["n"]), _after(match))


def _money(match: re.Match[str]) -> str:
    number = _whole(match["n"])
    scale = match["scale"].strip()
    return _count(number, scale or "元") + scale + _MONEY[match["sign"]]


def _whole(number: str) -> str:
    """Money without the zeros at its end: 99.90 -> 99.9, 5.00 -> 5."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _unit(match: re.Match[str]) -> str:
    unit = _UNITS[match["unit"]]
    counted = "两" if match["n"] == "2" and match["unit"][0] != "°" else number_zh(match["n"])
    if match["minus"]:
        return ("零下" if match["unit"][0] == "°" else "负") + counted + unit
    return counted + unit


def _fraction(match: re.Match[str]) -> str:
    if float(match["a"]) >= int(match["b"]):  # 24/7, a score
        return f"{number_zh(match['a'])}、{number_zh(match['b'])}"
    whole = _ROUND.get(match["b"]) or number_zh(match["b"])
    return f"{whole}分之{number_zh(match['a'])}"


def _named(match: re.Match[str]) -> str:
    """A number that belongs to a name: A4, H264; after a hyphen small ones are numbers: COVID-19."""
    number = match["n"]
    small = bool(match["hyphen"]) and len(number) <= 2
    return number_zh(number) if small or "." in number else digits_zh(number)


def _version(match: re.Match[str]) -> str:
    first, *rest = match["n"].split(".")
    address = len(rest) == 3 and not match["v"]
    words = digits_zh(first) if address else number_zh(first)
    return (match["v"] or "").upper().strip() + "点".join([words, *map(digits_zh, rest)])


_FORMS = {
    "number": number_zh,
    "digits": digits_zh,
    "phone": lambda number: digits_zh(number, one="幺"),  # telephones, rooms, trains
    "operator": _OPERATORS.__getitem__,
    "sign": lambda sign: _SIGNS[sign.strip()],
}
_READERS = (_date, _time, _year, _range, _counted, _price, _money, _unit, _fraction, _named, _version)
_NUMBERS = Rules(_TABLE["numbers"], _TABLE["patterns"], _FORMS, _READERS)
_BETWEEN_WORDS = Rules(_TABLE["between_words"], _TABLE["patterns"], _FORMS)
