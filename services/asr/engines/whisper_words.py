"""From the tokens of a decoder, each with the time at which it begins, to words with times. Pure.

A token is a part of a word, a Chinese character, two of them, or a mark. The decoder's attention tells when it goes on
to the next token, but not when a word ends: a pause belongs to what it follows. So a word ends where the sound stops.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.recogniser import Word
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.text import HAN, HANGUL, KANA

_ALONE = f"{HAN}{KANA}{HANGUL}"
_UNIT = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")
_LETTER = re.compile(r"[^\W_]")

_FRAME_S = 0.01  # of the level
_FRAME = round(_FRAME_S * SAMPLE_RATE)
_MOST_FRAMES = 20  # that a word is longer by, at each end
_QUIET_DB = -35.0  # below the loudest frame: silence between words
_LEAST_DB = -70.0  # the last ten steps of 16 bits
_LEAST_POWER = 1e-12


def timed_words(pieces: Sequence[str], starts_s: Sequence[float], samples: Samples) -> tuple[Word, ...]:
    """The words of a text.

    `pieces`: its tokens in order, each of whole characters. `starts_s`: when each begins, and when the last one ends.
    `samples`: the sound they are in.
    """
    text, times_s = _characters(pieces, starts_s)
    words: list[Word] = []
    before = ""  # marks without a word so far
    for unit in _UNIT.finditer(text):
        letters = [i for i in range(unit.start(), unit.end()) if _LETTER.match(text[i])]
        if letters:
            words.append(Word(before + unit[0], times_s[letters[0]][0], times_s[letters[-1]][1]))
            before = ""
        elif words:
            last = words[-1]
            words[-1] = Word(last.text + unit[0], last.start_s, last.end_s)
        else:
            before += unit[0]
    return tuple(_by_sound(words, _loud(samples)))


def _characters(pieces: Sequence[str], starts_s: Sequence[float]) -> tuple[str, list[tuple[float, float]]]:
    """The text, and when each of its characters begins and ends: those of one piece have equal parts of its time."""
    times_s: list[tuple[float, float]] = []
    for i, piece in enumerate(pieces):
        spaces = len(piece) - len(piece.lstrip())
        edges_s = np.linspace(starts_s[i], starts_s[i + 1], max(len(piece) - spaces, 0) + 1).tolist()
        times_s += [(starts_s[i], starts_s[i])] * spaces
        times_s += pairwise(edges_s)
    return "".join(pieces), times_s


def _loud(samples: Samples) -> npt.NDArray[np.bool_]:
    """Whether there is sound, for each 10 ms."""
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    level_db = 10 * np.log10((frames.astype(np.float64) ** 2).mean(axis=1) + _LEAST_POWER)
    return np.asarray(level_db > max(float(level_db.max(initial=-np.inf)) + _QUIET_DB, _LEAST_DB))


def _by_sound(words: Sequence[Word], loud: npt.NDArray[np.bool_]) -> Iterator[Word]:
    """The words without the silence in them, and with the sound beside them that is no other word's.

    A word in silence stays as it is.
    """
    frames = [(round(word.start_s / _FRAME_S), round(word.end_s / _FRAME_S)) for word in words]
    before = 0  # end of the last word
    for i, (word, (first, end)) in enumerate(zip(words, frames, strict=True)):
        after = frames[i + 1][0] if i + 1 < len(words) else len(loud)
        sounding = np.flatnonzero(loud[first:end])
        if not len(sounding):
            before = end
            yield word
            continue
        first, end = first + int(sounding[0]), first + int(sounding[-1]) + 1
        while first > max(before, frames[i][0] - _MOST_FRAMES) and loud[first - 1]:
            first -= 1
        while end < min(after, frames[i][1] + _MOST_FRAMES) and loud[end]:
            end += 1
        before = end
        yield Word(word.text, first * _FRAME_S, end * _FRAME_S)
