"""How much of a transcript is found in a text (Sellers 1980, approximate substring matching)."""

from __future__ import annotations

from huiyin.assistant.turns.normalise import normalised

SIMILAR = 0.7  # share of the letters that match


def similarity(text: str, reply: str) -> float:
    """Share (0..1) of the letters of `text` that match, in order, the part of `reply` where they fit best."""
    letters = letters_of(text)
    others = letters_of(reply)
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


def letters_of(text: str) -> str:
    """Its letters and figures alone, in lower case."""
    return normalised(text).replace(" ", "")
