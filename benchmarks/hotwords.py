"""Recall and false replacements of the hotword corrector: ``python -m benchmarks.hotwords``.

Recall: hotwords are put into sentences as a recogniser may have misheard them (characters of the same sound, as
frequent as they are in use; one tone or one z for zh different; English words misspelt or split), among 99 other
hotwords. False replacements: words replaced in ordinary text, with 100 hotwords that are not in it.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.command import as_command, existing_file, one_or_more
from benchmarks.output import percent, show
from benchmarks.sentences import TEXTS
from huiyin.services.asr.recogniser import Segment
from huiyin.services.asr.text.hotwords import Corrector
from huiyin.services.asr.text.hotwords_zh import readings, word_counts
from huiyin.services.common.text import HAN

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"

_TEXTS = TEXTS["hotwords"]
_KINDS = ("same sound", "one tone off", "one z/zh, n/l, in/ing ... off")
_CHARS_A_WORD = 1.6  # of Chinese


def main() -> None:
    """Print both tables and the speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--text", type=existing_file, action="append", default=[], help="ordinary text of your own instead"
    )
    parser.add_argument("--draws", type=one_or_more, default=20, help="sets of 100 hotwords for each text")
    parser.add_argument("--tries", type=one_or_more, default=400, help="misheard hotwords of each kind")
    args = parser.parse_args()
    rng = random.Random(0)
    show(("misheard hotwords", "tries", "recall"), _recall(rng, args.tries))
    texts = args.text or [DATA / "ordinary_zh.txt", DATA / "ordinary_en.txt"]
    heads = ("ordinary text", "words", "replaced", "replaced in 10,000")
    show(heads, (_false_replacements(rng, path, args.draws) for path in texts))
    _print_speed(rng)


def hotwords(rng: random.Random, count: int = 100) -> list[str]:
    """Names and terms of both languages."""
    names = [
        rng.choice(_TEXTS["surnames"]) + "".join(rng.choices(_TEXTS["given"], k=rng.choice((1, 2, 2))))
        for _ in range(count // 2)
    ]
    return [*names, *rng.sample(_TEXTS["terms"], count // 4), *rng.sample(_TEXTS["names"], count // 4)]


def _recall(rng: random.Random, tries: int) -> Iterator[list[str]]:
    sounds = _characters_by_sound()
    for kind in _KINDS:
        corrected = 0
        for _ in range(tries):
            words = hotwords(rng)
            word = rng.choice(words[: len(words) * 3 // 4])
            corrected += _is_corrected(rng, "zh", words, misheard(rng, word, kind, sounds), word)
        yield [f"zh, {kind}", str(tries), percent(corrected / tries)]
    pairs = _TEXTS["misheard_en"]
    corrected = sum(_is_corrected(rng, "en", [*hotwords(rng), word], wrong, word) for word, wrong in pairs)
    yield ["en", str(len(pairs)), percent(corrected / len(pairs))]


def _is_corrected(rng: random.Random, language: str, words: Sequence[str], wrong: str, right: str) -> bool:
    """Whether `wrong` in a sentence becomes `right`."""
    sentence = rng.choice(_TEXTS["sentences"][language])
    segment = Segment(0.0, 1.0, sentence.format(wrong), "zh", 1.0)
    return Corrector(words).segment(segment).text == sentence.format(right)


def _characters_by_sound() -> dict[str, list[tuple[str, int]]]:
    """Common characters and their counts, by syllable with tone, without, and folded."""
    by_sound: dict[str, list[tuple[str, int]]] = {}
    for char, count in word_counts().items():
        if len(char) == 1 and re.match(f"[{HAN}]", char) and count > 200:
            syllable = readings(char)[0]
            toneless = syllable.initial + syllable.final
            for key in {f"{toneless}{syllable.tone}", toneless, f"/{syllable.folded}"}:
                by_sound.setdefault(key, []).append((char, count))
    return by_sound


def misheard(rng: random.Random, word: str, kind: str, sounds: dict[str, list[tuple[str, int]]]) -> str:
    """Other characters with the sound of `word`; in one place it is a bit off unless the kind is 'same sound'."""
    for _ in range(50):
        odd = rng.randrange(len(word)) if kind != _KINDS[0] else -1
        wrong = ""
        for i, char in enumerate(word):
            syllable = readings(char)[0]
            toneless = syllable.initial + syllable.final
            key = f"{toneless}{syllable.tone}"
            if i == odd:
                key = toneless if kind == _KINDS[1] else f"/{syllable.folded}"
            elif rng.random() < 0.4:
                wrong += char
                continue
            others = [(other, count) for other, count in sounds.get(key, []) if other != char] or [(char, 1)]
            wrong += rng.choices([other for other, _ in others], [count for _, count in others])[0]
        if wrong != word:
            break
    return wrong


def _false_replacements(rng: random.Random, path: Path, draws: int) -> list[str]:
    text = path.read_text("utf-8")
    length = len(re.findall(f"[{HAN}]", text)) / _CHARS_A_WORD + len(re.findall(r"[A-Za-z]+", text))
    replaced = sum(Corrector(hotwords(rng)).count(text) for _ in range(draws))
    return [path.name, f"{length * draws:.0f}", str(replaced), f"{replaced / length / draws * 10_000:.2f}"]


def _print_speed(rng: random.Random) -> None:
    words = hotwords(rng, 200)
    text = (DATA / "ordinary_zh.txt").read_text("utf-8")[:1000].replace("\n", "")
    corrector = Corrector(words)
    _ = corrector.count(text)
    started = time.perf_counter()
    for _ in range(20):
        corrector.count(text)
    print(f"\nWith 200 hotwords {len(text)} characters take {(time.perf_counter() - started) / 20 * 1000:.1f} ms.")


if __name__ == "__main__":
    as_command(main)
