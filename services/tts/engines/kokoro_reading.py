"""Text in Kokoro's alphabet, each phoneme with the place in the text it stands for: what word timings are made of."""

from __future__ import annotations

import operator
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from huiyin.services.common.text import HAN
from huiyin.services.tts import g2p_zh
from huiyin.services.tts.engines.hibari import english_phonemes
from huiyin.services.tts.speakable import language
from huiyin.services.tts.voice_engine import WordTiming

Span = tuple[int, int]  # start and end in the text, in characters

_MARKS = {
    "，": ",", "、": ",", "。": ".", "．": ".", "！": "!", "？": "?", "：": ":", "；": ";", "–": "—",
    "《": "“", "「": "“", "【": "“", "『": "“", "»": "”", "》": "”", "」": "”", "】": "”", "』": "”", "«": "“",
    "（": "(", "）": ")",
}  # fmt: skip
_OPENING = "(“"
_SILENT = ' .,!?;:…—()“”"'
_NOT_FIRST = " .,!?;:…—)”"
_SPACES = re.compile(r"(?<=[(“]) +|(?<= ) +")
_RUNS = re.compile(
    rf"(?P<zh>[{HAN}]+)|(?P<en>[A-Za-zÀ-ɏ0-9](?:[A-Za-zÀ-ɏ0-9 '’.,&%$°/-]*[A-Za-zÀ-ɏ0-9%])?)|(?P<mark>.)", re.S
)
_WORD = re.compile(r"\S+")
_WORDS_AND_SPACES = re.compile(r"\S+|\s+")


@dataclass(frozen=True)
class Reading:
    """Phonemes, and for each the part of the text it is said for; None for marks and spaces."""

    phonemes: str
    spans: tuple[Span | None, ...]

    def portions(self, longest: int) -> Iterator[Reading]:
        """Cut between words into readings of at most `longest` phonemes; none where there is nothing to say."""
        start = 0
        while start < len(self.phonemes):
            end = len(self.phonemes)
            if end - start > longest:
                cut = self.phonemes.rfind(" ", start + 1, start + longest)
                end = cut if cut > 0 else start + longest
            portion = self.phonemes[start:end]
            start_said = start + len(portion) - len(portion.lstrip(" "))
            if portion.strip(_SILENT):
                yield Reading(self.phonemes[start_said:end], self.spans[start_said:end])
            start = end

    def words(self, ends_s: Sequence[float]) -> Iterator[WordTiming]:
        """The words with their times; `ends_s`: when each phoneme ends."""
        starts_s = [0.0, *ends_s[:-1]]
        said = [each for each in zip(self.spans, starts_s, ends_s, strict=True) if each[0] is not None]
        for (start, end), group in groupby(said, key=operator.itemgetter(0)):
            times = list(group)
            yield WordTiming(start, end, times[0][1], times[-1][2])


def read(text: str, known: Container[str], british: bool = False) -> Reading:
    """`text`, all in words, in the phonemes that are `known`, marks included; empty when nothing can be said."""
    said: list[tuple[str, Span | None]] = []  # one character each
    if language(text) == "en":
        _say_english(said, text, 0, british)
    else:
        for run in _RUNS.finditer(text):
            if run["zh"]:
                _say(said, " ")
                _say_chinese(said, run["zh"], run.start())
            elif run["en"]:
                _say(said, " ")
                _say_english(said, run["en"], run.start(), british)
            elif (mark := _MARKS.get(run["mark"], run["mark"])) in _OPENING:
                _say(said, " " + mark)
            else:
                while said and said[-1][0].isspace():
                    said.pop()
                _say(said, mark + " ")
    said = [(c, span) for c, span in said if c in known]
    phonemes = "".join(c for c, _ in said)
    dropped = {i for spaces in _SPACES.finditer(phonemes) for i in range(*spaces.span())}
    said = [pair for i, pair in enumerate(said) if i not in dropped]
    phonemes = "".join(c for c, _ in said)
    first, end = len(phonemes) - len(phonemes.lstrip(_NOT_FIRST)), len(phonemes.rstrip())
    return Reading(phonemes[first:end], tuple(span for _, span in said[first:end]))


def _say(said: list[tuple[str, Span | None]], phonemes: str, span: Span | None = None) -> None:
    said.extend((c, None if c in _SILENT else span) for c in phonemes)


def _say_chinese(said: list[tuple[str, Span | None]], run: str, at: int) -> None:
    """A run of Chinese characters, at `at` in the text."""
    is_first = True
    for word in g2p_zh.words(run):
        if any(word):  # it has a character that can be read
            if not is_first:
                _say(said, " ")
            is_first = False
        for syllable in word:
            _say(said, syllable, (at, at + 1))
            at += 1


def _say_english(said: list[tuple[str, Span | None]], run: str, at: int, british: bool) -> None:
    """English text, at `at` in the text."""
    spoken = english_phonemes(run, british)
    owners = iter(_owners(run, spoken.split(), british))
    for part in _WORDS_AND_SPACES.findall(spoken):
        start, end = (0, 0) if part.isspace() else next(owners)
        _say(said, part, (at + start, at + end))


def _owners(text: str, spoken: list[str], british: bool) -> list[Span]:
    """For each word of phonemes the word of the text it belongs to: "$5" is two of them, "9:30" too."""
    words = [word.span() for word in _WORD.finditer(text)]
    if len(words) == len(spoken):
        return words
    counts = [len(english_phonemes(text[start:end], british).split()) for start, end in words]
    if sum(counts) == len(spoken):
        return [span for span, count in zip(words, counts, strict=True) for _ in range(count)]
    return [words[i * len(words) // len(spoken)] for i in range(len(spoken))]
