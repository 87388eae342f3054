"""How right Whisper's times of words are: ``python -m benchmarks.recogniser.word_times``.

Kokoro speaks sentences; the times that it gave their phonemes are the reference (5–9 ms off at pauses, see
`benchmarks.tts_words`). Words that were recognised as they were spoken are compared, ours and those of stock
faster-whisper (`word_timestamps=True`, the same weights, 30 s windows). Milliseconds, median / 95th percentile.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import numpy as np
import soxr
from faster_whisper import WhisperModel

from benchmarks.command import as_command, one_or_more, zero_or_more
from benchmarks.output import show
from benchmarks.sentences import CHINESE, ENGLISH
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, Word, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.text import HAN
from huiyin.services.tts.engines import kokoro
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.spoken import spoken
from huiyin.services.tts.voice_engine import Engine, WordTiming
from huiyin.services.tts.voice_selector import Choice

VOICES = {"en": ("af_heart", "am_michael", "bf_emma"), "zh": ("zf_xiaoxiao", "zm_yunxi", "zf_xiaoni")}
_UNIT = re.compile(rf"[{HAN}]|[^\W{HAN}]+(?:'[^\W{HAN}]+)*")

Timer = Callable[[Samples, str], Sequence[Word]]
"""(sound, language) -> words with times."""


@dataclass
class Errors:
    """Distances to the reference in seconds, of matched words."""

    starts_s: list[float] = field(default_factory=list)
    ends_s: list[float] = field(default_factory=list)
    spoken: int = 0
    """Words of the reference."""

    def add(self, reference: Sequence[Word], found: Sequence[Word]) -> None:
        """Compare the words that both have, in their order."""
        self.spoken += len(reference)
        ours, theirs = ([word.text.lower() for word in words] for words in (reference, found))
        for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
            for i in range(block.size):
                a, b = reference[block.a + i], found[block.b + i]
                self.starts_s.append(abs(a.start_s - b.start_s))
                self.ends_s.append(abs(a.end_s - b.end_s))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=one_or_more, default=3, help="texts for each voice, two sentences each")
    parser.add_argument(
        "--from", type=zero_or_more, default=9, dest="first", help="default: 9, behind those that chose a figure"
    )
    args = parser.parse_args()
    settings = config.load(environ={})
    store = ModelStore(settings.store)
    voice_engine = kokoro.load(settings)
    engine = load_engine(settings.asr, store.ensure)
    stock = WhisperModel(
        str(store.ensure(settings.asr.model)), device="cpu", compute_type="int8", cpu_threads=settings.asr.threads
    )

    def ours(samples: Samples, language: str) -> Sequence[Word]:
        hints = Hints((language,), words=True)
        return [word for segment in engine.recognise([samples], hints)[0].segments for word in segment.words]

    def theirs(samples: Samples, language: str) -> Sequence[Word]:
        segments, _ = stock.transcribe(samples, language=language, beam_size=1, temperature=0.0, word_timestamps=True)
        return [Word(word.word, word.start, word.end) for segment in segments for word in segment.words or ()]

    costs: list[float] = []

    def measured() -> Iterator[list[str]]:
        for language, sentences in (("en", ENGLISH), ("zh", CHINESE)):
            results = {"Huiyin": Errors(), "faster-whisper": Errors()}
            for samples, reference in _speech(voice_engine, language, sentences, args.first, args.count):
                for name, timer in (("Huiyin", ours), ("faster-whisper", theirs)):
                    results[name].add(reference, _single(timer(samples, language)))
                costs.append(_cost(engine.recognise, samples, language))
            for name, found in results.items():
                matched = f"{len(found.ends_s)} of {found.spoken}"
                yield [f"{language}, {name}", matched, *map(_cell, (found.starts_s, found.ends_s))]

    show(("recogniser", "words matched", "begins, ms", "ends, ms"), measured())
    share = statistics.median(costs)
    show(("", "median"), [["time with the words' times / without", f"{share:.2f}"]])


def _speech(
    engine: Engine, language: str, sentences: Sequence[str], first: int, count: int
) -> Iterator[tuple[Samples, list[Word]]]:
    """Sounds, and what is said in them: `count` for each voice, none twice."""
    comma = ", " if language == "en" else "，"
    pairs = list(zip(sentences[0::2], sentences[1::2], strict=True))[first:]
    for number, name in enumerate(VOICES[language]):
        voice = engine.voice(name)
        assert voice is not None
        for before, after in pairs[number :: len(VOICES[language])][:count]:
            text = spoken(f"{before[:-1]}{comma}{after}")
            pieces = list(Speaker([engine]).speak(text, Choice(engine, voice)))
            sound = np.concatenate([piece for piece in pieces if not isinstance(piece, WordTiming)])
            timings = (piece for piece in pieces if isinstance(piece, WordTiming))
            words = _single([Word(text[t.start : t.end], t.start_s, t.end_s) for t in timings])
            yield np.asarray(soxr.resample(sound, RATE, SAMPLE_RATE), np.float32), words


def _single(words: Sequence[Word]) -> list[Word]:
    """Single words or Chinese characters, without marks; those of one word have equal parts of its time."""
    single = []
    for word in words:
        units = _UNIT.findall(word.text)
        edges_s = np.linspace(word.start_s, word.end_s, len(units) + 1).tolist()
        single += [Word(unit, *edges_s[i : i + 2]) for i, unit in enumerate(units)]
    return single


def _cost(recognise: Callable[..., object], samples: Samples, language: str) -> float:
    """How much longer it takes with the times of words: a ratio."""
    seconds = []
    for words in (True, False):
        started = time.perf_counter()
        recognise([samples], Hints((language,), words=words))
        seconds.append(time.perf_counter() - started)
    return seconds[0] / seconds[1]


def _cell(errors_s: Sequence[float]) -> str:
    median, high = np.percentile(errors_s, [50, 95]) * 1000
    return f"{median:.0f} / {high:.0f}"


if __name__ == "__main__":
    as_command(main)
