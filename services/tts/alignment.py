"""Text alignment: where in a text the parts of its spoken form come from ("3.5%" is said as 百分之三点五)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher

from huiyin.services.tts.g2p_zh import HAN
from huiyin.services.tts.voice_engine import WordTiming

_WINDOW = 200  # tokens compared at once
_TOKEN = re.compile(rf"[{HAN}]|[^\W\d_{HAN}]+|\d|\s+|.", re.S)


class TextAlignment:
    """Maps spans of `spoken` to spans of `text`, by the words they share; what was put in other words, in proportion.

    >>> TextAlignment("涨了3.5%，好", "涨了百分之三点五，好").source_span(8, 9)
    (6, 7)
    >>> TextAlignment("**Hi** there", "Hi there").source_span(0, 2)
    (2, 4)
    """

    def __init__(self, text: str, spoken: str) -> None:
        # For each character of `spoken`, the span of `text` it stands for.
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._length = len(text)
        if text == spoken:
            self._append_equal(0, len(text))
            return
        text_tokens = _TOKEN.findall(text)
        spoken_tokens = _TOKEN.findall(spoken)
        text_bounds = _bounds(text_tokens)
        spoken_bounds = _bounds(spoken_tokens)
        for is_equal, text_first, text_end, spoken_first, spoken_end in _blocks(text_tokens, spoken_tokens):
            start, end = text_bounds[text_first], text_bounds[text_end]
            if is_equal:
                self._append_equal(start, end)
            else:
                self._append_proportional(start, end, spoken_bounds[spoken_end] - spoken_bounds[spoken_first])

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """Start and end of the part of the text that ``spoken[start:end]`` stands for."""
        if not self._starts:
            return 0, 0
        last = len(self._starts) - 1
        return self._starts[min(start, last)], self._ends[min(max(end - 1, start), last)]

    def source_start(self, start: int) -> int:
        """Where in the text ``spoken[start:]`` begins."""
        return self._starts[start] if start < len(self._starts) else self._length

    def source_word(self, word: WordTiming) -> WordTiming:
        """A word of `spoken` where it is in the text, its times as they are."""
        start, end = self.source_span(word.start, word.end)
        return replace(word, start=start, end=end)

    def _append_equal(self, start: int, end: int) -> None:
        """The next characters of `spoken` are ``text[start:end]``."""
        self._starts += range(start, end)
        self._ends += range(start + 1, end + 1)

    def _append_proportional(self, start: int, end: int, size: int) -> None:
        """The next `size` characters of `spoken` are other words for ``text[start:end]``."""
        for i in range(size):
            self._starts.append(start + (end - start) * i // size)
            self._ends.append(start + (end - start) * (i + 1) // size)


def _blocks(text: list[str], spoken: list[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """(whether equal, start and end in `text`, start and end in `spoken`) in order, without gaps. In tokens.

    Window by window: comparing two long texts as wholes takes seconds when they repeat themselves.
    """
    text_at = 0
    spoken_at = 0
    while spoken_at < len(spoken):
        is_last = spoken_at + _WINDOW >= len(spoken)
        window = _WINDOW
        while True:
            rest = text[text_at:] if is_last else text[text_at : text_at + window]
            matcher = SequenceMatcher(str.isspace, rest, spoken[spoken_at : spoken_at + _WINDOW], autojunk=False)
            codes = matcher.get_opcodes()
            equal = [n for n, code in enumerate(codes) if code[0] == "equal"]
            if equal or text_at + window >= len(text):
                break
            window *= 2  # much of the text is not spoken
        if equal and not is_last:
            codes = codes[: equal[-1] + 1]  # what follows may go on in the next window
        for tag, i1, i2, j1, j2 in codes:
            yield tag == "equal", text_at + i1, text_at + i2, spoken_at + j1, spoken_at + j2
        text_at += codes[-1][2]
        spoken_at += codes[-1][4]


def _bounds(tokens: list[str]) -> list[int]:
    """Where each token starts, and where the last ends, in characters."""
    bounds = [0]
    for token in tokens:
        bounds.append(bounds[-1] + len(token))
    return bounds
