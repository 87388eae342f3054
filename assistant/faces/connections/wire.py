"""What the events of all protocols have in common: those of the server, and what is wrong with a client's."""

from __future__ import annotations

import dataclasses
import json
import secrets
from dataclasses import dataclass
from typing import Any, ClassVar

from huiyin.configs.errors import HuiyinError

Json = dict[str, Any]


class WireError(HuiyinError):
    """What the client asked for cannot be done; the session goes on.

    `code` is a stable word for programs (default: the last part of `key`), `param` the field that is wrong, `event_id`
    the client's event, where it has a name.
    """

    def __init__(
        self, key: str, /, *, code: str = "", param: str | None = None, event_id: str | None = None, **facts: object
    ) -> None:
        super().__init__(key, param=param, **facts)
        self.code, self.param, self.event_id = code or key.rpartition(".")[2], param, event_id


def new_id(prefix: str) -> str:
    """An id that no other object has."""
    return f"{prefix}_{secrets.token_hex(10)}"


@dataclass(frozen=True)
class ServerEvent:
    """An event that is sent to the client."""

    TYPE: ClassVar[str]

    def message(self, event_id: str) -> str:
        """As JSON text. A field that is None is sent as null. Half a character, as a model may write, becomes "?"."""
        text = json.dumps({"type": self.TYPE, "event_id": event_id, **self.fields()}, ensure_ascii=False)
        return text.encode(errors="replace").decode()

    def fields(self) -> Json:
        """Its fields, as JSON has them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
