"""Chinese characters to pinyin, in three steps: words, context, tones."""

from __future__ import annotations

from collections.abc import Sequence

from huiyin.services.tts.mandarin.context import DEPENDS, Run
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
    text = "".join(words)
    cut = tokens(words, known, DEPENDS | SURNAMES)
    names = surnames(text, cut)
    context = Run(text, cut)
    syllables: list[str] = []
    for token in cut:
        if token.start in names:
            syllables.append(names[token.start])
        elif len(token.word) == 1:
            syllables.append(context.reading(token) or usual(token.word))
        else:
            syllables += known.reading(token.word) or map(usual, token.word)
    # Dictionaries disagree on whether they write 一 as it is spoken.
    syllables = ["yi1" if character == "一" else each for character, each in zip(text, syllables, strict=True)]
    return spoken_tones(text, cut, syllables, known)
