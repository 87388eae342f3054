"""Words by which facts and tools are found again."""

from __future__ import annotations

import re

from huiyin.services.common.text import HAN

_PIECE = re.compile(rf"[{HAN}]+|[^\W_]+", re.UNICODE)
_HAN = re.compile(f"[{HAN}]")
_SHORTEST_PLURAL = 4  # letters
# Words that say nothing of what a text is about.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the a an of to in on at is are was were be it i you he she we they my your his her our their me and or for"
        " that this do does did what when where who how which have has had with can will would should could about not"
        " no yes please tell remember know so if then",
    )
) | frozenset("的了是在我你他她它们吗呢吧啊什么怎这那有和就也都不要会能说请")


def words_of(text: str) -> list[str]:
    """Words in lower case, without a plural's s; Chinese as characters and pairs of them, as it has no spaces."""
    words: list[str] = []
    for piece in _PIECE.findall(text.lower()):
        if _HAN.match(piece):
            words += [*piece, *(piece[i : i + 2] for i in range(len(piece) - 1))]
        else:
            words.append(piece[:-1] if len(piece) >= _SHORTEST_PLURAL and piece.endswith("s") else piece)
    return words


def telling_words(text: str) -> list[str]:
    """Those of them that say what it is about, each once."""
    return [word for word in dict.fromkeys(words_of(text)) if word not in _COMMON]


def is_character(word: str) -> bool:
    """Whether it is a single character of Chinese, which may be a word or a part of one."""
    return len(word) == 1 and bool(_HAN.match(word))
