"""A stream of reply text, cut into clauses that can be spoken one after another.

The first clause is cut early (sound can start while the rest is still being thought). Those after it grow, so that
each can be thought and voiced while the ones before are heard; then they are whole sentences, which sound better.
Measured with 15 words/s and speech made in a tenth of its length: 0.6-0.9 s of silence after the first clause were
0-0.2 s. Text that nobody should hear (markdown, emoji, code) is taken out on the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SENTENCE_END = "。！？!?；;\n…"
_CLAUSE_END = "，,、：:" + _SENTENCE_END
_CLOSERS = "”’」』）)\"'"
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9'’.-]*")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|vs|etc|e\.g|i\.e|U\.S|No|approx)|\b[A-Z])\.$")

# Where an English clause that runs on can be cut: speakers breathe before these.
_BREATH = re.compile(
    r"\s(?=(?:and|or|but|so|with|without|that|which|who|whose|because|to|for|in|on|at|from|by|as|when|where|while|if"
    r"|than|into|about|between|through|after|before)\s)",
    re.I,
)

_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.S)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_URL = re.compile(r"(?:https?://|www\.)\S+")
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|[-*+•]\s+|>\s*|\d{1,2}[.)]\s+)", re.M)
_EMPHASIS = re.compile(r"[*_`~#|]+|<[^<>]{0,40}>")
_PICTOGRAPH = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u200d\ufe0e\ufe0f\U000e0020-\U000e007f\u20e3]|[\u2190-\u21ff]"
)
_SPACES = re.compile(r"[ \t\u3000]+")


@dataclass(frozen=True)
class ClauseLengths:
    """When a piece is long enough to be spoken on its own, in Chinese characters or English words.

    The first is short: synthesis time is latency there, and grows with length (Kokoro: a ten-word sentence 1 s).
    """

    first_chars: int = 4
    first_words: int = 3
    later_chars: int = 10
    later_words: int = 6
    first_longest_words: int = 8  # then it is cut before a conjunction or preposition, which people do too
    growth: int = 2  # times what was given so far; thinking and voicing take half the time that hearing does
    grown: int = 24  # characters and words given: from then on, whole sentences
    grown_longest_words: int = 5  # no clause is cut before a preposition for less
    longest_chars: int = 120  # a "sentence" without any stop is cut at a space or a character


def weight(text: str) -> tuple[int, int]:
    """(Chinese characters, English words or numbers) in `text`."""
    return len(_CJK.findall(text)), len(_WORD.findall(text))


def speakable(text: str) -> str:
    """`text` without what cannot be read aloud; '' when nothing is left to say."""
    text = _CODE_BLOCK.sub(" ", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(" ", text)
    text = _LINE_MARK.sub("", text)
    text = _EMPHASIS.sub("", text)
    text = _PICTOGRAPH.sub("", text)
    text = _SPACES.sub(" ", text.replace("\n", " ")).strip()
    return text if any(weight(text)) else ""


class ClauseSplitter:
    """Feed it pieces of text as they come; it gives back clauses ready to be spoken, in order."""

    def __init__(self, lengths: ClauseLengths | None = None) -> None:
        self._lengths = lengths or ClauseLengths()
        self._text = ""
        self._given = 0  # characters and words in the clauses so far

    def feed(self, piece: str) -> list[str]:
        """Clauses that `piece` completes (often none). How the text was cut into pieces makes no difference."""
        clauses: list[str] = []
        for char in piece:
            self._text += char
            clauses += self._take(final=False)
        return clauses

    def finish(self) -> list[str]:
        """What is left at the end of the reply."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> list[str]:
        clauses: list[str] = []
        while True:
            self._text = self._text.lstrip(_CLAUSE_END)  # what is left of "!!!"
            cut = self._cut(final)
            if cut is None:
                break
            clause = speakable(self._text[:cut])
            self._text = self._text[cut:]
            if clause:
                clauses.append(clause)
                self._given += sum(weight(clause))
        return clauses

    def _cut(self, final: bool) -> int | None:
        """Where the next clause ends in the buffer, or None when it is not there yet."""
        text = self._text
        if text.count("```") % 2:  # inside a code block: nothing of it is spoken, wait for its end
            return len(text) if final and text else None
        for i, char in enumerate(text):
            if char in _CLAUSE_END or char == ".":
                end = self._after_closers(i + 1)
                if end == len(text) and not final and self._next_decides(i):
                    return None
                if char in ".,:" and end < len(text) and not self._is_stop(i, end):
                    continue
                if self._long_enough(text[:end], sentence=char in _SENTENCE_END or char == "."):
                    return end
        if self._given < self._lengths.grown and weight(speakable(text))[1] > self._longest_words():
            for breath in reversed(list(_BREATH.finditer(text))):
                if weight(speakable(text[: breath.start()]))[1] > self._lengths.first_words:
                    return breath.end()
        if len(text) > self._lengths.longest_chars:
            space = text.rfind(" ", 1, self._lengths.longest_chars)
            return space + 1 if space > 0 else self._lengths.longest_chars
        return len(text) if final and text else None

    def _next_decides(self, at: int) -> bool:
        """Whether what follows the mark at `at` may change where the clause ends: a closing quote, the rest of 3.14.

        Elsewhere nothing is waited for: a token is 60 ms.
        """
        text = self._text
        in_quotes = text.count("“") > text.count("”") or text.count('"') % 2 == 1
        if text[at] == ",":
            return in_quotes or text[at - 1 : at].isdigit()
        return in_quotes or text[at] in ".:"

    def _after_closers(self, end: int) -> int:
        while end < len(self._text) and self._text[end] in _CLOSERS + _SENTENCE_END:
            end += 1
        return end

    def _is_stop(self, at: int, end: int) -> bool:
        """Whether the '.', ',' or ':' at `at` ends something: not in 3.14, 1,000, 9:30, Dr. or file.txt."""
        text = self._text
        following = text[end] if end < len(text) else " "
        if not (following.isspace() or _CJK.match(following)):
            return False
        return not (text[at] == "." and _ABBREVIATION.search(text[: at + 1]))

    def _long_enough(self, piece: str, *, sentence: bool) -> bool:
        chars, words = weight(speakable(piece))
        units, need = chars + words, self._lengths
        if not self._given:
            return units > 0 if sentence else units >= need.first_chars or words >= need.first_words
        if sentence and (units >= need.later_chars or words >= need.later_words):
            return True
        return need.first_words <= self._given <= units and self._given < need.grown

    def _longest_words(self) -> int:
        """Words that may be collected before a clause is cut where a speaker would breathe."""
        need = self._lengths
        return max(need.grown_longest_words, need.growth * self._given) if self._given else need.first_longest_words
