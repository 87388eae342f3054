"""Text alignment: where in a text the parts of its spoken form come from ("3.5%" is said as 百分之三点五)."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from huiyin.services.common.text import HAN
from huiyin.services.tts.voice_engine import WordTiming

_TOKEN = re.compile(rf"[{HAN}]|[^\W\d_{HAN}]+|\d|\s+|.", re.S)
# A token that both texts have may be another one of its kind: it seems so many tokens further off than one that is
# followed by the same in both.
_DOUBT = 3


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


def _blocks(written: list[str], read: list[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """(whether equal, start and end in `written`, start and end in `read`), in order; all of `read` is covered.

    They are equal as far as they go; then on from the nearest tokens that both have. Looking for those takes as many
    steps as it passes over tokens, so all of it takes time in proportion to the texts.
    """
    positions: dict[str | tuple[str, str], list[int]] = defaultdict(list)  # of tokens, alone and with what follows
    for i, pair in enumerate(_followed(written)):
        positions[pair].append(i)
        positions[pair[0]].append(i)
    followed = _followed(read)
    a = c = 0
    while c < len(read):
        b, d = a, c
        while b < len(written) and d < len(read) and written[b] == read[d]:
            b, d = b + 1, d + 1
        if d > c:
            yield True, a, b, c, d
        a, c = b, d
        b, d = _nearest(positions, followed, a, c) or (len(written), len(read))
        if b > a and d > c and written[b - 1] == read[d - 1]:  # the space before
            b, d = b - 1, d - 1
        if d > c:
            yield False, a, b, c, d
        a, c = b, d


def _nearest(
    positions: dict[str | tuple[str, str], list[int]], followed: list[tuple[str, str]], a: int, c: int
) -> tuple[int, int] | None:
    """Where both go on with the same, the fewest tokens after `a` in the written ones and `c` in the read ones."""
    place, distance = None, math.inf
    for d in range(c, len(followed)):
        if d - c >= distance:
            break
        token = followed[d][0]
        if token.isspace():
            continue
        for key, doubt in ((followed[d], 0), (token, _DOUBT)):
            b = _first(positions.get(key, []), a)
            if b is not None and b - a + d - c + doubt < distance:
                place, distance = (b, d), b - a + d - c + doubt
    return place


def _first(positions: list[int], start: int) -> int | None:
    """The first of the sorted `positions` at or after `start`."""
    i = bisect_left(positions, start)
    return positions[i] if i < len(positions) else None


def _followed(tokens: list[str]) -> list[tuple[str, str]]:
    """Each token with the next one that is no space, '' after the last."""
    padded = [*tokens, "", ""]
    return [(token, padded[i + 2] if padded[i + 1].isspace() else padded[i + 1]) for i, token in enumerate(tokens)]


def _bounds(tokens: list[str]) -> list[int]:
    """Where each token starts, and where the last ends, in characters."""
    return [0, *accumulate(map(len, tokens))]
