"""A measured figure stands in docs/performance.md, below a comment that says which command printed it, and when."""

from __future__ import annotations

import importlib.util
import re
from datetime import date
from pathlib import Path

import pytest

from benchmarks.output import table
from tests.support import ROOT

FIGURES = ROOT / "docs" / "performance.md"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
SOURCE = re.compile(r"<!-- python -m (?P<module>[\w.]+)[^,>]*, \d+ cores, (?P<day>\d{4}-\d\d-\d\d) -->")
ERROR_RATE = re.compile(r"\b[CW]ER\b[^.|\n]*?\d+(?:\.\d+)?\s?%|\d+(?:\.\d+)?\s?%[^.|\n]*?\b[CW]ER\b")
ELSEWHERE = [
    *READMES,
    *(path for path in (ROOT / "docs").glob("*.md") if path != FIGURES),
    *(ROOT / "configs").glob("*.toml"),
    ROOT / "configs" / "settings.py",
]


def test_every_table_of_figures_says_where_it_comes_from() -> None:
    lines = FIGURES.read_text(encoding="utf-8").splitlines()
    heads = [number for number, line in enumerate(lines) if re.match(r"\|( *-+ *\|)+$", line)]
    assert len(heads) > 15
    for head in heads:
        source = SOURCE.fullmatch(lines[head - 2])
        assert source, f"no comment of a benchmark above the table {lines[head - 1]!r}"
        assert importlib.util.find_spec(source["module"]), source["module"]
        assert date.fromisoformat(source["day"]) > date(2026, 1, 1)


def test_what_a_benchmark_prints_is_such_a_table() -> None:
    lines = list(table(("", "value"), [["error rate", "1.6 %"], ["other", None]]))
    assert lines == ["|  | value |", "| --- | --- |", "| error rate | 1.6 % |", "| other | - |"]


@pytest.mark.parametrize("page", ELSEWHERE, ids=lambda path: path.name)
def test_error_rates_stand_nowhere_else(page: Path) -> None:
    assert ERROR_RATE.findall(page.read_text(encoding="utf-8")) == []


def test_the_figures_of_both_readmes_are_those_of_the_page() -> None:
    english, chinese = (_headlines(page) for page in READMES)
    assert english == chinese and len(english) == 9
    rows = [line for line in FIGURES.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    measured = set(re.findall(r"\d+\.?\d*", "\n".join(rows)))
    assert [figure for figure in english if figure not in measured] == []


def _headlines(page: Path) -> list[str]:
    """Numbers of the paragraphs that name docs/performance.md as their source."""
    paragraphs = page.read_text(encoding="utf-8").split("\n\n")
    cited = [paragraph for paragraph in paragraphs if "](docs/performance.md)" in paragraph]
    return re.findall(r"\d+\.?\d*", "\n".join(cited))
