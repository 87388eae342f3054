"""Makes the classifier of `ears/endpoint_model.py`: ``python -m benchmarks.endpoint_classifier --clones DIR``.

From recordings of people, cut at each pause and at their end, it learns which of the two a cut is: a logistic
regression on the states of smart-turn's encoder. Only the last seconds before a cut are used, as many for ends as for
pauses: an end comes later than the pauses before it, and a judge that learns that (0.95 of 1 it then ranks right) takes
every short turn for a part. Level, noise and the silence before it is judged vary, as with a microphone.

Speakers of the held-out set, and of the set that turns are tuned with, are left out; neither set has anything of Common
Voice. ``python -m benchmarks.latency_judges`` says how good the classifier is.

`--clones`: a folder of Git clones, OWNER/NAME (bare ones will do). It takes some twenty minutes.
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from benchmarks import latency_heldout, latency_people
from benchmarks.command import as_command, existing_folder, writable
from benchmarks.latency_heldout import SHARES, git
from benchmarks.latency_speech import PAUSES_S, pauses_in, shortened, speech_in, with_pause
from benchmarks.output import tell
from huiyin.assistant.ears.endpoint_model import MODEL, WEIGHTS, EndpointModel, States
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.configs import settings as config
from huiyin.configs.files import write_whole
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.audio import decode

_LONGEST_S = 20.0
_SHORTEST_S = 0.6
_LEAST_S = 0.4  # of speech before a cut
_VARIATIONS = 2  # of each cut: with one, the thresholds moved by as much as the judge gains
_GIVEN_S = (0.5, 4.0)  # before a cut, at most
_BIN_S = 0.25  # so alike in length, ends and pauses count the same
_SILENCE_S = (0.06, 0.2)
_LEVEL_DB = (-20.0, 0.0)
_NOISE_DBFS = (-75.0, -48.0)
_LOW = 0.9  # half of the noise has more of the low frequencies: a filter with this pole
_BEFORE_S = 0.5
_PENALTY = 100.0  # on the squared weights, of which there are 1,152: the recordings have 3,400 together
_STEPS = 12  # of Newton's method

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Corpus:
    """`path`: what its recordings' paths look like, the first group is the speaker, if it is named there.

    Of them one in `every` is taken. `weight`: of one recording.
    """

    repository: str
    commit: str
    path: str
    weight: float
    every: int = 1


@dataclass(frozen=True)
class _Cut:
    """`given`: the last seconds of speech before it."""

    given: Samples
    is_end: bool


# Hundreds of people with microphones of their own tell more than thousands of recordings in one room. Common Voice of
# 14 other languages added nothing; LibriSpeech's training half is cut where sentences go on.
_CORPORA = (
    # English of people whose first language is Chinese: free for commercial and other use.
    _Corpus(
        "jimbozhang/speechocean762",
        "613968e3b0b789fc33936fb5eba1973176ba7d11",
        r"WAVE/(SPEAKER\d+)/\d+\.WAV",
        weight=1.0,
        every=3,
    ),
    # Common Voice 6.1, 100 recordings each of Mandarin, that of Taiwan, and English: CC0.
    _Corpus(
        "omnilingo/rsample-100-cv-corpus-6.1-2020-12-11",
        "6785f863fec9770151abfe50a5e3e3787fd20ba2",
        r"(?:zh-CN|zh-TW|en)/clips/(\w+(?:-\w+)?)\.mp3",
        weight=3.0,
    ),
    # LibriSpeech, test-clean, cut where sentences end: CC-BY-4.0.
    _Corpus(
        "hooria-malik/speech-preprocessing-librispeech",
        "641b5501ba98efc434178d73871d2a85388fbfa0",
        r"test-clean/.*/(\d+)/\d+/[\d-]+\.flac",
        weight=2.0,
        every=5,
    ),
)


def main() -> None:
    """Judge every cut, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clones", type=existing_folder, required=True, metavar="DIR", help="a folder of Git clones, OWNER/NAME"
    )
    parser.add_argument("--out", type=writable, default=WEIGHTS, metavar="FILE", help=f"default {WEIGHTS.name}")
    args = parser.parse_args()
    settings = config.load(environ={})
    model = ModelStore(settings.store).ensure(MODEL)
    unseen = {one.speaker for one in (*latency_heldout.listed(), *latency_people.listed())}
    recordings = [(corpus, path) for corpus in _CORPORA for path in _paths(corpus, args.clones, unseen)]
    tell(f"{len(recordings)} recordings")
    jobs = zip(recordings, cycle(SHARES), cycle(PAUSES_S), count(), strict=False)
    states, is_end, length, of = [], [], [], []
    with ProcessPoolExecutor(initializer=_load, initargs=(model, args.clones)) as pool:
        judged = zip(recordings, pool.map(_judged, jobs, chunksize=20), strict=True)
        for number, ((corpus, _), cuts) in enumerate(judged, 1):
            for values, cut in cuts:
                states.append(values)
                is_end.append(cut.is_end)
                length.append(len(cut.given) // round(_BIN_S * SAMPLE_RATE))
                of.append(_CORPORA.index(corpus))
            if number % 500 == 0:
                tell(f"  {number}")
    print(f"{len(is_end)} cuts, {sum(is_end)} of them ends")
    ends, lengths, corpora = np.array(is_end), np.array(length), np.array(of)
    counts = np.zeros(len(ends))
    for number, corpus in enumerate(_CORPORA):
        ours = corpora == number
        each = _alike_in_length(ends[ours], lengths[ours])
        if not each.any():
            raise SystemExit(f"{corpus.repository}: no ends and pauses of one length")
        counts[ours] = each * corpus.weight * sum(one is corpus for one, _ in recordings) / each.sum()
    weights = _fitted(np.array(states, np.float64), ends, counts)
    file = io.BytesIO()
    np.save(file, weights.astype(np.float32))
    write_whole(args.out, file.getvalue())


_worker: dict[str, Any] = {}  # of this process


def _load(model: Path, clones: Path) -> None:
    _worker.update(model=EndpointModel(model), clones=clones)


def _judged(job: tuple[tuple[_Corpus, str], float, float, int]) -> list[tuple[States, _Cut]]:
    """What the encoder makes of each cut of a recording, in some variations."""
    (corpus, path), share, pause_s, number = job
    rng = np.random.default_rng(number)
    sound = _sound(corpus, path, _worker["clones"])
    cuts = [cut for _ in range(_VARIATIONS) for cut in _cuts(sound, share, pause_s, rng)]
    return [(_worker["model"].states(_as_by_a_microphone(cut.given, rng)), cut) for cut in cuts]


def _paths(corpus: _Corpus, clones: Path, unseen: set[str]) -> list[str]:
    """Its recordings that are taken, of speakers who are not in `unseen`."""
    matches = map(
        re.compile(corpus.path).fullmatch,
        _git(corpus, clones, "ls-tree", "-r", "--name-only", corpus.commit).decode().split("\n"),
    )
    paths = [match[0] for match in matches if match and match[1] not in unseen]
    if not paths:
        raise SystemExit(f"{clones / corpus.repository}: no recordings like {corpus.path}")
    return paths[:: corpus.every]


def _sound(corpus: _Corpus, path: str, clones: Path) -> Samples:
    return speech_in(
        decode(io.BytesIO(_git(corpus, clones, "show", f"{corpus.commit}:{path}")), max_duration_s=60).samples
    )


def _git(corpus: _Corpus, clones: Path, *arguments: str) -> bytes:
    """What Git prints. Raises SystemExit."""
    done = git(clones / corpus.repository, *arguments)
    if done.returncode:
        raise SystemExit(f"{clones / corpus.repository}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _cuts(sound: Samples, share: float, pause_s: float, rng: np.random.Generator) -> Iterator[_Cut]:
    """At each pause of a recording and at its end."""
    duration_s = len(sound) / SAMPLE_RATE
    if not _SHORTEST_S <= duration_s <= _LONGEST_S:
        return
    if not any(pauses_in(sound)):
        sound = with_pause(sound, share, pause_s)
    sound = shortened(sound)
    for end_s in (*(start for start, _ in pauses_in(sound)), None):
        part = sound[: None if end_s is None else round(end_s * SAMPLE_RATE)]
        if len(part) >= _LEAST_S * SAMPLE_RATE:
            given_s = rng.uniform(*_GIVEN_S)
            yield _Cut(part[-round(given_s * SAMPLE_RATE) :], end_s is None)


def _as_by_a_microphone(part: Samples, rng: np.random.Generator) -> Pcm16:
    part = np.pad(part, (round(_BEFORE_S * SAMPLE_RATE), round(rng.uniform(*_SILENCE_S) * SAMPLE_RATE)))
    noise = rng.standard_normal(len(part))
    if rng.random() < 0.5:
        noise = lfilter([1.0], [1.0, -_LOW], noise)
    noise *= 10 ** (rng.uniform(*_NOISE_DBFS) / 20) / noise.std()
    part = part * 10 ** (rng.uniform(*_LEVEL_DB) / 20) + noise
    return (np.clip(part, -1, 1) * 32767).astype(np.int16)


def _alike_in_length(is_end: Flags, length: npt.NDArray[np.int64]) -> Values:
    """What each cut counts, so that among those of one `length` ends and pauses count the same."""
    counts = np.zeros(len(is_end))
    for each in np.unique(length):
        groups = [(length == each) & is_end, (length == each) & ~is_end]
        if all(group.any() for group in groups):
            for group in groups:
                counts[group] = (length == each).sum() / 2 / group.sum()
    return counts


def _fitted(states: Values, is_end: Flags, counts: Values) -> Values:
    """Weights and constant of a logistic regression: Newton's method on values of equal spread, with a penalty."""
    mean, spread = states.mean(axis=0), states.std(axis=0) + 1e-6
    values = np.column_stack([(states - mean) / spread, np.ones(len(states))])
    penalty = np.append(np.full(states.shape[1], _PENALTY), 0.0)
    weights = np.zeros(values.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(values @ weights)))
        slope = values.T @ ((p - is_end) * counts) + penalty * weights
        curve = (values * (p * (1 - p) * counts)[:, None]).T @ values + np.diag(penalty)
        weights -= np.linalg.solve(curve, slope)
    scaled = weights[:-1] / spread
    return np.append(scaled, weights[-1] - scaled @ mean)


if __name__ == "__main__":
    as_command(main)
