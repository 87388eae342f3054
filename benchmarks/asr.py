"""Errors and speed of the default recogniser, beside stock faster-whisper: ``python -m benchmarks.asr``.

Stock is `WhisperModel.transcribe` on the same weights, int8, the same threads, greedy (beam 1, no temperature
fallback): it encodes a 30 s window for every turn. The two take turns, so that other work on the machine hits both.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from benchmarks.command import as_command, one_or_more
from benchmarks.output import percent, show, tell
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from tests.support.scoring import error_rate
from tests.support.speech_clips import recorded

LENGTHS_S = (1.0, 2.0, 5.0, 10.0, 20.0)
MEASURES = {"en": "English WER", "zh": "Chinese CER"}

Recogniser = Callable[[Samples, str | None], str]
Clip = tuple[Samples, str, str]
"""Sound, language and text."""


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--repeats", type=one_or_more, default=5, help="runs of each length and recogniser (median is shown)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    settings = config.load(overrides=args.set)
    store = ModelStore(settings.store)
    clips = [(decode(path, max_duration_s=60).samples, language, text) for path, language, text in recorded()]
    if not clips:
        raise SystemExit("there are no recorded clips in ../shared/speech")
    started = time.perf_counter()
    engine = load_engine(settings.asr, store.ensure)
    load_s = time.perf_counter() - started
    tell(f"{settings.asr.model}, int8, {settings.asr.threads} threads; loaded and warm in {load_s:.2f} s")

    def huiyin(samples: Samples, language: str | None) -> str:
        hints = Hints((language,) if language else ())
        return engine.recognise([samples], hints)[0].text

    stock = _stock(store.ensure(settings.asr.model), settings.asr.threads)
    show(("error rate", "clips", "Huiyin", "faster-whisper"), _errors(clips, huiyin, stock))
    heads = ("language, seconds", "Huiyin, s", "faster-whisper, s", "ratio")
    show(heads, _times(clips, huiyin, stock, args.repeats))


def _stock(folder: Path, threads: int) -> Recogniser:
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)

    def recognise(samples: Samples, language: str | None) -> str:
        prompt = "以下是普通话的句子。" if language == "zh" else None
        segments, _ = model.transcribe(samples, language=language, beam_size=1, temperature=0.0, initial_prompt=prompt)
        return "".join(segment.text for segment in segments)

    return recognise


def _errors(clips: list[Clip], huiyin: Recogniser, stock: Recogniser) -> Iterator[list[str]]:
    """Huiyin detects the language; stock is given it."""
    for language, measure in MEASURES.items():
        chosen = [(samples, text) for samples, spoken, text in clips if spoken == language]
        ours = [(text, huiyin(samples, None)) for samples, text in chosen]
        theirs = [(text, stock(samples, language)) for samples, text in chosen]
        yield [measure, str(len(chosen)), *(percent(error_rate(pairs, language)) for pairs in (ours, theirs))]


def _times(clips: list[Clip], huiyin: Recogniser, stock: Recogniser, repeats: int) -> Iterator[list[str]]:
    """Both detect the language."""
    for language in MEASURES:
        speech = np.concatenate([samples for samples, spoken, _ in clips if spoken == language])
        for length_s in LENGTHS_S:
            samples = speech[: round(length_s * SAMPLE_RATE)]
            if len(samples) < length_s * SAMPLE_RATE:
                continue
            times_s: dict[Recogniser, list[float]] = {huiyin: [], stock: []}
            for _ in range(repeats):
                for recognise, runs_s in times_s.items():
                    started = time.perf_counter()
                    recognise(samples, None)
                    runs_s.append(time.perf_counter() - started)
            ours_s, theirs_s = (statistics.median(runs_s) for runs_s in times_s.values())
            yield [f"{language} {length_s:g}", f"{ours_s:.3f}", f"{theirs_s:.3f}", f"{ours_s / theirs_s:.2f}"]


if __name__ == "__main__":
    as_command(main)
