"""Tones as they are in speech: third tones before each other, 一 and 不, doubled verbs.

Third tones change inside a foot (Shih, "The Prosodic Domain of Tone Sandhi in Chinese", 1986; Chen, "Tone Sandhi",
2000): a word of two syllables or more is one; single syllables pair up from the right; one that is left over joins a
foot of two after it. 我很好 is wo3 + (hen2 hao3), 我也想你 is (wo2 ye3) + (xiang2 ni3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from huiyin.services.tts.mandarin.cutting import NUMERALS, Token
from huiyin.services.tts.mandarin.dictionary import Dictionary

_DIGITS = frozenset("零〇一二两三四五六七八九")
_UNITS = frozenset("百千万亿")
_NUMERAL = NUMERALS | {"第"}
_ORDINALS = ("月", "日", "号", "年级", "等奖", "把手", "新生", "学期")  # 一月 is the first month: the tone of 一 stays
_TIMES = ("次", "趟", "回", "遍")  # 一周一次
_COUNTED = ("星期", "礼拜", "周", "初", "之")  # so it does where 一 is what is counted: 星期一
_BOUND_BEFORE_PERSON = frozenset({"p"})  # 给我, 比你
_VERB = ("v",)
_PERSON = ("r",)
_NUMBER = ("m", "r")
_MEASURE = ("q",)
_PLACE = ("f",)
_NEAR = 3  # characters beside 一 that count
_PAIR = 2  # syllables of a foot


def spoken_tones(run: str, tokens: Sequence[Token], syllables: Sequence[str], known: Dictionary) -> list[str]:
    """The syllables of a run of Chinese characters with the tones that they have beside each other."""
    result = list(syllables)
    words = [token for token in tokens for _ in token.word]  # of each character
    for i, (first, second) in enumerate(pairwise(words), 1):
        is_doubled = (first.word == second.word and len(first.word) == 1) or (
            first is second and len(first.word) == _PAIR
        )
        if is_doubled and run[i - 1] == run[i] and second.tag.startswith(_VERB) and not run.startswith("地", i + 1):
            _before_third(result, i - 1)
            result[i] = result[i][:-1] + "5"  # 试试, and 想想 is xiang2 xiang5
    changed = _third_tones(run, tokens, result, known)
    for i, character in enumerate(run):
        if character == "一" and syllables[i] == "yi1":
            changed[i] = _one(run, i, syllables, words[i])
        elif character == "不" and syllables[i][:-1] == "bu":
            changed[i] = _not(run, i, syllables)
    return changed


def _one(run: str, i: int, syllables: Sequence[str], word: Token) -> str:
    before, following = run[max(0, i - _NEAR) : i], run[i + 1 : i + 1 + _NEAR]
    if not following or following.startswith(_ORDINALS):
        return "yi1"
    if before and before[-1] == following[0] and _NUMERAL.isdisjoint(before[-2:]):
        return "yi5"  # 看一看
    if word.start < i == word.end - 1:
        return "yi1"  # 唯一
    is_number = word.start < i or word.tag.startswith("m") or len(word.word) == 1
    if before.endswith("第"):
        return "yi1"
    if following[0] in _UNITS and not before.endswith("十"):
        pass  # 一万一千: yi2 wan4 yi4 qian1
    elif (
        following[0] in _NUMERAL
        or (before.endswith(_COUNTED) and not following.startswith(_TIMES) and (word.start < i or len(word.word) == 1))
        or (before and before[-1] in _NUMERAL and is_number and following[0] != "下")
        or (before.endswith("点") and before[-2:-1] in _DIGITS | {"十"})
    ):
        return "yi1"
    return "yi2" if syllables[i + 1][-1] in "45" else "yi4"


def _not(run: str, i: int, syllables: Sequence[str]) -> str:
    before, following = run[max(0, i - 1) : i], run[i + 1 : i + 2]
    if before and following and before[-1] == following[0]:
        return "bu5"  # 好不好
    if syllables[i] == "bu5":
        return "bu5"
    return "bu2" if following and syllables[i + 1][-1] == "4" else "bu4"


def _third_tones(run: str, tokens: Sequence[Token], syllables: list[str], known: Dictionary) -> list[str]:
    result = list(syllables)
    for foot in _feet(tokens, syllables):
        _change(foot, run, result, known)
    return result


def _change(foot: Sequence[Token], run: str, syllables: list[str], known: Dictionary) -> None:
    """Third tones of one foot, the inner pair first."""
    start, end = foot[0].start, foot[-1].end
    if end - start == 3 and _is_joined_on_the_right(foot, run[start:end], known):
        _before_third(syllables, end - 2)
        _before_third(syllables, start)
        return
    low = [syllables[i].endswith("3") for i in range(start, end)]
    for i in range(start, end - 1):
        if low[i - start] and low[i + 1 - start]:
            syllables[i] = syllables[i][:-1] + "2"


def _before_third(syllables: list[str], i: int) -> None:
    if syllables[i].endswith("3") and syllables[i + 1].endswith("3"):
        syllables[i] = syllables[i][:-1] + "2"


def _is_joined_on_the_right(foot: Sequence[Token], text: str, known: Dictionary) -> bool:
    """Whether the last two of three syllables belong together: 小 + 老虎, not 展览 + 馆."""
    if len(foot) > 1:
        return len(foot[0].word) == 1
    return known.tag(text[1:]) != "x" and known.tag(text[:2]) == "x"


def _feet(tokens: Sequence[Token], syllables: Sequence[str]) -> Iterator[list[Token]]:
    feet: list[list[Token]] = []  # from the right
    i = len(tokens)
    while i > 0:
        i -= 1
        token = tokens[i]
        if len(token.word) > 1 or syllables[token.start].endswith("5"):
            feet.append([token])
        elif (
            i > 0
            and len(tokens[i - 1].word) == 1
            and syllables[tokens[i - 1].start][-1] != "5"
            and not _is_pair(tokens, i - 2)
        ):
            feet.append([tokens[i - 1], token])
            i -= 1
        elif (
            feet
            and _is_single(token, syllables)
            and _length(feet[-1]) == _PAIR
            and not syllables[feet[-1][0].start].endswith("5")
        ):
            feet[-1].insert(0, token)
        else:
            feet.append([token])
    yield from reversed(feet)


def _is_single(token: Token, syllables: Sequence[str]) -> bool:
    """Whether it is a syllable that can begin a foot: no particle, and not 里, which belongs to what is before it."""
    return len(token.word) == 1 and not token.tag.startswith(_PLACE) and not syllables[token.start].endswith("5")


def _length(foot: Sequence[Token]) -> int:
    return sum(len(token.word) for token in foot)


def _is_pair(tokens: Sequence[Token], i: int) -> bool:
    """Whether the single syllables `i` and the next belong together before any other: 给我, 两把."""
    if i < 0 or len(tokens[i].word) > 1 or len(tokens[i + 1].word) > 1:
        return False
    first, second = tokens[i].tag, tokens[i + 1].tag
    return (first in _BOUND_BEFORE_PERSON and second.startswith(_PERSON)) or (
        first.startswith(_NUMBER) and second.startswith(_MEASURE)
    )
