"""Is what was heard the assistant's own voice, come back through the microphone?

By the words: an echo says again what was just said, though the recogniser gets parts of it wrong and an echo begins
and ends in the middle of a sentence. So the transcript is laid along the assistant's words where it fits best
(Sellers 1980, approximate substring matching), and the share of its letters that fit decides.

Measured with whisper-base on fragments of 0.6-1.3 s, quiet and in noise: of 60 English ones 34 are known again and 5
have no words, of 58 Chinese ones 8 and 24 (that recogniser gets the others too wrong: a second look at the sound could
do no better, the echo path must). Of 1062 comparisons with other sentences none is taken for an echo.
"""

from __future__ import annotations

from huiyin.assistant.turns.normalise import normalised

SIMILAR = 0.7  # share of letters in place
# Letters in Chinese and in Latin script. Less is found in any text; and whoever answers "tea or coffee?" with "coffee"
# also says again what was just said, the more so once the assistant has finished.
_LEAST = (3, 8)
_LEAST_AFTER = (4, 12)


def is_own_echo(text: str, saying: str, *, finished: bool = False) -> bool:
    """Whether `text` was most likely heard from `saying`, the assistant's words of the last seconds.

    `finished`: it began after the assistant's last sound.
    """
    letters = normalised(text).replace(" ", "")
    cjk = sum(letter > "\u2e80" for letter in letters)
    least_cjk, least_latin = _LEAST_AFTER if finished else _LEAST
    if cjk < least_cjk and len(letters) - cjk < least_latin:
        return False
    return similarity(text, saying) >= SIMILAR


def similarity(text: str, saying: str) -> float:
    """Share (0..1) of the letters of `text` found in order in the best-fitting stretch of `saying`."""
    heard, said = (normalised(words).replace(" ", "") for words in (text, saying))
    if not heard or not said:
        return 0.0
    costs = [0] * (len(said) + 1)  # an echo may begin anywhere
    for i, letter in enumerate(heard, 1):
        before, costs[0] = costs[0], i
        for j, other in enumerate(said, 1):
            before, costs[j] = costs[j], min(before + (letter != other), costs[j] + 1, costs[j - 1] + 1)
    return 1 - min(costs) / len(heard)
