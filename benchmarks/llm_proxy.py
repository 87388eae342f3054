"""What the LLM proxy adds, and whether it carries a crowd: ``python -m benchmarks.llm_proxy [--minutes 5]``.

A stub upstream on this machine answers at once, in a process of its own; callers in another ask it directly and through
the proxy by turns, so that whatever else the machine does hits both. First word: 50 callers, each with a stream of 20
words at 20 a second and then the next one. Crowd: 200 streams at 40 words a second each, for `--minutes`; every word is
numbered, and the service's memory is looked at every second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import psutil

from benchmarks.llm_stub import CallFigures, call, stub_upstream
from tests.support.service_process import start_service

CALLERS = 50
CALLER_WORDS, CALLER_PACE_S = 20, 1 / 20  # as a large model on a good machine
ROUND_S = 3.0
FIRST_P50_MS, FIRST_P99_MS = 4.0, 10.0  # wanted: added to the first word

STREAMS = 200
STREAM_PACE_S = 1 / 40
STREAM_WORDS = 400  # ten seconds, then the next stream: what a stream leaves behind would show in the memory
DIRECT_S = 10.0  # the crowd without a proxy, to compare
FLAT_MB_MIN = 0.5  # wanted: no more growth than this once warm
_WARM = 0.3  # share of the time that the memory may grow: threads and buffers come into being


def main() -> int:
    """Prints the tables. Returns the exit status: 1 when a stream was hurt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("all", "first", "crowd"), default="all")
    parser.add_argument("--rounds", type=int, default=5, help=f"of {ROUND_S:g} s each way, first word (default 5)")
    parser.add_argument("--minutes", type=float, default=0.5, help="of the crowd (default 0.5)")
    args = parser.parse_args()
    with (
        stub_upstream() as direct,
        start_service("llm", upstreams=direct) as service,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as callers,
    ):
        rounds = _Rounds(callers, {"direct": direct, "proxied": f"{service}/v1"})
        hurt = False
        if args.what != "crowd":
            hurt |= _first(rounds, args.rounds)
        if args.what != "first":
            hurt |= _crowd(rounds, service, args.minutes * 60)
    return int(hurt)


@dataclass
class _Rounds:
    pool: ProcessPoolExecutor
    ways: dict[str, str]

    def play(self, way: str, callers: int, words: int, pace_s: float, seconds: float) -> CallFigures:
        asked = self.pool.submit(call, self.ways[way], callers=callers, words=words, pace_s=pace_s, seconds=seconds)
        return asked.result()


def _first(rounds: _Rounds, count: int) -> bool:
    heard: dict[str, list[CallFigures]] = {way: [] for way in rounds.ways}
    for way in rounds.ways:  # unmeasured: connections, threads
        rounds.play(way, CALLERS, CALLER_WORDS, CALLER_PACE_S, 1.5)
    for _ in range(count):
        for way in rounds.ways:
            heard[way].append(rounds.play(way, CALLERS, CALLER_WORDS, CALLER_PACE_S, ROUND_S))
    print(f"first word, {CALLERS} callers with {1 / CALLER_PACE_S:.0f} words/s each: ms p50 / p99 (streams)")
    found = {}
    for way, all_heard in heard.items():
        times = [ms for one in all_heard for ms in one.first_ms]
        found[way] = _quantiles(times)
        print(f"  {way:<8} {found[way][0]:7.2f} {found[way][1]:7.2f}  ({len(times)})")
    p50, p99 = (found["proxied"][at] - found["direct"][at] for at in (0, 1))
    each = [_quantiles(p.first_ms)[0] - _quantiles(d.first_ms)[0] for d, p in zip(*heard.values(), strict=True)]
    print(
        f"  added    {p50:7.2f} {p99:7.2f}  wanted: at most {FIRST_P50_MS:g} and {FIRST_P99_MS:g}; p50 by round: "
        f"{min(each):.2f}-{max(each):.2f}"
    )
    return _faults([one for all_heard in heard.values() for one in all_heard])


def _crowd(rounds: _Rounds, service: str, seconds: float) -> bool:
    words = min(STREAM_WORDS, round(seconds / 2 / STREAM_PACE_S))
    direct = rounds.play("direct", STREAMS, words, STREAM_PACE_S, min(DIRECT_S, seconds))
    with _Memory(service) as memory:
        proxied = rounds.play("proxied", STREAMS, words, STREAM_PACE_S, seconds)
    print(f"\n{STREAMS} streams of {1 / STREAM_PACE_S:.0f} words/s for {seconds / 60:g} minutes")
    for way, heard in {"direct": direct, "proxied": proxied}.items():
        p50, p99 = _quantiles(heard.transit_ms)
        print(
            f"  {way:<8} {heard.streams} streams, {heard.words} words, {len(heard.faults)} streams hurt; "
            f"a word's way: ms p50 {p50:.2f}, p99 {p99:.2f}"
        )
    memory.show()
    return _faults([direct, proxied])


class _Memory:
    """Looks at the memory and CPU of the service's processes every second while a block runs."""

    def __init__(self, service: str) -> None:
        port = service.rpartition(":")[2]
        mine = [process for process in psutil.Process().children(recursive=True) if port in process.cmdline()]
        self._processes = mine
        self._seen: list[tuple[float, float]] = []  # seconds, MB
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Memory:
        self._cpu_s, self._started_s = self._cpu(), time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._cores = (self._cpu() - self._cpu_s) / (time.monotonic() - self._started_s)

    def _cpu(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    def _look(self) -> None:
        while not self._over.wait(1.0):
            mb = sum(process.memory_info().rss for process in self._processes) / 2**20
            self._seen.append((time.monotonic() - self._started_s, mb))

    def show(self) -> None:
        seconds, mb = zip(*self._seen, strict=True)
        warm = int(len(mb) * _WARM)
        slope = statistics.linear_regression(seconds[warm:], mb[warm:]).slope * 60
        third = max(1, (len(mb) - warm) // 3)
        print(
            f"  memory: {mb[0]:.1f} MB after 1 s, {statistics.median(mb[warm : warm + third]):.1f} MB when warm, "
            f"{statistics.median(mb[-third:]):.1f} MB at the end ({slope:+.2f} MB a minute; wanted: at most "
            f"{FLAT_MB_MIN:g}); CPU {self._cores:.2f} cores"
        )


def _faults(heard: list[CallFigures]) -> bool:
    faults = [fault for one in heard for fault in one.faults]
    for fault in faults[:5]:
        print(f"  HURT: {fault}")
    return bool(faults)


def _quantiles(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=100)[98]


if __name__ == "__main__":
    raise SystemExit(main())
