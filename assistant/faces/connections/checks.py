"""Checks of what a client sends: each takes a value and where it stands, and returns it or raises WireError.

Fields that are not known are left out: a newer client must not fail for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from huiyin.assistant.faces.connections.requests import checked
from huiyin.assistant.faces.connections.wire import Json, WireError
from huiyin.services.common.strict_json import DEEPEST, is_deeper

Check = Callable[[Any, str], Any]


def text(most: int = 100_000) -> Check:
    """Text of at most so many characters."""

    def check(value: Any, param: str) -> str:
        words = str(checked(value, str, param))
        if len(words) > most:
            raise WireError("connections.too_long", code="string_above_max_length", param=param, most=most)
        return words

    return check


def number(low: float, high: float) -> Check:
    """A number within bounds."""

    def check(value: Any, param: str) -> float:
        checked(value, (int, float), param)
        if not low <= value <= high:
            raise WireError("connections.out_of_range", code="invalid_value", param=param, low=low, high=high)
        return float(value)

    return check


def integer(low: int, high: int) -> Check:
    """A whole number within bounds."""

    def check(value: Any, param: str) -> int:
        checked(value, int, param)
        return int(number(low, high)(value, param))

    return check


def one_of(*numbers: int) -> Check:
    """One of these whole numbers."""

    def check(value: Any, param: str) -> int:
        chosen: int = integer(min(numbers), max(numbers))(value, param)
        if chosen not in numbers:
            raise WireError("connections.no_choice", code="invalid_value", param=param, words=list(numbers))
        return chosen

    return check


def flag(value: Any, param: str) -> bool:
    """True or false."""
    return bool(checked(value, bool, param))


def an_object(value: Any, param: str) -> Json:
    """Any object."""
    return dict(checked(value, dict, param))


def choice(*words: str) -> Check:
    """One of these words."""

    def check(value: Any, param: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise WireError("connections.no_choice", code="invalid_value", param=param, words=list(words))
        return value

    return check


def nullable(inner: Check) -> Check:
    """None, or as `inner`."""
    return lambda value, param: None if value is None else inner(value, param)


def listed(inner: Check, most: int) -> Check:
    """A list of at most so many."""

    def check(value: Any, param: str) -> list[Any]:
        items = checked(value, list, param)
        if len(items) > most:
            raise WireError("connections.too_many", code="array_above_max_length", param=param, most=most)
        return [inner(item, f"{param}[{number}]") for number, item in enumerate(items)]

    return check


def anything(value: Any, param: str) -> Any:
    """Whatever it is, if it is not nested without end."""
    if is_deeper(value, DEEPEST):
        raise WireError("connections.too_deep", code="invalid_value", param=param, most=DEEPEST)
    return value


def record(fields: Mapping[str, Check], *, needed: tuple[str, ...] = ()) -> Check:
    """An object with these fields, of which `needed` must be there."""

    def check(value: Any, param: str) -> Json:
        body = checked(value, dict, param)
        where = f"{param}." if param else ""
        for name in needed:
            if name not in body:
                raise WireError("connections.missing", code="missing_required_parameter", param=where + name)
        return {name: fields[name](body[name], where + name) for name in fields if name in body}

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """An object whose field `type` says which of these it is."""

    def check(value: Any, param: str) -> Json:
        body = checked(value, dict, param)
        kind = choice(*kinds)(body.get("type"), f"{param}.type" if param else "type")
        return {"type": kind, **kinds[kind](body, param)}

    return check
