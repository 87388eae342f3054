"""Mandarin text to phonemes in Kokoro's alphabet.

The voices were trained on what the `misaki` package makes of Chinese: words found by jieba, pinyin, a broad IPA
transcription, tones as arrows after the vowel (→ ↗ ↓ ↘, none for the neutral tone), a space between words. Words and
transcription are the same here (`misaki` does not install on Python 3.13); the readings are those of
`huiyin.services.tts.mandarin`. Tones that change inside a word as in speech (你好 ni2 hao3, 不对 bu2 dui4) take a
quarter of a recogniser's errors away (39 -> 29 of 591 characters).

The initials and finals follow Duanmu, "The Phonology of Standard Chinese" (2nd ed., 2007), and Lin, "The Sounds of
Chinese" (2007).

`python -m huiyin.services.tts.g2p_zh "text"` prints each Chinese character with its reading in pinyin.
"""

from __future__ import annotations

import functools
import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from huiyin.configs.tables import read_table
from huiyin.services.common.pronunciations import PronunciationError, Pronunciations, parts
from huiyin.services.common.text import HAN
from huiyin.services.common.text_command import answer, text_parser
from huiyin.services.tts.mandarin.dictionary import dictionary
from huiyin.services.tts.mandarin.reading import pinyin

_TABLE = read_table(Path(__file__).with_name("pinyin.toml"))
_INITIALS: dict[str, str] = _TABLE["initials"]
_FINALS: dict[str, str] = _TABLE["finals"]
_WHOLE: dict[str, str] = _TABLE["whole"]
_BUZZED = {"z", "c", "s", "zh", "ch", "sh", "r"}  # before "i" the consonant itself goes on: zi, shi
_BUZZED_I = "ɨ*"
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}

NO_WORDS: Mapping[str, Sequence[str]] = {}

_HAN_RUN = re.compile(f"[{HAN}]+")


def load() -> None:
    """Read the word and pinyin dictionaries (about a second, once), so that the first request does not wait for it."""
    dictionary()


def phonemes(text: str) -> str:
    """Phonemes of a run of Chinese characters, words apart by a space; what is not Chinese is left out.

    >>> phonemes("你好世界")
    'ni↗xau↓ ʂɨ↘ʨje↘'
    """
    return " ".join(filter(None, map("".join, words(text))))


def words(text: str) -> Iterator[tuple[str, ...]]:
    """The words of `text`, each as the phonemes of its characters; what is not Chinese is left out.

    >>> list(words("你好世界"))
    [('ni↗', 'xau↓'), ('ʂɨ↘', 'ʨje↘')]
    """
    for _, reading in _read(text):
        yield tuple(map(syllable, reading))


def readings(text: str, own: Mapping[str, Sequence[str]] = NO_WORDS) -> Iterator[tuple[str, str]]:
    """Each Chinese character of `text` with its pinyin as it is said there, the tone as a digit.

    `own`: words whose syllables are known, one a character.

    >>> list(readings("你好 hi"))
    [('你', 'ni2'), ('好', 'hao3')]
    >>> list(readings("单位", {"单位": ("shan4", "wei4")}))
    [('单', 'shan4'), ('位', 'wei4')]
    """
    for part in parts(text, own):
        if part in own:
            yield from zip(part, own[part], strict=False)
        else:
            for word, reading in _read(part):
                yield from zip(word, reading, strict=True)


def sounds(pronunciations: Pronunciations) -> dict[str, str]:
    """Word -> its phonemes, of the words that have pinyin or phonemes. Raises PronunciationError for no pinyin."""
    result = dict(pronunciations.phonemes)
    for word, syllables in pronunciations.pinyin.items():
        for each in syllables:
            if not syllable(each):
                raise PronunciationError("services.unknown_syllable", word=word, syllable=each)
        result[word] = "".join(map(syllable, syllables))
    return result


def _read(text: str) -> Iterator[tuple[str, list[str]]]:
    """The words of `text` with their pinyin."""
    load()
    import jieba

    for run in _HAN_RUN.findall(text):
        cut = jieba.lcut(run)
        syllables = iter(pinyin(cut))
        for word in _with_prefix(cut):
            yield word, list(itertools.islice(syllables, len(word)))


def _with_prefix(words: Iterable[str]) -> Iterator[str]:
    """`words`, a lone 不 or 一 joined to what it belongs to: the voices pause less there."""
    prefix = ""
    for word in words:
        if word in ("不", "一") and not prefix:
            prefix = word
        else:
            yield prefix + word
            prefix = ""
    if prefix:
        yield prefix


@functools.lru_cache(maxsize=4_000)
def syllable(pinyin: str) -> str:
    """Phonemes of one syllable of pinyin with its tone as a digit (5: neutral); '' for what is no pinyin.

    >>> syllable("zhong1")
    'ꭧʊ→ŋ'
    """
    from pypinyin.contrib.tone_convert import to_finals, to_initials

    spelling, tone = pinyin[:-1], _TONES.get(pinyin[-1:])
    if tone is None:
        return ""
    if spelling in _WHOLE:
        return _WHOLE[spelling].replace("*", tone)
    initial = to_initials(spelling, strict=True)
    final = to_finals(spelling, strict=True, v_to_u=True)
    if final == "i" and initial in _BUZZED:
        sound = _BUZZED_I
    elif final in _FINALS and (not initial or initial in _INITIALS):
        sound = _FINALS[final]
    else:
        return ""
    return (_INITIALS[initial] if initial else "") + sound.replace("*", tone)


def main(argv: Sequence[str] | None = None) -> int:
    """Print each Chinese character followed by its reading. 1 when the text has none."""
    parser = text_parser("python -m huiyin.services.tts.g2p_zh", "the reading of each Chinese character, in pinyin")
    return answer(
        parser,
        parser.parse_args(argv),
        lambda text: " ".join(character + reading for character, reading in readings(text)),
    )


if __name__ == "__main__":
    sys.exit(main())
