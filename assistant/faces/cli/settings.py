"""``huiyin settings``: every setting, its value, its default and the reason for it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from huiyin.configs.layers import check_name, is_secret
from huiyin.configs.messages import language, said
from huiyin.configs.reasons import reason_in
from huiyin.configs.settings import Settings, sections
from huiyin.services.common.shown_url import shown_url


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the settings. Returns the exit status."""
    rows = _rows(settings)
    for name in args.section:
        section, dot, key = name.partition(".")
        check_name(sections(), section, key if dot else None)
    wanted = set(args.section)
    rows = [row for row in rows if not wanted or {row["section"], f"{row['section']}.{row['key']}"} & wanted]
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    section = ""
    for row in rows:
        if row["section"] != section:
            section = row["section"]
            print(f"[{section}]")
        changed = row["value"] != row["default"]
        default = f" {said('shown.default', value=_toml(row['default']))}" if changed else ""
        print(f"{'*' if changed else ' '} {row['key']} = {_toml(row['value'])}{default}\n      {row['why']}")
    return 0


def _rows(settings: Settings) -> list[dict[str, Any]]:
    rows = []
    for section in dataclasses.fields(settings):
        table = getattr(settings, section.name)
        for field in dataclasses.fields(table):
            value = getattr(table, field.name)
            if is_secret(field) and value:
                value = said("shown.secret")
            elif field.name == "upstreams":
                value = tuple(map(shown_url, value))
            row = {"section": section.name, "key": field.name, "value": value, "default": field.default}
            row["why"] = reason_in(language(), sections()[section.name], f"{section.name}.{field.name}")
            rows.append(row | {name: fact for name, fact in field.metadata.items() if fact is not None})
    return rows


def _toml(value: Any) -> str:
    """As it would be written in a profile."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
