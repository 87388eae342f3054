"""Digits in Chinese text, as they are read aloud: 3.5% -> 百分之三点五, 2024年 -> 二零二四年, 10:05 -> 十点零五分."""

from __future__ import annotations

import re
from collections.abc import Callable

_DIGITS = "零一二三四五六七八九"
_NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_LONGEST_CARDINAL = 12  # digits; more, and it is a card or an order number
_UNITS = {
    "℃": "摄氏度", "°C": "摄氏度", "℉": "华氏度", "°F": "华氏度", "°": "度",
    "km/h": "公里每小时", "km": "公里", "cm": "厘米", "mm": "毫米", "kg": "公斤", "mg": "毫克", "ml": "毫升",
    "GB": "吉字节", "MB": "兆字节", "m": "米", "g": "克", "L": "升",
}  # fmt: skip
_MONEY = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
# 2 is 两 before a measure word, 二 elsewhere.
_MEASURES = (
    "个只本次位张条件块天岁点种家台杯份辆名双封间座棵朵首场遍倍斤秒周对句门层口套批项片段头匹栋碗瓶盒包把部分小年"
)


def read_numbers(text: str) -> str:
    """`text` with its numbers in Chinese characters; numbers inside English ("Windows 11 Pro") are left alone.

    >>> read_numbers("涨了3.5%，到2024年5月1日10:05")
    '涨了百分之三点五，到二零二四年五月一日十点零五分'
    """
    for pattern, read in _RULES:
        text = pattern.sub(read, text)
    return text


def cardinal(number: str) -> str:
    """A whole or decimal number, with or without thousands separators: '1,250.5' -> 一千二百五十点五."""
    import cn2an

    whole, _, decimals = number.replace(",", "").partition(".")
    if len(whole) > _LONGEST_CARDINAL or (len(whole) > 1 and whole[0] == "0"):
        said = digits(whole)
    else:
        said = str(cn2an.an2cn(whole, "low"))
    return said + ("点" + digits(decimals) if decimals else "")


def digits(number: str) -> str:
    """Digit by digit: '2024' -> 二零二四."""
    return "".join(_DIGITS[int(d)] for d in number)


def _date(match: re.Match[str]) -> str:
    year, month, day = match["year"], match["month"], match["day"]
    return f"{digits(year)}年{cardinal(str(int(month)))}月{cardinal(str(int(day)))}日"


def _time(match: re.Match[str]) -> str:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    said = ("两" if int(hour) == 2 else cardinal(str(int(hour)))) + "点"
    if int(minute) or second:
        said += ("零" if minute[0] == "0" else "") + cardinal(str(int(minute))) + "分"
    return said + (cardinal(str(int(second))) + "秒" if second else "")


def _counted(match: re.Match[str]) -> str:
    return ("两" if match["n"] == "2" else cardinal(match["n"])) + match["rest"]


_BOUND = r"(?<![\d.A-Za-z])"  # not inside a longer number or a name such as H264
_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_RULES: list[_Rule] = [
    (
        re.compile(_BOUND + r"(?P<year>\d{4})[-/](?P<month>0?[1-9]|1[0-2])[-/](?P<day>0?[1-9]|[12]\d|3[01])(?!\d)"),
        _date,
    ),
    (re.compile(_BOUND + r"(?P<year>\d{4})(?=\s*(?:[-~–—]\s*\d{4}\s*)?年)"), lambda m: digits(m["year"])),
    (
        re.compile(_BOUND + r"(?P<hour>[01]?\d|2[0-4])[:：](?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d))?(?!\d)"),
        _time,
    ),
    (re.compile(_BOUND + r"1[3-9]\d{9}(?!\d)|" + _BOUND + r"0\d{2,3}-?\d{7,8}(?!\d)"), lambda m: _phone(m[0])),
    (
        re.compile(rf"(?P<a>{_NUMBER})(?P<pa>%?)\s*[-~–—]\s*(?P<b>{_NUMBER})(?P<pb>%?)(?![\d-])"),
        lambda m: f"{_share(m['a'], m['pa'] or m['pb'])}到{_share(m['b'], m['pb'])}",
    ),
    # A minus, not a hyphen or a dash: at the start, after a mark, or after a word that a value follows.
    (re.compile(r"(?:(?<![\w.)\]])|(?<=[是为到度约温于至]))[-−](?=\d)"), lambda m: "负"),
    (
        re.compile(_BOUND + r"(?P<a>\d{1,3})[:：](?P<b>\d{1,3})(?!\d)"),
        lambda m: f"{cardinal(m['a'])}比{cardinal(m['b'])}",
    ),
    (re.compile(rf"(?P<n>{_NUMBER})\s*[%％]"), lambda m: _share(m["n"], "%")),
    (re.compile(_BOUND + r"(?P<a>\d{1,3})/(?P<b>\d{1,3})(?![\d/])"), lambda m: _fraction(m)),
    (
        re.compile(rf"(?P<sign>[¥￥$€£])\s*(?P<n>{_NUMBER})(?P<scale>[百千万亿]*)"),
        lambda m: cardinal(m["n"]) + m["scale"] + _MONEY[m["sign"]],
    ),
    (
        re.compile(rf"{_BOUND}(?P<n>{_NUMBER})\s*(?P<unit>{'|'.join(map(re.escape, _UNITS))})(?![A-Za-z])"),
        lambda m: cardinal(m["n"]) + _UNITS[m["unit"]],
    ),
    (re.compile(rf"(?<![\d.第A-Za-z-])(?P<n>2)(?P<rest>\s*[{_MEASURES}])"), _counted),
    # What is left: Chinese unless English stands on both sides.
    (re.compile(rf"(?P<before>[A-Za-z][\s-]*)?(?P<n>{_NUMBER})(?P<after>\s*[A-Za-z])?"), lambda m: _plain(m)),
    (re.compile(rf"(?<=[年月日号点分时秒{_DIGITS}])\s*[-~–—]\s*(?=[{_DIGITS}十两])"), lambda m: "到"),
]


def _phone(number: str) -> str:
    return digits(number.replace("-", "")).replace("一", "幺")


def _fraction(match: re.Match[str]) -> str:
    if int(match["a"]) >= int(match["b"]):  # 24/7, a score
        return f"{cardinal(match['a'])}、{cardinal(match['b'])}"
    return f"{cardinal(match['b'])}分之{cardinal(match['a'])}"


def _share(number: str, percent: str) -> str:
    return ("百分之" if percent else "") + cardinal(number)


def _plain(match: re.Match[str]) -> str:
    before, after = match["before"] or "", match["after"] or ""
    if before and after:
        return match[0]
    glued = before[-1:].isalpha()  # A4, H264: a name, not an amount
    return before + (digits(match["n"]) if glued and match["n"].isdigit() else cardinal(match["n"])) + after
