"""Where in a text the parts of its spoken form come from: "3.5%" is said as 百分之三点五, markup not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from huiyin.services.tts.g2p_zh import HAN

_WINDOW = 200  # tokens compared at once
_TOKEN = re.compile(rf"[{HAN}]|[^\W\d_{HAN}]+|\d|\s+|.", re.S)


class Places:
    """Maps parts of `spoken` to parts of `text`, by the words they share; what was put in other words, in proportion.

    >>> Places("涨了3.5%，好", "涨了百分之三点五，好").of(8, 9), Places("**Hi** there", "Hi there").of(0, 2)
    ((6, 7), (2, 4))
    """

    def __init__(self, text: str, spoken: str) -> None:
        # For each character of `spoken` the stretch of `text` it stands for.
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._length = len(text)
        if text == spoken:
            self._starts, self._ends = list(range(len(text))), list(range(1, len(text) + 1))
            return
        said, written = _TOKEN.findall(spoken), _TOKEN.findall(text)
        said_at, written_at = _starts(said), _starts(written)
        for equal, a, b, c, d in _blocks(written, said):
            start, end = written_at[a], written_at[b]
            size = said_at[d] - said_at[c]
            if equal:
                self._starts += range(start, end)
                self._ends += range(start + 1, end + 1)
            else:
                self._starts += [start + (end - start) * i // size for i in range(size)]
                self._ends += [start + (end - start) * (i + 1) // size for i in range(size)]

    def of(self, start: int, end: int) -> tuple[int, int]:
        """The part of the text that ``spoken[start:end]`` stands for: its start and end."""
        if not self._starts:
            return 0, 0
        last = len(self._starts) - 1
        return self._starts[min(start, last)], self._ends[min(max(end - 1, start), last)]

    def before(self, start: int) -> int:
        """Where in the text ``spoken[start:]`` begins."""
        return self._starts[start] if start < len(self._starts) else self._length


def _blocks(written: list[str], said: list[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """(whether equal, start and end in `written`, start and end in `said`) in order, without gaps.

    Window by window: comparing two long texts as wholes takes seconds when they repeat themselves.
    """
    a = c = 0
    while c < len(said):
        window = _WINDOW
        while True:
            last = c + _WINDOW >= len(said)
            ahead_a, ahead_c = written[a:] if last else written[a : a + window], said[c : c + _WINDOW]
            codes = SequenceMatcher(str.isspace, ahead_a, ahead_c, autojunk=False).get_opcodes()
            sure = [i for i, (kind, *_) in enumerate(codes) if kind == "equal"]
            if sure or a + window >= len(written):
                break
            window *= 2  # much of the text is not spoken
        if not last and sure:
            codes = codes[: sure[-1] + 1]  # what follows may go on in the next window
        for kind, i, j, k, m in codes:
            yield kind == "equal", a + i, a + j, c + k, c + m
        _, _, j, _, m = codes[-1]
        a, c = a + j, c + m


def _starts(tokens: list[str]) -> list[int]:
    """Where each token starts, and where the last ends."""
    result = [0]
    for token in tokens:
        result.append(result[-1] + len(token))
    return result
