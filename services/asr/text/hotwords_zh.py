"""Chinese hotwords: where the text has other characters of the same sound.

A noisy channel (Shannon 1948; for spelling: Kernighan, Church and Gale, "A Spelling Correction Program Based on a
Noisy Channel Model", 1990): a span of the text is a misheard hotword when *the hotword, recognised like this* is
likelier than *those words*. The likelihood of words comes from jieba's dictionary (349,000 words with their
frequencies); that of a mishearing falls with every tone, and every z for zh, that differs.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huiyin.configs.tables import read_table

# All in nats, from `python -m benchmarks.hotwords`.
_HOTWORD = -16.5  # a very rare word (one in fifteen million): it only replaces odd words, and characters without a word
_MOST_MISHEARD = 1.3  # a syllable, on average; beyond that it is another sound
_MOST_MISHEARD_SHORT = 1.2  # in all, for two syllables: many words are near them
_READINGS = 2  # of one character
_OTHER_READING = 1.0  # the character has the hotword's sound, but not in its own word
_TONE = 2.5  # another tone
_CLOSE_TONE = 1.2  # a tone that is easily taken for the other
_TABLE = read_table(Path(__file__).with_name("sounds.toml"))
_INITIALS = {frozenset((a, b)): cost for a, b, cost in _TABLE["initials"]}
_FINALS = {frozenset((a, b)): cost for a, b, cost in _TABLE["finals"]}
_FOLD_INITIAL: dict[str, str] = {a: b for a, b, _ in _TABLE["initials"]}
_FOLD_FINAL: dict[str, str] = {a: b for a, b, _ in _TABLE["finals"]}
_CLOSE_TONES = ({2, 3}, {3, 4})  # a third tone rises before another, and falls when it is spoken fully

_CONTEXT = 4  # characters on either side, for words that reach into the hotword's place
_LONGEST_WORD = 5
_PART = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([a-zê]+)([1-5]?)")


@dataclass(frozen=True)
class Syllable:
    """A Mandarin syllable in pinyin; `tone` 1 to 4, 5 for none."""

    initial: str
    final: str
    tone: int

    @property
    def folded(self) -> str:
        """The same for all syllables that are easily confused."""
        initial = _FOLD_INITIAL.get(self.initial, self.initial)
        return initial + _FOLD_FINAL.get(self.final, self.final)


@dataclass(frozen=True)
class Match:
    """Hotword number `hotword` belongs at text[start:end]; the higher the score (nats), the surer."""

    hotword: int
    start: int
    end: int
    score: float


class ChineseHotwords:
    """Finds where one of `words` (two Chinese characters or more each) was meant."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._sounds = [[readings(char) for char in word] for word in words]
        self._by_first: dict[str, list[int]] = {}
        for number, sounds in enumerate(self._sounds):
            for folded in {syllable.folded for syllable in sounds[0]}:
                self._by_first.setdefault(folded, []).append(number)

    def matches(self, run: str) -> Iterator[Match]:
        """In `run`, Chinese characters only; they may overlap."""
        spoken: list[Syllable] = []
        for start, char in enumerate(run):
            for number in {n for folded in _folded(char) for n in self._by_first.get(folded, ())}:
                end = start + len(self._words[number])
                if run[start:end] == self._words[number] or not self.sounds_like(number, run[start:end]):
                    continue
                spoken = spoken or _spoken(run)
                score = self._score(number, run, start, end, spoken[start:end])
                if score > 0:
                    yield Match(number, start, end, score)

    def sounds_like(self, number: int, run: str) -> bool:
        """Whether `run` has the sound of hotword `number`, or one easily confused with it."""
        word = self._words[number]
        return len(run) == len(word) and all(_folded(a) & _folded(b) for a, b in zip(word, run, strict=True))

    def _score(self, number: int, run: str, start: int, end: int, spoken: Sequence[Syllable]) -> float:
        word = self._words[number]
        left, right = run[max(0, start - _CONTEXT) : start], run[end : end + _CONTEXT]
        misheard = sum(map(_misheard, self._sounds[number], spoken, run[start:end]))
        if misheard > (_MOST_MISHEARD_SHORT if len(word) == 2 else _MOST_MISHEARD * len(word)):
            return 0.0
        as_it_is = _log_likelihood(left + run[start:end] + right)
        return _log_likelihood(left) + _HOTWORD - misheard + _log_likelihood(right) - as_it_is


def _misheard(meant: Sequence[Syllable], spoken: Syllable, char: str) -> float:
    """How unlikely `spoken` (or another reading of `char`) is for one of `meant`: 0 for the same sound."""
    in_context = min(_difference(syllable, spoken) for syllable in meant)
    otherwise = min(_difference(a, b) for a in meant for b in readings(char))
    return min(in_context, otherwise + _OTHER_READING)


def _difference(a: Syllable, b: Syllable) -> float:
    initial = 0.0 if a.initial == b.initial else _INITIALS.get(frozenset((a.initial, b.initial)), math.inf)
    final = 0.0 if a.final == b.final else _FINALS.get(frozenset((a.final, b.final)), math.inf)
    tones = {a.tone, b.tone}
    if len(tones) == 1:
        return initial + final
    return initial + final + (_CLOSE_TONE if 5 in tones or tones in _CLOSE_TONES else _TONE)


def _log_likelihood(text: str) -> float:
    """Of the likeliest division of `text` into words."""
    best = [0.0] + [-math.inf] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            if end - start == 1 or text[start:end] in word_counts():
                best[end] = max(best[end], best[start] + _log_word(text[start:end]))
    return best[-1]


def _log_word(word: str) -> float:
    return math.log(word_counts().get(word, 1) / _total())


@functools.cache
def word_counts() -> dict[str, int]:
    """Word -> its count in jieba's dictionary. Read as a file: importing jieba would build an index of prefixes."""
    spec = importlib.util.find_spec("jieba")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'jieba'", name="jieba")
    counts = {}
    with Path(spec.origin).with_name("dict.txt").open(encoding="utf-8") as file:
        for line in file:
            word, count, _ = line.split(" ")
            if len(word) <= _LONGEST_WORD:
                counts[word] = max(int(count), 1)
    return counts


@functools.cache
def _total() -> int:
    return sum(word_counts().values())


@functools.cache
def readings(char: str) -> tuple[Syllable, ...]:
    """The usual readings of a character. Dictionaries have rarer ones, too: 王 may be read yù, 陶 yáo."""
    from pypinyin import Style, pinyin

    (readings,) = pinyin(char, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)
    return tuple(_syllable(reading) for reading in readings[:_READINGS])


@functools.cache
def _folded(char: str) -> frozenset[str]:
    return frozenset(syllable.folded for syllable in readings(char))


def _spoken(run: str) -> list[Syllable]:
    """The reading of each character in its word."""
    from pypinyin import Style, lazy_pinyin

    # errors=list: characters without a reading stand for themselves, one by one
    spelt = lazy_pinyin(run, style=Style.TONE3, neutral_tone_with_five=True, errors=list)  # type: ignore[arg-type]
    return list(map(_syllable, spelt))


def _syllable(pinyin: str) -> Syllable:
    parts = _PART.fullmatch(pinyin)
    return Syllable(parts[1], parts[2], int(parts[3] or 5)) if parts else Syllable("", pinyin, 5)
