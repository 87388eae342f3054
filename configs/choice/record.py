"""What was chosen for this machine: a small file in the store's own folder, so that nothing changes by itself.

`settings.load` puts its settings in place of the default profile's where no profile is named; `models choose` makes
it anew.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huiyin.configs.choice.speed import Speed
from huiyin.configs.files import write_whole

_VERSION = 1


@dataclass(frozen=True)
class PartRecord:
    """The choice for one part."""

    wanted: str
    """Name of the rung that was chosen."""
    used: str
    """Name of the rung in use: below `wanted` until that is fetched and proven."""
    settings: Mapping[str, Any]
    """Of the rung in use: 'section.key' -> value."""


@dataclass(frozen=True)
class Record:
    """The whole choice."""

    machine: str
    """As `machine.machine()` says."""
    sources: tuple[str, ...] = ()
    """That answered."""
    speed: Speed | None = None
    parts: Mapping[str, PartRecord] = field(default_factory=dict)
    proven: tuple[str, ...] = ()
    """Rungs whose proof succeeded."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Rungs that were fetched and failed their proof -> what they did."""


def record_path(store: Path) -> Path:
    """Where the record of a store is."""
    return store / ".state" / "choice.json"


def read_record(store: Path) -> Record | None:
    """The record of a store; None if it is missing or unreadable."""
    try:
        data = json.loads(record_path(store).read_text(encoding="utf-8"))
        if data.pop("version") != _VERSION:
            return None
        speed = Speed(**data["speed"]) if data["speed"] else None
        parts = {name: PartRecord(**part) for name, part in data["parts"].items()}
        return Record(
            **{
                **data,
                "sources": tuple(data["sources"]),
                "proven": tuple(data["proven"]),
                "speed": speed,
                "parts": parts,
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_record(store: Path, record: Record) -> None:
    """Raises OSError."""
    path = record_path(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"version": _VERSION, **dataclasses.asdict(record)}
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


def recorded_values(store: Path, named: Collection[str]) -> list[tuple[str, str, Any]]:
    """(section, key, value) of every part of the record, but for parts of which `named` has a 'section.key'."""
    record = read_record(store)
    values = []
    for part in record.parts.values() if record else ():
        if not any(name in named for name in part.settings):
            values += [(*name.split(".", 1), value) for name, value in part.settings.items()]
    return values  # type: ignore[return-value]
