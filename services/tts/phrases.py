"""Text in pieces that a voice speaks one after another. Pure functions.

A piece is synthesised as a whole before any of it sounds, so the first is short and each next one may be longer:
while a piece plays, the next is made. Pieces end where a speaker would pause; the pause itself is silence that
is added, not computed.
"""

from __future__ import annotations

import re

from huiyin.services.common.text import HAN, count_han

FIRST_SYLLABLES = 8  # about 1.5 s of speech, synthesised in much less
GROWTH = 2.0  # a piece twice as long is ready before it is needed, on a busy machine, too
MOST_SYLLABLES = 40  # longer ones sound no better, and a caller that leaves waits for the piece to end
LONGEST_CLAUSE = 60  # syllables: a clause without any mark is cut here, as memory grows with its length

_SENTENCE_MARKS = "。！？!?…"
_CLAUSE_MARKS = "，,；;：:—"
_PAUSES_S = {**dict.fromkeys(_SENTENCE_MARKS + ".", 0.25), **dict.fromkeys(_CLAUSE_MARKS, 0.12), "、": 0.08}
_NO_MARK_PAUSE_S = 0.04

_CLOSING = "”’」』）》】)\"'"
_END = re.compile(
    rf"(?:[。！？…]|[!?](?![\w])|\.(?=[\s{_CLOSING}]|$))[{_SENTENCE_MARKS}.]*[{_CLOSING}]*\s*"
    rf"|(?:[，；：、—]|[,;:](?=[\s{_CLOSING}{HAN}]|$))[{_CLOSING}]*\s*"
)
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No|Fig|approx|e\.g|i\.e|a\.m|p\.m|[A-Z])\Z", re.IGNORECASE
)
_LONGEST_ABBREVIATION = 6  # characters: approx
_WORD = re.compile(rf"\s*[{HAN}]|\s*[^\s{HAN}]{{1,{LONGEST_CLAUSE}}}|\s+$")  # a "word" may be 5000 digits
_SIGNS = re.compile(r"[+=&@%$€£¥°#/×÷±]")
_SIGN_SYLLABLES = 2  # plus, equals, percent
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ']+")
_VOWELS = re.compile(r"[aeiouyAEIOUY]+")


def pieces(text: str) -> list[str]:
    """`text` cut into pieces at its own pauses, the first about FIRST_SYLLABLES long.

    >>> pieces("好的，我明白了。那我们从头开始，一步一步来，先看第一个问题。")
    ['好的，我明白了。', '那我们从头开始，一步一步来，', '先看第一个问题。']
    """
    result: list[str] = []
    piece, size, sentence_ended = "", 0, False  # its text, its syllables
    limit = float(FIRST_SYLLABLES)
    for clause in _clauses(text):
        clause_size = syllables(clause)
        if piece and (size + clause_size > limit or (sentence_ended and size > limit / 2)):
            result.append(piece)
            piece, size = "", 0
            limit = min(limit * GROWTH, MOST_SYLLABLES)
        piece += clause
        size += clause_size
        sentence_ended = pause_s(clause) == _PAUSES_S["。"]
    return [*result, piece] if piece else result


def syllables(text: str) -> int:
    """About how many syllables are spoken: Chinese characters and digits one each, English words by their vowels."""
    latin = sum(max(1, len(_VOWELS.findall(word))) for word in _LATIN_WORD.findall(text))
    signs = _SIGN_SYLLABLES * len(_SIGNS.findall(text))
    return count_han(text) + latin + signs + sum(c.isdigit() for c in text)


def pause_s(piece: str) -> float:
    """Seconds of silence that belong after `piece`, by the mark it ends with."""
    return _PAUSES_S.get(piece.rstrip().rstrip(_CLOSING)[-1:], _NO_MARK_PAUSE_S)


def _clauses(text: str) -> list[str]:
    """The smallest pieces, marks and the spaces after them included; joined they are `text`."""
    result, start = [], 0
    for mark in _END.finditer(text):
        if not _is_abbreviation(text, start, mark):
            result += _shorter(text[start : mark.end()])
            start = mark.end()
    return result + _shorter(text[start:])


def _is_abbreviation(text: str, start: int, mark: re.Match[str]) -> bool:
    """Whether the mark is the dot of an abbreviation in ``text[start:]``."""
    if mark[0].rstrip() != ".":
        return False
    dot = mark.start()
    return _ABBREVIATION.search(text, max(start, dot - _LONGEST_ABBREVIATION), dot) is not None


def _shorter(clause: str) -> list[str]:
    """`clause`, cut between words where it is too long for one piece."""
    if clause and syllables(clause) <= LONGEST_CLAUSE:
        return [clause]
    parts: list[str] = []
    part, size = "", 0
    for word in _WORD.findall(clause):
        word_size = syllables(word)
        if part and size + word_size > LONGEST_CLAUSE:
            parts.append(part)
            part, size = "", 0
        part += word
        size += word_size
    return [*parts, part] if part else parts
