"""Units of measure: simple ones as a table lists them, and those composed of them, such as μg/m³ and N·m."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_POWER = re.compile(r"[²³23]\Z")
_HAS_AREA = ("m", "ft", "in", "mi")  # what is measured along has an area and a volume


def simple_units(table: Mapping[str, Any]) -> dict[str, Any]:
    """Symbol -> name(s), with each prefix that a base unit takes put before its symbol and name."""
    units: dict[str, Any] = dict(table["units"])
    for symbol, (name, prefixes) in table["bases"].items():
        units.setdefault(symbol, name)
        for prefix in prefixes.split():
            units.setdefault(prefix + symbol, table["prefixes"][prefix] + name)
    return units


def unit_pattern(units: Mapping[str, Any]) -> str:
    """A pattern of one unit, or of units with powers and / or · between them."""
    longest_first = sorted(units, key=len, reverse=True)
    one = "(?:" + "|".join(map(re.escape, longest_first)) + ")"
    length = "(?:" + "|".join(re.escape(each) for each in longest_first if each.endswith(_HAS_AREA)) + ")"
    power = rf"(?:{length}(?:[²³]|[23](?!\d))|s²|{one})"
    return rf"{power}(?:[/·]{power})*"


def parts(unit: str) -> tuple[list[str], list[str]]:
    """A composed unit's parts, those multiplied and those divided by; each with its power at its end.

    >>> parts("N·m"), parts("μg/m³")
    ((['N', 'm'], []), (['μg'], ['m³']))
    """
    above, *below = unit.split("/")
    return above.split("·"), [part for each in below for part in each.split("·")]


def base_and_power(unit: str) -> tuple[str, int]:
    """A unit without its power, and the power: 1, 2 or 3."""
    power = _POWER.search(unit)
    return (unit[:-1], {"²": 2, "2": 2, "³": 3, "3": 3}[power[0]]) if power else (unit, 1)
