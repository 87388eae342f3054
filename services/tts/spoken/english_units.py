"""Units of measure in English: m/s² -> meters per second squared, 1h 30m -> one hour thirty minutes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from huiyin.services.tts.spoken.numbers import counted_en, number_en
from huiyin.services.tts.spoken.rules import Reader
from huiyin.services.tts.spoken.units import base_and_power, parts

_POWERS_BEFORE = ("", "square ", "cubic ")  # of a length
_POWERS_AFTER = ("", " squared", " cubed")
_LENGTHS = ("m", "ft", "in", "mi")
_POINTS = {"in": ("inch", "inches")}  # units only with a point or a word of size after them


def unit_readers(units: Mapping[str, Any], per: Mapping[str, str]) -> tuple[Reader, ...]:
    """The readers of units, over the names that a table gives them (one, or for one and for more)."""

    def part(symbol: str, *, many: bool) -> str:
        base, power = (symbol, 1) if symbol in units else base_and_power(symbol)
        names = units[base]
        names = (names, f"{names}s") if isinstance(names, str) else names
        name = str(names[many])
        is_length = base.endswith(_LENGTHS)
        return _POWERS_BEFORE[power - 1] + name if is_length else name + _POWERS_AFTER[power - 1]

    def counted(number: str, symbol: str) -> str:
        above, below = ([symbol], []) if symbol in units else parts(symbol)
        *factors, last = above
        many = number != "1"
        words = [*(part(each, many=False) for each in factors), part(last, many=many)]
        words += [f"per {per.get(each) or part(each, many=False)}" for each in below]
        return f"{number_en(number)} {' '.join(words)}"

    def _unit(match: re.Match[str]) -> str:
        return ("minus " if match["minus"] else "") + counted(match["n"], match["unit"])

    def _unit_point(match: re.Match[str]) -> str:
        symbol = match["unit"]
        return counted_en(match["n"], _POINTS[symbol]) if symbol in _POINTS else counted(match["n"], symbol)

    def _by(match: re.Match[str]) -> str:
        return (counted(match["a"], match["unit"]) if match["unit"] else number_en(match["a"])) + " by "

    def _per(match: re.Match[str]) -> str:
        symbol = match["unit"]
        if symbol not in per and (symbol in units or not symbol.isalpha()):
            _, below = parts("/" + symbol)
            return " per " + " per ".join(part(each, many=False) for each in below)
        return " per " + per.get(symbol, symbol)

    return _unit, _unit_point, _by, _per, _duration, _minutes, _feet, _inch


def _duration(match: re.Match[str]) -> str:
    words = f"{counted_en(match['h'], ('hour', 'hours'))} {counted_en(match['m'], ('minute', 'minutes'))}"
    return words + (f" {counted_en(match['s'], ('second', 'seconds'))}" if match["s"] else "")


def _minutes(match: re.Match[str]) -> str:
    return f"{counted_en(match['m'], ('minute', 'minutes'))} {counted_en(match['s'], ('second', 'seconds'))}"


def _feet(match: re.Match[str]) -> str:
    words = f"{counted_en(match['a'], ('foot', 'feet'))} {counted_en(match['b'], ('inch', 'inches'))}"
    return words + ("." if match[0].endswith(".") and match.end() == len(match.string) else "")


def _inch(match: re.Match[str]) -> str:
    """13" -> thirteen inch, unless the mark closes a quotation."""
    if match[0][-1] == '"' and match.string.count('"', 0, match.end() - 1) % 2:
        return match[0]
    return f"{number_en(match['n'])} inch"
