"""Is what people dictate in groups one turn, and soon answered: ``python -m benchmarks.dictation`` (seconds).

Forty dictations in Chinese and English, written before anything was chosen by them; by the half "aside" nothing was,
until what was misheard of it had been seen: then twenty "new" ones were written, by which nothing was chosen.
Their pauses last 0.4 to 1.0 s. Each is played at text depth, in virtual time, with judges that call every group
complete: the worst for it. Then come sentences that dictate nothing: what is waited for longer there is lost.
``--spoken`` plays them with offline voices to the default recogniser and smart-turn instead (a minute, once more for
the synthesis), and prints what they make of each group.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import as_command
from benchmarks.dictation_rows import PAUSES_MS, Dictation, dictations
from benchmarks.output import percent, show
from benchmarks.sentences import CHINESE, ENGLISH, MIXED
from huiyin.assistant.scenario.api import parse, simulate
from huiyin.assistant.turns.dictation import Progress, progress
from huiyin.configs import settings as config

HALVES = ("tuned", "aside", "new")
LEAST_WHOLE = 0.9
MOST_S = {"known": 0.7, "open": 1.5}
JUDGES: dict[str, tuple[str, float, float]] = {
    # key of the scenario, what it says of each pause, and of the end
    "sound: each group complete": ("complete", 0.98, 0.98),
    "sound: in doubt at the end": ("complete", 0.98, 0.4),
    "words: each group complete": ("complete_words", 0.9, 0.9),
}
_SURE_SOUND = 0.98
_HEADS = ("half", "judged by", "one turn (≥ 90 %)", "p50, length known (≤ 0.7 s)", "p50, open (≤ 1.5 s)", "reached?")
_ORDINARY = Path(__file__).resolve().parents[1] / "tests" / "data"


def main() -> int:
    """Print the tables; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="print each dictation that is not one turn")
    parser.add_argument("--spoken", action="store_true", help="in sound")
    args = parser.parse_args()
    if args.spoken:
        rows = list(_spoken())
    else:
        rows = [_played(half, judge, misses=args.misses) for half in HALVES for judge in JUDGES]
    show(_HEADS, rows)
    if not args.spoken:
        show(("sentences that dictate nothing", "sentences", "waited for longer"), _ordinary(misses=args.misses))
    return 0 if all(row[-1] == "yes" for row in rows) else 1


def conversation(dictation: Dictation, judge: str, pauses_ms: Iterator[int]) -> dict[str, Any]:
    """As `huiyin simulate` reads it: it passes where the dictation is one turn."""
    key, of_pauses, of_end = JUDGES[judge]
    *before, last = dictation.groups
    greeting, thanks = ("你好", "记下了。") if dictation.is_chinese else ("Hello", "Noted.")
    turn = {
        "user": "".join(f"{group} [{next(pauses_ms)} ms] " for group in before) + last,
        "reply": thanks,
        "complete": [_SURE_SOUND] * len(dictation.groups),
        key: [of_pauses] * len(before) + [of_end],
        "expect": [{"event": "reply starts", "times": 1}, {"asked": dictation.text}],
    }
    asked = [{"user": greeting, "reply": dictation.question}] if dictation.question else []
    settings = {"turns.endpoint_words": "always"} if key == "complete_words" else {}
    return {"settings": settings, "turns": [*asked, turn]}


def _played(half: str, judge: str, *, misses: bool) -> list[str]:
    some = [dictation for dictation in dictations() if dictation.half == half]
    latencies_s: dict[str, list[float]] = {length: [] for length in MOST_S}
    pauses_ms, whole = cycle(PAUSES_MS), 0
    for dictation in some:
        result = simulate(parse(conversation(dictation, judge, pauses_ms)))
        whole += result.passed
        *_, end = result.log.named("user ends")
        if start := result.log.first("reply starts", end.at_s):
            latencies_s[dictation.length].append(start.at_s - end.at_s)
        if misses and not result.passed:
            print(f"{half}, {judge}: {dictation.question} {'|'.join(dictation.groups)}", file=sys.stderr)
    return _row(half, judge, whole, len(some), latencies_s)


def _row(half: str, judge: str, whole: int, of: int, latencies_s: dict[str, list[float]]) -> list[str]:
    medians_s = {length: float(np.median(values)) for length, values in latencies_s.items()}
    is_reached = whole >= LEAST_WHOLE * of and all(medians_s[length] <= MOST_S[length] for length in MOST_S)
    medians = (f"{medians_s[length]:.2f} s" for length in MOST_S)
    return [half, judge, f"{whole} of {of}", *medians, "yes" if is_reached else "NO"]


def _spoken() -> Iterator[list[str]]:
    """The latencies are the waits: of a reply that is ready by then."""
    from benchmarks.dictation_spoken import silences  # loads models

    settings = config.load(environ={})
    rows = dictations()
    found = list(zip(rows, silences(settings, rows, settings.store.path.parent / "bench" / "dictation"), strict=True))
    for half in HALVES:
        some = [(row, ends) for row, ends in found if row.half == half]
        for row, ends in some:
            marks = " | ".join(f"{end.text}{' ✂' if end.is_cut else ''}" for end in ends)
            print(f"{half}, {ends[-1].wait_s:.2f} s: {row.question} {'|'.join(row.groups)}\n    {marks}")
        waits_s = {length: [ends[-1].wait_s for row, ends in some if row.length == length] for length in MOST_S}
        whole = sum(not any(end.is_cut for end in ends) for _, ends in some)
        yield _row(half, "smart-turn, in sound", whole, len(some), waits_s)


def _ordinary(*, misses: bool) -> Iterator[list[str]]:
    files = sorted(_ORDINARY.glob("ordinary_*.txt"))
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
    sentences = [*CHINESE, *ENGLISH, *MIXED, *filter(str.strip, lines)]
    questions = sorted({dictation.question for dictation in dictations()} - {""})
    for name, before in (("alone", [""]), (f"as answers to each of {len(questions)} questions", questions)):
        pairs = [(question, sentence) for question in before for sentence in sentences]
        longer = [pair for pair in pairs if progress(pair[1], pair[0]) in (Progress.PART, Progress.OPEN)]
        for question, sentence in longer if misses else []:
            print(f"waited for longer: {question} {sentence}", file=sys.stderr)
        yield [name, str(len(pairs)), f"{len(longer)} ({percent(len(longer) / len(pairs))})"]


if __name__ == "__main__":
    as_command(main)
