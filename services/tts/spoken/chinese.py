"""Digits and signs in Chinese text, as they are read aloud: 3.5% -> 百分之三点五, 10:05 -> 十点零五分, 2个 -> 两个.

The rules are in the folder `zh`, one kind a file; this is what they call for where a template is not enough.
"""

from __future__ import annotations

import re

from huiyin.services.tts.spoken.formulas import SYMBOLS
from huiyin.services.tts.spoken.numbers import cardinal_zh, digits_zh, number_zh, roman_value
from huiyin.services.tts.spoken.rules import Rules, expanded, has_digits, language_table
from huiyin.services.tts.spoken.units import base_and_power, parts

_KINDS = (
    "dates", "codes", "names", "scores", "times", "mathematics", "money", "ranges", "units", "amounts",
)  # fmt: skip
_TABLE = language_table("zh", (*_KINDS, "signs"))
_MONEY: dict[str, str] = _TABLE["money"]
_UNITS: dict[str, str] = _TABLE["units"]
_OPERATORS: dict[str, str] = _TABLE["operators"]
_SIGNS: dict[str, str] = _OPERATORS | _TABLE["signs"]
_COUNTED = re.compile(expanded("{COUNTED}", _TABLE["patterns"]))
_YEAR_FROM, _YEAR_TO = 1000, 2199
_ROUND = {"100": "百", "1000": "千", "10000": "万"}
_LARGEST_IMPROPER = 12  # 3/2 is a fraction; 120/80 and 24/7 are not
_MENUS = re.compile(r"(?:设置|文件|菜单|选项|工具|编辑|视图|帮助|系统|面板|首页|我的|Settings|File|Edit|Tools)\s*$")
_ARROW = re.compile(expanded(r"\s*{ARROW}\s*", _TABLE["patterns"]))


def read_chinese(text: str) -> str:
    """`text`, Chinese, with its digits and signs in Chinese words.

    >>> read_chinese("涨了3.5%，到2024年5月1日10:05")
    '涨了百分之三点五，到二零二四年五月一日十点零五分'
    """
    text = (_NUMBERS if has_digits(text) else _NAMES).apply(text)
    return _BETWEEN_WORDS.apply(text)


def _count(number: str, following: str) -> str:
    """The number as it is said before `following`: 2个 -> 两."""
    return "两" if number == "2" and _COUNTED.match(following) else number_zh(number)


def _after(match: re.Match[str]) -> str:
    return match.string[match.end() : match.end() + 4]


def _part(number: str) -> str:
    """A number in a name: iPhone 15 is 十五, RTX 4090 四零九零."""
    return number_zh(number) if len(number) <= 2 or "." in number else digits_zh(number.replace(",", ""))


def _phone_digits(number: str) -> str:
    return digits_zh(number, one="幺")


# Dates and times


def _date(match: re.Match[str]) -> str:
    words = f"{digits_zh(match['year'])}年{cardinal_zh(int(match['month']))}月"
    return words + f"{cardinal_zh(int(match['day']))}日"


def _year_month(match: re.Match[str]) -> str:
    return f"{digits_zh(match['y'])}年{cardinal_zh(int(match['m'] or match['n']))}月"


def _festival(match: re.Match[str]) -> str:
    """3.8 -> 三八, 10.1 -> 十一, 11.11 -> 双十一."""
    month, day = match["m"], match["d"]
    if month == day and len(month) == 2:
        return "双" + number_zh(month)
    return number_zh(month) + digits_zh(day)


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


# Codes and names


def _phone(match: re.Match[str]) -> str:
    return ("加" if match[0].startswith("+") else "") + _phone_digits(match[0])


def _version(match: re.Match[str]) -> str:
    first, *rest = match["n"].split(".")
    address = len(rest) == 3 and not match["v"]
    words = digits_zh(first) if address else number_zh(first)
    return (match["v"] or "").upper().strip() + "点".join([words, *map(digits_zh, rest)])


def _model(match: re.Match[str]) -> str:
    return re.sub(r"\d+(?:\.\d+)?", lambda number: _part(number[0]), match[0]).replace("-", "")


# Values


def _range(match: re.Match[str]) -> str:
    percent = "百分之" if match["pa"] or match["pb"] else ""
    unit = _unit_name(match["unit"]) if match["unit"] else ""
    after = "" if match["pb"] else unit or _after(match)
    first, second = _count(match["a"], after), _count(match["b"], after)
    if match.string[: match.start()].endswith("第"):
        first = number_zh(match["a"])
    minus = ("零下" if "度" in (unit or after[:1]) else "负") if match["minus"] else ""
    minus = minus if not (percent and minus) else "负"
    return f"{minus if percent else ''}{percent}{'' if percent else minus}{first}到{percent}{second}{unit}"


def _degrees(match: re.Match[str]) -> str:
    """-10~-3°C -> 零下十到零下三摄氏度; with the unit twice it is said twice."""
    below = "零下" if "°" in match["unit"] else "负"
    first = (below if match["minus"] else "") + number_zh(match["a"])
    if match["ua"]:
        first += _UNITS[match["ua"]]
    return f"{first}到{below}{number_zh(match['b'])}{_unit_name(match['unit'])}"


def _both_below(match: re.Match[str]) -> str:
    below = "零下" if _after(match).strip()[:1] == "度" else "负"
    percent = "百分之" if match["pa"] or match["pb"] else ""
    return f"{below}{percent}{number_zh(match['a'])}到{below}{percent}{number_zh(match['b'])}"


def _counted(match: re.Match[str]) -> str:
    return _count(match["n"], _after(match))


def _price(match: re.Match[str]) -> str:
    return _count(_whole(match["n"]), _after(match))


def _money(match: re.Match[str]) -> str:
    number = _whole(match["n"])
    scale = match["scale"].strip()
    name = _MONEY[match["sign"]]
    first = match.groupdict().get("a")
    start = f"{_count(_whole(first), scale or '元')}到" if first else ""
    return ("负" if match["minus"] else "") + start + _count(number, scale or "元") + scale + name


def _whole(number: str) -> str:
    """Money without the zeros at its end: 99.90 -> 99.9, 5.00 -> 5."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _unit(match: re.Match[str]) -> str:
    unit = match["unit"]
    counted = "两" if match["n"] == "2" and unit[0] != "°" else number_zh(match["n"])
    minus = ("零下" if unit[0] == "°" else "负") if match["minus"] else ""
    return minus + counted + _unit_name(unit)


def _unit_name(unit: str) -> str:
    """μg/m³ -> 微克每立方米, N·m -> 牛米, m/s² -> 米每二次方秒."""
    if unit in _UNITS:
        return _UNITS[unit]
    above, below = parts(unit)
    names = ["".join(map(_with_power, above)), *(_TABLE["per"].get(part) or _with_power(part) for part in below)]
    return "每".join(names)


def _with_power(unit: str) -> str:
    if unit in _UNITS:
        return _UNITS[unit]
    base, power = base_and_power(unit)
    kind = ("", "平方", "立方") if base.endswith(("m", "t")) else ("", "二次方", "三次方")
    return kind[power - 1] + _UNITS[base]


def _per(match: re.Match[str]) -> str:
    return "每" + _unit_name(match["unit"])


def _duration(match: re.Match[str]) -> str:
    words = f"{_count(match['h'], '小时')}小时{number_zh(match['m'])}分" + ("" if match["s"] else "钟")
    return words + (f"{number_zh(match['s'])}秒" if match["s"] else "")


def _fraction(match: re.Match[str]) -> str:
    if float(match["a"]) >= int(match["b"]) > _LARGEST_IMPROPER or (match["a"], match["b"]) == ("24", "7"):
        return f"{number_zh(match['a'])}、{number_zh(match['b'])}"
    whole = _ROUND.get(match["b"]) or number_zh(match["b"])
    return f"{whole}分之{number_zh(match['a'])}"


# Mathematics


def _charge(match: re.Match[str]) -> str:
    value = f"{number_zh(match['n'])}价" if match["n"] else ""
    return value + ("正离子" if match["sign"] == "+" else "负离子")


def _power(match: re.Match[str]) -> str:
    exponent = match["n"]
    if exponent in ("2", "3"):
        return "的平方" if exponent == "2" else "的立方"
    minus = "负" if exponent[0] == "-" else ""
    exponent = exponent.lstrip("-")
    return f"的{minus}{number_zh(exponent) if exponent[0].isdigit() and exponent.isdigit() else exponent}次方"


def _angle(match: re.Match[str]) -> str:
    second = f"{number_zh(match['s'])}秒" if match["s"] else ""
    return f"{number_zh(match['d'])}度{number_zh(match['m'])}分{second}"


def _arrows(match: re.Match[str]) -> str:
    """A→B is 到; the way through menus has pauses."""
    first, *rest = _ARROW.split(match[0])
    return ("，" if _MENUS.search(first) else "到").join([first, *rest])


_FORMS = {
    "number": number_zh,
    "digits": digits_zh,
    "phone": _phone_digits,  # telephones, rooms, trains
    "part": _part,
    "roman": lambda numeral: cardinal_zh(roman_value(numeral.strip())),
    "operator": _OPERATORS.__getitem__,
    "sign": lambda sign: _SIGNS[sign.strip()],
    "symbol": lambda sign: SYMBOLS[sign.strip()][0],
}
_READERS = (
    _date, _year_month, _festival, _time, _year, _phone, _version, _model, _range, _degrees, _both_below, _counted,
    _price, _money, _unit, _per, _duration, _fraction, _charge, _power, _angle, _arrows,
)  # fmt: skip
_NUMBERS = Rules([row for kind in _KINDS for row in _TABLE["rules"][kind]], _FORMS, _READERS)
_NAMES = Rules([*_TABLE["rules"]["names"], *_TABLE["rules"]["mathematics"]], _FORMS, _READERS)
_BETWEEN_WORDS = Rules(_TABLE["rules"]["signs"], _FORMS, _READERS)
