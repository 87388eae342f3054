"""Hotwords for recognisers that cannot take any: what was heard is corrected where it sounds like one of them.

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

from huiyin.services.asr.recogniser import Engine, Hints, Recognition, Segment, Word
from huiyin.services.asr.text.hotword_list import HELPFUL
from huiyin.services.asr.text.hotwords_en import EnglishHotwords
from huiyin.services.asr.text.hotwords_zh import ChineseHotwords
from huiyin.services.common.audio import Samples
from huiyin.services.common.text import HAN

_HAN_RUN = re.compile(f"[{HAN}]+")
_LATIN = rf"(?:(?![{HAN}])[^\W_])"
_LATIN_WORD = re.compile(rf"{_LATIN}+(?:['\u2019]{_LATIN}+)*")
_TWO_LATIN = re.compile(_LATIN * 2)
_LATIN_RUN = re.compile(rf"{_LATIN_WORD.pattern}(?:[ -]+{_LATIN_WORD.pattern})*")
_UNIT = re.compile(rf"[{HAN}]|{_LATIN_WORD.pattern}")
_POSSESSIVE = re.compile(r"['\u2019]s$")
_SHORTEST_HAN = 2  # one character has too many of its sound


def recognise(engine: Engine, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
    """As `engine.recognise`; with the hotwords put right where the engine itself cannot take any."""
    recognitions = engine.recognise(pieces, hints)
    if not hints.hotwords:
        return recognitions
    if not engine.uses_hotwords:
        corrector = _corrector(hints.hotwords)
        recognitions = [
            dataclasses.replace(heard, segments=tuple(map(corrector.segment, heard.segments))) for heard in recognitions
        ]
    if len(hints.hotwords) > HELPFUL:
        warning = f"{len(hints.hotwords)} hotwords: beyond some {HELPFUL} each helps less, and wrong ones do harm"
        recognitions = [dataclasses.replace(heard, warnings=(*heard.warnings, warning)) for heard in recognitions]
    return recognitions


@dataclass(frozen=True)
class _Edit:
    """text[start:end] becomes `new`."""

    start: int
    end: int
    new: str
    score: float


class Corrector:
    """Puts `hotwords` where they were misheard. One may be used by several threads."""

    def __init__(self, hotwords: Sequence[str]) -> None:
        words = list(dict.fromkeys(word.strip() for word in hotwords))
        self._words = [word for word in words if word]
        self._han = [word for word in words if _HAN_RUN.fullmatch(word) and len(word) >= _SHORTEST_HAN]
        self._latin = [word for word in words if _LATIN_WORD.search(word) and not _HAN_RUN.search(word)]
        self._chinese = ChineseHotwords(self._han)
        self._english = EnglishHotwords(self._latin)
        self._mixed = [_Mixed(word) for word in words if _LATIN_WORD.search(word) and _HAN_RUN.search(word)]

    def segment(self, segment: Segment) -> Segment:
        """The segment with the hotwords in its text and words; the same one when nothing is to be corrected."""
        edits = self._edits(segment.text)
        if not edits:
            return segment
        text = _edited(segment.text, edits)
        return dataclasses.replace(segment, text=text, words=_edited_words(segment.words, segment.text, edits))

    def count(self, text: str) -> int:
        """How many places of `text` would be corrected."""
        return len(self._edits(text))

    def _edits(self, text: str) -> list[_Edit]:
        """In order, none overlapping: the surest first where they would."""
        chosen: list[_Edit] = []
        taken = [span for word in self._words for span in _places(word, text)]
        for edit in sorted(self._candidates(text), key=lambda edit: (-edit.score, edit.start)):
            if all(edit.end <= start or end <= edit.start for start, end in taken):
                chosen.append(edit)
                taken.append((edit.start, edit.end))
        return sorted(chosen, key=lambda edit: edit.start)

    def _candidates(self, text: str) -> Iterator[_Edit]:
        if self._han:
            for run in _HAN_RUN.finditer(text):
                for match in self._chinese.matches(run[0]):
                    start = run.start() + match.start
                    yield _Edit(start, run.start() + match.end, self._han[match.hotword], match.score)
        if self._latin:
            for run in _LATIN_RUN.finditer(text):
                spans = [(found.start(), found.end()) for found in _LATIN_WORD.finditer(text, run.start(), run.end())]
                spans = [
                    (start, end - len(ending[0]) if ending else end)
                    for start, end in spans
                    for ending in [_POSSESSIVE.search(text[start:end])]
                ]
                for match in self._english.matches([text[start:end] for start, end in spans]):
                    start, end = spans[match.start][0], spans[match.end - 1][1]
                    yield _Edit(start, end, self._latin[match.hotword], match.score)
        for mixed in self._mixed:
            yield from mixed.candidates(text)


@functools.lru_cache(maxsize=16)
def _corrector(hotwords: tuple[str, ...]) -> Corrector:
    return Corrector(hotwords)


def _places(word: str, text: str) -> Iterator[tuple[int, int]]:
    """Where `word` stands in `text`, but not as a part of a longer Latin one: Sara is not in Sarah."""
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
        self._pattern = re.compile(
            r"\s*".join(
                f"([{HAN}]{{{len(part)}}})" if _HAN_RUN.fullmatch(part) else r"[\s-]*".join(re.findall(r"[^\W_]", part))
                for part in parts
            ),
            re.IGNORECASE,
        )

    def candidates(self, text: str) -> Iterator[_Edit]:
        for found in self._pattern.finditer(text):
            alike = all(self._han.sounds_like(number, run) for number, run in enumerate(found.groups()))
            if alike and found[0] != self._word:
                yield _Edit(found.start(), found.end(), self._word, 1.0)


def _edited(text: str, edits: Sequence[_Edit], offset: int = 0) -> str:
    """`text`, which begins at `offset` of what the edits were made for."""
    for edit in reversed(edits):
        text = text[: edit.start - offset] + edit.new + text[edit.end - offset :]
    return text


def _edited_words(words: Sequence[Word], text: str, edits: Sequence[_Edit]) -> tuple[Word, ...]:
    """The words of the edited text: those of an edit share the time of the words that it replaces."""
    spans = _spans(words, text)
    if spans is None:
        return ()  # words that are not those of the text would be worse than none
    edited: list[Word] = []
    rest = list(edits)
    i = 0
    while i < len(words):
        start, end = spans[i]
        mine: list[_Edit] = []
        last = i
        while rest and rest[0].start < end:  # an edit may reach into the next word, and another may begin there
            mine.append(rest.pop(0))
            while last + 1 < len(words) and spans[last + 1][0] < mine[-1].end:
                last += 1
            end = spans[last][1]
        if mine:
            new = _edited(text[start:end], mine, start)
            edited += _timed(new, words[i].start_s, words[last].end_s, words[i : last + 1])
        else:
            edited.append(words[i])
        i = last + 1
    return tuple(edited)


def _spans(words: Sequence[Word], text: str) -> list[tuple[int, int]] | None:
    """Where each word stands in the text, None if one does not."""
    spans, position = [], 0
    for word in words:
        start = text.find(word.text.strip(), position)
        if start < 0:
            return None
        position = start + len(word.text.strip())
        spans.append((start, position))
    return spans


def _timed(text: str, start_s: float, end_s: float, before: Sequence[Word]) -> list[Word]:
    """`text` as words: with the times of those `before` where there are as many, else each as long as its letters."""
    starts = [found.start() for found in _UNIT.finditer(text)][1:]
    pieces = [text[a:b].strip() for a, b in zip([0, *starts], [*starts, len(text)], strict=True)]
    if len(pieces) == len(before):
        return [Word(piece, word.start_s, word.end_s) for piece, word in zip(pieces, before, strict=True)]
    total = sum(map(len, pieces))
    words, passed = [], 0
    for piece in pieces:
        at_s = start_s + (end_s - start_s) * passed / total
        passed += len(piece)
        words.append(Word(piece, at_s, start_s + (end_s - start_s) * passed / total))
    return words
