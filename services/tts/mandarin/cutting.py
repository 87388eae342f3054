"""A run of Chinese characters as words whose readings are known, and single characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from huiyin.services.tts.mandarin.dictionary import LONGEST_WORD, OWN, Dictionary

_APART: frozenset[str] = frozenset(OWN["apart"]["words"])
_APART_BEFORE: dict[str, tuple[str, ...]] = {word: tuple(followed) for word, followed in OWN["apart"]["before"].items()}
NUMERALS = frozenset("零〇一二两三四五六七八九十百千万亿")
_PAIR = 2  # characters
_FUNCTION = ("r", "p", "c", "u", "d", "m", "q", "y", "z")  # tags of words without a meaning of their own


@dataclass(frozen=True)
class Token:
    """A word, or a single character. `tag`: its part of speech; `start`: its place in the run."""

    word: str
    tag: str
    start: int

    @property
    def end(self) -> int:
        """Of its last character, exclusive."""
        return self.start + len(self.word)


def tokens(words: Sequence[str], known: Dictionary, depends: frozenset[str]) -> list[Token]:
    """`words` of jieba in smaller pieces and in larger ones, as the dictionary knows them.

    `depends`: characters whose reading depends on what stands beside them. A word with one of them that is not in the
    dictionary is read character by character: 很重, 多长. Words that are one phrase together are joined: 开户 + 行.
    """
    run = "".join(words)
    pieces: list[str] = []
    at = 0
    for word in words:
        at += len(word)
        pieces += _small(word, run[at : at + _PAIR], known, depends)
    pieces = list(_numbers(pieces))
    result = []
    start = 0
    for word in _joined(pieces, known, depends):
        result.append(Token(word, known.tag(word), start))
        start += len(word)
    return result


def _small(word: str, following: str, known: Dictionary, depends: frozenset[str]) -> Iterator[str]:
    if word in _APART or following.startswith(_APART_BEFORE.get(word, ("\n",))):
        yield from word
    elif word in known or (len(word) == _PAIR and not depends.intersection(word)):
        yield word
    else:
        yield from _phrases(word, known)


def _phrases(word: str, known: Dictionary) -> Iterator[str]:
    """The words of the dictionary in a word that it does not have, the longest first; the rest as characters."""
    import jieba

    for part in jieba.lcut(word, HMM=False):
        start = 0
        while start < len(part):
            end = next((e for e in range(len(part), start + 1, -1) if part[start:e] in known), start + 1)
            yield part[start:end]
            start = end


def _numbers(pieces: Sequence[str]) -> Iterator[str]:
    """`pieces`, those of a number as one: 一万一千 is not 一 + 万一 + 千."""
    for is_number, group in groupby(pieces, NUMERALS.issuperset):
        if is_number:
            yield "".join(group)
        else:
            yield from group


def _is_word(pair: Sequence[str], known: Dictionary, depends: frozenset[str]) -> bool:
    """Whether two characters that jieba has apart are one word: no rule decides for them, and both have a meaning."""
    return not any(character in depends or known.tag(character).startswith(_FUNCTION) for character in pair)


def _joined(pieces: Sequence[str], known: Dictionary, depends: frozenset[str]) -> Iterator[str]:
    i = 0
    while i < len(pieces):
        longest = i + 1
        joined = pieces[i]
        for j in range(i + 1, len(pieces)):
            joined += pieces[j]
            if len(joined) > LONGEST_WORD:
                break
            if joined in known and (len(joined) > _PAIR or _is_word(pieces[i : j + 1], known, depends)):
                longest = j + 1
        yield "".join(pieces[i:longest])
        i = longest
