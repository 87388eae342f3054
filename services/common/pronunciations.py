"""How a user's own words are said: word -> another spelling, pinyin, or phonemes.

"单田芳" = "shan4 tian2 fang1"      pinyin, a syllable for each Chinese character
"GIF" = "jif"                       a spelling that is read as it should be
"Siobhan" = "/ʃəvˈɔn/"              phonemes in Kokoro's alphabet
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from huiyin.configs.errors import HuiyinError
from huiyin.configs.tables import read_table
from huiyin.services.common.text import count_han

MOST = 1000  # words
LONGEST = 100  # characters of a word, and of how it is said

_Form = TypeVar("_Form")

_SYLLABLE = r"(?:[bpmfdtnlgkhjqxryw]|[zcs]h?)?[aeiouv]+(?:ng?|r)?[1-5]"
_PINYIN = re.compile(rf"{_SYLLABLE}(?:\s*{_SYLLABLE})*")
_ONE_SYLLABLE = re.compile(_SYLLABLE)
_PHONEMES = re.compile(r"/([^/]+)/")


class PronunciationError(HuiyinError):
    """A word that cannot be said that way. Its fact `word` names it."""

    exit_status = 2


@dataclass(frozen=True)
class Pronunciations:
    """Words that are said otherwise than they are read."""

    spellings: Mapping[str, str] = field(default_factory=dict)
    """Word -> what is read in its place."""
    pinyin: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Word -> its syllables, the tone as a digit, 5 for the neutral one; ü is v."""
    phonemes: Mapping[str, str] = field(default_factory=dict)
    """Word -> phonemes in Kokoro's alphabet."""

    @classmethod
    def of(cls, forms: Mapping[str, object]) -> Pronunciations:
        """From word -> how it is said. Raises PronunciationError."""
        if len(forms) > MOST:
            raise PronunciationError("services.too_many_pronunciations", word="", count=len(forms), most=MOST)
        spellings, pinyin, phonemes = {}, {}, {}
        for word, form in forms.items():
            if not isinstance(form, str) or not word.strip() or not form.strip() or max(len(word), len(form)) > LONGEST:
                raise PronunciationError("services.bad_pronunciation", word=word, form=form, longest=LONGEST)
            form = form.strip()
            spelt = form.lower().replace("u:", "v").replace("ü", "v")
            if match := _PHONEMES.fullmatch(form):
                phonemes[word] = match[1]
            elif _PINYIN.fullmatch(spelt):
                pinyin[word] = _syllables(word, spelt)
            else:
                spellings[word] = form
        return cls(spellings, pinyin, phonemes)

    def __bool__(self) -> bool:
        return bool(self.spellings or self.pinyin or self.phonemes)

    def __or__(self, other: Pronunciations) -> Pronunciations:
        """Those of both; for a word of both those of `other`."""
        theirs = {*other.spellings, *other.pinyin, *other.phonemes}
        return Pronunciations(
            {**_without(self.spellings, theirs), **other.spellings},
            {**_without(self.pinyin, theirs), **other.pinyin},
            {**_without(self.phonemes, theirs), **other.phonemes},
        )

    def respelt(self, text: str) -> str:
        """`text` with the spellings in place of their words."""
        return "".join(self.spellings.get(part, part) for part in parts(text, self.spellings))


def read_pronunciations(path: str) -> Pronunciations:
    """Of a TOML file of lines `"word" = "how it is said"`; none for ''. Raises PronunciationError."""
    if not path:
        return Pronunciations()
    try:
        return Pronunciations.of(read_table(Path(path).expanduser()))
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise PronunciationError("services.pronunciations_unreadable", path=path, why=error) from error


def parts(text: str, words: Mapping[str, object]) -> Iterator[str]:
    """`text` in parts, `words` apart from what stands between them; the longest word first.

    A word of letters or digits is found only where none stands beside it: "cat" is not found in "category".
    """
    if not words:
        yield text
        return
    longest_first = sorted(words, key=len, reverse=True)
    start = 0
    for match in re.finditer("|".join(map(_pattern, longest_first)), text):
        if start < match.start():
            yield text[start : match.start()]
        yield match[0]
        start = match.end()
    if start < len(text):
        yield text[start:]


def _pattern(word: str) -> str:
    before = r"(?<![A-Za-z0-9])" if _is_latin(word[0]) else ""
    after = r"(?![A-Za-z0-9])" if _is_latin(word[-1]) else ""
    return before + re.escape(word) + after


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _syllables(word: str, spelt: str) -> tuple[str, ...]:
    """Raises PronunciationError where a Chinese word has another number of characters."""
    syllables = tuple(_ONE_SYLLABLE.findall(spelt))
    if count_han(word) == len(word) != len(syllables):
        raise PronunciationError(
            "services.syllables_missing", word=word, form=spelt, characters=len(word), syllables=len(syllables)
        )
    return syllables


def _without(forms: Mapping[str, _Form], words: set[str]) -> dict[str, _Form]:
    return {word: form for word, form in forms.items() if word not in words}
