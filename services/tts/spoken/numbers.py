"""Whole numbers, ordinals, years and digits in words, Chinese and English."""

from __future__ import annotations

from collections.abc import Callable

_HAN_DIGITS = "零一二三四五六七八九"
_HAN_PLACES = ("", "十", "百", "千")
_HAN_GROUPS = ("", "万", "亿", "万亿")
_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_GROUPS = ("", "thousand", "million", "billion", "trillion")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip

LONGEST_ZH = 12  # digits; more, and it is a card or an order number, read digit by digit
LONGEST_EN = 15


def _number(number: str, longest: int, digits: Callable[[str], str], cardinal: Callable[[int], str], point: str) -> str:
    """A whole number of up to `longest` digits as a `cardinal`, a longer one and all decimals by their `digits`."""
    whole, _, decimals = number.replace(",", "").partition(".")
    is_code = len(whole) > longest or (len(whole) > 1 and whole[0] == "0")
    result = digits(whole) if is_code else cardinal(int(whole))
    return result + (point + digits(decimals) if decimals else "")


def digits_zh(number: str, one: str = "一") -> str:
    """Digit by digit: '2024' -> 二零二四; `one` is 幺 in telephone numbers."""
    return "".join(one if d == "1" else _HAN_DIGITS[int(d)] for d in number if d.isdigit())


def number_zh(number: str) -> str:
    """A whole or decimal number, with or without separators: '1,250.5' -> 一千二百五十点五."""
    return _number(number, LONGEST_ZH, digits_zh, cardinal_zh, "点")


def cardinal_zh(number: int) -> str:
    """A whole number from 0 below 10**16, as it is said. 200 at its start is 两百, 2000 at its start or end 两千.

    >>> cardinal_zh(12_200), cardinal_zh(10_015), cardinal_zh(200)
    ('一万二千二百', '一万零一十五', '两百')
    """
    if number < 10:
        return _HAN_DIGITS[number]
    result, gap = "", False
    for group in range(len(_HAN_GROUPS) - 1, -1, -1):
        four = number // 10_000**group % 10_000
        if not four:
            gap = gap or bool(result)
            continue
        if result and (gap or four < 1000):
            result += "零"
        words = "两" if four == 2 and group and not result else _four(four, leading=not result)
        result += words + _HAN_GROUPS[group]
        gap = False
    return result


def _four(number: int, *, leading: bool) -> str:
    """1-9999; `leading`: nothing stands before it, so that 10 is 十 and 200 两百."""
    result, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if not digit:
            gap = gap or bool(result)
            continue
        if gap:
            result, gap = result + "零", False
        if place == 1 and digit == 1 and leading and not result:
            result += "十"
        elif digit == 2 and place >= 2 and ((leading and not result) or (place == 3 and number == 2000)):
            result += "两" + _HAN_PLACES[place]
        else:
            result += _HAN_DIGITS[digit] + _HAN_PLACES[place]
    return result


def digits_en(number: str, zero: str = "zero") -> str:
    """Digit by digit: '302' -> three zero two; `zero` is 'oh' in a room's number."""
    return " ".join(zero if d == "0" else _SMALL[int(d)] for d in number if d.isdigit())


def number_en(number: str) -> str:
    """A whole or decimal number, with or without separators: '1,250.5' -> one thousand two hundred fifty point five."""
    return _number(number, LONGEST_EN, digits_en, cardinal_en, " point ")


def cardinal_en(number: int) -> str:
    """A whole number from 0 below 10**15.

    >>> cardinal_en(1_250_021)
    'one million two hundred fifty thousand twenty-one'
    """
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_SMALL[hundreds]} hundred" + (f" {cardinal_en(rest)}" if rest else "")
    parts = []
    for group in range(len(_GROUPS) - 1, -1, -1):
        three = number // 1000**group % 1000
        if three:
            parts.append(f"{cardinal_en(three)} {_GROUPS[group]}".strip())
    return " ".join(parts)


def ordinal_en(number: int) -> str:
    """21 -> twenty-first."""
    result = cardinal_en(number)
    cut = max(result.rfind(" "), result.rfind("-")) + 1
    head, last = result[:cut], result[cut:]
    if last in _ORDINALS:
        return head + _ORDINALS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year_en(year: int) -> str:
    """1905 -> nineteen oh five, 2000 -> two thousand, 2024 -> twenty twenty-four."""
    century, rest = divmod(year, 100)
    if year < 1000 or year > 9999 or 2000 <= year < 2010 or (not rest and not century % 10):
        return cardinal_en(year)
    if not rest:
        return f"{cardinal_en(century)} hundred"
    return f"{cardinal_en(century)} {'oh ' if rest < 10 else ''}{cardinal_en(rest)}"


def plural_en(words: str) -> str:
    """nineteen ninety -> nineteen nineties; hundred -> hundreds; six -> sixes."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith("x") else "s")


def counted_en(number: str, names: tuple[str, str]) -> str:
    """A number with its noun, one of (one, many): 1 -> one dollar, 02 -> two dollars."""
    number = number.lstrip("0") or "0" if number.isdigit() else number
    return f"{number_en(number)} {names[0] if number == '1' else names[1]}"


_ROMAN = {"I": 1, "V": 5, "X": 10}


def roman_value(numeral: str) -> int:
    """A Roman numeral of I, V and X: XIV -> 14."""
    values = [_ROMAN[letter] for letter in numeral]
    return sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def paired_en(number: str) -> str:
    """The number of a model or a room, as English says it: 404 -> four oh four, 8080 -> eighty eighty, 12700 -> twelve
    seven hundred; digit by digit from six digits on."""
    if len(number) > 5 or (number[0] == "0" and len(number) > 1):
        return digits_en(number, "oh")
    if len(number) <= 2:
        return cardinal_en(int(number))
    if len(number) == 4 and number.endswith("000"):
        return cardinal_en(int(number))
    size = 3 if len(number) == 5 else 2
    first, rest = number[:-size], number[-size:]
    if not int(rest):
        return f"{cardinal_en(int(first))} {'hundred' if size == 2 else 'thousand'}"
    if size == 3:
        return f"{cardinal_en(int(first))} {paired_en(rest)}"
    return f"{cardinal_en(int(first))} {digits_en(rest, 'oh') if rest[0] == '0' else cardinal_en(int(rest))}"
