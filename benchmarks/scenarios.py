"""What scripted conversations must reach: ``python -m benchmarks.scenarios`` (about a minute; ``--quick``: half of it).

One process, one thread. All of tests/conversations is played twice: the first time loads models and makes voices, the
second is timed, and must give the same report. Then the conversations of `scenarios_interruptions`, for how the
assistant takes listening words, noises and somebody who cuts in.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

from benchmarks.scenarios_interruptions import interruptions
from huiyin.assistant.scenario.api import Result, Scenario, read, simulate
from huiyin.assistant.scenario.report import json_report, together
from huiyin.assistant.scenario.script import Depth

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "conversations"
QUICK_ROOMS = 8
LEAST: dict[Depth, tuple[float, str]] = {"text": (1000.0, "scenarios a minute"), "room": (20.0, "x real time")}
BOUNDS = {
    "stop latency p50 ms": ("at most", 300.0),
    "backchannel selectivity": ("at least", 0.95),
    "resume rate": ("at least", 0.95),
}
ALSO = ("yield rate", "stop latency p95 ms", "noise selectivity", "false interruptions per minute")


def measure(scenarios: list[Scenario], depth: Depth) -> tuple[float, float, float, list[Result]]:
    """(scenarios a minute, x real time by the clock, x real time by one core's time, what came of them)."""
    began, busy = time.perf_counter(), time.process_time()
    results = [simulate(scenario, depth) for scenario in scenarios]
    took_s, busy_s = time.perf_counter() - began, time.process_time() - busy
    played_s = sum(result.log.end_s for result in results)
    return 60 * len(results) / took_s, played_s / took_s, played_s / busy_s, results


def speed() -> bool:
    """Print how fast they play; whether all is as it must be."""
    all_scenarios = [read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    reached = True
    for depth in LEAST:
        scenarios = [scenario for scenario in all_scenarios if depth in scenario.depths]
        before = json_report([simulate(scenario, depth) for scenario in scenarios])
        per_minute, by_clock, by_core, results = measure(scenarios, depth)
        same = json_report(results) == before
        failed = [result.scenario.name for result in results if not result.passed]
        print(f"{depth}: {len(scenarios)} scenarios, {len(failed)} failed {' '.join(failed)}")
        print(f"      {by_clock:.0f} x real time by the clock, {by_core:.0f} x by one core's time")
        least, unit = LEAST[depth]
        value = per_minute if depth == "text" else by_core
        print(f"      {value:.0f} {unit}; to be reached: {least:.0f}: {_yes(value >= least)}")
        print(f"      the same seed, the same bytes: {_yes(same)}", flush=True)
        reached = reached and same and not failed and value >= least
    return reached


def manners(count: int | None) -> bool:
    """Print what becomes of listening words, noises and interruptions; whether all is as it must be."""
    results = [simulate(scenario) for scenario in itertools.islice(interruptions(), count)]
    groups = {
        "all": results,
        "real voice": [result for result in results if result.scenario.voice == "hibari"],
        "made voice": [result for result in results if result.scenario.voice != "hibari"],
    }
    figures = {name: together(group) for name, group in groups.items()}
    print(f"\nroom depth, {len(results)} rooms, in each a listening word, a noise and somebody who cuts in:\n")
    print(f"{'':32}" + "".join(f"{name:>12}" for name in figures) + "   to be reached")
    reached = True
    for name in (*BOUNDS, *ALSO):
        values = [column[name] for column in figures.values()]
        line = f"{name:32}" + "".join(f"{'-' if value is None else format(value, 'g'):>12}" for value in values)
        if name in BOUNDS:
            word, bound = BOUNDS[name]
            value = values[0]
            met = value is not None and (value <= bound if word == "at most" else value >= bound)
            reached = reached and met
            line += f"   {word} {bound:g}: {_yes(met)}"
        print(line)
    return reached


def main() -> int:
    """Print the figures; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rooms")
    args = parser.parse_args()
    reached = [speed(), manners(QUICK_ROOMS if args.quick else None)]
    return 0 if all(reached) else 1


def _yes(met: bool) -> str:
    return "yes" if met else "NO"


if __name__ == "__main__":
    sys.exit(main())
