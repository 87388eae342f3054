"""How long a request waits for a recogniser, by replicas and load: ``python -m benchmarks.queueing``.

First the service times are measured: a real service of one core is sent the recorded turns one after the other. Then a
queue is simulated, event by event: requests come at random (Poisson), each takes a time drawn from those measured, and
the first replica that is free takes it (M/G/k). Two checks against theory are printed: the mean wait of one replica
(Pollaczek and Khinchine), and that of several with exponential times (Erlang C).
"""

from __future__ import annotations

import argparse
import heapq
import math
import statistics
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import requests

from benchmarks.command import above_zero, as_command, one_or_more
from benchmarks.output import show, tell
from tests.support.service_process import start_service
from tests.support.speech_clips import recorded

Times = npt.NDArray[np.float64]
"""Seconds, (n,)."""

REPLICAS = (1, 2, 4, 8, 16, 64)
LOADS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_WARM_UP = 0.1  # of the requests, until the queue is as it stays
_MOST_LOAD, _LOAD_STEP = 0.99, 0.01


def main() -> int:
    """Measure and print the tables. Returns the exit status: 1 where the simulation disagrees with theory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=one_or_more, default=3, help="times that each recorded turn is sent")
    parser.add_argument("--requests", type=one_or_more, default=200_000, help="in each simulated queue")
    parser.add_argument(
        "--limit-s", type=above_zero, default=0.3, help="a wait that 95 %% of the requests are not to exceed"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    times_s = _measured(args.repeats)
    mean_s = float(times_s.mean())
    spread = float(times_s.std() / mean_s)
    show(
        ("a turn on one core", ""),
        [
            ["turns", str(len(times_s))],
            ["mean", f"{mean_s:.2f} s"],
            ["p50, p95", f"{np.percentile(times_s, 50):.2f} s, {np.percentile(times_s, 95):.2f} s"],
            ["spread, of the mean", f"{spread:.2f}"],
        ],
    )
    chance = np.random.default_rng(args.seed)
    show(
        ("p95 of the wait, by load", *(f"{load:.0%}" for load in LOADS), f"most load for {args.limit_s} s"),
        (_row(times_s, replicas, args.requests, args.limit_s, chance) for replicas in REPLICAS),
    )
    return 0 if _agrees(times_s, args.requests, chance) else 1


def _measured(repeats: int) -> Times:
    """Times that the recorded turns take, sent one after the other to a service of one core."""
    clips = [path.read_bytes() for path, _, _ in recorded()]
    if not clips:
        raise SystemExit("there are no recorded clips in ../shared/speech")
    times_s = []
    with start_service("asr", threads=1, cache_entries=0) as url:
        for turn in [clips[0], *clips * repeats]:
            started = time.perf_counter()
            requests.post(f"{url}/asr", files={"file": turn}, timeout=600).raise_for_status()
            times_s.append(time.perf_counter() - started)
    tell(f"median of {len(clips) * repeats} turns: {statistics.median(times_s[1:]):.2f} s")
    return np.array(times_s[1:])


def waits(times_s: Times, replicas: int, load: float, count: int, chance: np.random.Generator) -> Times:
    """Waits of `count` requests in the order of their coming, each served by the replica that is free first.

    `load`: share of the replicas' time that is work, below 1. After Kiefer and Wolfowitz, 1955.
    """
    served_s = chance.choice(times_s, count)
    came_s = np.cumsum(chance.exponential(float(times_s.mean()) / (replicas * load), count))
    free_s = [0.0] * replicas
    waited_s = np.empty(count)
    for number, (at_s, needs_s) in enumerate(zip(came_s.tolist(), served_s.tolist(), strict=True)):
        begins_s = max(at_s, free_s[0])
        heapq.heapreplace(free_s, begins_s + needs_s)
        waited_s[number] = begins_s - at_s
    return waited_s[round(_WARM_UP * count) :]


def _row(times_s: Times, replicas: int, count: int, limit_s: float, chance: np.random.Generator) -> Sequence[str]:
    def p95_s(load: float) -> float:
        return float(np.percentile(waits(times_s, replicas, load, count, chance), 95))

    low, high = 0.0, _MOST_LOAD
    while high - low > _LOAD_STEP:
        middle = (low + high) / 2
        low, high = (middle, high) if p95_s(middle) <= limit_s else (low, middle)
    name = "one replica" if replicas == 1 else f"{replicas} replicas"
    return [name, *(f"{p95_s(load):.2f} s" for load in LOADS), f"{low:.0%}"]


def _agrees(times_s: Times, count: int, chance: np.random.Generator) -> bool:
    """Whether mean waits are those of theory, within 10 %; prints them."""
    load, replicas = 0.7, 4
    mean_s, square = float(times_s.mean()), float((times_s**2).mean())
    one = float(waits(times_s, 1, load, count, chance).mean()), load * square / mean_s / (2 * (1 - load))
    exponential = chance.exponential(mean_s, count)
    offered = replicas * load
    last = offered**replicas / math.factorial(replicas) / (1 - load)
    busy = last / (sum(offered**n / math.factorial(n) for n in range(replicas)) + last)
    several = (
        float(waits(exponential, replicas, load, count, chance).mean()),
        busy * mean_s / (replicas * (1 - load)),
    )
    good = True
    for name, (simulated, theory) in (("one replica", one), (f"{replicas} replicas, exponential times", several)):
        tell(f"{name}, load {load}: mean wait {simulated:.3f} s simulated, {theory:.3f} s in theory")
        good &= abs(simulated - theory) <= 0.1 * theory
    return good


if __name__ == "__main__":
    as_command(main)
