"""Error rates of synthesised speech, transcribed again: ``python -m benchmarks.tts_roundtrip``.

Each sentence is spoken by the service's default voice for it (``--voice`` for another) and transcribed by the default
recogniser, which is given the language. The same recogniser on recorded people, where the clips are, shows how much of
the error is its own. Numbers are put in words on both sides before anything is counted: "$5" and "five dollars" are the
same. English counts words, Chinese and mixed text characters (letters, in English words).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from benchmarks.command import as_command, one_or_more, zero_or_more
from benchmarks.output import percent, show, tell
from benchmarks.sentences import CHINESE, ENGLISH, MIXED
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.spoken import spoken
from huiyin.services.tts.voice_engine import WordTiming
from tests.support.scoring import error_rate
from tests.support.speech_clips import recorded

_KINDS = {"en": ("en", ENGLISH), "zh": ("zh", CHINESE), "mixed": ("zh", MIXED)}
_TARGETS = {"en": 0.05, "zh": 0.08}  # beyond the recogniser's own error, at most
_AROUND_S = (0.25, 0.5)  # silence before and after, as the loop sends it


@dataclass(frozen=True)
class RoundTrip:
    """A sentence and its transcript."""

    text: str
    transcript: str
    language: str

    @property
    def pair(self) -> tuple[str, str]:
        """Both in words."""
        return spoken(self.text, self.language), spoken(self.transcript, self.language)

    @property
    def error(self) -> float:
        """Errors by words (characters) of the sentence."""
        return error_rate([self.pair], self.language)


def main() -> int:
    """Print the table. Returns 1 when a target is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=one_or_more, default=40, help="sentences of each kind")
    parser.add_argument("--voice", default="", help="a voice's name (default: the service's choice)")
    parser.add_argument("--worst", type=zero_or_more, default=5, help="how many of the worst are shown")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    settings = config.load(overrides=["tts.cache_mb=0", *args.set])
    speaker = Speaker.load(settings)
    recogniser = load_engine(settings.asr, ModelStore(settings.store).ensure)
    own = _own_errors(recogniser)
    misses: list[str] = []

    def rows() -> Iterator[list[str | None]]:
        for kind, (language, sentences) in _KINDS.items():
            results = [
                RoundTrip(text, _transcribe(recogniser, _speak(speaker, text, args.voice), language), language)
                for text in sentences[: args.count]
            ]
            rate = error_rate([result.pair for result in results], language)
            limit = _TARGETS[kind] + own.get(kind, 0.0) if kind in _TARGETS else None
            if limit is not None and rate > limit:
                misses.append(kind)
            people = percent(own[kind]) if kind in own else None
            yield [kind, str(len(results)), percent(rate), people, None if limit is None else f"≤ {percent(limit)}"]
            for result in sorted(results, key=lambda r: -r.error)[: args.worst]:
                if result.error:
                    tell(f"{result.error:>5.0%}  {result.text}  →  {result.transcript.strip()}")

    show(("text", "sentences", "error rate", "of recorded people", "target"), rows())
    return 1 if misses else 0


def _speak(speaker: Speaker, text: str, voice: str) -> Samples:
    words = spoken(text, "en")
    pieces = speaker.speak(words, speaker.choose(words, voice))
    sound = np.concatenate([piece for piece in pieces if not isinstance(piece, WordTiming)])
    before, after = (round(seconds * SAMPLE_RATE) for seconds in _AROUND_S)
    resampled: Samples = np.pad(soxr.resample(sound, RATE, SAMPLE_RATE), (before, after)).astype(np.float32)
    return resampled


def _transcribe(recogniser: Any, samples: Samples, language: str) -> str:
    return " ".join(s.text for s in recogniser.recognise([samples], Hints((language,)))[0].segments)


def _own_errors(recogniser: Any) -> dict[str, float]:
    """The recogniser's errors on recorded people, by language; empty where there are no clips."""
    results: dict[str, list[tuple[str, str]]] = {}
    for path, language, text in recorded():
        transcript = _transcribe(recogniser, decode(path, max_duration_s=60).samples, language)
        results.setdefault(language, []).append(RoundTrip(text, transcript, language).pair)
    return {language: error_rate(pairs, language) for language, pairs in results.items()}


if __name__ == "__main__":
    as_command(main)
