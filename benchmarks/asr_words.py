"""How right the times of recognised words are: ``python -m benchmarks.asr_words``.

Kokoro speaks, and its model gives the times of its words (right to some 10 ms: ``python -m benchmarks.tts_words``); the
default recogniser hears that, and says when each word was. Only words that it understood are compared. Figures are
milliseconds, median / 95th percentile, of Chinese words at their first and last character.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import cycle

import numpy as np
import soxr

from benchmarks.command import as_command, one_or_more
from benchmarks.output import median_and_high_ms, show
from benchmarks.sentences import CHINESE, ENGLISH
from benchmarks.tts_words import texts_of, timed
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Engine, Hints, Word, load_engine
from huiyin.services.common.audio import SAMPLE_RATE
from huiyin.services.tts import voice_engine
from huiyin.services.tts.engines import kokoro
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import WordTiming

LIMIT_S = 0.08
"""Of the median error."""


@dataclass
class _Errors:
    words: int = 0
    begins_s: list[float] = field(default_factory=list)
    ends_s: list[float] = field(default_factory=list)


def main() -> None:
    """Print the table. Exit status 1 where a median is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=one_or_more, default=20, help="texts of each language, two sentences each")
    args = parser.parse_args()
    settings = config.load(environ={})
    voice = kokoro.load(settings)
    ears = load_engine(settings.asr, ModelStore(settings.store).ensure)
    kinds = (("en", ENGLISH, ("af_heart", "am_michael")), ("zh", CHINESE, ("zf_xiaoxiao", "zm_yunxi")))
    found = {kind: _errors(voice, ears, kind, sentences, names, args.count) for kind, sentences, names in kinds}
    heads = ("text", "words", "understood", "begin, ms", "end, ms")
    show(heads, (_row(kind, errors) for kind, errors in found.items()))
    medians_s = [np.median(times_s) for errors in found.values() for times_s in (errors.begins_s, errors.ends_s)]
    raise SystemExit(int(max(medians_s) > LIMIT_S))


def _errors(
    voice: voice_engine.Engine, ears: Engine, kind: str, sentences: Sequence[str], names: Sequence[str], count: int
) -> _Errors:
    errors = _Errors()
    for name, text in zip(cycle(names), texts_of(kind, sentences)[:count], strict=False):
        sound, said = timed(voice, name, text)
        samples = np.asarray(soxr.resample(sound, RATE, SAMPLE_RATE), np.float32)
        (heard,) = ears.recognise([samples], Hints((kind,), words=True))
        words = [word for segment in heard.segments for word in segment.words]
        _compare(text, said, words, errors)
    return errors


def _compare(text: str, said: Sequence[WordTiming], heard: Sequence[Word], errors: _Errors) -> None:
    """Add the errors of the words that both texts have."""
    theirs = [(letter, word) for word in heard for _, letter in _letters(word.text)]
    ours = [letter for _, letter in _letters(text)]
    places = {place: number for number, (place, _) in enumerate(_letters(text))}
    matched: dict[int, int] = {}
    for block in SequenceMatcher(None, ours, [letter for letter, *_ in theirs], autojunk=False).get_matching_blocks():
        matched |= {block.a + i: block.b + i for i in range(block.size)}
    for timing in said:
        numbers = [places[place] for place in range(timing.start, timing.end) if place in places]
        if not numbers:
            continue
        errors.words += 1
        if not all(number in matched for number in numbers):
            continue
        first, last = (theirs[matched[number]][1] for number in (numbers[0], numbers[-1]))
        errors.begins_s.append(abs(first.start_s - timing.start_s))
        errors.ends_s.append(abs(last.end_s - timing.end_s))


def _letters(text: str) -> Iterator[tuple[int, str]]:
    """(place, letter in lower case) of letters and digits."""
    return ((place, letter.lower()) for place, letter in enumerate(text) if letter.isalnum())


def _row(kind: str, errors: _Errors) -> list[str | None]:
    off = [median_and_high_ms(times_s) for times_s in (errors.begins_s, errors.ends_s)]
    return [kind, str(errors.words), str(len(errors.ends_s)), *off]


if __name__ == "__main__":
    as_command(main)
