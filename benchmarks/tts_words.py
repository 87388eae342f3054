"""How right the times of the words are: ``python -m benchmarks.tts_words``.

Kokoro's words carry the times that the model itself gave their phonemes. At a pause they are compared with the place
where the sound stops. Everywhere else they are the reference for two estimates: by the share of characters, and by
syllables and pauses (for engines without times). Figures are milliseconds between word ends, median / 95th percentile.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

import numpy as np

from benchmarks.command import as_command, one_or_more
from benchmarks.output import median_and_high_ms, show
from benchmarks.sentences import CHINESE, ENGLISH, MIXED
from huiyin.configs import settings as config
from huiyin.services.tts.engines import kokoro
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.spoken import spoken
from huiyin.services.tts.timing import in_proportion
from huiyin.services.tts.voice_engine import Engine, Sound, WordTiming
from huiyin.services.tts.voice_selector import Choice

_QUIET = 0.01  # RMS over 10 ms below which there is silence
_WINDOW = RATE // 100
_PAUSE_S = 0.1  # a stop is a silence of at least so long ...
_NEAR_S = 0.4  # ... within so much of the word's end
_PAUSE = re.compile(r"[，,]")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=one_or_more, default=10, help="texts of each kind, two sentences each")
    args = parser.parse_args()
    engine = kokoro.load(config.load(environ={}))
    engine.warm_up()
    kinds = (("en", ENGLISH, "af_heart"), ("zh", CHINESE, "zf_xiaoxiao"), ("mixed", MIXED, "zf_xiaoxiao"))
    heads = ("text", "words", "at pauses, ms", "by characters, ms", "by syllables, ms")
    show(heads, (_row(engine, kind, sentences, voice, args.count) for kind, sentences, voice in kinds))


def texts_of(kind: str, sentences: Sequence[str]) -> list[str]:
    """Two sentences each, with a pause between."""
    comma = ", " if kind == "en" else "，"
    pairs = zip(sentences[0::2], sentences[1::2], strict=True)
    return [spoken(f"{first[:-1]}{comma}{second}") for first, second in pairs]


def timed(engine: Engine, name: str, text: str) -> tuple[Sound, list[WordTiming]]:
    """(a text in a voice, float32 at `RATE`; its words)."""
    voice = engine.voice(name)
    assert voice is not None
    pieces = list(Speaker([engine]).speak(text, Choice(engine, voice)))
    sound = np.concatenate([piece for piece in pieces if not isinstance(piece, WordTiming)])
    return sound, [piece for piece in pieces if isinstance(piece, WordTiming)]


def _row(engine: Engine, kind: str, sentences: list[str], voice: str, count: int) -> list[str | None]:
    errors_s: dict[str, list[float]] = {"pauses": [], "characters": [], "syllables": []}
    n_words = sum(_measure(engine, voice, text, errors_s) for text in texts_of(kind, sentences)[:count])
    return [kind, str(n_words), *(median_and_high_ms(values) for values in errors_s.values())]


def _measure(engine: Engine, name: str, text: str, errors_s: dict[str, list[float]]) -> int:
    """Add the errors of one text. Returns how many words it has."""
    sound, words = timed(engine, name, text)
    for word in words:
        if _PAUSE.search(text[word.end - 1 : word.end + 1]):
            stop_s = _stop_near(sound, word.end_s)
            if stop_s is not None:
                errors_s["pauses"].append(abs(stop_s - word.end_s))
    total_s = words[-1].end_s
    estimated = {word.end: word.end_s for word in in_proportion(text, total_s)}
    for word in words:
        errors_s["characters"].append(abs(word.end / len(text) * len(sound) / RATE - word.end_s))
        if word.end in estimated:
            errors_s["syllables"].append(abs(estimated[word.end] - word.end_s))
    return len(words)


def _stop_near(sound: Sound, at_s: float) -> float | None:
    """When the sound stops for a pause, near `at_s`; None when it does not."""
    level = np.sqrt(np.convolve(sound**2, np.ones(_WINDOW) / _WINDOW, "same"))
    loud = np.flatnonzero(level > _QUIET) / RATE
    stops = loud[:-1][np.diff(loud) > _PAUSE_S]
    near = [float(stop) for stop in stops if abs(stop - at_s) < _NEAR_S]
    return min(near, key=lambda stop: abs(stop - at_s)) if near else None


if __name__ == "__main__":
    as_command(main)
