"""How right the times of the words are: ``python -m benchmarks.tts_words``.

Kokoro's words carry the times that the model itself gave their phonemes. At a pause they are compared with what is
heard: where the sound stops. Everywhere else they are the measure for two guesses: the share of the clause's sound by
characters (what a reply cut short was remembered by before), and by syllables and pauses (what engines without times
get). Figures are milliseconds between word ends.
"""

from __future__ import annotations

import argparse
import re

import numpy as np

from benchmarks.sentences import CHINESE, ENGLISH, MIXED
from huiyin.configs import settings as config
from huiyin.services.tts.engines import kokoro
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.spoken import spoken
from huiyin.services.tts.timing import in_proportion
from huiyin.services.tts.voice_engine import Engine, Sound, WordTiming
from huiyin.services.tts.voice_selector import Choice

_QUIET = 0.01  # RMS over 10 ms below which nothing is said
_WINDOW = RATE // 100
_PAUSE_S = 0.1  # a stop is a silence of at least so long ...
_NEAR_S = 0.4  # ... within so much of the word's end
_PAUSE = re.compile(r"[，,]")


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10, help="texts of each kind, two sentences each")
    args = parser.parse_args()
    engine = kokoro.load(config.load(environ={}))
    engine.warm_up()
    print(f"{'kind':<7}{'words':>6}{'at pauses':>16}{'by characters':>18}{'by syllables':>17}   (median / 95 %, ms)")
    for kind, sentences, voice in (
        ("en", ENGLISH, "af_heart"),
        ("zh", CHINESE, "zf_xiaoxiao"),
        ("mixed", MIXED, "zf_xiaoxiao"),
    ):
        comma = ", " if kind == "en" else "，"
        pairs = zip(sentences[0::2], sentences[1::2], strict=True)
        texts = [spoken(f"{first[:-1]}{comma}{second}") for first, second in pairs][: args.count]
        errors: dict[str, list[float]] = {"pauses": [], "characters": [], "syllables": []}
        n_words = sum(_measure(engine, voice, text, errors) for text in texts)
        print(f"{kind:<7}{n_words:>6}" + "".join(_shown(errors[name]) for name in errors), flush=True)
    return 0


def _measure(engine: Engine, voice: str, text: str, errors: dict[str, list[float]]) -> int:
    """Adds the errors of one text, in seconds. Returns how many words it has."""
    found = engine.voice(voice)
    assert found is not None
    made = list(Speaker([engine]).speak(text, Choice(engine, found)))
    words = [each for each in made if isinstance(each, WordTiming)]
    sound = np.concatenate([each for each in made if not isinstance(each, WordTiming)])
    for word in words:
        if _PAUSE.search(text[word.end - 1 : word.end + 1]):
            stop_s = _stop_near(sound, word.end_s)
            if stop_s is not None:
                errors["pauses"].append(abs(stop_s - word.end_s))
    total_s = words[-1].end_s
    guessed = {word.end: word.end_s for word in in_proportion(text, total_s)}
    for word in words:
        errors["characters"].append(abs(word.end / len(text) * len(sound) / RATE - word.end_s))
        if word.end in guessed:
            errors["syllables"].append(abs(guessed[word.end] - word.end_s))
    return len(words)


def _stop_near(sound: Sound, at_s: float) -> float | None:
    """When the sound stops for a pause, near `at_s`; None when it does not."""
    level = np.sqrt(np.convolve(sound**2, np.ones(_WINDOW) / _WINDOW, "same"))
    loud = np.flatnonzero(level > _QUIET) / RATE
    stops = loud[:-1][np.diff(loud) > _PAUSE_S]
    near = [float(stop) for stop in stops if abs(stop - at_s) < _NEAR_S]
    return min(near, key=lambda stop: abs(stop - at_s)) if near else None


def _shown(errors_s: list[float]) -> str:
    if not errors_s:
        return f"{'-':>16}"
    median, high = np.percentile(errors_s, [50, 95]) * 1000
    return f"{median:>9.0f} / {high:>4.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
