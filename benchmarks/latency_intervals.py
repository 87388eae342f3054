"""95 % intervals: how far a figure would move with other utterances of the same kind.

Utterances count as independent, runs of the same one do not: more runs make no interval narrower.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

import numpy as np

Interval = tuple[float, float]

_Z = statistics.NormalDist().inv_cdf(0.975)
_RESAMPLES = 2000
_TAILS = (0.025, 0.975)


def of_percentile(latencies_s: Sequence[Iterable[float]], share: float) -> Interval:
    """Of a percentile, by the bootstrap (Efron's percentile method; the same result every time).

    `latencies_s`: for each utterance, in seconds, its latencies of all runs; their median counts. Of nothing: nan.
    """
    medians = [statistics.median(runs) for runs in map(list, latencies_s) if runs]
    if not medians:
        return math.nan, math.nan
    drawn = np.random.default_rng(0).choice(medians, (_RESAMPLES, len(medians)))
    low, high = np.quantile(np.quantile(drawn, share, axis=1), _TAILS)
    return float(low), float(high)


def of_ratio(ours: Sequence[int], theirs: Sequence[int]) -> Interval:
    """Of the ratio of two error rates on the same utterances, by the paired bootstrap: the errors in each."""
    counts = np.array([ours, theirs])
    drawn = np.random.default_rng(0).integers(0, len(ours), (_RESAMPLES, len(ours)))
    our_sums, their_sums = counts[:, drawn].sum(axis=2)
    low, high = np.quantile(our_sums / np.maximum(their_sums, 1), _TAILS)
    return float(low), float(high)


def of_share(share: float, count: int) -> Interval:
    """Of a share of `count` utterances: Wilson's score interval, which holds near 0 and 1, too."""
    spread = _Z * _Z / count
    centre = share + spread / 2
    half = _Z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread))
