"""Time to the first sound and real-time factor of the voices: ``python -m benchmarks.tts``.

The stock model is Kokoro's int8 export as it is, in a plain ONNX Runtime session with the same phonemes and the same
threads (spin-waiting off for both): what the rewriting of its graph gains. It makes a text in one piece, silence and
all; its times are for the whole text.

``cpu`` is processor time over wall time of the first piece: 2.0 means that both cores worked.
"""

from __future__ import annotations

import gc
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import psutil

from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.heap import trim_heap
from huiyin.services.tts.engines import hibari, kokoro
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.voice_engine import Engine, Sound, WordTiming
from huiyin.services.tts.voice_selector import Choice

CHINESE = (
    "你好。",
    "今天天气很好。",
    "晚饭可以吃面条，简单又暖和。",
    "我们先去公园散步，再去饭店吃饭，最后回家休息，你觉得怎么样？",
    "人工智能是计算机科学的一个分支，它企图了解智能的实质，并生产出一种新的智能机器。该领域的研究包括机器人、语言识别、"
    "图像识别和专家系统等。从诞生以来，理论和技术日益成熟。",
)
ENGLISH = (
    "Hello.",
    "Of course I can.",
    "It is going to rain, so take an umbrella.",
    "We could walk through the park first, then have dinner somewhere, and go home early if you like.",
)
_MB = 2**20


@dataclass(frozen=True)
class Run:
    """One text spoken once."""

    first_s: float
    first_cpu_s: float
    whole_s: float
    sound_s: float


def main() -> int:
    """Prints the tables. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each text (medians are shown)")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2], help="of Kokoro")
    parser.add_argument("--voice", default="zf_xiaoxiao", help="of Kokoro")
    args = parser.parse_args()
    store = ModelStore(config.load(environ={}).store)

    english = hibari.HibariEngine()
    english.warm_up()
    _print_table("hibari, heart, 1 thread", ENGLISH, lambda text: _spoken(english, "heart", text), args.repeats)
    for threads in args.threads:
        started = time.perf_counter()
        engine = kokoro.KokoroEngine(store, threads)
        engine.warm_up()
        gc.collect()
        trim_heap()
        load_s, memory_mb = time.perf_counter() - started, psutil.Process().memory_info().rss / _MB
        title = (
            f"Kokoro, {args.voice}, {threads} thread{'s'[: threads > 1]}; loaded in {load_s:.1f} s, {memory_mb:.0f} MB"
        )
        speak = _speaker_of(engine, args.voice)
        medians = _print_table(title, CHINESE + ENGLISH, speak, args.repeats)
        if threads > 1:
            _print_goals(medians)
        stock = Stock(store, threads, args.voice, engine)
        _print_table(f"stock model, {threads} thread{'s'[: threads > 1]}", CHINESE[:3], stock.speak, args.repeats)
        del engine, stock, speak
    return 0


def _spoken(engine: Engine, voice: str, text: str) -> Iterator[Sound]:
    found = engine.voice(voice)
    assert found is not None
    made = Speaker([engine]).speak(text, Choice(engine, found))
    return (each for each in made if not isinstance(each, WordTiming))


def _speaker_of(engine: Engine, voice: str) -> Callable[[str], Iterator[Sound]]:
    return lambda text: _spoken(engine, voice, text)


class Stock:
    """Kokoro's export in an ordinary session."""

    def __init__(self, store: ModelStore, threads: int, voice: str, reader: kokoro.KokoroEngine) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = store.ensure("kokoro-v1.0.int8.onnx")
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._style = np.fromfile(store.ensure(f"kokoro-voices/{voice}.bin"), np.float32).reshape(510, 1, 256)
        self._reader = reader
        self._ids = reader.ids

    def speak(self, text: str) -> Iterator[Sound]:
        """All of `text`."""
        spoken = self._reader.phonemes(text)
        yield self._session.run(
            None,
            {
                "tokens": np.array([[0, *(self._ids[p] for p in spoken), 0]], np.int64),
                "style": self._style[len(spoken) - 1],
                "speed": np.ones(1, np.float32),
            },
        )[0]


def _print_goals(medians: dict[str, Run]) -> None:
    """What must be reached on two cores, and what was."""
    chinese, english = medians[CHINESE[1]].first_s, medians[ENGLISH[1]].first_s
    factor = max(medians[text].whole_s / medians[text].sound_s for text in (CHINESE[3], CHINESE[4], ENGLISH[3]))
    print(f"six Chinese characters {chinese:.2f} s, four English words {english:.2f} s (both ≤ 0.45 wanted)")
    print(f"real-time factor of the longer texts {factor:.2f} at most (≤ 0.30 wanted)\n", flush=True)


def _print_table(
    title: str, texts: tuple[str, ...], speak: Callable[[str], Iterator[Sound]], repeats: int
) -> dict[str, Run]:
    medians = {}
    print(f"{title}\n{'first s':>9}{'cpu':>6}{'whole s':>9}{'sound s':>9}{'RTF':>7}   text (medians of {repeats})")
    for text in texts:
        runs = [_run(speak, text) for _ in range(repeats)]
        first, cpu, whole, sound = (
            statistics.median(values)
            for values in zip(*((r.first_s, r.first_cpu_s, r.whole_s, r.sound_s) for r in runs), strict=True)
        )
        medians[text] = Run(first, cpu, whole, sound)
        shown = text if len(text) <= 40 else f"{text[:37]}... ({len(text)} characters)"
        print(f"{first:>9.3f}{cpu / first:>6.1f}{whole:>9.3f}{sound:>9.2f}{whole / sound:>7.2f}   {shown}", flush=True)
    print()
    return medians


def _run(speak: Callable[[str], Iterator[Sound]], text: str) -> Run:
    started, cpu = time.perf_counter(), time.process_time()
    sound = speak(text)
    n_samples = len(next(sound))
    first_s, first_cpu_s = time.perf_counter() - started, time.process_time() - cpu
    n_samples += sum(map(len, sound))
    return Run(first_s, first_cpu_s, time.perf_counter() - started, n_samples / RATE)


if __name__ == "__main__":
    raise SystemExit(main())
