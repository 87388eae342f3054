"""Chinese characters to pinyin, in three steps: words, context, tones."""

from __future__ import annotations

from collections.abc import Sequence

from huiyin.services.tts.mandarin.context import DEPENDS, in_context
from huiyin.services.tts.mandarin.cutting import tokens
from huiyin.services.tts.mandarin.dictionary import dictionary, usual
from huiyin.services.tts.mandarin.names import SURNAMES, surnames
from huiyin.services.tts.mandarin.tones import spoken_tones


def pinyin(words: Sequence[str]) -> list[str]:
    """A syllable for each character of a run of Chinese characters, cut into `words` by jieba.

    The tone is a digit, 5 for the neutral one. A character without a known reading stands for itself.

    >>> pinyin(["我", "明天", "还", "钱"])
    ['wo3', 'ming2', 'tian1', 'huan2', 'qian2']
    """
    known = dictionary()
    run = "".join(words)
    cut = tokens(words, known, DEPENDS | SURNAMES)
    names = surnames(run, cut)
    syllables: list[str] = []
    for i, token in enumerate(cut):
        if token.start in names:
            syllables.append(names[token.start])
        elif len(token.word) == 1:
            syllables.append(in_context(run, cut, i) or usual(token.word))
        else:
            syllables += known.reading(token.word) or map(usual, token.word)
    return spoken_tones(run, cut, syllables, known)
