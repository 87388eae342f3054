"""The dictations of `benchmarks.dictation`: `data/dictation.tsv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from benchmarks.sentences import DATA
from huiyin.services.common.text import is_chinese

PAUSES_MS = (700, 400, 1000, 600, 900, 500, 800)
"""Between groups, in turn."""


@dataclass(frozen=True)
class Dictation:
    """A row of the table. `groups` are said with pauses between them, after `question` where there is one.

    `half`: "tuned", "aside" or "new"; `length`: "known" or "open".
    """

    half: str
    length: str
    question: str
    groups: tuple[str, ...]

    @property
    def is_chinese(self) -> bool:
        """Its language is Chinese, not English."""
        return is_chinese(self.question + "".join(self.groups))

    @property
    def text(self) -> str:
        """All of it, as a recogniser that spells as the table does has it."""
        return " ".join(self.groups)


def dictations() -> list[Dictation]:
    """All of them."""
    with (DATA / "dictation.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [Dictation(row["half"], row["length"], row["question"], tuple(row["said"].split("|"))) for row in rows]
