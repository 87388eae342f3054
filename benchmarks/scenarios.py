"""How fast scripted conversations play, and whether they play the same twice: python -m benchmarks.scenarios

One process, one thread. Everything is played twice: the first time loads models and makes voices, the second is timed,
and must give the same report.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from assistant.scenario.api import Result, Scenario, read, simulate
from assistant.scenario.report import json_report
from assistant.scenario.script import Depth

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "conversations"
LEAST = {"text": (1000.0, "scenarios a minute"), "room": (20.0, "x real time")}


def measure(scenarios: list[Scenario], depth: Depth) -> tuple[float, float, float, list[Result]]:
    """(scenarios a minute, x real time by the clock, x real time by one core's time, what came of them)."""
    began, busy = time.perf_counter(), time.process_time()
    results = [simulate(scenario, depth) for scenario in scenarios]
    took_s, busy_s = time.perf_counter() - began, time.process_time() - busy
    played_s = sum(result.log.end_s for result in results)
    return 60 * len(results) / took_s, played_s / took_s, played_s / busy_s, results


def main() -> int:
    """Print the figures; 1 when one is missed."""
    all_scenarios = [read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    reached = True
    for depth in ("text", "room"):
        scenarios = [scenario for scenario in all_scenarios if depth in scenario.depths]
        before = json_report([simulate(scenario, depth) for scenario in scenarios])
        per_minute, by_clock, by_core, results = measure(scenarios, depth)
        same = json_report(results) == before
        failed = sum(not result.passed for result in results)
        print(f"{depth}: {len(scenarios)} scenarios, {failed} failed; {per_minute:.0f} scenarios a minute,")
        print(f"      {by_clock:.0f} x real time by the clock, {by_core:.0f} x by one core's time")
        print(f"      the same seed gave {'the same bytes' if same else 'ANOTHER REPORT'} again")
        least, unit = LEAST[depth]
        value = per_minute if depth == "text" else by_core
        print(f"      to be reached: {least:.0f} {unit}: {'yes' if value >= least else 'NO'}")
        reached = reached and same and not failed and value >= least
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
