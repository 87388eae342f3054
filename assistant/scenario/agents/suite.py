"""The scenarios that `huiyin bench agent` plays, made from the table `bench.toml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from huiyin.assistant.scenario.grammar import parse
from huiyin.assistant.scenario.script import Scenario
from huiyin.configs.tables import read_table

LANGUAGES = ("en", "zh")
REPEATED = 3
"""Every so many-th scenario is played so many times: how much one agent differs from itself."""
_STORIES = "stories"


@dataclass(frozen=True)
class Suited:
    """A scenario of the suite. `family`: what it asks of an agent, a table of `bench.toml`."""

    family: str
    language: str
    scenario: Scenario


@cache
def suite() -> tuple[Suited, ...]:
    """All of them, family by family; the name of each is its file's, as in `en-interruption-2`."""
    tables = read_table(Path(__file__).with_name("bench.toml"))
    stories = tables.pop(_STORIES)
    return tuple(made for family, table in tables.items() for made in _family(family, table, stories))


def families() -> list[str]:
    """Their names, in the order of the table."""
    return list(dict.fromkeys(each.family for each in suite()))


def seeds(position: int) -> range:
    """The seeds that the scenario at a position of the suite is played with."""
    return range(1, 2 if position % REPEATED else 1 + REPEATED)


def _family(family: str, table: dict[str, Any], stories: dict[str, list[str]]) -> Iterator[Suited]:
    for language in LANGUAGES:
        for number, line in enumerate(table[language]):
            story = stories[language][number % len(stories[language])]
            turns = table["turns"].replace("{line}", line).replace("{story}", story)
            script = {"about": table["about"], "depth": "room", "turns": yaml.safe_load(turns)}
            if hang_up := table.get("hang_up"):
                script["hang_up"] = hang_up
            yield Suited(family, language, parse(script, f"{language}-{family}-{number + 1}"))
