"""``huiyin bench asr --device cuda``: seconds on a GPU by length and precision, beside FunASR's own call; medians."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.recogniser.gpu import LENGTHS_S, PRECISIONS, Cells, Row, length, show_rows, tell_missing, why_not
from benchmarks.recogniser.peers import random_model
from benchmarks.recogniser.speed import start

_KINDS = ("huiyin", "stock")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    missing = why_not()
    tell_missing(missing)
    lengths = tuple(args.lengths or LENGTHS_S)
    precisions = PRECISIONS if args.precision == "auto" else (args.precision,)
    figures: dict[str, Any] = {"device": args.device, "missing": missing, "rows": []}

    def row(kind: str, precision: str) -> Row:
        def measure() -> Cells:
            rival = start(kind, args.model or random_model(), args.threads[0], precision, args.device)
            try:
                for _ in range(args.rounds):
                    for length_s in lengths:
                        rival.measure(length_s)
            finally:
                rival.process.kill()
                rival.process.wait()
            times = {length_s: rival.median_s(length_s) for length_s in lengths}
            figures["rows"].append({"kind": kind, "precision": precision, "median_s": times, "mb": rival.peak_mb})
            seconds = (f"{times[length_s]:.3f}" for length_s in lengths)
            return [*seconds, f"{rival.loaded['rss_mb']:.0f}", f"{rival.peak_mb:.0f}"]

        return f"{kind}, {precision}", measure

    heads = ("seconds for", *map(length, lengths), "GPU MB loaded", "GPU MB at most")
    show_rows(heads, [row(kind, precision) for precision in precisions for kind in _KINDS], missing)
    return figures
