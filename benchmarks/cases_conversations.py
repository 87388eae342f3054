"""Scripted conversations (`conversations/*.yaml`): whether all that is expected of each is met at text depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.cases_case import Case
from huiyin.assistant.scenario.api import read, simulate


def cases(folder: Path) -> Iterator[Case]:
    """Each file of the folder."""
    for path in sorted((folder / "conversations").glob("*.yaml")):
        scenario = read(path)
        result = simulate(scenario, "text")
        right = f"all of {len(result.outcomes)} expectations"
        got = "; ".join(result.explain(failure).removeprefix(f"{path}:") for failure in result.failures)
        yield Case(path.stem, scenario.about, right, got or right, result.passed)
