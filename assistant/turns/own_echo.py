"""Is a transcript the assistant's own voice, come back through the microphone?

An echo repeats what was just played, though the recogniser gets parts of it wrong and it begins and ends in the middle
of a sentence. So the transcript is aligned with the assistant's words where it fits best (Sellers 1980, approximate
substring matching), and the share of its letters that match decides.

Measured with whisper-base on fragments of 0.6-1.3 s, quiet and in noise: of 60 English ones 34 are recognised as echo
and 5 have no words, of 58 Chinese ones 8 and 24 (that recogniser gets the others too wrong: only the echo path can help
there). Of 1062 comparisons with other sentences none is taken for an echo.
"""

from __future__ import annotations

from huiyin.assistant.turns.normalise import normalised

SIMILAR = 0.7  # share of the letters that match

# Shorter transcripts are found in any text. And people repeat what they were asked ("tea or coffee?" - "coffee"), the
# more so once the assistant has finished.
LEAST_ZH = 3  # letters
LEAST_LATIN = 8
LEAST_ZH_FINISHED = 4
LEAST_LATIN_FINISHED = 12

_FIRST_CJK = "\u2e80"


def is_own_echo(text: str, reply: str, *, finished: bool = False) -> bool:
    """Whether `text` is most likely an echo of `reply`, the assistant's words of the last seconds.

    `finished`: it began after the assistant's last sound.
    """
    letters = _letters(text)
    zh = sum(1 for letter in letters if letter > _FIRST_CJK)
    latin = len(letters) - zh
    least_zh = LEAST_ZH_FINISHED if finished else LEAST_ZH
    least_latin = LEAST_LATIN_FINISHED if finished else LEAST_LATIN
    if zh < least_zh and latin < least_latin:
        return False
    return similarity(text, reply) >= SIMILAR


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
