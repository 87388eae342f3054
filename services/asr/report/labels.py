"""The report's words, in Chinese and English: those of ``words.toml``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from huiyin.configs.layers import read_toml
from huiyin.services.asr.report.track import NEGATIVE, EmotionSpan, course, negative, shares

NOT_SHOWN = ("neutral", "unknown")  # in subtitles
_MOSTLY = 0.5  # of the time
_CHANGE = 0.15  # of the time: the least change of the negative share that is a trend
_NAMED = 3  # emotions, at most

_WORDS = read_toml(Path(__file__).with_name("words.toml"))
EMOTIONS = frozenset(_WORDS["emotion"])


def page_language(code: str) -> str:
    """The language of the report's own words for a transcript in `code`: 'zh' or 'en'."""
    return "zh" if code in ("zh", "yue") else "en"


def word(kind: str, name: str, language: str, /, **facts: str) -> str:
    """A word or sentence of ``words.toml`` for readers of `language`, with its `facts`; `name` where it has none."""
    english, chinese = _WORDS[kind].get(name, (name, name))
    words: str = chinese if page_language(language) == "zh" else english
    return words.format_map(facts) if facts else words


emotion_word, event_word, language_word, page_word, phrase_word = (
    partial(word, kind) for kind in ("emotion", "event", "language", "page", "phrase")
)


def clock(seconds: float) -> str:
    """1:02:03, or 2:03."""
    minutes, second = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def percent(share: float, language: str) -> str:
    """62 %, or 62% in Chinese."""
    return f"{share:.0%}" if page_language(language) == "zh" else f"{100 * share:.0f} %"


def in_plain_words(track: Sequence[EmotionSpan], language: str) -> str:
    """The main emotion, the course from beginning to end, the change of the negative share; '' for an empty track."""
    if not track:
        return ""
    share = shares(track)
    first, *others = (
        {"name": emotion_word(label, language), "part": percent(part, language)}
        for label, part in list(share.items())[:_NAMED]
    )
    listed = word("sentence", "and", language).join(word("sentence", "one", language, **other) for other in others)
    rest = word("sentence", "then", language, others=listed) if others else ""
    prevails = "mostly" if max(share.values()) >= _MOSTLY else "most_often"
    sentences = [word("sentence", prevails, language, **first, rest=rest)]
    if thirds := course(track):
        sentences += [_goes(thirds, language), _grows(negative(thirds[0]), negative(thirds[-1]), language)]
    return word("sentence", "between", language).join(filter(None, sentences))


def _goes(thirds: Sequence[dict[str, float]], language: str) -> str:
    begin, middle, end = (emotion_word(max(third, key=lambda x: third[x]), language) for third in thirds)
    if begin == end:
        course = "always" if middle == begin else "returns"
    else:
        course = "changes" if middle in (begin, end) else "changes_twice"
    return word("sentence", course, language, begin=begin, middle=middle, end=end)


def _grows(before: float, after: float, language: str) -> str:
    if abs(after - before) < _CHANGE:
        return ""
    names = word("sentence", "comma", language).join(emotion_word(label, language) for label in NEGATIVE)
    old, new = percent(before, language), percent(after, language)
    return word("sentence", "rises" if after > before else "falls", language, names=names, old=old, new=new)
