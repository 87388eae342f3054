"""Is a transcript the assistant's own voice, come back through the microphone?

Words are the last resort, as people say again what they hear: one of two that are offered, a code, a sentence to be
repeated. What is known of the sound decides first: an echo is heard while the assistant is, or until the room has died
down. Where the ears have found that the sound is no echo, or it went on for longer, no words make it one. And where the
user has just been given something to say again, or was asked a question, to which this says yes or no in its own words,
words alone do not, either: in doubt it is an answer.

An echo repeats what was just played, though the recogniser gets parts of it wrong and it begins and ends in the middle
of a sentence. So the transcript is aligned with the words that were in the air where it fits best (Sellers 1980,
approximate substring matching), and the share of its letters that match decides.

Measured with whisper-base on fragments of 0.6-1.3 s, quiet and in noise: of 60 English ones 34 are recognised as echo
and 5 have no words, of 58 Chinese ones 8 and 24 (that recogniser gets the others too wrong: only the echo path can help
there). Of 1062 comparisons with other sentences none is taken for an echo.
"""

from __future__ import annotations

from typing import NamedTuple

from huiyin.assistant.turns.confirmation import confirms
from huiyin.assistant.turns.said_again import is_said_again
from huiyin.assistant.turns.similarity import SIMILAR, letters_of, similarity
from huiyin.assistant.turns.text_judge import has_question_mark

IN_THE_AIR_S = 2.0  # before its onset and after, the words of an echo were played: the pace in a clause is not even

# Shorter transcripts are found in any text. And people repeat what they were asked ("tea or coffee?" - "coffee"), the
# more so once the assistant has finished.
LEAST_ZH = 3  # letters
LEAST_LATIN = 8
LEAST_ZH_FINISHED = 4
LEAST_LATIN_FINISHED = 12

_FIRST_CJK = "\u2e80"


class Audible(NamedTuple):
    """The assistant's words that were in the air, and the reply that they are of, which is what people answer."""

    words: str = ""
    reply: str = ""


def is_own_echo(text: str, said: Audible, by_sound: bool | None = None, *, finished: bool = False) -> bool:
    """Whether `text` is most likely an echo of what was `said`.

    `by_sound`: whether it is one by its sound; None: the ears cannot tell. `finished`: it began after the assistant's
    last sound.
    """
    if by_sound is False or _is_short(text, finished) or similarity(text, said.words) < SIMILAR:
        return False
    if by_sound is True:
        return True
    is_answer = is_said_again(text, said.reply) or confirms(text, said.reply, said.words)
    return not (is_answer or _asks_back(text, said.words))


def may_be_own_echo(text: str, said: Audible, by_sound: bool | None = None) -> bool:
    """Whether the first words of speech that goes on are too few to tell, but may be those of an echo."""
    is_open = by_sound is not False and _is_short(text, finished=False)
    return is_open and similarity(text, said.words) >= SIMILAR


def known_of_both(first: bool | None, second: bool | None) -> bool | None:
    """What two findings about the same speech say together: one that it is no echo counts most, None least."""
    return False if False in (first, second) else first or second


def _asks_back(text: str, words: str) -> bool:
    """Whether it has the tone of a question, which the assistant's words have not: "海市蜃楼？"."""
    return has_question_mark(text) and not has_question_mark(words)


def _is_short(text: str, finished: bool) -> bool:
    letters = letters_of(text)
    zh = sum(1 for letter in letters if letter > _FIRST_CJK)
    least_zh = LEAST_ZH_FINISHED if finished else LEAST_ZH
    least_latin = LEAST_LATIN_FINISHED if finished else LEAST_LATIN
    return zh < least_zh and len(letters) - zh < least_latin
