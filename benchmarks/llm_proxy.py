"""What the LLM proxy adds, and whether it carries many streams: ``python -m benchmarks.llm_proxy [--minutes 5]``.

A stub upstream on this machine answers at once, in a process of its own. Callers in another process ask it directly and
through the proxy by turns, so that other work on the machine hits both. First word: 50 callers, each with a stream of
20 words at 20 a second and then the next one. Crowd: 200 streams at 40 words a second each, for `--minutes`; words are
numbered, and the service's memory is read every second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from benchmarks.command import above_zero, as_command, one_or_more
from benchmarks.llm_stub import CallFigures, call, stub_upstream
from benchmarks.output import show, tell
from benchmarks.recogniser.process import service_processes
from tests.support.service_process import start_service

CALLERS = 50
CALLER_WORDS = 20
CALLER_PACE_S = 1 / 20  # as a large model on a good machine
ROUND_S = 3.0
TARGET_P50_MS = 4.0  # added to the first word, at most
TARGET_P99_MS = 10.0

STREAMS = 200
STREAM_PACE_S = 1 / 40
STREAM_WORDS = 400  # ten seconds, then the next stream: a leak would show in the memory
DIRECT_S = 10.0  # the crowd without a proxy, to compare
TARGET_MB_PER_MIN = 0.5  # growth once warm, at most
_WARM = 0.3  # share of the time in which threads and buffers are made


def main() -> int:
    """Print the tables. Returns the exit status: 1 when a stream broke off or lost a word."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("all", "first", "crowd"), default="all")
    parser.add_argument(
        "--rounds", type=one_or_more, default=5, help=f"of {ROUND_S:g} s each way, first word (default 5)"
    )
    parser.add_argument("--minutes", type=above_zero, default=0.5, help="of the crowd (default 0.5)")
    args = parser.parse_args()
    with (
        stub_upstream() as direct,
        start_service("llm", upstreams=direct) as service,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as callers,
    ):
        rounds = _Rounds(callers, {"direct": direct, "proxied": f"{service}/v1"})
        if args.what != "crowd":
            heads = (f"first word, {CALLERS} callers", "p50", "p99", "streams")
            show(heads, _first_word(rounds, args.rounds))
        if args.what != "first":
            _show_crowd(rounds, service, args.minutes * 60)
    for fault in rounds.faults[:5]:
        tell(f"broken stream: {fault}")
    return 1 if rounds.faults else 0


@dataclass
class _Rounds:
    pool: ProcessPoolExecutor
    urls: dict[str, str]
    faults: list[str] = field(default_factory=list)

    def play(self, way: str, callers: int, words: int, pace_s: float, seconds: float) -> CallFigures:
        future = self.pool.submit(call, self.urls[way], callers=callers, words=words, pace_s=pace_s, seconds=seconds)
        figures = future.result()
        self.faults += figures.faults
        return figures


def _first_word(rounds: _Rounds, count: int) -> Iterator[list[str]]:
    times_ms: dict[str, list[float]] = {way: [] for way in rounds.urls}
    for way in rounds.urls:  # unmeasured: connections, threads
        rounds.play(way, CALLERS, CALLER_WORDS, CALLER_PACE_S, ROUND_S / 2)
    for _ in range(count):
        for way in rounds.urls:
            times_ms[way] += rounds.play(way, CALLERS, CALLER_WORDS, CALLER_PACE_S, ROUND_S).first_ms
    quantiles = {way: _quantiles(values) for way, values in times_ms.items()}
    for way, (p50, p99) in quantiles.items():
        yield [way, f"{p50:.2f} ms", f"{p99:.2f} ms", str(len(times_ms[way]))]
    p50, p99 = (proxied - direct for direct, proxied in zip(*quantiles.values(), strict=True))
    yield [f"added (≤ {TARGET_P50_MS:g} ms, ≤ {TARGET_P99_MS:g} ms)", f"{p50:.2f} ms", f"{p99:.2f} ms", ""]


def _show_crowd(rounds: _Rounds, service: str, seconds: float) -> None:
    words = min(STREAM_WORDS, round(seconds / 2 / STREAM_PACE_S))
    direct = rounds.play("direct", STREAMS, words, STREAM_PACE_S, min(DIRECT_S, seconds))
    with _Memory(service) as memory:
        proxied = rounds.play("proxied", STREAMS, words, STREAM_PACE_S, seconds)
    rows = []
    for way, figures in (("direct", direct), ("proxied", proxied)):
        counts = (figures.streams, figures.words, len(figures.faults))
        rows.append([way, *map(str, counts), *(f"{ms:.2f} ms" for ms in _quantiles(figures.transit_ms))])
    title = f"{STREAMS} streams of {1 / STREAM_PACE_S:.0f} words/s, {seconds / 60:g} min"
    show((title, "streams", "words", "broken streams", "a word's delay, p50", "p99"), rows)
    show(("memory after 1 s", "warm", "at the end", "a minute", "CPU"), [memory.row()])


class _Memory:
    """Reads memory and CPU time of the service's processes every second while a block runs."""

    def __init__(self, service: str) -> None:
        self._processes = service_processes(service)
        self._samples: list[tuple[float, float]] = []  # seconds, MB
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

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

    def _sample(self) -> None:
        while not self._over.wait(1.0):
            mb = sum(process.memory_info().rss for process in self._processes) / 2**20
            self._samples.append((time.monotonic() - self._started_s, mb))

    def row(self) -> list[str]:
        """MB after 1 s, warm and at the end (medians of a third), growth a minute once warm, cores used."""
        seconds, mb = zip(*self._samples, strict=True)
        warm = int(len(mb) * _WARM)
        third = max(1, (len(mb) - warm) // 3)
        slope = statistics.linear_regression(seconds[warm:], mb[warm:]).slope * 60
        levels = (mb[0], statistics.median(mb[warm : warm + third]), statistics.median(mb[-third:]))
        growth = f"{slope:+.2f} MB (≤ {TARGET_MB_PER_MIN:g})"
        return [*(f"{level:.1f} MB" for level in levels), growth, f"{self._cores:.2f} cores"]


def _quantiles(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=100)[98]


if __name__ == "__main__":
    as_command(main)
