"""What a benchmark prints: Markdown tables, each below a comment that says which command measured it, where and when.

Table and comment go into docs/performance.md as they are (`tests/house/test_figures.py` looks for the comment).
Progress goes to standard error.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np

from huiyin.configs.messages import language
from huiyin.configs.tables import read_table


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
    for line in table([in_words(head) for head in heads], ([cell and in_words(cell) for cell in row] for row in rows)):
        print(line, flush=True)


def in_words(text: str) -> str:
    """A head, cell or line in the program's language; itself where `words.zh.toml` has nothing for it."""
    if language() == "zh":
        for pattern, chinese in _chinese():
            if match := pattern.fullmatch(text):
                return chinese.format(*map(in_words, match.groups()))
    return text


@cache
def _chinese() -> list[tuple[re.Pattern[str], str]]:
    """Sentences in English, whose {} is anything, and in Chinese; those with the most words of their own first."""
    words = read_table(Path(__file__).with_name("words.zh.toml"))
    ordered = sorted(words, key=lambda english: -len(english.replace("{}", "")))
    return [(re.compile("(.+?)".join(map(re.escape, english.split("{}")))), words[english]) for english in ordered]


def percent(share: float) -> str:
    """0.107 -> "10.7 %"."""
    return f"{100 * share:.1f} %"


def tell(line: str) -> None:
    """A line of progress."""
    print(in_words(line), file=sys.stderr, flush=True)


def median_and_high_ms(errors_s: Sequence[float]) -> str | None:
    """'37 / 193': median and 95th percentile in milliseconds; None: there are none."""
    if not errors_s:
        return None
    median, high = np.percentile(errors_s, [50, 95]) * 1000
    return f"{median:.0f} / {high:.0f}"
