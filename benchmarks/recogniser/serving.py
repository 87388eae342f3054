"""The real service under many callers: throughput, waits, and short clips beside a long recording."""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests

from benchmarks.output import show, tell
from benchmarks.recogniser.peers import random_model
from benchmarks.recogniser.process import Running, service
from benchmarks.recogniser.recordings import speech, write
from huiyin.services.common.audio import SAMPLE_RATE

_CALLERS = 16  # at once
_CLIP_S = 3.0  # of each clip
_CLIPS = 96  # in all
_ROUNDS = 3
_LONG_S = 3600.0
_PCM = {"Content-Type": f"audio/pcm;rate={SAMPLE_RATE}"}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    folder = args.model or random_model()
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as scratch:
        settings = {"engine": "sensevoice", "model": folder, "max_duration_s": 86_400, "cache_entries": 0}
        with service(allowed_dir=scratch, service__threads=32, **settings) as running:
            rate, many_rate, fair = _callers(running)
            alone_s, p50_s, p95_s = _beside_a_long_file(running, Path(scratch))
    rows = [
        ["one caller after the other", f"{rate:.1f} a second", "1.00"],
        [f"{_CALLERS} callers at once", f"{many_rate:.1f} a second", f"{many_rate / rate:.2f}"],
        [f"the {_CALLERS} callers' p95, of the fair share", None, f"{fair:.2f}"],
        ["one clip alone", f"{alone_s * 1000:.0f} ms", "1.00"],
        ["beside an hour of recording, p50", f"{p50_s * 1000:.0f} ms", f"{p50_s / alone_s:.2f}"],
        ["beside an hour of recording, p95", f"{p95_s * 1000:.0f} ms", f"{p95_s / alone_s:.2f}"],
    ]
    show((f"clips of {_CLIP_S:.0f} s", "", "ratio"), rows)
    figures = {"one_per_s": rate, "many_per_s": many_rate, "gain": many_rate / rate, "p95_of_fair_share": fair}
    beside = {"alone_s": alone_s, "beside_long_s": p50_s, "beside_long_p95_s": p95_s, "ratio": p50_s / alone_s}
    return {"model": folder.name, **figures, **beside}


def _callers(running: Running) -> tuple[float, float, float]:
    """Clips a second of one caller and of many, and the many's p95 over the fair share; rounds take turns, medians."""
    _many(running, 1, 8)
    rounds = []
    for _ in range(_ROUNDS):
        alone, _ = _many(running, 1, _CLIPS // 2)
        rate, waits_s = _many(running, _CALLERS, _CLIPS)
        rounds.append((alone, rate, float(np.percentile(waits_s, 95)) / (_CALLERS / rate)))
    one, many, fair = (statistics.median(column) for column in zip(*rounds, strict=True))
    return one, many, fair


def _beside_a_long_file(running: Running, scratch: Path) -> tuple[float, float, float]:
    """Seconds to the answer of a clip: alone (median), while a long recording is transcribed (p50, p95)."""
    path = write(scratch / "long.wav", _LONG_S, speech())
    clips = _clips()
    alone_s = statistics.median(_ask(running, next(clips)) for _ in range(20))
    is_enough = threading.Event()

    def transcribe_long() -> None:
        body = {"filename": path.name, "stream": True}
        with requests.post(running.url + "/asr", json=body, stream=True, timeout=None) as answer:
            for _ in answer.iter_lines():
                if is_enough.is_set():
                    return

    thread = threading.Thread(target=transcribe_long)
    thread.start()
    time.sleep(2.0)  # the long one is well under way
    beside_s = []
    for _ in range(40):
        beside_s.append(_ask(running, next(clips)))
        time.sleep(0.2)
    if not thread.is_alive():
        tell("the long recording ended too early: the figures beside it say little")
    is_enough.set()
    thread.join()
    return alone_s, statistics.median(beside_s), float(np.percentile(beside_s, 95))


def _many(running: Running, callers: int, clips: int) -> tuple[float, list[float]]:
    """(clips a second, time to each answer)."""
    source = _clips()
    work = [next(source) for _ in range(clips)]
    started = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        waits_s = list(pool.map(lambda clip: _ask(running, clip), work))
    return clips / (time.perf_counter() - started), waits_s


def _ask(running: Running, clip: bytes) -> float:
    started = time.perf_counter()
    answer = requests.post(running.url + "/asr?language=zh", data=clip, headers=_PCM, timeout=600)
    answer.raise_for_status()
    return time.perf_counter() - started


def _clips() -> Iterator[bytes]:
    """Clips that all differ."""
    for seed in itertools.count():
        rng = np.random.default_rng(seed)
        yield (rng.standard_normal(round(_CLIP_S * SAMPLE_RATE)) * 3000).astype(np.int16).tobytes()
