"""How right and how fast the recogniser is, beside stock faster-whisper in the same run: ``python -m benchmarks.asr``.

Stock is `WhisperModel.transcribe` on the same weights, int8, the same threads, greedy (beam 1, no temperature
fallback): it encodes a 30 s window for every turn. Runs of the two alternate, so that whatever else the machine does
hits both.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from tests.support.scoring import error_rate
from tests.support.speech_clips import recorded

LENGTHS_S = (1.0, 2.0, 5.0, 10.0, 20.0)

Recogniser = Callable[[Samples, str | None], str]


def main() -> int:
    """Prints both tables. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each length and recogniser (median is shown)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    settings = config.load(overrides=args.set)
    store = ModelStore(settings.store)
    clips = [(decode(path, max_duration_s=60).samples, language, text) for path, language, text in recorded()]
    if not clips:
        print("there are no recorded clips in ../shared/speech; nothing to measure with")
        return 1
    started = time.perf_counter()
    engine = load_engine(settings.asr, store.ensure)
    load_s = time.perf_counter() - started
    print(f"{settings.asr.model}, int8, {settings.asr.threads} threads; loaded and warm in {load_s:.2f} s\n")

    def ours(samples: Samples, language: str | None) -> str:
        return "".join(s.text for s in engine.recognise([samples], Hints((language,) if language else ()))[0].segments)

    stock = _stock(store.ensure(settings.asr.model), settings.asr.threads)
    _print_errors(clips, {"huiyin": ours, "stock": stock})
    _print_speed(clips, ours, stock, args.repeats)
    return 0


def _stock(folder: Path, threads: int) -> Recogniser:
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)

    def recognise(samples: Samples, language: str | None) -> str:
        prompt = "以下是普通话的句子。" if language == "zh" else None
        segments, _ = model.transcribe(samples, language=language, beam_size=1, temperature=0.0, initial_prompt=prompt)
        return "".join(segment.text for segment in segments)

    return recognise


def _print_errors(clips: list[tuple[Samples, str, str]], recognisers: dict[str, Recogniser]) -> None:
    """Huiyin detects the language among the configured ones; stock is told it."""
    print(f"{'error rate':<12}" + "".join(f"{name:>10}" for name in recognisers))
    for language, measure in (("en", "WER"), ("zh", "CER")):
        chosen = [(samples, text) for samples, spoken, text in clips if spoken == language]
        line = f"{language + ' ' + measure:<12}"
        for name, recognise in recognisers.items():
            told = None if name == "huiyin" else language
            rate = error_rate([(text, recognise(samples, told)) for samples, text in chosen], language)
            line += f"{rate:>10.1%}"
        print(f"{line}   ({len(chosen)} clips)")
    print()


def _print_speed(clips: list[tuple[Samples, str, str]], ours: Recogniser, stock: Recogniser, repeats: int) -> None:
    print(f"{'seconds of':<12}{'huiyin':>10}{'stock':>10}{'ratio':>10}   (s; medians of {repeats}; language detected)")
    for language in ("en", "zh"):
        speech = np.concatenate([samples for samples, spoken, _ in clips if spoken == language])
        for length_s in LENGTHS_S:
            samples = speech[: round(length_s * SAMPLE_RATE)]
            if len(samples) < length_s * SAMPLE_RATE:
                continue
            times_s: dict[Recogniser, list[float]] = {ours: [], stock: []}
            for _ in range(repeats):
                for recognise, taken_s in times_s.items():
                    started = time.perf_counter()
                    recognise(samples, None)
                    taken_s.append(time.perf_counter() - started)
            mine, theirs = (statistics.median(taken_s) for taken_s in times_s.values())
            print(f"{language + f' {length_s:g}':<12}{mine:>10.3f}{theirs:>10.3f}{mine / theirs:>10.2f}")


if __name__ == "__main__":
    raise SystemExit(main())
