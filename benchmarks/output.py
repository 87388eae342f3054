"""What a benchmark prints: Markdown tables, each below a comment that says which command measured it, where and when.

Table and comment go into docs/performance.md as they are (`tests/house/test_figures.py` looks for the comment).
Progress goes to standard error.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain


def source() -> str:
    """``<!-- python -m benchmarks.asr --repeats 3, 2 cores, 2026-11-28 -->``: the command that runs, machine, day."""
    module = sys.modules["__main__"].__spec__
    name = module.name.removesuffix(".__main__") if module else "?"
    command = shlex.join(["python", "-m", name, *sys.argv[1:]])
    return f"<!-- {command}, {os.cpu_count()} cores, {date.today()} -->"


def table(heads: Sequence[str], rows: Iterable[Sequence[str | None]]) -> Iterator[str]:
    """The lines of a Markdown table; None is shown as "-"."""
    for cells in chain([heads, ["---"] * len(heads)], rows):
        yield f"| {' | '.join('-' if cell is None else cell for cell in cells)} |"


def show(heads: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Print comment and table, each row as soon as `rows` gives it."""
    print(f"\n{source()}")
    for line in table(heads, rows):
        print(line, flush=True)


def percent(share: float) -> str:
    """0.107 -> "10.7 %"."""
    return f"{100 * share:.1f} %"


def tell(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)
