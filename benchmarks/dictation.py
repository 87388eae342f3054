"""Is what people dictate in groups one turn, and soon answered: ``python -m benchmarks.dictation`` (seconds).

Forty dictations in Chinese and English (`data/dictation.tsv`), written before anything was chosen by them; by the half
"aside" nothing was. Their pauses last 0.4 to 1.0 s. Each is played at text depth, in virtual time, with judges that
call every group complete: the worst for it. Then come sentences that dictate nothing: what is waited for longer there
is lost.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.output import percent, show
from benchmarks.sentences import DATA
from huiyin.assistant.scenario.api import parse, simulate
from huiyin.assistant.turns.dictation import Progress, progress
from huiyin.services.common.text import is_chinese

PAUSES_MS = (700, 400, 1000, 600, 900, 500, 800)
HALVES = ("tuned", "aside")
LEAST_WHOLE = 0.9
MOST_S = {"known": 0.7, "open": 1.5}
JUDGES: dict[str, tuple[str, float, float]] = {
    # key of the scenario, what it says of each pause, and of the end
    "sound sure of each group": ("complete", 0.98, 0.98),
    "sound in doubt at the end": ("complete", 0.98, 0.4),
    "words sure of each group": ("complete_words", 0.9, 0.9),
}
_SURE_SOUND = 0.98
_ORDINARY = Path(__file__).resolve().parents[1] / "tests" / "data"


@dataclass(frozen=True)
class Dictation:
    """A row of the table. `groups` are said with pauses between them, after `question` where there is one."""

    half: str
    length: str  # "known" or "open"
    question: str
    groups: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, as it is recognised."""
        return ("" if is_chinese(self.groups[0] + self.question) else " ").join(self.groups)


def dictations() -> list[Dictation]:
    """All of them."""
    with (DATA / "dictation.tsv").open(encoding="utf-8") as file:
        return [
            Dictation(row["half"], row["length"], row["question"], tuple(row["said"].split("|")))
            for row in csv.DictReader(file, delimiter="\t")
        ]


def scenario(dictation: Dictation, judge: str, pauses_ms: Iterator[int]) -> dict[str, Any]:
    """The conversation, as `huiyin simulate` reads it: it passes where the dictation is one turn."""
    key, of_pauses, of_end = JUDGES[judge]
    *before, last = dictation.groups
    said = "".join(f"{group} [{next(pauses_ms)} ms] " for group in before) + last
    greeting, thanks = ("你好", "记下了。") if is_chinese(dictation.text + dictation.question) else ("Hello", "Noted.")
    turn = {
        "user": said,
        "reply": thanks,
        "complete": [_SURE_SOUND] * len(dictation.groups),
        key: [of_pauses] * len(before) + [of_end],
        "expect": [{"event": "reply starts", "times": 1}, {"asked": dictation.text}],
    }
    asked = [{"user": greeting, "reply": dictation.question}] if dictation.question else []
    settings = {"turns.endpoint_words": "always"} if key == "complete_words" else {}
    return {"settings": settings, "turns": [*asked, turn]}


def main() -> int:
    """Print the tables; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="print each dictation that is not one turn")
    args = parser.parse_args()
    heads = ("half", "judges", "one turn (≥ 90 %)", "p50, length known (≤ 0.7 s)", "p50, open (≤ 1.5 s)", "reached?")
    rows = [_played(half, judge, misses=args.misses) for half in HALVES for judge in JUDGES]
    show(heads, rows)
    show(("sentences that dictate nothing", "sentences", "waited for longer"), _ordinary(misses=args.misses))
    return 0 if all(row[-1] == "yes" for row in rows) else 1


def _played(half: str, judge: str, *, misses: bool) -> list[str]:
    some = [dictation for dictation in dictations() if dictation.half == half]
    latencies: dict[str, list[float]] = {length: [] for length in MOST_S}
    pauses_ms = cycle(PAUSES_MS)
    whole = 0
    for dictation in some:
        result = simulate(parse(scenario(dictation, judge, pauses_ms)))
        whole += result.passed
        *_, end = result.log.named("user ends")
        if start := result.log.first("reply starts", end.at_s, result.log.end_s):
            latencies[dictation.length].append(start.at_s - end.at_s)
        if misses and not result.passed:
            print(f"{half}, {judge}: {dictation.question} {'|'.join(dictation.groups)}", file=sys.stderr)
    medians = {length: float(np.median(values)) for length, values in latencies.items()}
    is_reached = whole >= LEAST_WHOLE * len(some) and all(medians[length] <= MOST_S[length] for length in MOST_S)
    in_s = (f"{medians[length]:.2f} s" for length in MOST_S)
    return [half, judge, f"{whole} of {len(some)}", *in_s, "yes" if is_reached else "NO"]


def _ordinary(*, misses: bool) -> Iterator[list[str]]:
    files = [*DATA.glob("sentences_*.txt"), *_ORDINARY.glob("ordinary_*.txt")]
    sentences = [line for file in sorted(files) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    questions = sorted({dictation.question for dictation in dictations()} - {""})
    for name, before in (("alone", [""]), (f"as answers to each of {len(questions)} questions", questions)):
        pairs = [(question, sentence) for question in before for sentence in sentences]
        longer = [pair for pair in pairs if progress(pair[1], pair[0]) in (Progress.PART, Progress.OPEN)]
        for question, sentence in longer if misses else []:
            print(f"waited for longer: {question} {sentence}", file=sys.stderr)
        yield [name, str(len(pairs)), f"{len(longer)} ({percent(len(longer) / len(pairs))})"]


if __name__ == "__main__":
    sys.exit(main())
