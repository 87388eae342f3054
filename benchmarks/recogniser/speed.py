"""SenseVoice's speed and memory beside FunASR's own call (and sherpa-onnx): medians, all take turns in one run."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil

from benchmarks.output import show
from benchmarks.recogniser.peers import random_model, sherpa_model, sherpa_python

_CPU_LENGTHS_S = (1.0, 3.0, 5.0, 10.0, 30.0)
_REST_S = 0.1  # without processor time: the process rests
_REST_LIMIT_S = 5.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Rival:
    """A recogniser in its own process."""

    kind: str
    threads: int
    process: subprocess.Popen[str]
    loaded: dict[str, float] = field(default_factory=dict)
    times_s: dict[float, list[float]] = field(default_factory=dict)
    peak_mb: float = 0.0

    def measure(self, length_s: float) -> None:
        """Recognise so many seconds of sound once; wait until its threads no longer spin, so that the next one is not
        slowed down."""
        assert self.process.stdin
        self.process.stdin.write(f"{length_s}\n")
        self.process.stdin.flush()
        answer = self.read()
        self._wait_for_rest()
        self.times_s.setdefault(length_s, []).append(answer["s"])
        self.peak_mb = answer["peak_mb"]

    def median_s(self, length_s: float) -> float:
        """Of the measured times."""
        return statistics.median(self.times_s[length_s])

    def _wait_for_rest(self) -> None:
        process, until = psutil.Process(self.process.pid), time.monotonic() + _REST_LIMIT_S
        before = None
        while (times := process.cpu_times()[:2]) != before and time.monotonic() < until:
            before = times
            time.sleep(_REST_S)

    def read(self) -> dict[str, float]:
        """Its next line."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.kind} ended with {self.process.wait()}")
        return cast("dict[str, float]", json.loads(line))


def start(kind: str, folder: Path, threads: int, precision: str = "auto", *more: str) -> Rival:
    """Start one; returns when it is loaded. `more`: further words of the worker. Raises RuntimeError when it cannot."""
    python = sherpa_python() if kind == "sherpa" else Path(sys.executable)
    command = [str(python), "-m", "benchmarks.recogniser.worker", kind, str(folder), str(threads), precision, *more]
    quiet = subprocess.DEVNULL if not os.environ.get("HUIYIN_BENCH_DEBUG") else None
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, text=True, cwd=_ROOT)
    rival = Rival(kind, threads, process)
    rival.loaded = rival.read()
    return rival


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    if importlib.util.find_spec("funasr") is None or importlib.util.find_spec("torch") is None:
        raise SystemExit("huiyin bench asr compares with FunASR's own call; `make funasr` installs it and PyTorch")
    folder = args.model or random_model()
    lengths = tuple(args.lengths or _CPU_LENGTHS_S)
    precision = args.precision if args.precision != "auto" else "int8"
    precisions = {"huiyin": precision, "stock": "fp32", "sherpa": precision}
    folders = {"huiyin": folder, "stock": folder}
    if args.sherpa:
        folders["sherpa"] = sherpa_model(folder)
    figures: dict[str, Any] = {"model": folder.name, "device": args.device, "precision": precision, "rows": []}

    def measured() -> Iterator[list[str | None]]:
        for threads in args.threads:
            rivals = [start(kind, folders[kind], threads, precisions[kind]) for kind in folders]
            try:
                for _ in range(args.rounds):
                    for length_s in lengths:
                        for rival in rivals:
                            rival.measure(length_s)
            finally:
                for rival in rivals:
                    rival.process.kill()
                    rival.process.wait()
            figures["rows"].append(_row(threads, lengths, rivals))
            yield from _table(threads, lengths, rivals)

    show(("seconds of sound", *(f"{length_s:g}" for length_s in lengths), "MB loaded", "MB at most"), measured())
    return figures


def _row(threads: int, lengths: tuple[float, ...], rivals: list[Rival]) -> dict[str, Any]:
    return {
        "threads": threads,
        "rivals": {
            rival.kind: {
                "median_s": {str(length_s): round(rival.median_s(length_s), 4) for length_s in lengths},
                "after_load_mb": round(rival.loaded["rss_mb"]),
                "peak_while_loading_mb": round(rival.loaded["peak_mb"]),
                "peak_mb": round(rival.peak_mb),
                "load_s": round(rival.loaded["load_s"], 1),
            }
            for rival in rivals
        },
    }


def _table(threads: int, lengths: tuple[float, ...], rivals: list[Rival]) -> Iterator[list[str | None]]:
    ours = rivals[0]
    for rival in rivals:
        times = (f"{rival.median_s(length_s):.3f}" for length_s in lengths)
        name = f"{rival.kind}, {threads} thread{'s' if threads > 1 else ''}"
        yield [name, *times, f"{rival.loaded['rss_mb']:.0f}", f"{rival.peak_mb:.0f}"]
        if rival is not ours:
            ratios = (f"{ours.median_s(length_s) / rival.median_s(length_s):.2f}" for length_s in lengths)
            yield [f"huiyin / {rival.kind}", *ratios, "", ""]
