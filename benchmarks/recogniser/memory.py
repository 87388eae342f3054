"""Peak memory of the real service by length of the recording: the table that made people leave long audio alone."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

from benchmarks.recogniser.peers import bench_dir, random_model
from benchmarks.recogniser.process import service
from benchmarks.recogniser.recordings import speech, write
from tests.support.sensevoice_folder import PUBLISHED_TOKENS, TINY, random_weights, vocabulary, write_folder

_LENGTHS_S = (15.0, 60.0, 180.0, 300.0, 600.0, 900.0, 3600.0)
_TINY_LENGTHS_S = (60.0, 900.0, 3600.0, 36_000.0)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    folder = args.model or (_tiny_model() if args.tiny else random_model())
    lengths = args.lengths or (_TINY_LENGTHS_S if args.tiny else _LENGTHS_S)
    content = speech()
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as scratch:
        settings = {"engine": "sensevoice", "model": folder, "max_duration_s": 86_400, "cache_entries": 0}
        with service(allowed_dir=scratch, **settings) as running:
            loaded_mb, _ = running.memory_mb()
            print(f"{folder.name}: {loaded_mb:.0f} MB after loading")
            print(f"{'length':>10} {'peak MB':>9} {'above loaded':>13} {'took':>9} {'real-time factor':>17}")
            for length_s in lengths:
                path = write(Path(scratch) / "long.wav", length_s, content)
                running.forget_peak()
                started = time.perf_counter()
                answer = requests.post(running.url + "/asr", json={"filename": path.name}, timeout=None)
                answer.raise_for_status()
                took_s = time.perf_counter() - started
                _, peak_mb = running.memory_mb()
                path.unlink()
                rows.append({"length_s": length_s, "peak_mb": round(peak_mb, 1), "took_s": round(took_s, 2)})
                label = f"{length_s:.0f} s" if length_s < 120 else f"{length_s / 60:.0f} min"
                label = label if length_s < 3600 else f"{length_s / 3600:.0f} h"
                above = f"{peak_mb - loaded_mb:+.0f}"
                print(f"{label:>10} {peak_mb:9.0f} {above:>13} {took_s:8.1f}s {took_s / length_s:17.4f}", flush=True)
    since = [row for row in rows if row["length_s"] >= 60]
    if len(since) > 1:
        grown = max(row["peak_mb"] for row in since) - since[0]["peak_mb"]
        print(f"from {since[0]['length_s']:.0f} s on, the peak grows by {grown:.0f} MB")
    return {"model": folder.name, "loaded_mb": round(loaded_mb, 1), "rows": rows}


def _tiny_model() -> Path:
    folder = bench_dir() / "sensevoice-tiny"
    if not (folder / "model.pt").is_file():
        write_folder(folder, random_weights(TINY, PUBLISHED_TOKENS), TINY, vocabulary(PUBLISHED_TOKENS))
    return folder
