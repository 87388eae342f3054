"""Peak memory of the real service by length of the recording."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from benchmarks.output import show
from benchmarks.recogniser.peers import bench_dir, random_model
from benchmarks.recogniser.process import Running, service
from benchmarks.recogniser.recordings import speech, write
from tests.support.sensevoice_folder import PUBLISHED_TOKENS, TINY, random_weights, vocabulary, write_folder

_LENGTHS_S = (15.0, 60.0, 180.0, 300.0, 600.0, 900.0, 3600.0)
_TINY_LENGTHS_S = (60.0, 900.0, 3600.0, 36_000.0)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    folder = args.model or (_tiny_model() if args.tiny else random_model())
    lengths = args.lengths or (_TINY_LENGTHS_S if args.tiny else _LENGTHS_S)
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as scratch:
        settings = {"engine": "sensevoice", "model": folder, "max_duration_s": 86_400, "cache_entries": 0}
        with service(allowed_dir=scratch, **settings) as running:
            loaded_mb, _ = running.memory_mb()

            def measured() -> Iterator[list[str | None]]:
                yield ["loaded", f"{loaded_mb:.0f} MB", None, None]
                for length_s in lengths:
                    row = _measure(running, Path(scratch), length_s)
                    rows.append(row)
                    yield [
                        _length(length_s),
                        f"{row['peak_mb']:.0f} MB",
                        f"{row['peak_mb'] - loaded_mb:+.0f} MB",
                        f"{row['took_s'] / length_s:.4f}",
                    ]

            show(("length of the recording", "peak memory", "above loaded", "real-time factor"), measured())
    return {"model": folder.name, "loaded_mb": round(loaded_mb, 1), "rows": rows}


def _measure(running: Running, scratch: Path, length_s: float) -> dict[str, float]:
    path = write(scratch / "long.wav", length_s, speech())
    running.forget_peak()
    started = time.perf_counter()
    answer = requests.post(running.url + "/asr", json={"filename": path.name}, timeout=None)
    answer.raise_for_status()
    took_s = time.perf_counter() - started
    _, peak_mb = running.memory_mb()
    path.unlink()
    return {"length_s": length_s, "peak_mb": round(peak_mb, 1), "took_s": round(took_s, 2)}


def _length(length_s: float) -> str:
    if length_s < 120:
        return f"{length_s:.0f} s"
    return f"{length_s / 60:.0f} min" if length_s < 3600 else f"{length_s / 3600:.0f} h"


def _tiny_model() -> Path:
    folder = bench_dir() / "sensevoice-tiny"
    if not (folder / "model.pt").is_file():
        write_folder(folder, random_weights(TINY, PUBLISHED_TOKENS), TINY, vocabulary(PUBLISHED_TOKENS))
    return folder
