"""``huiyin bench memory --device cuda``: peak memory of a GPU by length, precision, batch and callers.

And the longest recording that a card of a size takes: it is doubled until the call fails.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.recogniser.gpu import LENGTHS_S, PRECISIONS, Cells, Row, length, show_rows, tell_missing, why_not
from benchmarks.recogniser.peers import random_model
from benchmarks.recogniser.process import service
from benchmarks.recogniser.recordings import speech
from benchmarks.recogniser.speed import start
from huiyin.services.common.audio import SAMPLE_RATE

_BATCHES_S = (0.0, 15.0, 60.0, 240.0)  # asr.batch_size_s; 0: as many as fit
_CALLERS, _CALLER_S = 16, 60.0
_CARDS_GB = (4, 8, 16, 24, 80)
_FIRST_S, _LONGEST_S = 60.0, 8 * 3600.0
_LOOKS_S = 0.02  # between two looks at the card's memory


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print the tables, return the figures."""
    missing = why_not()
    tell_missing(missing)
    lengths = tuple(args.lengths or LENGTHS_S)
    figures: dict[str, Any] = {"device": args.device, "missing": missing}
    figures |= {"peak_mb": [], "callers_mb": [], "longest": []}

    def peaks(precision: str, batch_s: float) -> Row:
        def measure() -> Cells:
            ours = start("huiyin", _model(args), 1, precision, args.device, str(batch_s))
            try:
                cells = [f"{ours.loaded['rss_mb']:.0f}"]
                for length_s in lengths:
                    ours.measure(length_s)
                    cells.append(f"{ours.peak_mb:.0f}")
            finally:
                ours.process.kill()
                ours.process.wait()
            figures["peak_mb"].append({"precision": precision, "batch_s": batch_s, "mb": cells})
            return list(cells)

        return f"{precision}, {f'batches of {batch_s:g} s' if batch_s else 'as many as fit'}", measure

    def callers(precision: str) -> Row:
        def measure() -> Cells:
            cells = [f"{mb:.0f}" for mb in _by_callers(args, precision)]
            figures["callers_mb"].append({"precision": precision, "mb": cells})
            return list(cells)

        return precision, measure

    def longest(card_gb: int) -> Row:
        def measure() -> Cells:
            cells = [_longest(kind, args, card_gb) for kind in ("huiyin", "stock")]
            figures["longest"].append({"card_gb": card_gb, "longest": cells})
            return list(cells)

        return f"{card_gb} GB", measure

    rows = [peaks(PRECISIONS[0], batch_s) for batch_s in _BATCHES_S] + [peaks(each, 0.0) for each in PRECISIONS[1:]]
    show_rows(("peak GPU MB, up to", "loaded", *map(length, lengths)), rows, missing)
    heads = ("GPU MB of the service", "one caller", f"{_CALLERS} callers at once")
    show_rows(heads, [callers(each) for each in PRECISIONS], missing)
    show_rows(("longest recording", "huiyin", "stock"), [longest(card_gb) for card_gb in _CARDS_GB], missing)
    return figures


def _model(args: argparse.Namespace) -> Path:
    return args.model or random_model()


def _by_callers(args: argparse.Namespace, precision: str) -> Iterator[float]:
    """Peak MB of the card that the service takes, with one caller and with many."""
    content = {"Content-Type": f"audio/pcm;rate={SAMPLE_RATE}"}
    sound = (speech().tobytes() * 2)[: round(_CALLER_S * SAMPLE_RATE) * 2]

    def ask(url: str) -> None:
        requests.post(f"{url}/asr", data=sound, headers=content, timeout=None).raise_for_status()

    for count in (1, _CALLERS):
        with _card() as taken:
            settings = {"engine": "sensevoice", "device": args.device, "precision": precision, "cache_entries": 0}
            serving = service(model=_model(args), queue_wait_s=600, **settings)
            with serving as running, ThreadPoolExecutor(count) as pool:
                list(pool.map(ask, [running.url] * count))
        yield taken[0]


@contextmanager
def _card() -> Iterator[list[float]]:
    """A list with one number: the most MB that others have taken of the card since the beginning."""
    import torch

    def used() -> float:
        free, total = torch.cuda.mem_get_info()
        return float(total - free) / 2**20

    before, most, over = used(), [0.0], threading.Event()

    def look() -> None:
        while not over.wait(_LOOKS_S):
            most[0] = max(most[0], used() - before)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def _longest(kind: str, args: argparse.Namespace, card_gb: int) -> str:
    """The longest recording, of those that double, that it takes on such a card."""
    longest_s, length_s = 0.0, _FIRST_S
    try:
        one = start(kind, _model(args), 1, PRECISIONS[0], args.device, "0", str(card_gb))
    except RuntimeError:
        return "it does not load"
    try:
        while length_s <= _LONGEST_S:
            one.measure(length_s)
            longest_s, length_s = length_s, 2 * length_s
    except RuntimeError:  # it has ended: out of memory
        return length(longest_s) if longest_s else f"less than {length(_FIRST_S)}"
    finally:
        one.process.kill()
        one.process.wait()
    return f"{length(longest_s)} or more"
