"""The report's words (`labels.toml`), in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from huiyin.configs.tables import read_table
from huiyin.services.asr.report.track import NEGATIVE, EmotionSpan, course, negative, shares

NOT_SHOWN = ("neutral", "unknown")  # in subtitles
_MOSTLY = 0.5  # of the time
_CHANGE = 0.15  # of the time: the least change of the negative share that is a trend

_WORDS: dict[str, dict[str, tuple[str, str]]] = read_table(Path(__file__).with_name("labels.toml"))
EMOTIONS = frozenset(_WORDS["emotions"])
"""Labels that have a name."""


def page_language(code: str) -> str:
    """The language of the report's own words for a transcript in `code`: 'zh' or 'en'."""
    return "zh" if code in ("zh", "yue") else "en"


def _word(table: str, name: str, language: str, **facts: str) -> str:
    english, chinese = _WORDS[table].get(name, (name, name))
    word = chinese if page_language(language) == "zh" else english
    return word.format(**facts) if facts else word


emotion_word = partial(_word, "emotions")
"""(label, language) -> an emotion's name for readers of `language`."""
event_word = partial(_word, "events")
"""(label, language) -> a sound's name for readers of `language`."""
language_word = partial(_word, "languages")
"""(code, language) -> a language's name for readers of `language`."""
page_word = partial(_word, "page")
"""(name, language) -> a phrase of the page."""
_sentence = partial(_word, "course")


def percent(share: float, language: str) -> str:
    """62 %, or 62% in Chinese."""
    return f"{share:.0%}" if page_language(language) == "zh" else f"{100 * share:.0f} %"


def in_plain_words(track: Sequence[EmotionSpan], language: str) -> str:
    """The main emotion, the course from beginning to end, the change of the negative share; '' for an empty track."""
    if not track:
        return ""
    sentences = [_prevails(shares(track), language)]
    if thirds := course(track):
        begin, middle, end = (emotion_word(max(third, key=lambda x: third[x]), language) for third in thirds)
        sentences.append(_sentence(_form(begin, middle, end), language, begin=begin, middle=middle, end=end))
        sentences.append(_grows(negative(thirds[0]), negative(thirds[-1]), language))
    return ("" if page_language(language) == "zh" else " ").join(filter(None, sentences))


def _prevails(share: dict[str, float], language: str) -> str:
    (word, part), *others = [(emotion_word(label, language), percent(share[label], language)) for label in share]
    listed = [_sentence("other", language, word=word, part=part) for word, part in others[:2]]
    then = _sentence("then", language, others=_sentence("and", language).join(listed)) if listed else ""
    name = "mostly" if max(share.values()) >= _MOSTLY else "most_often"
    return _sentence(name, language, word=word, part=part, then=then)


def _form(begin: str, middle: str, end: str) -> str:
    """Which sentence tells the course."""
    if begin == end:
        return "all_thirds" if begin == middle else "both_ends"
    return "two_thirds" if middle in (begin, end) else "no_thirds"


def _grows(before: float, after: float, language: str) -> str:
    if abs(after - before) < _CHANGE:
        return ""
    names = _sentence("comma", language).join(emotion_word(label, language) for label in NEGATIVE)
    old, new = percent(before, language), percent(after, language)
    return _sentence("rises" if after > before else "falls", language, names=names, before=old, after=new)
