"""Which voices are one speaker's: agglomerative clustering with average linkage.

The usual method behind speaker embeddings (as in Kaldi's and pyannote's diarisation). With vectors of length 1 the mean
cosine between the members of two clusters is the product of the clusters' mean vectors, so that these are all that is
kept. Long recordings are clustered part by part, then the parts' clusters: memory and time grow with their length, not
with its square.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.speakers.embedding import Embeddings

Labels = npt.NDArray[np.int64]

SAME_SPEAKER = 0.32
"""Mean cosine from which two clusters are one speaker: chosen on the dev half of `benchmarks/data/speakers.tsv`."""
_STRICTEST = 0.90  # nobody sounds that constant: where this does not divide them, no more speakers are there
_STRICTER = 0.05  # a step towards it
_WITHIN_PART = 0.60  # in a part of a long recording only what is surely one speaker is joined
_PART = 1000  # windows, about 12 minutes of speech


def speakers_of(rows: Embeddings, seconds: npt.NDArray[np.float64], count: int, least_s: float) -> Labels:
    """For each of `rows` (n, size) the number of its speaker, from 0, in order of appearance.

    `seconds`, (n,): of speech behind each row. `count`: of speakers, 0: as many as sound different. Who has less than
    `least_s` is no speaker, but a bad sample of the speaker that sounds most alike. With `count` there may be fewer, if
    no more can be told apart.
    """
    threshold = SAME_SPEAKER
    labels = _of_substance(rows, seconds, clustered(rows, threshold), least_s)
    while count and len(np.unique(labels)) < count and (threshold := threshold + _STRICTER) < _STRICTEST:
        labels = _of_substance(rows, seconds, clustered(rows, threshold), least_s)
    if count and len(np.unique(labels)) > count:
        means, sizes = _means(rows, labels)
        labels = _merged(means, sizes, -1.0, count)[labels]
    _, first, numbers = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return np.asarray(order[numbers], np.int64)


def clustered(rows: Embeddings, threshold: float) -> Labels:
    """The cluster of each row, numbered from 0 without gaps."""
    if len(rows) <= _PART:
        return _merged(rows, np.ones(len(rows)), threshold, 1)
    parts: list[Labels] = []
    known = 0
    for start in range(0, len(rows), _PART):
        part = rows[start : start + _PART]
        labels = _merged(part, np.ones(len(part)), max(threshold, _WITHIN_PART), 1)
        parts.append(labels + known)
        known += int(labels.max()) + 1
    fine = np.concatenate(parts)
    means, sizes = _means(rows, fine)
    return np.asarray(_merged(means, sizes, threshold, 1)[fine], np.int64)


def centroids(rows: Embeddings, labels: Labels) -> Embeddings:
    """(speakers, size), each of length 1: the mean voice of each."""
    means, _ = _means(rows, labels)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def _means(rows: npt.NDArray[np.floating], labels: Labels) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of each cluster the mean vector, and how many rows it has."""
    sizes = np.bincount(labels).astype(np.float64)
    sums = np.zeros((len(sizes), rows.shape[1]))
    np.add.at(sums, labels, rows)
    return sums / sizes[:, None], sizes


def _merged(rows: npt.NDArray[np.floating], sizes: npt.NDArray[np.float64], threshold: float, least: int) -> Labels:
    """The two most alike are merged as long as their likeness is at least `threshold` and `least` + 1 are there."""
    means, sizes = np.array(rows, np.float64), sizes.copy()
    alike = means @ means.T
    np.fill_diagonal(alike, -np.inf)
    labels = np.arange(len(means))
    for _ in range(len(means) - least):
        one, other = sorted(divmod(int(alike.argmax()), len(means)))
        if alike[one, other] < threshold:
            break
        share = sizes[other] / (sizes[one] + sizes[other])
        means[one] += share * (means[other] - means[one])
        sizes[one] += sizes[other]
        labels[labels == other] = one
        alike[other], alike[:, other] = -np.inf, -np.inf
        gone = np.isneginf(alike[one])
        alike[one] = np.where(gone, -np.inf, means @ means[one])
        alike[:, one] = alike[one]
    return np.asarray(np.unique(labels, return_inverse=True)[1], np.int64)


def _of_substance(rows: Embeddings, seconds: npt.NDArray[np.float64], labels: Labels, least_s: float) -> Labels:
    """The labels without clusters of less than `least_s`, whose rows go where they sound most alike."""
    lengths = np.bincount(labels, seconds)
    kept = np.flatnonzero(lengths >= min(least_s, lengths.max()))
    homes = centroids(rows, labels)[kept]
    nearest = (rows @ homes.T).argmax(axis=1)
    own = np.searchsorted(kept, labels)
    stays = np.isin(labels, kept)
    return np.asarray(np.where(stays, own, nearest), np.int64)
