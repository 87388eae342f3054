"""Readings of Chinese characters (`readings.tsv`): whether a part of a sentence is read as it should be.

"Right" is pinyin, the tones as digits, with " or " between several right readings. Our own rows are of the same form
(`tests/data/readings.tsv`); half of them were kept aside while the rules were written.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases_case import Case
from huiyin.services.common.text import HAN_CHARACTER
from huiyin.services.tts import g2p_zh

OWN = Path(__file__).parents[1] / "tests" / "data" / "readings.tsv"


@dataclass(frozen=True)
class Row:
    """A part of a sentence, and the readings of it that are right."""

    name: str
    """'tuned' or 'aside' of our own rows; else the row's id."""
    sentence: str
    part: str
    right: tuple[str, ...]

    def read(self) -> str:
        """How the part is read in its sentence."""
        readings = iter(g2p_zh.readings(self.sentence))
        syllables = [next(readings)[1] if HAN_CHARACTER.match(character) else "" for character in self.sentence]
        start = self.sentence.index(self.part)
        return " ".join(filter(None, syllables[start : start + len(self.part)]))

    @property
    def is_right(self) -> bool:
        """Whether it is one of the right ones."""
        return self.read() in self.right


def cases(folder: Path) -> Iterator[Case]:
    """Each row of the table."""
    for row in rows(folder / "readings.tsv"):
        given = f"{row.part} in {row.sentence}"
        yield Case(row.name, given, " or ".join(row.right), row.read(), row.is_right)


def rows(path: Path = OWN) -> Iterator[Row]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            right = tuple(row["right"].replace("ü", "v").split(" or "))
            yield Row(row.get("half") or row["id"], row["sentence"], row["part"], right)
