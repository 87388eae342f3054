"""Errors and time of the fallback recogniser beside stock faster-whisper: ``python -m benchmarks.recogniser.fallback``.

Whisper base, int8, the same threads. Stock is `WhisperModel.transcribe` without temperature fallback; it is told the
language, while ours finds it out. All get each recording in turn, so that other work on the machine hits all of them;
with ``--processor`` it hardly counts, best with ``--set asr.threads=1``.
Errors are counted with traditional characters made simplified and small spelling differences taken out
(`tests/support/scoring.py`), for all alike. Intervals: 95 %, by the paired bootstrap over recordings.

The recordings are people's (`benchmarks/data/recognition.tsv`); they are fetched once into the cache folder.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from faster_whisper import WhisperModel

from benchmarks.command import as_command, existing_folder, zero_or_more
from benchmarks.latency_heldout import fetch
from benchmarks.latency_intervals import of_ratio
from benchmarks.output import percent, show, tell
from benchmarks.recogniser.peers import bench_dir
from benchmarks.recogniser.transcribed import HALVES, Transcribed, listed, some
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Engine, Hints, load_engine
from huiyin.services.asr.text.simplified import written_simply
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from tests.support.scoring import errors, tokens

PROMPT = "以下是普通话的句子。"
MEASURES = {"zh": "Chinese CER", "en": "English WER"}
TIMED_S = 5.0
_LONGEST_S = 60.0

Recogniser = Callable[[Samples, str], str]
"""(sound, language that stock is told) -> text."""
Clock = Callable[[], float]
"""Seconds, from any beginning."""


@dataclass
class System:
    """One way of recognising, and what it has done."""

    name: str
    recognise: Recogniser
    wrong: list[int] = field(default_factory=list)
    """Errors in each recording."""
    seconds: list[float] = field(default_factory=list)
    """Of work on each recording."""
    timed: dict[str, list[float]] = field(default_factory=lambda: {language: [] for language in MEASURES})
    """Seconds for `TIMED_S` of sound, by language. Never of two recordings in a row: of two people's half sentences the
    decoder leaves one out, and the halves are decoded again."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", default="test", choices=HALVES, help="default: test")
    parser.add_argument(
        "--most", type=zero_or_more, default=0, metavar="N", help="recordings of each language (default: all)"
    )
    parser.add_argument(
        "--timed", type=zero_or_more, default=40, metavar="N", help="sounds of 5 s of each language (default: 40)"
    )
    parser.add_argument("--processor", action="store_true", help="time of the processor, not of the clock")
    parser.add_argument("--clones", type=existing_folder, help="Git clones, OWNER/NAME, to read instead of the network")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    settings = config.load(overrides=args.set)
    clips = some(listed(args.half), args.most)
    folder = bench_dir() / "held-out"
    fetch([clip.recording for clip in clips], folder, settings.store, args.clones)
    sounds = [decode(clip.recording.file(folder), max_duration_s=_LONGEST_S).samples for clip in clips]
    store = ModelStore(settings.store)
    engine = load_engine(settings.asr, store.ensure)
    model = WhisperModel(
        str(store.ensure(settings.asr.model)), device="cpu", compute_type="int8", cpu_threads=settings.asr.threads
    )
    systems = [*_ours(engine), *_stock(model)]
    clock = time.process_time if args.processor else time.perf_counter
    sizes = _recognise(systems, clips, sounds, clock)
    languages = np.array([clip.recording.language for clip in clips])
    show(("error rate", "recordings", *(system.name for system in systems)), _error_rates(systems, languages, sizes))
    heads = ("errors beside", *(f"{system.name} / {rival.name}" for system in systems[:2] for rival in systems[2:]))
    show(heads, _error_ratios(systems, languages, sizes))
    _time(systems, clips, sounds, args.timed, clock)
    show((f"time for {TIMED_S:g} s of sound", *(system.name for system in systems)), _times(systems))


def _ours(engine: Engine) -> list[System]:
    def with_hints(hints: Hints) -> Recogniser:
        return lambda samples, language: engine.recognise([samples], hints)[0].text

    return [System("quick", with_hints(Hints())), System("careful", with_hints(Hints(careful=True)))]


def _stock(model: WhisperModel) -> list[System]:
    def with_options(beam_size: int, prompt: str) -> Recogniser:
        def recognise(samples: Samples, language: str) -> str:
            segments, _ = model.transcribe(
                samples,
                language=language,
                beam_size=beam_size,
                temperature=0.0,
                initial_prompt=prompt if prompt and language == "zh" else None,
            )
            return "".join(segment.text for segment in segments)

        return recognise

    return [
        System("stock greedy", with_options(1, "")),
        System("stock greedy, prompt", with_options(1, PROMPT)),
        System("stock beam 5, prompt", with_options(5, PROMPT)),
    ]


def _recognise(
    systems: Sequence[System], clips: Sequence[Transcribed], sounds: Sequence[Samples], clock: Clock
) -> np.ndarray:
    """Let all recognise all. Returns the size of each recording's text, in what its error rate counts."""
    sizes = []
    for number, (clip, samples) in enumerate(zip(clips, sounds, strict=True), 1):
        language = clip.recording.language
        expected = tokens(written_simply(clip.text), language)
        sizes.append(len(expected))
        for system in systems:
            started = clock()
            text = system.recognise(samples, language)
            system.seconds.append(clock() - started)
            system.wrong.append(errors(expected, tokens(written_simply(text), language)))
        if number % 50 == 0:
            tell(f"{number} of {len(clips)} recordings")
    return np.array(sizes)


def _error_rates(systems: Sequence[System], languages: np.ndarray, sizes: np.ndarray) -> Iterator[list[str]]:
    for language, measure in MEASURES.items():
        chosen = languages == language
        if chosen.any():
            rates = (percent(np.array(system.wrong)[chosen].sum() / sizes[chosen].sum()) for system in systems)
            yield [measure, str(chosen.sum()), *rates]


def _error_ratios(systems: Sequence[System], languages: np.ndarray, sizes: np.ndarray) -> Iterator[list[str]]:
    for language, measure in MEASURES.items():
        chosen = languages == language
        if chosen.any():
            pairs = ((ours.wrong, rival.wrong) for ours in systems[:2] for rival in systems[2:])
            yield [measure, *(_interval(*(np.array(wrong)[chosen] for wrong in pair)) for pair in pairs)]


def _interval(ours: np.ndarray, theirs: np.ndarray) -> str:
    low, high = of_ratio(ours, theirs)
    return f"{ours.sum() / max(theirs.sum(), 1):.2f} ({low:.2f}–{high:.2f})"


def _time(
    systems: Sequence[System], clips: Sequence[Transcribed], sounds: Sequence[Samples], most: int, clock: Clock
) -> None:
    """The first `TIMED_S` seconds of `most` recordings in each language that are as long: one person's speech."""
    length = round(TIMED_S * SAMPLE_RATE)
    for language in MEASURES:
        spoken = (sound for clip, sound in zip(clips, sounds, strict=True) if clip.recording.language == language)
        for samples in islice((sound[:length] for sound in spoken if len(sound) >= length), most):
            for system in systems:
                started = clock()
                system.recognise(samples, language)
                system.timed[language].append(clock() - started)


def _times(systems: Sequence[System]) -> Iterator[list[str]]:
    """Medians of seconds, then of the ratios to stock greedy, sound by sound."""
    stock = systems[2]
    for language in MEASURES:
        if stock.timed[language]:
            yield [f"{language}, s", *(f"{statistics.median(system.timed[language]):.3f}" for system in systems)]
            yield [f"{language}, ratio", *(_ratio(system.timed[language], stock.timed[language]) for system in systems)]
    total = sum(stock.seconds)
    yield ["all recordings, ratio", *(f"{sum(system.seconds) / total:.2f}" for system in systems)]


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)):.2f}"


if __name__ == "__main__":
    as_command(main)
