"""Time to the first sound and real-time factor of the voices: ``python -m benchmarks.tts``.

The published model is Kokoro's int8 export as it is, in a plain ONNX Runtime session with the same phonemes and the
same threads (spin-waiting off for both): it shows what rewriting the graph gains. It synthesises a text in one piece
with its silence, so its times are for the whole text.

"cores" is processor time over wall time of the first piece.
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
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import psutil

from benchmarks.command import WrongOption, as_command, one_or_more
from benchmarks.output import show, tell
from benchmarks.sentences import TEXTS
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.heap import trim_heap
from huiyin.services.tts.engines import hibari, kokoro
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.voice_engine import Engine, Sound, WordTiming
from huiyin.services.tts.voice_selector import Choice

CHINESE, ENGLISH = (tuple[str, ...](TEXTS["tts"][language]) for language in ("zh", "en"))
_MB = 2**20


Speak = Callable[[str], Iterator[Sound]]


@dataclass(frozen=True)
class Run:
    """One text spoken once; medians have the same shape."""

    first_s: float
    first_cpu_s: float
    whole_s: float
    sound_s: float

    @property
    def real_time_factor(self) -> float:
        """Of the whole text."""
        return self.whole_s / self.sound_s


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=one_or_more, default=5, help="runs of each text (medians are shown)")
    parser.add_argument("--threads", type=one_or_more, nargs="*", default=[1, 2], help="of Kokoro")
    parser.add_argument("--voice", default="zf_xiaoxiao", help="of Kokoro")
    args = parser.parse_args()
    store = ModelStore(config.load(environ={}).store)

    english = hibari.HibariEngine()
    english.warm_up()
    _show("hibari", ENGLISH, _speak_with(english, "heart"), args.repeats)
    for threads in args.threads:
        started = time.perf_counter()
        engine = kokoro.KokoroEngine(store, threads)
        engine.warm_up()
        gc.collect()
        trim_heap()
        load_s, memory_mb = time.perf_counter() - started, psutil.Process().memory_info().rss / _MB
        tell(f"Kokoro loaded in {load_s:.1f} s; {memory_mb:.0f} MB")
        medians = _show(f"Kokoro, threads: {threads}", CHINESE + ENGLISH, _speak_with(engine, args.voice), args.repeats)
        if threads > 1:
            show(("target", ""), _targets(medians))
        stock = Stock(store, threads, args.voice, engine)
        _show(f"published model, threads: {threads}", CHINESE[:3], stock.speak, args.repeats)
        del engine, stock


def _speak_with(engine: Engine, name: str) -> Speak:
    voice = engine.voice(name)
    if voice is None:
        raise WrongOption(f"--voice: no voice {name!r}; there are {', '.join(each.name for each in engine.voices)}")

    def speak(text: str) -> Iterator[Sound]:
        pieces = Speaker([engine]).speak(text, Choice(engine, voice))
        return (piece for piece in pieces if not isinstance(piece, WordTiming))

    return speak


class Stock:
    """Kokoro's published export in an ordinary session."""

    def __init__(self, store: ModelStore, threads: int, voice: str, reader: kokoro.KokoroEngine) -> None:
        import onnxruntime  # not at the top: there it would come before huiyin, which keeps it from reporting

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


def _targets(medians: dict[str, Run]) -> Iterator[list[str]]:
    """On two cores."""
    yield ["six Chinese characters, first sound ≤ 0.45 s", f"{medians[CHINESE[1]].first_s:.2f} s"]
    yield ["four English words, first sound ≤ 0.45 s", f"{medians[ENGLISH[1]].first_s:.2f} s"]
    longer = (CHINESE[3], CHINESE[4], ENGLISH[3])
    yield ["real-time factor of longer texts ≤ 0.30", f"{max(medians[text].real_time_factor for text in longer):.2f}"]


def _show(title: str, texts: tuple[str, ...], speak: Speak, repeats: int) -> dict[str, Run]:
    medians: dict[str, Run] = {}

    def rows() -> Iterator[list[str]]:
        for text in texts:
            runs = [astuple(_run(speak, text)) for _ in range(repeats)]
            run = medians[text] = Run(*(statistics.median(column) for column in zip(*runs, strict=True)))
            short = text if len(text) <= 40 else f"{text[:37]}... ({len(text)} characters)"
            times = (f"{run.first_s:.3f} s", f"{run.first_cpu_s / run.first_s:.1f}", f"{run.whole_s:.3f} s")
            yield [short, *times, f"{run.sound_s:.2f} s", f"{run.real_time_factor:.2f}"]

    show((title, "first sound", "cores", "all sound after", "length", "real-time factor"), rows())
    return medians


def _run(speak: Speak, text: str) -> Run:
    started, cpu_s = time.perf_counter(), time.process_time()
    sound = speak(text)
    n_samples = len(next(sound))
    first_s, first_cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
    n_samples += sum(map(len, sound))
    return Run(first_s, first_cpu_s, time.perf_counter() - started, n_samples / RATE)


if __name__ == "__main__":
    as_command(main)
