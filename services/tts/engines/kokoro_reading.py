"""Text in Kokoro's alphabet, each phoneme with its place in the text, from which word timings are computed."""

from __future__ import annotations

import operator
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from huiyin.services.common.pronunciations import parts
from huiyin.services.common.text import HAN
from huiyin.services.tts import g2p_zh
from huiyin.services.tts.engines.hibari import english_phonemes
from huiyin.services.tts.speakable import language
from huiyin.services.tts.voice_engine import WordTiming

Span = tuple[int, int]  # start and end in the text, in characters
Pair = tuple[str, Span | None]  # a phoneme and its span; a mark or space and None

NO_SOUNDS: Mapping[str, str] = {}

_MARKS = {
    "，": ",", "、": ",", "。": ".", "．": ".", "！": "!", "？": "?", "：": ":", "；": ";", "–": "—",
    "《": "“", "「": "“", "【": "“", "『": "“", "»": "”", "》": "”", "」": "”", "】": "”", "』": "”", "«": "“",
    "（": "(", "）": ")",
}  # fmt: skip
_OPENING = "(“"
_SILENT = ' .,!?;:…—()“”"'
_NOT_FIRST = " .,!?;:…—)”"
_NO_SPACE_AFTER = " (“"
_NO_SPACE_BEFORE = ".,!?;:…)”"
_SPACE: Pair = (" ", None)
_RUNS = re.compile(
    rf"(?P<zh>[{HAN}]+)|(?P<en>[A-Za-zÀ-ɏ0-9](?:[A-Za-zÀ-ɏ0-9 '’.,&%$°/-]*[A-Za-zÀ-ɏ0-9%])?)|(?P<mark>.)", re.S
)
_WORD = re.compile(r"\S+")
_WORDS_AND_SPACES = re.compile(r"\S+|\s+")


@dataclass(frozen=True)
class Reading:
    """Phonemes, and for each its span in the text; None for marks and spaces."""

    phonemes: str
    spans: tuple[Span | None, ...]

    def portions(self, longest: int) -> Iterator[Reading]:
        """Cut between words into readings of at most `longest` phonemes; none where nothing can be said."""
        start = 0
        while start < len(self.phonemes):
            end = len(self.phonemes)
            if end - start > longest:
                cut = self.phonemes.rfind(" ", start + 1, start + longest)
                end = cut if cut > 0 else start + longest
            portion = self.phonemes[start:end]
            if portion.strip(_SILENT):
                first = start + len(portion) - len(portion.lstrip(" "))
                yield Reading(self.phonemes[first:end], self.spans[first:end])
            start = end

    def words(self, ends_s: Sequence[float]) -> Iterator[WordTiming]:
        """The words with their times; `ends_s`: the end of each phoneme."""
        starts_s = [0.0, *ends_s[:-1]]
        timed = [each for each in zip(self.spans, starts_s, ends_s, strict=True) if each[0] is not None]
        for (start, end), group in groupby(timed, key=operator.itemgetter(0)):
            times = list(group)
            yield WordTiming(start, end, times[0][1], times[-1][2])


def read(text: str, known: Container[str], british: bool = False, sounds: Mapping[str, str] = NO_SOUNDS) -> Reading:
    """The speech text `text` in the phonemes and marks that are `known`; empty when nothing can be said.

    `sounds`: words whose phonemes are known.
    """
    pairs: list[Pair] = []
    for symbol, span in _symbols(text, british, sounds):
        is_first = not pairs and symbol in _NOT_FIRST
        is_second_space = symbol == " " and pairs and pairs[-1][0] in _NO_SPACE_AFTER
        if symbol in _NO_SPACE_BEFORE and pairs and pairs[-1][0] == " ":
            pairs.pop()  # a mark after a word of `sounds`
        if symbol in known and not is_first and not is_second_space:
            pairs.append((symbol, span))
    while pairs and pairs[-1][0].isspace():
        pairs.pop()
    return Reading("".join(symbol for symbol, _ in pairs), tuple(span for _, span in pairs))


def _symbols(text: str, british: bool, sounds: Mapping[str, str]) -> Iterator[Pair]:
    """Every phoneme, mark and space."""
    is_english = language(text) == "en"
    at = 0
    for part in parts(text, sounds):
        if part in sounds:
            yield _SPACE
            yield from _with_span(sounds[part], (at, at + len(part)))
            yield _SPACE
        else:
            read_part = _english(part, 0, british) if is_english else _mixed(part, british)
            for symbol, span in read_part:
                yield symbol, span and (span[0] + at, span[1] + at)
        at += len(part)


def _mixed(text: str, british: bool) -> list[Pair]:
    """Text with Chinese in it, or beside it."""
    pairs: list[Pair] = []
    for run in _RUNS.finditer(text):
        if run["zh"]:
            pairs += [_SPACE, *_chinese(run["zh"], run.start())]
        elif run["en"]:
            pairs += [_SPACE, *_english(run["en"], run.start(), british)]
        elif (mark := _MARKS.get(run["mark"], run["mark"])) in _OPENING:
            pairs += [_SPACE, (mark, None)]
        else:
            while pairs and pairs[-1][0].isspace():
                pairs.pop()
            pairs += [(mark, None), _SPACE]
    return pairs


def _with_span(phonemes: str, span: Span) -> list[Pair]:
    return [(symbol, None if symbol in _SILENT else span) for symbol in phonemes]


def _chinese(run: str, at: int) -> Iterator[Pair]:
    """A run of Chinese characters, at `at` in the text."""
    is_first = True
    for word in g2p_zh.words(run):
        if any(word):  # it has a character that can be read
            if not is_first:
                yield _SPACE
            is_first = False
        for syllable in word:
            yield from _with_span(syllable, (at, at + 1))
            at += 1


def _english(run: str, at: int, british: bool) -> Iterator[Pair]:
    """English text, at `at` in the text."""
    phonemes = english_phonemes(run, british)
    sources = iter(_sources(run, phonemes.split(), british))
    for part in _WORDS_AND_SPACES.findall(phonemes):
        start, end = (0, 0) if part.isspace() else next(sources)
        yield from _with_span(part, (at + start, at + end))


def _sources(text: str, spoken: list[str], british: bool) -> list[Span]:
    """For each word of phonemes the word of the text it comes from: two come from "$5", and from "9:30"."""
    words = [word.span() for word in _WORD.finditer(text)]
    if len(words) == len(spoken):
        return words
    counts = [len(english_phonemes(text[start:end], british).split()) for start, end in words]
    if sum(counts) == len(spoken):
        return [span for span, count in zip(words, counts, strict=True) for _ in range(count)]
    return [words[i * len(words) // len(spoken)] for i in range(len(spoken))]
