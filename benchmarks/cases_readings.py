"""Readings of Chinese characters: of each row, whether a part of a sentence is read rightly.

Of our own rows (`tests/data/readings.tsv`) half were kept aside while rules were written; a table of somebody else's
needs the columns sentence, part and right. `right`: pinyin with tones as digits, " or " between several readings.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from huiyin.services.common.text import HAN_CHARACTER
from huiyin.services.tts import g2p_zh

OWN = Path(__file__).parents[1] / "tests" / "data" / "readings.tsv"


@dataclass(frozen=True)
class Row:
    """A part of a sentence, and the readings of it that are right."""

    group: str
    """'tuned' or 'aside' of our own rows; of others the name of their file."""
    kind: str
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


def rows(path: Path = OWN) -> Iterator[Row]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            right = tuple(row["right"].replace("ü", "v").split(" or "))
            yield Row(row.get("half") or path.stem, row.get("kind") or "", row["sentence"], row["part"], right)


def readings(paths: Iterable[Path] = ()) -> Iterator[str]:
    """The score of each group and the rows that are wrong, as lines; `paths`: tables beside our own."""
    g2p_zh.load()
    tables = [row for path in (OWN, *paths) for row in rows(path)]
    groups: dict[str, list[bool]] = defaultdict(list)
    started_s = time.perf_counter()
    for row in tables:
        groups[row.group].append(row.is_right)
        if not groups[row.group][-1]:
            yield f"  {row.group}: {row.sentence} {row.part}: {row.read()}, not {' or '.join(row.right)}"
    took_ms = (time.perf_counter() - started_s) * 1000 / len(tables)
    for group, right in groups.items():
        yield f"readings, {group}: {sum(right)} of {len(right)} right ({sum(right) / len(right):.1%})"
    yield f"readings: {took_ms:.2f} ms a sentence"
