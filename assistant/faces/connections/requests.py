"""How what a client asks for is read: a JSON object becomes one of the protocol's events, each a small class."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from huiyin.assistant.faces.connections.wire import Json, WireError
from huiyin.services.common.strict_json import parsed


@dataclass(frozen=True, kw_only=True)
class ClientEvent:
    """Something that the client wants. An error it causes names its `event_id`."""

    TYPE: ClassVar[str]
    event_id: str | None = None


def read(text: str | bytes, kinds: Iterable[type[ClientEvent]]) -> ClientEvent:
    """A client's message, as one of these. Raises WireError."""
    try:
        body = parsed(text) if isinstance(text, str) else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise WireError("connections.not_an_object", code="invalid_json")
    event_id = body.get("event_id")
    event_id = event_id if isinstance(event_id, str) else None
    name = body.get("type")
    kind = next((kind for kind in kinds if name == kind.TYPE), None)
    if kind is None:
        raise WireError("connections.unknown_event", code="invalid_value", param="type", event_id=event_id, type=name)
    try:
        return kind(**_fields(kind, body))
    except WireError as error:
        error.event_id = event_id
        raise


def _fields(kind: type[ClientEvent], body: Json) -> Json:
    values: Json = {}
    for name, allowed, is_needed in _allowed(kind):  # type: ignore[arg-type]
        if name in body and not (body[name] is None and not is_needed):
            values[name] = checked(body[name], allowed, name)
        elif is_needed:
            raise WireError("connections.missing", code="missing_required_parameter", param=name)
    return values


def checked(value: Any, allowed: type | tuple[type, ...], param: str) -> Any:
    """`value` if it is of this type. Raises WireError."""
    if not isinstance(value, allowed) or (isinstance(value, bool) and allowed is not bool):
        kinds = allowed if isinstance(allowed, tuple) else (allowed,)
        names = [_NAMES[kind] for kind in kinds]
        raise WireError("connections.wrong_type", code="invalid_type", param=param, names=names)
    return value


@cache
def _allowed(kind: type[ClientEvent]) -> list[tuple[str, type, bool]]:
    """(name, type, whether it must be there) of each field."""
    hints = typing.get_type_hints(kind)
    fields = []
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if isinstance(hint, types.UnionType):
            hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
        fields.append((field.name, typing.get_origin(hint) or hint, field.default is dataclasses.MISSING))
    return fields


_NAMES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}
