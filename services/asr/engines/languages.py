"""Which language is spoken where in a piece: two sentences with a short pause between them may be in two.

A recogniser that takes one language for all it is given loses what is said in the other, without a doubt in its
confidence. So a piece is divided at its pauses into stretches, each is scored by itself, and the likeliest sequence of
languages is found with the others as context (Viterbi: a change of language costs, and a stretch weighs by its length,
so that a short or unclear one takes its neighbours'). Stretches of one language in a row are one run again.

Pure: voice activity and scores in, runs out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

SPEECH = 0.5
"""Voice activity from here on is speech."""

_PAUSE_FRAMES = 3  # 0.1 s: the detector's edges reach into a pause of 0.2 s from both sides
_SHORTEST_FRAMES = 8  # 0.26 s of speech: less ("uh") tells no language
_CHANGE = math.log(
    0.4
)  # of the chance that the next stretch is in another language; at 0.05 a sentence between two was lost
_WHOLE_FRAMES = 62
# 2 s of speech weigh fully. At 1.6 s parts of sentences with pauses were in another language, at 2.2 s a sentence
# between two others was lost.
_LEAST_SHARE = 0.05  # of a language by itself, whatever a second look finds: of 11 looks in 24 Chinese
# sounds of 5 s cut anywhere one was left out at 0.01, and nine at 0.05, with the same texts
_SUREST = math.log(0.001)  # no stretch alone is surer than that: a model's own probabilities are too sure


@dataclass(frozen=True)
class Stretch:
    """Speech between two pauses: frames of voice activity, `end` not included."""

    start: int
    end: int


@dataclass(frozen=True)
class Run:
    """Neighbouring stretches in one language: where to cut, in frames of voice activity."""

    language: str
    start: int
    end: int


def stretches(speech: npt.NDArray[np.float32]) -> list[Stretch]:
    """The speech between pauses, by the probabilities (frames,) of speech; short bits belong to a neighbour."""
    edges = np.flatnonzero(np.diff(np.pad(speech > SPEECH, 1).astype(np.int8)))
    found: list[Stretch] = []
    for start, end in edges.reshape(-1, 2).tolist():
        if found and start - found[-1].end < _PAUSE_FRAMES:
            found[-1] = Stretch(found[-1].start, end)
        else:
            found.append(Stretch(start, end))
    while len(found) > 1:
        short = min(range(len(found)), key=lambda i: found[i].end - found[i].start)
        if found[short].end - found[short].start >= _SHORTEST_FRAMES:
            break
        _join(found, short)
    return found


def grouped(parts: Sequence[Stretch], pause_frames: int) -> list[Stretch]:
    """The stretches, as one where the pause between them is shorter than that."""
    found: list[Stretch] = []
    for part in parts:
        if found and part.start - found[-1].end < pause_frames:
            found[-1] = Stretch(found[-1].start, part.end)
        else:
            found.append(part)
    return found


def runs(parts: Sequence[Stretch], scores: Sequence[Mapping[str, float]], frames: int) -> list[Run]:
    """The languages of a piece of `frames` frames, from each stretch's probabilities of the possible languages.

    Runs touch, in the middles of the pauses between them, and fill the piece.
    """
    spoken = _likeliest(parts, scores)
    cuts = [(a.end + b.start) // 2 for a, b in pairwise(parts)]
    found: list[Run] = []
    for language, start, end in zip(spoken, [0, *cuts], [*cuts, frames], strict=True):
        if found and found[-1].language == language:
            found[-1] = Run(language, found[-1].start, end)
        else:
            found.append(Run(language, start, end))
    return found


def is_settled(parts: Sequence[Stretch], scores: Sequence[Mapping[str, float]], unsure: Collection[int]) -> bool:
    """Whether the languages stay, whatever a second look at the `unsure` stretches finds.

    Tried with what speaks most against the languages that they have so far.
    """
    spoken = _likeliest(parts, scores)
    against = [
        {code: score * (_LEAST_SHARE if code == spoken[i] else 1.0) for code, score in each.items()}
        if i in unsure
        else each
        for i, each in enumerate(scores)
    ]
    return _likeliest(parts, [shares(each) for each in against]) == spoken


def widest_pause(parts: Sequence[Stretch]) -> int:
    """The middle of the longest pause between the stretches, of which there are at least two: where to cut in two."""
    before, after = max(pairwise(parts), key=lambda pair: pair[1].start - pair[0].end)
    return (before.end + after.start) // 2


def shares(scores: Mapping[str, float]) -> dict[str, float]:
    """The same, adding up to 1."""
    total = sum(scores.values()) or 1.0
    return {code: score / total for code, score in scores.items()}


def _join(parts: list[Stretch], short: int) -> None:
    """Adds one stretch to the nearer of its neighbours."""
    before = parts[short].start - parts[short - 1].end if short else math.inf
    after = parts[short + 1].start - parts[short].end if short + 1 < len(parts) else math.inf
    first = short - 1 if before <= after else short
    parts[first : first + 2] = [Stretch(parts[first].start, parts[first + 1].end)]


def _likeliest(parts: Sequence[Stretch], scores: Sequence[Mapping[str, float]]) -> list[str]:
    """The likeliest language of each stretch, all together."""
    best: dict[str, tuple[float, list[str]]] = {language: (0.0, []) for language in scores[0]}
    for part, languages in zip(parts, scores, strict=True):
        weight = min(1.0, (part.end - part.start) / _WHOLE_FRAMES)
        new = {}
        for language, probability in languages.items():
            chance, path = max(
                ((_CHANGE if other != language else 0.0) + chance, path) if path else (chance, path)
                for other, (chance, path) in best.items()
            )
            evidence = weight * max(math.log(max(probability, 1e-30)), _SUREST)
            new[language] = (chance + evidence, [*path, language])
        best = new
    return max(best.values())[1]
