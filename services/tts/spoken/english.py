"""Digits, signs and abbreviations in English text, as they are read aloud: $3.50 -> three dollars and fifty cents.

The order of the rules matters (see `rules.apply`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from huiyin.services.tts.spoken.english_times import DATES, TIMES
from huiyin.services.tts.spoken.numbers import cardinal_en, counted_en, digits_en, number_en, ordinal_en, plural_en
from huiyin.services.tts.spoken.rules import BOUND, NUMBER, TO, TO_SIGNS, Rules, has_digits, rule
from huiyin.services.tts.spoken.words import called, one_of

_MONEY = called("money", "en")
_SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "b": "billion", "B": "billion",
           "bn": "billion", "T": "trillion"}  # fmt: skip
_UNITS = called("units", "en")
_UNIT = one_of(_UNITS)
_LONE_A = re.compile(r"\W?A")
_OPERATORS = called("operators", "en")
_SCALE = r"\s(?:thousand|million|billion|trillion)\b|(?:bn|[kKmMbBT])\b"
_ROMAN = {"II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12,
          "XIII": 13, "XIV": 14, "XV": 15, "XVI": 16, "XX": 20}  # fmt: skip
_NUMBERED = r"War|Chapter|Part|Act|Section|Volume|Book|Phase|Type|Level|Episode|Appendix|Article|Class"
_CROWNED = r"Henry|Louis|Elizabeth|George|Charles|Edward|Richard|James|William|Philip|Paul|Benedict|Napoleon|Peter"
_VERSION_CUE = (
    r"(?:[Vv]ersion|[Rr]elease|Python|Node|Java|iOS|Android|macOS|Ubuntu|Debian|Firefox|Chrome|Go|Rust|PHP|Ruby|Django"
    r"|TypeScript|CUDA|PyTorch|TensorFlow|kernel)"
)
_CODE_CUE = (
    r"(?:[Cc]ode|PIN|[Pp]in|[Pp]ass(?:word|code)|(?:[Oo]rder|[Aa]ccount) number|[Zz]ip code|ID|[Ee]xtension|ext\.)"
)
_LONGEST_SUM = 20  # terms: "1+2+3=" is known as a sum by the sign at its end
_CODE_LINK = r"(?:\s+(?:is|number)|:|\s*#)?\s+"


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


def _range(match: re.Match[str]) -> str:
    return f"{number_en(match['a'])} to {number_en(match['b'])}"


def _named(match: re.Match[str]) -> str:
    """A number that belongs to a name: A4, H264; small ones after a hyphen are numbers: COVID-19."""
    number = match["n"]
    words = number_en(number) if len(number) <= 2 or "." in number else digits_en(number)
    article = _LONE_A.fullmatch(match.string[: match.start()][-2:])  # "A four" would be read as the article
    return ("-" if article else " ") + words + (" " if match["next"] else "")


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ("plus " if match[0].startswith("+") else "") + ", ".join(map(digits_en, groups))


def _sign(match: re.Match[str]) -> str:
    return f" {_OPERATORS[match[0].strip()]} "


def _range_of(match: re.Match[str]) -> str:
    """3-5, 3%-5%; the unit that follows is that of both."""
    second_has_percent = match.string.startswith("%", match.end())
    first = number_en(match["a"]) + (" percent" if match["percent"] and not second_has_percent else "")
    # The second is left for the rules after this one: it may carry a percent sign or a unit.
    return f"{first} to {match['b']}"


_ABBREVIATIONS = Rules(
    rule(r"\be\.g\.,?", "for example", "."),
    rule(r"\bi\.e\.,?", "that is", "."),
    rule(r"\bvs\.?(?=\s)", "versus", "v"),
    rule(r"\bapprox\.", "approximately", ".", re.I),
    rule(r"\bw/o\b", "without", "/"),
    rule(r"\bw/(?=\s)", "with", "/"),
    rule(r"\b(?:No\.|[Nn]o\.(?=\s*\d)|#)\s*(?=\d)|(?<!\w)#(?=\d)", "number ", ".#"),
    rule(r"(?<![A-Za-z] )\bSt\.(?=\s[A-Z])", "Saint", "."),
    rule(rf"(?P<cue>\b(?:{_NUMBERED}) )(?P<n>[IVX]+)\b", lambda m: m["cue"] + _roman(m["n"], cardinal_en), "IVX"),
    rule(rf"(?P<cue>\b(?:{_CROWNED}) )(?P<n>[IVX]+)\b",
         lambda m: m["cue"] + _roman(m["n"], lambda n: f"the {ordinal_en(n)}"), "IVX"),
    rule(r"\bC\+\+", "C plus plus", "+"),
    rule(r"\b([CF])#", r"\1 sharp", "#"),
)  # fmt: skip
_NUMBERS = Rules(
    *DATES,
    # Names of digits
    rule(r"(?<![\d.])(?:\b(?P<v>[vV])\s?)?(?P<n>\d+(?:\.\d+){2,})(?!\d)", _dotted, "."),
    rule(BOUND + r"(?P<v>[vV])(?P<n>\d+(?:\.\d+)?)(?!\d)", _dotted, "vV"),
    rule(rf"(?P<cue>\b{_VERSION_CUE}) (?P<a>\d+)\.(?P<b>\d+)(?![\d.]\d)",
         lambda m: f"{m['cue']} {number_en(m['a'])} point {_minor(m['b'])}", "."),
    rule(r"(?<![\w.])(?:\+?\d{1,2}[- ])?(?:\(\d{3}\) ?|\d{3}[- .])\d{3}[- .]\d{4}(?!\d)", _phone, "- ."),
    rule(r"(?<![\w.])\+\d{1,3}(?:[- ]\d{2,5}){2,4}(?!\d)", _phone, "+"),
    rule(BOUND + r"(?:\d{3}-\d{4}|0\d{2,4}[ -]\d{3,4}[ -]\d{3,4})(?!\d)", _phone, "- "),
    rule(r"(?P<cue>\b(?:[Cc]all|[Dd]ial|[Pp]hone|[Tt]ext)) (?P<n>911|999|112|\d{3,}(?! \w))\b",
         lambda m: f"{m['cue']} {digits_en(m['n'])}", " "),
    rule(rf"(?P<cue>\b{_CODE_CUE}{_CODE_LINK})(?P<n>\d{{3,}})\b(?!\.\d)", lambda m: m["cue"] + digits_en(m["n"]), " "),
    rule(r"(?P<cue>\b(?:[Rr]oom|[Ff]light|[Gg]ate|[Bb]us) )(?P<n>\d{3,4})\b",
         lambda m: m["cue"] + digits_en(m["n"], "oh"), " "),
    # Amounts
    rule(rf"(?P<sign>US\$|[$€£¥₹])(?P<a>{NUMBER}){TO}(?P=sign)?(?P<b>{NUMBER})(?P<scale>{_SCALE})?", _money_range,
         "$€£¥₹"),
    rule(r"(?<![\w.])(?P<a>\d)'\s?(?P<b>\d\d?)(?:\"|'')", lambda m: f"{number_en(m['a'])} foot {number_en(m['b'])}",
         "'"),
    rule(rf"(?P<minus>-)?(?P<sign>US\$|[$€£¥₹])\s?(?P<n>{NUMBER})(?P<scale>{_SCALE})?", _money, "$€£¥₹"),
    *TIMES,
    rule(BOUND + r"(?P<a>\d{1,4}):(?P<b>\d{1,4})(?!\d)", _range, ":"),
    rule(rf"{BOUND}(?P<n>{NUMBER})\s*(?P<op>[-+*/×x÷])\s*(?={NUMBER}\s*(?:[-+*/×x÷]\s*{NUMBER}\s*){{0,{_LONGEST_SUM}}}=)",
         lambda m: f"{number_en(m['n'])} {_OPERATORS[m['op']]} ", "="),
    rule(rf"{BOUND}(?P<a>\d+\.\d+)/(?P<b>\d+)(?![\d/])", lambda m: f"{number_en(m['a'])} out of {number_en(m['b'])}",
         "/"),
    rule(BOUND + r"(?:(?P<whole>\d{1,3})[ -])?(?P<a>\d{1,3})/(?P<b>[1-9]\d{0,3})(?![\d/])", _fraction, "/"),
    rule(r"(?:(?<=\s)|(?<![\w.)\]-]))-(?=\.?\d)(?!\d[^.!?]*\s-\d)", "minus ", "-"),
    rule(rf"{BOUND}(?P<a>{NUMBER})(?P<percent>%?){TO}(?P<b>{NUMBER})(?![\d-])", _range_of, TO_SIGNS),
    rule(rf"{BOUND}(?P<n>{NUMBER})\s?%", lambda m: f"{number_en(m['n'])} percent", "%"),
    rule(rf"(?P<minus>){BOUND}(?P<n>{NUMBER})(?:\s|-)?(?P<unit>{_UNIT})(?![\w²³/])", _unit),
    rule(rf"{BOUND}(?P<n>\d+(?:,\d{{3}})*)(?:st|nd|rd|th)\b", lambda m: ordinal_en(int(m["n"].replace(",", "")[:15])),
         "sdh"),
    rule(rf"{BOUND}(?P<n>{NUMBER})x\b", lambda m: f"{number_en(m['n'])} times", "x"),
    rule(rf"{BOUND}(?P<n>{NUMBER})(?P<scale>k|(?<=\d\d)K|M|bn)\b",
         lambda m: f"{number_en(m['n'])} {_SCALES[m['scale']]}", "kKMb"),
    rule(rf"(?<=[A-Za-z])[-/]?(?P<n>{NUMBER})(?=(?P<next>[A-Za-z])?)", _named),
    rule(r"(?<![\d.])\.(?P<n>\d+)", lambda m: f"point {digits_en(m['n'])}", "."),
    rule(rf"(?P<n>{NUMBER})(?=(?P<next>[A-Za-z])?)", lambda m: number_en(m["n"]) + (" " if m["next"] else "")),
)  # fmt: skip
_SIGNS = Rules(
    rule(r"(?<=\w)\s*[≤≥≈≠±×÷=]\s*(?=\w)|(?<=[\w)])\s+[<>+*]\s+(?=[\w(])|(?<=[\w)])[<>+*](?=[\w(])", _sign,
         "≤≥≈≠±×÷=<>+*"),
    rule(r"(?<=\w)\s*=\s*(?=\?|$)", " equals", "="),
    rule(r"\s*&+\s*", " and ", "&"),
    rule(r"(?<=[\w)])\+(?!\w)", " plus", "+"),
    rule(r"(?<!\w)(?:~|≈)\s*(?=\w)", "about ", "~≈"),
    rule(r"(?<=\w)\s*²", " squared", "²"),
    rule(r"(?<=\w)\s*³", " cubed", "³"),
    rule(r"\band/or\b", "and or", "/"),
    rule(r"(?<=[a-z])/(?=[a-z])", " ", "/"),
    rule(r"(?<!\S)@(?=\w)", "at ", "@"),
)  # fmt: skip
