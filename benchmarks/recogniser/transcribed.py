"""Recordings of people with their words, for ``python -m benchmarks.recogniser.fallback``.

`data/recognition.tsv` lists them in two halves. *test*: nothing was chosen by it. *dev*: windows, beams and prompts
were chosen by it. Recordings stay in the cache folder (see `benchmarks.latency_heldout`), never in this project.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.latency_heldout import HeldOut
from benchmarks.sentences import DATA
from huiyin.configs.layers import read_toml

HALVES = ("test", "dev")


@dataclass(frozen=True)
class Transcribed:
    """A recording and what is said in it."""

    recording: HeldOut
    text: str


def listed(half: str) -> list[Transcribed]:
    """All of one half."""
    sources = {**read_toml(DATA / "heldout_sources.toml"), **read_toml(DATA / "recognition_sources.toml")}
    with (DATA / "recognition.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Transcribed(_recording(row, sources[row["source"]]), row["text"]) for row in rows if row["half"] == half
        ]


def _recording(row: dict[str, str], source: dict[str, Any]) -> HeldOut:
    commit = row["commit"] or source["commit"]
    own = {name: row[name] for name in ("source", "path", "sha256", "speaker")}
    return HeldOut(repository=source["repository"], commit=commit, language=source["language"], **own)


def some(clips: Sequence[Transcribed], most: int) -> list[Transcribed]:
    """At most so many of each language, spread over the list; 0: all."""
    chosen: list[Transcribed] = []
    for language in ("zh", "en"):
        spoken = [clip for clip in clips if clip.recording.language == language]
        step = max(1, len(spoken) // most) if most else 1
        chosen += spoken[::step][: most or None]
    return chosen
