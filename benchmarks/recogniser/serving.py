"""The real service under many callers: throughput beside one caller, waits, and short clips beside a long recording."""

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

from benchmarks.recogniser.peers import random_model
from benchmarks.recogniser.process import Running, service
from benchmarks.recogniser.recordings import speech, write
from huiyin.services.common.audio import SAMPLE_RATE

_CALLERS = 16  # at once
_CLIP_S = 3.0  # of each clip
_CLIPS = 96  # in all
_LONG_S = 3600.0
_PCM = {"Content-Type": f"audio/pcm;rate={SAMPLE_RATE}"}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print, return the figures."""
    folder = args.model or random_model()
    figures: dict[str, Any] = {"model": folder.name}
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as scratch:
        settings = {"engine": "sensevoice", "model": folder, "max_duration_s": 86_400, "cache_entries": 0}
        with service(allowed_dir=scratch, service__threads=32, **settings) as running:
            figures |= _callers(running)
            figures |= _beside_a_long_file(running, Path(scratch))
    return figures


def _callers(running: Running) -> dict[str, Any]:
    """Rounds of one caller and of sixteen take turns; medians of three."""
    _many(running, 1, 8)
    alone, together, p95_s = [], [], []
    for _ in range(3):
        alone.append(_many(running, 1, _CLIPS // 2)[0])
        rate, waits_s = _many(running, _CALLERS, _CLIPS)
        together.append(rate)
        p95_s.append(float(np.percentile(waits_s, 95)) / (_CALLERS / rate))
    one, all_, fair = statistics.median(alone), statistics.median(together), statistics.median(p95_s)
    print(f"{_CLIP_S:.0f} s clips, one caller after the other   {one:6.1f} a second")
    print(f"{_CLIP_S:.0f} s clips, {_CALLERS} callers at once          {all_:6.1f} a second: {all_ / one:.2f} x")
    print(f"p95 of the {_CALLERS} callers' answers         {fair:6.2f} x the fair share", flush=True)
    return {"one_per_s": one, "many_per_s": all_, "gain": all_ / one, "p95_of_fair_share": fair}


def _beside_a_long_file(running: Running, scratch: Path) -> dict[str, Any]:
    path = write(scratch / "long.wav", _LONG_S, speech())
    clips = _clips()
    alone_s = statistics.median(_ask(running, next(clips)) for _ in range(20))
    done = threading.Event()

    def long() -> None:
        body = {"filename": path.name, "stream": True}
        with requests.post(running.url + "/asr", json=body, stream=True, timeout=None) as answer:
            for _ in answer.iter_lines():
                if done.is_set():
                    return

    thread = threading.Thread(target=long)
    thread.start()
    time.sleep(2.0)  # the long one is well under way
    beside = []
    for _ in range(40):
        beside.append(_ask(running, next(clips)))
        time.sleep(0.2)
    still = thread.is_alive()
    done.set()
    thread.join()
    if not still:
        print("the long recording ended too early: the next figure says little")
    p50_s, p95_s = statistics.median(beside), float(np.percentile(beside, 95))
    print(
        f"{_CLIP_S:.0f} s clip alone {alone_s * 1000:.0f} ms; while an hour of recording runs {p50_s * 1000:.0f} ms "
        f"({p50_s / alone_s:.2f} x), p95 {p95_s * 1000:.0f} ms ({p95_s / alone_s:.2f} x)",
        flush=True,
    )
    return {"alone_s": alone_s, "beside_long_s": p50_s, "beside_long_p95_s": p95_s, "ratio": p50_s / alone_s}


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
