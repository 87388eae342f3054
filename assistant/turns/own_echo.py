"""Is a transcript the assistant's own voice, come back through the microphone?

Words are the last resort, as people say again what they hear: one of two that are offered, a code, a sentence to be
repeated. What is known of the sound decides first: an echo is heard while the assistant is, or until the room has died
down. Where the ears have found that the sound is none, or it went on for longer, no words make it one. And where the
user has just been given something to say again, words alone do not, either: in doubt it is an answer.

An echo repeats what was just played, though the recogniser gets parts of it wrong and it begins and ends in the middle
of a sentence. So the transcript is aligned with the words that were in the air where it fits best (Sellers 1980,
approximate substring matching), and the share of its letters that match decides.

Measured with whisper-base on fragments of 0.6-1.3 s, quiet and in noise: of 60 English ones 34 are recognised as echo
and 5 have no words, of 58 Chinese ones 8 and 24 (that recogniser gets the others too wrong: only the echo path can help
there). Of 1062 comparisons with other sentences none is taken for an echo.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from huiyin.assistant.turns.normalise import normalised

SIMILAR = 0.7  # share of the letters that match
IN_THE_AIR_S = 2.0  # before its onset and after, the words of an echo were played: the pace in a clause is not even

# Shorter transcripts are found in any text. And people repeat what they were asked ("tea or coffee?" - "coffee"), the
# more so once the assistant has finished.
LEAST_ZH = 3  # letters
LEAST_LATIN = 8
LEAST_ZH_FINISHED = 4
LEAST_LATIN_FINISHED = 12

_FIRST_CJK = "\u2e80"

_CHOICE = re.compile(
    r"(?=.*(?:\bor\b|\beither\b|\bwhich\b|还是|或者|要么|哪))"
    r"(?=.*(?:[?？]|\b(?:have|got|offer|choose|pick|prefer|there(?:'s| is| are))\b|有|选|要|可以))",
    re.IGNORECASE | re.DOTALL,
)
_REPEAT = (
    r"\brepeat\b|\b(?:after|with) me\b|\bsay (?:it|this|that)\b|\bread (?:it )?(?:back|out)\b|\btry saying\b"
    r"|跟我|跟着我|学我|重复|复述|再[说念读]|[说念读]一[遍下次]|请[说念读]|怎么[说念读]"
)
_FIGURE = (
    r"\d|\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|double|[a-z])\b|[零〇一二两三四五六七八九幺十]"
)
_SPELT = rf"(?:(?:{_FIGURE})\W*){{3,}}"
_SAID_AGAIN = re.compile(f"{_REPEAT}|{_SPELT}", re.IGNORECASE)
_QUESTION = re.compile(r"[?？]")


class Audible(NamedTuple):
    """The assistant's words that were in the air, and whether people say some of its last words again."""

    words: str = ""
    invites: bool = False


def is_own_echo(text: str, said: Audible, by_sound: bool | None = None, *, finished: bool = False) -> bool:
    """Whether `text` is most likely an echo of what was `said`.

    `by_sound`: whether it is one by its sound; None: the ears cannot tell. `finished`: it began after the assistant's
    last sound.
    """
    if by_sound is False or (by_sound is None and (said.invites or _asks_back(text, said.words))):
        return False
    letters = _letters(text)
    zh = sum(1 for letter in letters if letter > _FIRST_CJK)
    latin = len(letters) - zh
    least_zh = LEAST_ZH_FINISHED if finished else LEAST_ZH
    least_latin = LEAST_LATIN_FINISHED if finished else LEAST_LATIN
    if zh < least_zh and latin < least_latin:
        return False
    return similarity(text, said.words) >= SIMILAR


def known_of_both(first: bool | None, second: bool | None) -> bool | None:
    """What two findings about the same speech say together: one that it is no echo counts most, None least."""
    return False if False in (first, second) else first or second


def invites_repetition(words: str) -> bool:
    """Whether people answer these words by saying some of them again: a choice, a code, what is to be repeated."""
    return bool(_CHOICE.match(words) or _SAID_AGAIN.search(words))


def _asks_back(text: str, words: str) -> bool:
    """Whether it has the tone of a question, which the assistant's words have not: "海市蜃楼？"."""
    return bool(_QUESTION.search(text)) and not _QUESTION.search(words)


def similarity(text: str, reply: str) -> float:
    """Share (0..1) of the letters of `text` that match, in order, the part of `reply` where they fit best."""
    letters = _letters(text)
    others = _letters(reply)
    if not letters or not others:
        return 0.0
    costs = [0] * (len(others) + 1)  # edits up to each letter of `reply`; an echo may begin anywhere in it
    for count, letter in enumerate(letters, 1):
        row = [count]
        for i, other in enumerate(others):
            replaced = costs[i] if letter == other else costs[i] + 1
            row.append(min(replaced, costs[i + 1] + 1, row[i] + 1))
        costs = row
    return 1 - min(costs) / len(letters)


def _letters(text: str) -> str:
    return normalised(text).replace(" ", "")
