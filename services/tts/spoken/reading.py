"""The whole way from a text to what is said, and which language each part of it is read in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from huiyin.services.common.directions import without_kaomoji
from huiyin.services.common.text import HAN, HANGUL, KANA, count_han
from huiyin.services.tts.speakable import Language
from huiyin.services.tts.spoken.addresses import read_addresses
from huiyin.services.tts.spoken.characters import sayable, unify
from huiyin.services.tts.spoken.chinese import read_chinese
from huiyin.services.tts.spoken.english import read_english
from huiyin.services.tts.spoken.formulas import LETTERS
from huiyin.services.tts.spoken.markup import plain, prose
from huiyin.services.tts.spoken.rules import WORDS

_CHINESE = re.compile(f"[{HAN}，。！？；、：]")
_KANA_OR_HANGUL = re.compile(f"[{KANA}{HANGUL}]")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]")
_OTHER_LETTER = re.compile(rf"[^\W\d_A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ{HAN}\u0370-\u03ff]")  # Greek letters are signs of mathematics
_GREEK_ALONE = re.compile(  # neither a word nor a unit: μm, 3 Ω, kΩ
    rf"(?<![\u0370-\u03ff])[{''.join(LETTERS)}](?![\u0370-\u03ff]|(?<=μ)[A-Za-z])(?<!\d[kMm]Ω)(?<!\dΩ)(?<!\d Ω)"
)
_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]*")
# In a Chinese sentence: a stretch without Chinese in it, and what makes that English and not a name with a number.
_STRETCH = re.compile(rf"(?:[\"“‘(]\s*)?[A-Za-z][^{HAN}，。！？；：、“”‘’（）《》\"\n]*")
_QUOTED = re.compile(
    rf"\"[^\"{HAN}，。！？；、]*[A-Za-z][^\"{HAN}，。！？；、]*\"|“[^”{HAN}，。！？；、]*[A-Za-z][^”{HAN}，。！？；、]*”"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_FUNCTION_WORD = re.compile(rf"\b(?:{WORDS['function']})\b")
_AMOUNT = re.compile(
    r"(?<![A-Za-z\d.,:])\d[\d.,:]*\s?(?:°[CF]?|[a-zA-Z]{1,3}(?:/[hs])?(?![A-Za-z]))"
)  # "5 km" is in no language
_LONGEST = 300  # characters
_LEAST_WORDS = 3
# With more Chinese characters or English letters than these for one of kana or hangul, the text is about them.
_HAN_FOR_ONE, _LATIN_FOR_ONE = 4, 2
_QUOTATION = re.compile(
    r"“[^”\n]{1,80}”|\"[^\"\n]{1,80}\"|「[^」\n]{1,80}」|『[^』\n]{1,80}』|‘[^’\n]{1,80}’|《[^》\n]{1,80}》"
)
_TRAILING_NUMBER = re.compile(rf"[\d\s.,:%-]+(?=[{HAN}])")
_BETWEEN_CAPITALS = re.compile(r"(?<![A-Za-z\d])([A-Z])(\d)([A-Z])(?![A-Za-z\d])")  # B2B, P2P
_NAMES = [
    (re.compile(r"(?<![A-Za-z])C\+\+"), "C加加"),
    (re.compile(r"(?<![A-Za-z])([CF])#"), r"\1 sharp"),
    (re.compile(r"(?<=[A-Z])&(?=[A-Z])"), " and "),
]


def spoken(text: str, voice: str = "en") -> str:
    """What is said for `text`: only letters and the marks that a voice pauses at; '' when nothing in it can be said.

    `voice` is the language of the voice ('zh', 'en', 'de' ...): it reads what has no letters of its own ("3:30"), and
    numbers are left to a voice of any other language than the two. Text in another script keeps its digits as well.

    >>> spoken("**好的** 😀，见[这里](http://a.b)！！"), spoken("It's $3.50 (see https://a.org/x).")
    ('好的，见这里！', "It's three dollars and fifty cents (see a dot org).")
    """
    text = unify(without_kaomoji(text))
    whole = _language(_AMOUNT.sub(" ", prose(text)), voice)
    reader: Language = "zh" if whole == "zh" else "en"
    text = read_addresses(plain(text, reader), reader)
    if whole in ("zh", "en"):
        text = "".join(_read(sentence, reader) for sentence in _sentences(text))
    return sayable(text)


def _sentences(text: str) -> Iterator[str]:
    """`text` in sentences; endless ones are cut, as the time to read one grows with the square of its length."""
    for sentence in _SENTENCE.finditer(text):
        start, end = sentence.span()
        while end - start > _LONGEST:
            last_gap = max(text.rfind(mark, start + _LONGEST // 2, start + _LONGEST) for mark in " ，、；")
            cut = last_gap + 1 if last_gap >= 0 else start + _LONGEST
            yield text[start:cut]
            start = cut
        yield text[start:end]


def _language(text: str, otherwise: str) -> str:
    """'zh', 'en', another, or `otherwise` when `text` has no letters."""
    own = len(_LATIN.findall(text)) + count_han(text)
    others = sum(map(str.isalpha, _OTHER_LETTER.findall(text)))
    if others > own or _is_japanese_or_korean(text):
        return "other"
    if _CHINESE.search(text):
        return "zh"
    if _LATIN.search(text):
        return "en" if otherwise in ("zh", "en") else otherwise
    return otherwise


def _is_japanese_or_korean(text: str) -> bool:
    """Whether kana or hangul are more than words that the text is about: quoted, or few."""
    if not _KANA_OR_HANGUL.search(text):
        return False
    syllables = len(_KANA_OR_HANGUL.findall(_QUOTATION.sub(" ", text)))
    han, latin = count_han(text), len(_LATIN.findall(text))
    return syllables * _HAN_FOR_ONE > han + latin * _HAN_FOR_ONE / _LATIN_FOR_ONE or not (han or latin)


def _read(sentence: str, whole: Language) -> str:
    """One sentence, in its own language; one without letters in that of the whole text."""
    language = whole
    if _CHINESE.search(sentence):
        language = "zh"
    elif _LATIN.search(_AMOUNT.sub(" ", sentence)):
        language = "en"
    sentence = _GREEK_ALONE.sub(lambda m: f" {LETTERS[m[0]][language == 'en']} ", sentence)
    if language == "en":
        return read_english(sentence)
    if _LATIN.search(sentence):
        for name, words in _NAMES:
            sentence = name.sub(words, sentence)
        sentence = _BETWEEN_CAPITALS.sub(lambda m: read_english(m[0]), sentence)
        sentence = _QUOTED.sub(lambda m: read_english(m[0]), sentence)
        sentence = _STRETCH.sub(_english_phrase, sentence)
    return read_chinese(sentence)


def _english_phrase(stretch: re.Match[str]) -> str:
    """Read as English when it is a phrase with an English grammar; "iPhone 15 Pro" and "CPU" are Chinese by now."""
    if len(_WORD.findall(stretch[0])) < _LEAST_WORDS or not _FUNCTION_WORD.search(stretch[0]):
        return stretch[0]
    number = _TRAILING_NUMBER.search(stretch.string, stretch.start())
    end = len(stretch[0])
    if number and number.end() == stretch.end():  # "I have 3 个": the number is the Chinese word's
        end = number.start() - stretch.start()
    return read_english(stretch[0][:end]) + stretch[0][end:]
