"""Speed of scripted conversations, and how interruptions are taken: ``python -m benchmarks.scenarios`` (a minute).

One process, one thread. All of tests/conversations is played twice: the first time loads models and synthesises voices,
the second is timed, and must give the same report. Then come the conversations of `scenarios_interruptions`.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.command import as_command
from benchmarks.output import show
from benchmarks.scenarios_interruptions import interruptions
from huiyin.assistant.scenario.api import read, simulate
from huiyin.assistant.scenario.report import json_report, together
from huiyin.assistant.scenario.script import Depth

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "conversations"
QUICK_ROOMS = 8
LEAST_PER_MINUTE = 1000.0
LEAST_OF_REAL_TIME = 20.0
BOUNDS = {
    "stop latency p50 ms": ("at most", 300.0),
    "backchannel selectivity": ("at least", 0.95),
    "resume rate": ("at least", 0.95),
    "yield rate": None,
    "stop latency p95 ms": None,
    "noise selectivity": None,
    "false interruptions per minute": None,
}


def main() -> int:
    """Print the figures; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rooms")
    args = parser.parse_args()
    misses: list[str] = []
    minute, real_time = f"per minute (text ≥ {LEAST_PER_MINUTE:g})", f"× real time (room ≥ {LEAST_OF_REAL_TIME:g})"
    heads = ("depth", "scenarios", "failed", minute, real_time, "same bytes again", "reached?")
    show(heads, (_speed(depth, misses) for depth in ("text", "room")))
    results = [
        simulate(scenario) for scenario in itertools.islice(interruptions(), QUICK_ROOMS if args.quick else None)
    ]
    real = [result for result in results if result.scenario.voice == "hibari"]
    made = [result for result in results if result.scenario.voice != "hibari"]
    heads = (f"{len(results)} rooms", "all", "real voice", "synthetic syllables", "target", "reached?")
    show(heads, _interruptions([together(group) for group in (results, real, made)], misses))
    return 1 if misses else 0


def _speed(depth: Depth, misses: list[str]) -> list[str]:
    """Figures by one core's time: on a busy machine the clock says little."""
    scenarios = [one for one in (read(path) for path in sorted(FOLDER.glob("*.yaml"))) if depth in one.depths]
    before = json_report([simulate(scenario, depth) for scenario in scenarios])
    started_s = time.process_time()
    results = [simulate(scenario, depth) for scenario in scenarios]
    busy_s = time.process_time() - started_s
    per_minute, of_real_time = 60 * len(results) / busy_s, sum(result.log.end_s for result in results) / busy_s
    failed = sum(not result.passed for result in results)
    is_same = json_report(results) == before
    is_fast = per_minute >= LEAST_PER_MINUTE if depth == "text" else of_real_time >= LEAST_OF_REAL_TIME
    is_reached = is_fast and is_same and not failed
    misses += [] if is_reached else [depth]
    counts = (str(len(results)), str(failed), f"{per_minute:.0f}", f"{of_real_time:.0f}")
    return [depth, *counts, _yes(is_same), _yes(is_reached)]


def _interruptions(groups: list[dict[str, float | None]], misses: list[str]) -> Iterator[list[str | None]]:
    """A row a metric; `groups` are the figures of all, and of parts."""
    for name, bound in BOUNDS.items():
        values = [figures[name] for figures in groups]
        row: list[str | None] = [name, *(None if value is None else f"{value:.4g}" for value in values)]
        if bound is None:
            yield [*row, "", ""]
            continue
        word, limit = bound
        value = values[0]
        is_reached = value is not None and (value <= limit if word == "at most" else value >= limit)
        misses += [] if is_reached else [name]
        yield [*row, f"{word} {limit:g}", _yes(is_reached)]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "NO"


if __name__ == "__main__":
    as_command(main)
