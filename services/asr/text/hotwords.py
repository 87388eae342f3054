"""Hotwords for recognisers without: their text is corrected where it sounds like a hotword.

    Corrector(["张伟", "PyTorch"]).segment(segment)

How Chinese and English are matched is in `hotwords_zh` and `hotwords_en`. A hotword of both ("阿里Cloud") is found by
its Latin part, letter for letter, with the right sounds beside it.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from huiyin.services.asr.recogniser import Engine, Hints, Recognition, Segment, Word
from huiyin.services.asr.text.hotword_list import HELPFUL
from huiyin.services.asr.text.hotwords_en import EnglishHotwords
from huiyin.services.asr.text.hotwords_zh import ChineseHotwords
from huiyin.services.common.audio import Samples
from huiyin.services.common.reader_language import in_readers_words
from huiyin.services.common.text import HAN

_HAN_RUN = re.compile(f"[{HAN}]+")
_LATIN = rf"(?:(?![{HAN}])[^\W_])"
_LATIN_WORD = re.compile(rf"{_LATIN}+(?:['\u2019]{_LATIN}+)*")
_TWO_LATIN = re.compile(_LATIN * 2)
_LATIN_RUN = re.compile(rf"{_LATIN_WORD.pattern}(?:[ -]+{_LATIN_WORD.pattern})*")
_UNIT = re.compile(rf"[{HAN}]|{_LATIN_WORD.pattern}")
_POSSESSIVE = re.compile(r"['\u2019]s$")
_SHORTEST_HAN = 2  # too many characters have the sound of a single one


def recognise_with_hotwords(engine: Engine, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
    """As `engine.recognise`, with hotwords for every engine: the text of those without is corrected."""
    recognitions = engine.recognise(pieces, hints)
    if not hints.hotwords:
        return recognitions
    if not engine.uses_hotwords:
        corrector = _corrector(hints.hotwords)
        recognitions = [
            dataclasses.replace(each, segments=tuple(map(corrector.segment, each.segments))) for each in recognitions
        ]
    if len(hints.hotwords) > HELPFUL:
        warning = in_readers_words("asr.many_hotwords", count=len(hints.hotwords), most=HELPFUL)
        recognitions = [dataclasses.replace(each, warnings=(*each.warnings, warning)) for each in recognitions]
    return recognitions


@dataclass(frozen=True)
class _Edit:
    """text[start:end] becomes `new`."""

    start: int
    end: int
    new: str
    score: float


class Corrector:
    """Puts `hotwords` where the text has their sound. One may be used by several threads."""

    def __init__(self, hotwords: Sequence[str]) -> None:
        words = list(dict.fromkeys(word.strip() for word in hotwords))
        self._words = [word for word in words if word]
        self._han = [word for word in words if _HAN_RUN.fullmatch(word) and len(word) >= _SHORTEST_HAN]
        self._latin = [word for word in words if _LATIN_WORD.search(word) and not _HAN_RUN.search(word)]
        self._chinese = ChineseHotwords(self._han)
        self._english = EnglishHotwords(self._latin)
        self._mixed = [_Mixed(word) for word in words if _LATIN_WORD.search(word) and _HAN_RUN.search(word)]

    def segment(self, segment: Segment) -> Segment:
        """The segment with the hotwords in its text and words; the same object without corrections."""
        edits = self._edits(segment.text)
        if not edits:
            return segment
        text = _edited(segment.text, edits)
        return dataclasses.replace(segment, text=text, words=_edited_words(segment.words, segment.text, edits))

    def count(self, text: str) -> int:
        """Number of corrections in `text`."""
        return len(self._edits(text))

    def _edits(self, text: str) -> list[_Edit]:
        """In order, without overlaps; of overlapping ones the surest."""
        edits: list[_Edit] = []
        occupied = [span for word in self._words for span in _places(word, text)]
        for edit in sorted(self._candidates(text), key=lambda edit: (-edit.score, edit.start)):
            if all(edit.end <= start or end <= edit.start for start, end in occupied):
                edits.append(edit)
                occupied.append((edit.start, edit.end))
        return sorted(edits, key=lambda edit: edit.start)

    def _candidates(self, text: str) -> Iterator[_Edit]:
        if self._han:
            for run in _HAN_RUN.finditer(text):
                yield from self._chinese_edits(run[0], run.start())
        if self._latin:
            for run in _LATIN_RUN.finditer(text):
                yield from self._english_edits(run[0], run.start())
        for mixed in self._mixed:
            yield from mixed.candidates(text)

    def _chinese_edits(self, run: str, offset: int) -> Iterator[_Edit]:
        for match in self._chinese.matches(run):
            yield _Edit(offset + match.start, offset + match.end, self._han[match.hotword], match.score)

    def _english_edits(self, run: str, offset: int) -> Iterator[_Edit]:
        words = list(_LATIN_WORD.finditer(run))
        texts = [_POSSESSIVE.sub("", word[0]) for word in words]
        for match in self._english.matches(texts):
            last = match.end - 1
            end = words[last].start() + len(texts[last])
            yield _Edit(offset + words[match.start].start(), offset + end, self._latin[match.hotword], match.score)


@functools.lru_cache(maxsize=16)
def _corrector(hotwords: tuple[str, ...]) -> Corrector:
    return Corrector(hotwords)


def _places(word: str, text: str) -> Iterator[tuple[int, int]]:
    """Where `word` is in `text`, but not as a part of a longer Latin one: Sara is not in Sarah."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_within(text, start) or _within(text, end)):
            yield start, end
        start = text.find(word, start + 1)


def _within(text: str, position: int) -> bool:
    """Whether a Latin word goes on across `position`."""
    return _TWO_LATIN.fullmatch(text[max(0, position - 1) : position + 1]) is not None


class _Mixed:
    """A hotword of Chinese characters and Latin letters."""

    def __init__(self, word: str) -> None:
        self._word = word
        parts = re.findall(rf"[{HAN}]+|[^{HAN}]+", word)
        self._han = ChineseHotwords([part for part in parts if _HAN_RUN.fullmatch(part)])
        self._pattern = re.compile(r"\s*".join(map(_pattern, parts)), re.IGNORECASE)

    def candidates(self, text: str) -> Iterator[_Edit]:
        for match in self._pattern.finditer(text):
            same_sound = all(self._han.sounds_like(number, run) for number, run in enumerate(match.groups()))
            if same_sound and match[0] != self._word:
                yield _Edit(match.start(), match.end(), self._word, 1.0)


def _pattern(part: str) -> str:
    """Matches as many Chinese characters as `part` has, or its Latin letters, however they are spaced."""
    if _HAN_RUN.fullmatch(part):
        return f"([{HAN}]{{{len(part)}}})"
    return r"[\s-]*".join(re.findall(r"[^\W_]", part))


def _edited(text: str, edits: Sequence[_Edit], offset: int = 0) -> str:
    """`text` with the edits; their positions count from `offset` before it."""
    for edit in reversed(edits):
        text = text[: edit.start - offset] + edit.new + text[edit.end - offset :]
    return text


def _edited_words(words: Sequence[Word], text: str, edits: Sequence[_Edit]) -> tuple[Word, ...]:
    """The words of the edited text: those of an edit share the time of the words that it replaces."""
    spans = _spans(words, text)
    if spans is None:
        return ()  # wrong words would be worse than none
    edited: list[Word] = []
    rest = list(edits)
    first = 0
    while first < len(words):
        start, end = spans[first]
        after = first + 1
        here: list[_Edit] = []
        while rest and rest[0].start < end:  # an edit may reach into the next word, and another may begin there
            here.append(rest.pop(0))
            while after < len(words) and spans[after][0] < here[-1].end:
                after += 1
            end = spans[after - 1][1]
        if here:
            edited += _timed(_edited(text[start:end], here, start), words[first:after])
        else:
            edited.append(words[first])
        first = after
    return tuple(edited)


def _spans(words: Sequence[Word], text: str) -> list[tuple[int, int]] | None:
    """Where each word is in the text; None if one is not in it."""
    spans, position = [], 0
    for word in words:
        plain = word.text.strip()
        start = text.find(plain, position)
        if start < 0:
            return None
        position = start + len(plain)
        spans.append((start, position))
    return spans


def _timed(text: str, before: Sequence[Word]) -> list[Word]:
    """`text` as words: with the times of as many words `before`, else with their time shared out by letters."""
    starts = [unit.start() for unit in _UNIT.finditer(text)][1:]
    pieces = [text[a:b].strip() for a, b in pairwise([0, *starts, len(text)])]
    if len(pieces) == len(before):
        return [Word(piece, word.start_s, word.end_s) for piece, word in zip(pieces, before, strict=True)]
    start_s = before[0].start_s
    length_s = before[-1].end_s - start_s
    letters = list(accumulate(map(len, pieces), initial=0))
    times_s = [start_s + length_s * position / letters[-1] for position in letters]
    return [Word(piece, *span) for piece, span in zip(pieces, pairwise(times_s), strict=True)]
