"""Answers lost as echo: ``python -m benchmarks.said_again [--text]``.

Forty conversations in which the user says again what the assistant has just said (`tests/data/said_again.tsv`:
choices, codes read back, sentences to be repeated), with the answer at several moments, in sound: in a room without
echo, as with a headset; with echo at -6 dB, cancelled; with the same echo and no cancellation. Lost is an answer
that is not replied to (its first word may be missing where both speak). `benchmarks.realtime_echo` shows the other
side: the assistant answering itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from benchmarks.command import as_command
from benchmarks.output import show, tell
from huiyin.assistant.scenario.api import Scenario, simulate
from tests.support.said_again import MOMENTS, ROOMS, conversations


def lost(scenarios: Iterator[Scenario], depth: str) -> tuple[int, int]:
    """(conversations, answers that were lost), which are printed."""
    results = [simulate(scenario, "text" if depth == "text" else "room") for scenario in scenarios]
    for result in results:
        if not result.passed:
            tell(f"  lost: {result.scenario.name}: {'; '.join(each.problem for each in result.failures)}")
    return len(results), sum(not result.passed for result in results)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", action="store_true", help="at text depth alone")
    parser.add_argument("--room", choices=ROOMS, action="append", help="only this one; may be repeated")
    parser.add_argument("--moment", choices=MOMENTS, action="append", help="only this one; may be repeated")
    args = parser.parse_args()
    moments = args.moment or MOMENTS
    rows = []
    if args.text or not args.room:
        rows.append(["text", *(_written(lost(conversations(moment), "text")) for moment in moments)])
    for name in () if args.text else args.room or ROOMS:
        row = [name]
        for moment in moments:
            tell(f"{name}, {moment}")
            row.append(_written(lost(conversations(moment, *ROOMS[name]), "room")))
        rows.append(row)
    show(["lost answers", *moments], rows)


def _written(counted: tuple[int, int]) -> str:
    count, missing = counted
    return f"{missing} of {count}"


if __name__ == "__main__":
    as_command(main)
