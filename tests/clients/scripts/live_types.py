"""Judges a Live server's events, JSON lines from standard input, by the `openai` package's types. Prints the kinds."""

from __future__ import annotations

import json
import sys
import typing

from openai.types.live import ServerEvent
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

CLASSES = {
    typing.get_args(kind.model_fields["type"].annotation)[0]: kind
    for kind in typing.get_args(typing.get_args(ServerEvent)[0])
}
WITHIN = TypeAdapter(ResponseStreamEvent)


def check_extra(value: object, path: str) -> None:
    """No field that the types do not know."""
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{path} has {value.model_extra}"
        for name in type(value).model_fields:
            check_extra(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            check_extra(each, path)


seen = set()
for line in sys.stdin:
    event = json.loads(line)
    check_extra(CLASSES[event["type"]].model_validate(event), event["type"])
    if event["type"] == "response.event":
        check_extra(WITHIN.validate_python(event["event"]), event["event"]["type"])
    seen.add(event["type"])
print(json.dumps(sorted(seen)))
