"""Is what was heard the assistant's own voice, come back through the microphone?

By the words: an echo says again what was just said, though the recogniser gets parts of it wrong and an echo begins
and ends in the middle of a sentence. So the transcript is laid along the assistant's words where it fits best
(Sellers 1980, approximate substring matching), and the share of its letters that fit decides.
"""

from __future__ import annotations

from assistant.turns.words import normalised

SIMILAR = 0.7  # share of letters in place
_LEAST_CJK, _LEAST_LATIN = 2, 5  # letters: less than this is found in any text


def is_own_echo(text: str, saying: str) -> bool:
    """Whether `text` was most likely heard from `saying`, the assistant's words of the last seconds."""
    letters = normalised(text).replace(" ", "")
    cjk = sum(letter > "\u2e80" for letter in letters)
    if cjk < _LEAST_CJK and len(letters) < _LEAST_LATIN:
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
