"""A transcript without hesitation and repetition: "Um, I I think, you know, it works." becomes "I think, it works."

What may mean something stays: an answer (嗯。), emphasis ("no no", 不不不), reduplication (看看, 谢谢), and numbers,
which are dictated twice. So a phrase that is also used in earnest ("you know", 那个) counts as hesitation only where
marks set it off from the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from huiyin.services.asr.recogniser import RecordingTranscript, Segment, Word, join_texts
from huiyin.services.common.text import HAN

_EN_SOUNDS = ("um", "umm", "uh", "uhh", "uhm", "er", "erm", "hmm")
_ZH_SOUNDS = "嗯呃唔"
_EN_PHRASES = ("you know", "i mean", "sort of", "kind of", "like", "basically", "well", "so", "okay so")
_ZH_PHRASES = (
    "那个",
    "这个",
    "就是",
    "就是说",
    "然后呢",
    "怎么说呢",
    "怎么说",
    "你知道吧",
    "对吧",
    "这个这个",
    "那个那个",
)
# Said twice only by mistake. Other words twice are emphasis, an order, or grammar ("had had").
_EN_TWICE = (
    "i|i'm|i'll|you|he|she|it|it's|we|they|the|a|an|to|of|and|but|in|on|at|for|with|my|your|our|this|is|was|are|if"
    "|what|when"
)
_ZH_TWICE = (
    "我们|你们|他们|她们|这个|那个|就是|然后|所以|因为|但是|如果|而且|或者|我|你|他|她|它|这|那|就|在|把|被|跟|和|的"
)
_SEPARATORS = r"[\s,，、…]*"
_LEAST_PHRASE = 3  # characters, or two words: from here on a phrase is not said twice on purpose

_DIGITS = "零〇一二三四五六七八九十百千万亿两幺"
_SOUND = re.compile(
    rf"(?<![\w'-])(?:{'|'.join(_EN_SOUNDS)})(?![\w'-])[,，.…]*\s*|[{_ZH_SOUNDS}]+[，、,…]*", re.IGNORECASE
)
_SET_OFF = re.compile(
    rf"(?:(?<=^)|(?<=[,，、]))\s*(?:(?:{'|'.join(_EN_PHRASES)})\s*[,，]|(?:{'|'.join(_ZH_PHRASES)})[，,、])",
    re.IGNORECASE,
)
_WORD_TWICE = re.compile(rf"(?<![\w'-])({_EN_TWICE})(?:[\s,…]+\1)+(?![\w'-])", re.IGNORECASE)
_PHRASE_TWICE = re.compile(r"(?<![\w'-])((?:[a-z']+\s+){1,5}[a-z']+)(?:[\s,…]+\1)+(?![\w'-])", re.IGNORECASE)
_CHARACTERS_TWICE = re.compile(rf"({_ZH_TWICE})(?:{_SEPARATORS}\1)+")
_HAN_PHRASE_TWICE = re.compile(rf"([{HAN}]{{{_LEAST_PHRASE},12}})(?:{_SEPARATORS}\1)+")
_ONLY_DIGITS = re.compile(f"[{_DIGITS}]+")
_SPACES = re.compile(r"[ \t]{2,}")
_BEFORE_MARK = re.compile(r"[\s,，、]+(?=[.?!,。？！，、])")
_LETTER = re.compile(r"\w")


def cleaned(transcript: RecordingTranscript) -> RecordingTranscript:
    """The same without hesitation and repetition; segments that were nothing else are left out."""
    segments = tuple(_cleaned(transcript.segments))
    return replace(transcript, segments=segments, text=join_texts(segment.text for segment in segments))


def _cleaned(segments: Iterable[Segment]) -> Iterator[Segment]:
    for segment in segments:
        text = clean(segment.text)
        if text == segment.text:
            yield segment
        elif text:
            yield replace(segment, text=text, words=_words_of(text, segment.words))


def _words_of(text: str, words: Sequence[Word]) -> tuple[Word, ...]:
    """Those of `words` that are still in `text`; all where their letters are others than those of the text."""
    rest, left = _letters(text), []
    for word in words:
        letters = _letters(word.text)
        if letters and rest.startswith(letters):
            left.append(word)
            rest = rest[len(letters) :]
    return tuple(words) if rest else tuple(left)


def _letters(text: str) -> str:
    return "".join(_LETTER.findall(text)).casefold()


def clean(text: str) -> str:
    """The text without hesitation and repetition; '' where it was nothing else."""
    if not _LETTER.search(_without_zh_sounds(text)):
        return text  # 嗯。 may be a yes
    shorter = _SOUND.sub("", text)
    before = None
    while before != shorter:
        before = shorter
        shorter = _SET_OFF.sub("", shorter)
        shorter = _CHARACTERS_TWICE.sub(r"\1", _WORD_TWICE.sub(r"\1", shorter))
        shorter = _HAN_PHRASE_TWICE.sub(_once, _PHRASE_TWICE.sub(_once, shorter))
    shorter = _SPACES.sub(" ", _BEFORE_MARK.sub("", shorter)).strip().lstrip(",，、.。… ")
    if not _LETTER.search(shorter):
        return ""
    return shorter if text[:1].islower() else shorter[:1].upper() + shorter[1:]


def _without_zh_sounds(text: str) -> str:
    return re.sub(f"[{_ZH_SOUNDS}]", "", text)


def _once(match: re.Match[str]) -> str:
    """A phrase that was said several times; numbers are dictated so."""
    return match.group() if _ONLY_DIGITS.search(match[1]) else match[1]
