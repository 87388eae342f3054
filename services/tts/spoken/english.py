"""Digits, signs and abbreviations in English text, as they are read aloud: $3.50 -> three dollars and fifty cents.

The rules are tried in order; what one has put in words has no digits left for the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from services.tts.spoken.numbers import cardinal_en, digits_en, number_en, ordinal_en, plural_en, year_en

_N = r"(?:\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
_BOUND = r"(?<![\d.A-Za-z])"  # not inside a longer number or a name such as H264
_TO = r"\s*[-~–—]\s*"
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]  # an abbreviation is its first three letters, or four: Sept
_MONTH = r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?" \
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"  # fmt: skip
_DAY = r"(?:[12]\d|3[01]|0?[1-9])"
_MONEY = {
    "$": ("dollar", "dollars", "cent", "cents"), "US$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yuan", "yuan", "fen", "fen"), "₹": ("rupee", "rupees", "paisa", "paise"),
}  # fmt: skip
_SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "b": "billion", "B": "billion",
           "bn": "billion", "T": "trillion"}  # fmt: skip
# A unit's name for one; for more, -s unless it is given.
_UNITS: dict[str, str | tuple[str, str]] = {
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": "degree",
    "km/h": ("kilometer per hour", "kilometers per hour"), "kph": ("kilometer per hour", "kilometers per hour"),
    "m/s": ("meter per second", "meters per second"), "mph": ("mile per hour", "miles per hour"),
    "km²": "square kilometer", "m²": "square meter", "cm²": "square centimeter", "m³": "cubic meter",
    "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "nm": "nanometer", "kg": "kilogram", "mg": "milligram",
    "ml": "milliliter", "mL": "milliliter", "L": "liter", "m": "meter", "g": "gram", "lbs": "pound", "lb": "pound",
    "oz": "ounce", "ft": ("foot", "feet"), "mi": "mile", "yd": "yard", "TB": "terabyte", "GB": "gigabyte",
    "MB": "megabyte", "KB": "kilobyte", "kB": "kilobyte", "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"), "GHz": ("gigahertz", "gigahertz"),
    "MHz": ("megahertz", "megahertz"), "kHz": ("kilohertz", "kilohertz"), "Hz": ("hertz", "hertz"),
    "kWh": "kilowatt hour", "kW": "kilowatt", "W": "watt", "V": "volt",
    "dB": "decibel", "ms": "millisecond", "s": "second", "sec": "second", "secs": "second", "min": "minute",
    "mins": "minute", "hr": "hour", "hrs": "hour", "h": "hour", "rpm": ("revolution per minute",
    "revolutions per minute"), "mAh": "milliamp hour",
}  # fmt: skip
_UNIT = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_OPERATORS = {
    "+": "plus", "-": "minus", "*": "times", "×": "times", "x": "times", "÷": "divided by", "/": "divided by",
    "=": "equals", "<": "less than", ">": "greater than", "≤": "at most", "≥": "at least", "≈": "about",
    "≠": "is not", "±": "plus or minus",
}  # fmt: skip
_SCALE = r"\s(?:thousand|million|billion|trillion)\b|(?:bn|[kKmMbBT])\b"
_ROMAN = {"II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12,
          "XIII": 13, "XIV": 14, "XV": 15, "XVI": 16, "XX": 20}  # fmt: skip
_NUMBERED = r"War|Chapter|Part|Act|Section|Volume|Book|Phase|Type|Level|Episode|Appendix|Article|Class"
_CROWNED = r"Henry|Louis|Elizabeth|George|Charles|Edward|Richard|James|William|Philip|Paul|Benedict|Napoleon|Peter"
_YEAR_CUE = (
    r"(?:in|since|by|until|till|before|after|during|of|from|to|around|circa|early|late|mid|year|for|between|and"
    r"|spring|summer|autumn|fall|winter|born|©|founded|than)"
)
# After "in 2000" comes no noun when it is a year: the end, a mark, or one of these.
_YEAR_END = (
    r"(?=\s*(?:$|[.,;:!?)\"”\n—–])|\s+(?:and|or|to|until|was|were|is|the|it|he|she|they|we|I|you|a|an|when|with|by|at|in|on"
    r"|for|but|as|because|after|before|which|that|there|saw|had|has|has|will|would|while|census|election)\b)"
)
_YEAR = r"(?P<year>1[1-9]\d\d|20\d\d)(?![\d,.]\d|[%°])"
_VERSION_CUE = (
    r"(?:[Vv]ersion|[Rr]elease|Python|Node|Java|iOS|Android|macOS|Ubuntu|Debian|Firefox|Chrome|Go|Rust|PHP|Ruby|Django"
    r"|TypeScript|CUDA|PyTorch|TensorFlow|kernel)"
)
_CODE_CUE = (
    r"(?:[Cc]ode|PIN|[Pp]in|[Pp]ass(?:word|code)|(?:[Oo]rder|[Aa]ccount) number|[Zz]ip code|ID|[Ee]xtension|ext\.)"
)
_CODE_LINK = r"(?:\s+(?:is|number)|:|\s*#)?\s+"

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def read_english(text: str) -> str:
    """`text`, English, with its digits, signs and abbreviations in words.

    >>> read_english("It was 10:05 a.m. on May 5, 2024: -5°C.")
    'It was ten oh five a.m. on May fifth, twenty twenty-four: minus five degrees Celsius.'
    """
    for pattern, read in _RULES:
        text = pattern.sub(read, text)
    return text


def _month(name: str) -> str:
    return next(month for month in _MONTHS if month.startswith(name[:3].title()))


def _date(match: re.Match[str]) -> str:
    month, day = int(match["m"]), int(match["d"])
    return f"{_MONTHS[month - 1]} {ordinal_en(day)}, {year_en(int(match['year']))}"


def _named_date(match: re.Match[str]) -> str:
    said = f"{_month(match['month'])} {ordinal_en(int(match['d']))}"
    return said + (f", {year_en(int(match['y']))}" if match["y"] else "")


def _day_first(match: re.Match[str]) -> str:
    the = "" if match["the"] else "the "
    year = f" {year_en(int(match['y']))}" if match["y"] else ""
    return f"{match['the'] or ''}{the}{ordinal_en(int(match['d']))} of {_month(match['month'])}{year}"


def _time(match: re.Match[str]) -> str:
    hour, minute = int(match["hour"]), match["minute"]
    half = (match["half"] or "").lower()
    said = cardinal_en(hour)
    if minute and int(minute):
        said += (" oh " if minute[0] == "0" else " ") + cardinal_en(int(minute))
    elif not half:
        said = f"{said} hundred" if hour > 12 else f"{said} o'clock" if hour else "midnight"
    if match["second"]:
        said += f" and {_counted(match['second'], ('second', 'seconds'))}"
    return said + (f" {half}.m." if half else "")


def _money(match: re.Match[str]) -> str:
    one, many, cent, cents = _MONEY[match["sign"]]
    minus = "minus " if match["minus"] else ""
    number, scale = match["n"], (match["scale"] or "").strip()
    if scale:
        return f"{minus}{number_en(_trimmed(number))} {_SCALES.get(scale, scale)} {many}"
    whole, _, part = number.replace(",", "").partition(".")
    if len(part) not in (0, 2):
        return f"{minus}{number_en(number)} {many}"
    said = [_counted(whole, (one, many))] if int(whole) or not int(part or 0) else []
    if int(part or 0):
        said.append(_counted(part.lstrip("0"), (cent, cents)))
    return minus + " and ".join(said)


def _money_range(match: re.Match[str]) -> str:
    scale = (match["scale"] or "").strip()
    scale = f" {_SCALES.get(scale, scale)}" if scale else ""
    return f"{number_en(match['a'])} to {number_en(match['b'])}{scale} {_MONEY[match['sign']][1]}"


def _roman(numeral: str, read: Callable[[int], str]) -> str:
    return read(_ROMAN[numeral]) if numeral in _ROMAN else "one" if numeral == "I" else numeral


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _counted(number: str, names: tuple[str, str]) -> str:
    number = number.lstrip("0") or "0" if number.isdigit() else number
    return f"{number_en(number)} {names[0] if number == '1' else names[1]}"


def _unit(match: re.Match[str]) -> str:
    unit = _UNITS[match["unit"]]
    names = (unit, unit + "s") if isinstance(unit, str) else unit
    return ("minus " if match["minus"] else "") + _counted(match["n"], (names[0], names[1]))


def _fraction(match: re.Match[str]) -> str:
    top, bottom = int(match["a"]), int(match["b"])
    whole = f"{number_en(match['whole'])} and " if match["whole"] else ""
    if top >= bottom or bottom > 100:
        return f"{whole}{number_en(match['a'])} {'over ' if bottom > 100 else ''}{number_en(match['b'])}"
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal_en(bottom)
    said = f"{cardinal_en(top)} {name}" if top == 1 else f"{cardinal_en(top)} {plural_en(name)}"
    return whole + ("a half" if whole and said == "one half" else said)


def _dotted(match: re.Match[str]) -> str:
    """A version in numbers, an address in digits."""
    parts = match["n"].split(".")
    version = {None: "", "v": "version "}.get(match["v"] and match["v"].lower(), "")
    if len(parts) == 4 and not version:
        return " dot ".join(map(digits_en, parts))
    return version + " point ".join(cardinal_en(int(part)) if len(part) < 5 else digits_en(part) for part in parts)


def _minor(part: str) -> str:
    return digits_en(part, "oh") if part[0] == "0" and len(part) > 1 else number_en(part)


def _decade(match: re.Match[str]) -> str:
    number = int(match["n"])
    return plural_en(cardinal_en(number) if number < 100 else year_en(number))


def _range(match: re.Match[str]) -> str:
    return f"{number_en(match['a'])} to {number_en(match['b'])}"


def _named(match: re.Match[str]) -> str:
    """A number that belongs to a name: A4, H264; small ones after a hyphen are numbers: COVID-19."""
    number = match["n"]
    if len(number) <= 2 or "." in number:
        return f" {number_en(number)}"
    return f" {digits_en(number)}"


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ("plus " if match[0].startswith("+") else "") + ", ".join(map(digits_en, groups))


def _sign(match: re.Match[str]) -> str:
    return f" {_OPERATORS[match[0].strip()]} "


def _rule(pattern: str, read: Callable[[re.Match[str]], str] | str, flags: int = 0) -> _Rule:
    return re.compile(pattern, flags), (read if callable(read) else lambda match, said=read: match.expand(said))


_CLOCK = (
    r"(?P<hour>[01]?\d|2[0-4])(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?\s?(?P<half>[AaPp])(?:\.[Mm]\.|[Mm]\b)"
)
_RULES: list[_Rule] = [
    # Words
    _rule(r"\be\.g\.,?", "for example"),
    _rule(r"\bi\.e\.,?", "that is"),
    _rule(r"\bvs\.?(?=\s)", "versus"),
    _rule(r"\bapprox\.", "approximately", re.I),
    _rule(r"\bw/o\b", "without"),
    _rule(r"\bw/(?=\s)", "with"),
    _rule(r"\b(?:No\.|[Nn]o\.(?=\s*\d)|#)\s*(?=\d)|(?<!\w)#(?=\d)", "number "),
    _rule(r"(?<![A-Za-z] )\bSt\.(?=\s[A-Z])", "Saint"),
    _rule(rf"(?P<cue>\b(?:{_NUMBERED}) )(?P<n>[IVX]+)\b", lambda m: m["cue"] + _roman(m["n"], cardinal_en)),
    _rule(
        rf"(?P<cue>\b(?:{_CROWNED}) )(?P<n>[IVX]+)\b",
        lambda m: m["cue"] + _roman(m["n"], lambda n: f"the {ordinal_en(n)}"),
    ),
    _rule(r"\bC\+\+", "C plus plus"),
    _rule(r"\b([CF])#", r"\1 sharp"),
    # Dates
    _rule(_BOUND + r"(?P<year>[12]\d{3})[-/](?P<m>0?[1-9]|1[0-2])[-/](?P<d>0?[1-9]|[12]\d|3[01])(?!\d)", _date),
    _rule(_BOUND + r"(?P<m>0?[1-9]|1[0-2])/(?P<d>0?[1-9]|[12]\d|3[01])/(?P<year>[12]\d{3})(?!\d)", _date),
    _rule(
        rf"\b{_MONTH}\s(?P<d>{_DAY})(?:st|nd|rd|th)?\b(?![:.,]\d)(?:,?\s(?P<y>[12]\d{{3}})\b)?",
        _named_date,
    ),
    _rule(
        rf"(?P<the>\bthe )?{_BOUND}(?P<d>{_DAY})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (?P<y>[12]\d{{3}})\b)?",
        _day_first,
    ),
    _rule(rf"\b{_MONTH} (?P<y>1[1-9]\d\d|20\d\d)\b", lambda m: f"{_month(m['month'])} {year_en(int(m['y']))}"),
    # Names of digits
    _rule(r"(?<![\d.])(?:\b(?P<v>[vV])\s?)?(?P<n>\d+(?:\.\d+){2,})(?!\d)", _dotted),
    _rule(_BOUND + r"(?P<v>[vV])(?P<n>\d+(?:\.\d+)?)(?!\d)", _dotted),
    _rule(
        rf"(?P<cue>\b{_VERSION_CUE}) (?P<a>\d+)\.(?P<b>\d+)(?![\d.]\d)",
        lambda m: f"{m['cue']} {number_en(m['a'])} point {_minor(m['b'])}",
    ),
    _rule(r"(?<![\w.])(?:\+?\d{1,2}[- ])?(?:\(\d{3}\) ?|\d{3}[- .])\d{3}[- .]\d{4}(?!\d)", _phone),
    _rule(r"(?<![\w.])\+\d{1,3}(?:[- ]\d{2,5}){2,4}(?!\d)", _phone),
    _rule(_BOUND + r"(?:\d{3}-\d{4}|0\d{2,4}[ -]\d{3,4}[ -]\d{3,4})(?!\d)", _phone),
    _rule(
        r"(?P<cue>\b(?:[Cc]all|[Dd]ial|[Pp]hone|[Tt]ext)) (?P<n>911|999|112|\d{3,}(?! \w))\b",
        lambda m: f"{m['cue']} {digits_en(m['n'])}",
    ),
    _rule(rf"(?P<cue>\b{_CODE_CUE}{_CODE_LINK})(?P<n>\d{{3,}})\b(?!\.\d)", lambda m: m["cue"] + digits_en(m["n"])),
    _rule(
        r"(?P<cue>\b(?:[Rr]oom|[Ff]light|[Gg]ate|[Bb]us) )(?P<n>\d{3,4})\b",
        lambda m: m["cue"] + digits_en(m["n"], "oh"),
    ),
    # Amounts
    _rule(rf"(?P<sign>US\$|[$€£¥₹])(?P<a>{_N}){_TO}(?P=sign)?(?P<b>{_N})(?P<scale>{_SCALE})?", _money_range),
    _rule(r"(?<![\w.])(?P<a>\d)'\s?(?P<b>\d\d?)(?:\"|'')", lambda m: f"{number_en(m['a'])} foot {number_en(m['b'])}"),
    _rule(
        rf"(?P<minus>-)?(?P<sign>US\$|[$€£¥₹])\s?(?P<n>{_N})(?P<scale>{_SCALE})?",
        _money,
    ),
    _rule(
        rf"{_BOUND}(?P<a>\d{{1,2}}(?::\d\d)?\s?(?:[AaPp]\.?[Mm]\.?)?){_TO}(?=\d{{1,2}}(?::\d\d|\s?[AaPp]\.?[Mm]))",
        r"\g<a> to ",
    ),
    _rule(_BOUND + _CLOCK, _time),
    _rule(_BOUND + r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?P<half>)(?![\d:])", _time),
    _rule(_BOUND + r"(?P<a>\d{1,4}):(?P<b>\d{1,4})(?!\d)", _range),
    _rule(r"(?<![\w.])'?(?P<n>1[1-9]\d0|20\d0|[1-9]0)'?s\b", _decade),
    _rule(
        _BOUND + r"(?P<a>1[1-9]\d\d|20\d\d)\s?[-–—]\s?(?P<b>1[1-9]\d\d|20\d\d)(?![\d,]|\.\d)",
        lambda m: f"{year_en(int(m['a']))} to {year_en(int(m['b']))}",
    ),
    _rule(rf"(?P<cue>\b{_YEAR_CUE}\s|(?<!\w)\(){_YEAR}{_YEAR_END}", lambda m: m["cue"] + year_en(int(m["year"])), re.I),
    _rule(
        rf"(?m)(?P<cue>^|[.!?]\s){_YEAR}(?=\s(?:was|is|saw|will|marked|would|were|had)\b)",
        lambda m: m["cue"] + year_en(int(m["year"])),
    ),
    _rule(rf"{_BOUND}{_YEAR}(?=\s(?:BC|AD|BCE|CE)\b)", lambda m: year_en(int(m["year"]))),
    _rule(
        rf"{_BOUND}(?P<n>{_N})\s*(?P<op>[-+*/×x÷])\s*(?={_N}\s*(?:[-+*/×x÷]\s*{_N}\s*)*=)",
        lambda m: f"{number_en(m['n'])} {_OPERATORS[m['op']]} ",
    ),
    _rule(rf"{_BOUND}(?P<a>\d+\.\d+)/(?P<b>\d+)(?![\d/])", lambda m: f"{number_en(m['a'])} out of {number_en(m['b'])}"),
    _rule(_BOUND + r"(?:(?P<whole>\d{1,3})[ -])?(?P<a>\d{1,3})/(?P<b>[1-9]\d{0,3})(?![\d/])", _fraction),
    _rule(r"(?:(?<=\s)|(?<![\w.)\]-]))-(?=\.?\d)(?!\d[^.!?]*\s-\d)", "minus "),
    _rule(rf"{_BOUND}(?P<a>{_N})%?{_TO}(?P<b>{_N})(?![\d-])", lambda m: _range_of(m)),
    _rule(rf"{_BOUND}(?P<n>{_N})\s?%", lambda m: f"{number_en(m['n'])} percent"),
    _rule(rf"(?P<minus>){_BOUND}(?P<n>{_N})(?:\s|-)?(?P<unit>{_UNIT})(?![\w²³/])", _unit),
    _rule(
        rf"{_BOUND}(?P<n>\d+(?:,\d{{3}})*)(?:st|nd|rd|th)\b", lambda m: ordinal_en(int(m["n"].replace(",", "")[:15]))
    ),
    _rule(rf"{_BOUND}(?P<n>{_N})x\b", lambda m: f"{number_en(m['n'])} times"),
    _rule(
        rf"{_BOUND}(?P<n>{_N})(?P<scale>k|(?<=\d\d)K|M|bn)\b", lambda m: f"{number_en(m['n'])} {_SCALES[m['scale']]}"
    ),
    _rule(rf"(?<=[A-Za-z])[-/]?(?P<n>{_N})(?=(?P<next>[A-Za-z])?)", lambda m: _named(m) + (" " if m["next"] else "")),
    _rule(r"(?<![\d.])\.(?P<n>\d+)", lambda m: f"point {digits_en(m['n'])}"),
    _rule(rf"(?P<n>{_N})(?=(?P<next>[A-Za-z])?)", lambda m: number_en(m["n"]) + (" " if m["next"] else "")),
    # Signs
    _rule(r"(?<=\w)\s*[≤≥≈≠±×÷=]\s*(?=\w)|(?<=[\w)])\s+[<>+*]\s+(?=[\w(])|(?<=[\w)])[<>+*](?=[\w(])", _sign),
    _rule(r"(?<=\w)\s*=\s*(?=\?|$)", " equals"),
    _rule(r"\s*&+\s*", " and "),
    _rule(r"(?<=[\w)])\+(?!\w)", " plus"),
    _rule(r"(?<!\w)(?:~|≈)\s*(?=\w)", "about "),
    _rule(r"(?<=\w)\s*²", " squared"),
    _rule(r"(?<=\w)\s*³", " cubed"),
    _rule(r"\band/or\b", "and or"),
    _rule(r"(?<=[a-z])/(?=[a-z])", " "),
    _rule(r"(?<!\S)@(?=\w)", "at "),
]


def _range_of(match: re.Match[str]) -> str:
    """3-5, 3%-5%; the unit that follows is that of both."""
    percent = "%" in match[0][: match.end("a") - match.start() + 1]
    follows = match.string[match.end() : match.end() + 1] == "%"
    first = number_en(match["a"]) + (" percent" if percent and not follows else "")
    # The second is left for the rules after this one: it may carry a percent sign or a unit.
    return f"{first} to {match['b']}"
