"""Who speaks: ``python -m benchmarks.speakers``.

Recordings of people by `data/speakers.tsv`, each half with speakers of its own: thresholds were chosen on *dev*, what
is printed is of *test*. First how well two voices are told apart: equal error rate over all pairs of different
recordings of one corpus, at several lengths; clean, and with one of the two in a room with noise. Then the diarisation
error rate of mixtures of speakers of one corpus, by the standard definition: missed, false and another speaker's time
over all speech, by the best mapping of names, without 0.25 s on either side of each boundary; a pause of 0.3 s is not
speech (NIST's rule); where two talk at once both count.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from benchmarks.command import as_command, existing_folder
from benchmarks.latency_heldout import HeldOut, fetch
from benchmarks.latency_speech import pauses_in, speech_in
from benchmarks.output import percent, show
from benchmarks.sentences import DATA
from benchmarks.wake import in_room
from huiyin.assistant.ears.listener import POST_ROLL_S, PRE_ROLL_S
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.turns.whose_voice import least_likeness
from huiyin.configs import settings as config
from huiyin.configs.layers import read_toml
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.signal.detector import Detectors
from huiyin.services.asr.signal.pieces import split
from huiyin.services.asr.signal.voice_activity import load_detectors
from huiyin.services.asr.speakers.diarisation import Turn, Voices
from huiyin.services.asr.speakers.embedding import SpeakerEngine, load_speaker_engine
from huiyin.services.asr.speakers.voice import voice_of
from huiyin.services.common.audio import decode
from huiyin.services.common.errors import ApiError

LENGTHS_S = (1.0, 1.5, 2.0, 3.0)
_TURNS_S = (0.5, 0.6, 0.7, 0.8, *LENGTHS_S)  # speech over a reply is judged sooner than a turn
ROOM = "living room, 2 m"  # of benchmarks.wake: noise 12 dB below the speech
_ENROLLED_S = 10.0
_LONGEST_S = 60.0  # a recording
_FROM_ONE = 2  # pieces of one recording, at most
_COLLAR_S = 0.25
_PAUSE_S = 0.3  # from here on it is no speech
_FRAME_S = 0.01
_CLIPS = 8  # of a speaker in one mixture, at most
_LEVELS_DB = 3.0  # clips differ by so much, up or down
_NOISE_DB = 25.0  # below the speech, all through a mixture
_BETWEEN_S = (0.1, 0.9)  # two clips
_OVERLAPS_S = (0.3, 0.8)  # of two clips, where one begins too early
_OVERLAPPING = 0.2  # of all changes of speaker, in the mixtures with overlaps


@dataclass(frozen=True)
class Clip:
    """What is said in one recording: float32, 16 kHz, from the first audible sample to the last."""

    speaker: str
    corpus: str
    language: str
    sound: Samples


@dataclass(frozen=True)
class Mixture:
    """A made conversation, and who speaks when: (start, end, speaker), in seconds."""

    sound: Samples
    spoken: list[tuple[float, float, str]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("test", "dev"), default="test")
    parser.add_argument(
        "--clones", type=existing_folder, metavar="DIR", help="Git clones OWNER/NAME, instead of the network"
    )
    parser.add_argument("--enrolled", action="store_true", help="only: how often the speaker gate is wrong")
    args = parser.parse_args()
    settings = config.load(environ={})
    store = ModelStore(settings.store)
    engine = load_speaker_engine(store.ensure, settings.asr.threads)
    clips = read_clips(args.half, settings, args.clones)
    if args.enrolled:
        rates = ["not told", "equal error rate", "threshold", "own refused", "others' let in"]
        detectors = load_detectors(settings.asr, store.ensure)
        show(["turns", "room", "own", "others'", *rates], _enrolled(clips, engine, detectors, settings.turns))
        return
    lengths = [f"{length_s:g} s" for length_s in LENGTHS_S]
    show(["speech", "speakers", "pairs at 2 s", *lengths, "2 s, noisy room"], _equal_errors(clips, engine))
    parts = ["auto", "missed", "false", "confused", "right number"]
    detectors = load_detectors(settings.asr, store.ensure)
    show(["mixtures", "number", "minutes", *parts, "number given", "speed"], _diarised(clips, engine, detectors))


def read_clips(half: str, settings: config.Settings, clones: Path | None = None) -> list[Clip]:
    """The recordings of one half, fetched once."""
    sources = {**read_toml(DATA / "heldout_sources.toml"), **read_toml(DATA / "recognition_sources.toml")}
    with (DATA / "speakers.tsv").open(encoding="utf-8") as file:
        recordings = [
            HeldOut(
                **{name: sources[row["source"]][name] for name in ("repository", "commit", "language")},
                **{name: row[name] for name in ("source", "path", "sha256", "speaker")},
            )
            for row in csv.DictReader(file, delimiter="\t")
            if row["half"] == half
        ]
    folder = settings.store.path.parent / "bench" / "held-out"
    fetch(recordings, folder, settings.store, clones)
    return [
        Clip(
            recording.speaker,
            recording.source.partition("-")[0],
            recording.language,
            speech_in(decode(recording.file(folder), max_duration_s=_LONGEST_S).samples),
        )
        for recording in recordings
    ]


def equal_error_rate(same: npt.NDArray[np.floating], different: npt.NDArray[np.floating]) -> tuple[float, float]:
    """(rate, threshold) where as many pairs of one voice are refused as pairs of two are accepted."""
    scores = np.concatenate([same, different])
    order = np.argsort(-scores)
    is_same = np.concatenate([np.ones(len(same)), np.zeros(len(different))])[order]
    refused = 1 - np.cumsum(is_same) / len(same)
    accepted = np.cumsum(1 - is_same) / len(different)
    at = int(np.argmin(np.abs(refused - accepted)))
    return float(refused[at] + accepted[at]) / 2, float(scores[order][at])


def _equal_errors(clips: Sequence[Clip], engine: SpeakerEngine) -> Iterator[Sequence[str]]:
    groups = [(corpus, [clip.corpus == corpus for clip in clips]) for corpus in dict.fromkeys(c.corpus for c in clips)]
    groups += [(language, [clip.language == language for clip in clips]) for language in ("zh", "en")]
    groups.append(("all", [True] * len(clips)))
    tables = [_Pairs(clips, engine, length_s) for length_s in LENGTHS_S]
    noisy = _Pairs(clips, engine, 2.0, lambda sound, number: in_room(sound, ROOM, number))
    for name, members in groups:
        chosen = np.array(members)
        speakers = {clip.speaker for clip, member in zip(clips, members, strict=True) if member}
        at_two = tables[LENGTHS_S.index(2.0)]
        rates = [percent(table.rate(chosen)) for table in (*tables, noisy)]
        yield name, str(len(speakers)), f"{at_two.count(chosen):,}", *rates


class _Pairs:
    """All pairs of pieces of one length; `changed`: what happens to the second of each pair."""

    def __init__(
        self,
        clips: Sequence[Clip],
        engine: SpeakerEngine,
        length_s: float,
        changed: Callable[[Samples, int], Samples] | None = None,
    ) -> None:
        size = round(length_s * SAMPLE_RATE)
        pieces = [
            (number, clip.sound[k * size : (k + 1) * size])
            for number, clip in enumerate(clips)
            for k in range(min(_FROM_ONE, max(1, len(clip.sound) // size)))
        ]
        rows = engine.embed([piece for _, piece in pieces])
        others = engine.embed([changed(piece, n) for n, (_, piece) in enumerate(pieces)]) if changed else rows
        self._scores = rows @ others.T
        self._of = np.array([number for number, _ in pieces])
        speakers = np.array([clips[number].speaker for number in self._of])
        corpora = np.array([clips[number].corpus for number in self._of])
        self._same = speakers[:, None] == speakers[None, :]
        self._valid = (self._of[:, None] < self._of[None, :]) & (corpora[:, None] == corpora[None, :])

    def count(self, chosen: npt.NDArray[np.bool_]) -> int:
        """Of pairs among the chosen clips."""
        return int(self._pairs(chosen).sum())

    def rate(self, chosen: npt.NDArray[np.bool_]) -> float:
        """The equal error rate among the chosen clips."""
        pairs = self._pairs(chosen)
        return equal_error_rate(self._scores[pairs & self._same], self._scores[pairs & ~self._same])[0]

    def _pairs(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        member = chosen[self._of]
        return self._valid & member[:, None] & member[None, :]


def _enrolled(
    clips: Sequence[Clip], engine: SpeakerEngine, detectors: Detectors, policy: config.TurnsSettings
) -> Iterator[Sequence[str]]:
    """Turns of one length against ten seconds of other recordings of their speaker, and of all others of the corpus.

    As a conversation has it: with what the ear cuts around a turn, and the service takes away. A voice that cannot be
    told is neither refused nor anybody's own: it is let in.
    """
    own: dict[tuple[str, str], npt.NDArray[np.float32]] = {}
    turns: list[tuple[tuple[str, str], Samples]] = []
    for who, members in groupby(clips, key=lambda clip: (clip.corpus, clip.speaker)):
        sounds = [clip.sound for clip in members]
        count = next((n for n in range(1, len(sounds)) if sum(map(len, sounds[:n])) >= _ENROLLED_S * SAMPLE_RATE), 0)
        if count:
            own[who] = engine.embed([np.concatenate(sounds[:count])[: round(_ENROLLED_S * SAMPLE_RATE)]])[0]
            turns += [(who, sound) for sound in sounds[count:]]
    for length_s in _TURNS_S:
        least = least_likeness(policy, length_s)
        size = round(length_s * SAMPLE_RATE)
        chosen = [(who, sound[:size]) for who, sound in turns if len(sound) >= size]
        for room in ("", ROOM):
            rows = [_told(_cut(sound, room, n), engine, detectors) for n, (_, sound) in enumerate(chosen)]
            scores = np.stack(rows) @ np.stack(list(own.values())).T
            same = np.array([[who == other for other in own] for who, _ in chosen])
            others = np.array([[who[0] == other[0] for other in own] for who, _ in chosen]) & ~same
            refused, let_in = scores[same] < least, ~(scores[others] < least)
            is_told = ~np.isnan(scores)
            yield (
                f"{length_s:g} s", room or "none, as recorded", str(len(refused)), f"{len(let_in):,}",
                percent(1 - is_told.mean()),
                percent(equal_error_rate(scores[same & is_told], scores[others & is_told])[0]), f"{least:.2f}",
                percent(refused.mean()), percent(let_in.mean()),
            )  # fmt: skip


def _cut(sound: Samples, room: str, number: int) -> Samples:
    """A turn as the ear cuts it: with what is heard before and after it."""
    tail = np.pad(sound, (0, round(POST_ROLL_S * SAMPLE_RATE)))
    if room:
        return in_room(tail, room, number, before_s=PRE_ROLL_S)
    return np.pad(tail, (round(PRE_ROLL_S * SAMPLE_RATE), 0))


def _told(sound: Samples, engine: SpeakerEngine, detectors: Detectors) -> npt.NDArray[np.float32]:
    """The voice, as `POST /speaker` answers; NaN where there is too little speech."""
    try:
        return np.array(voice_of([sound], engine, detectors)["embedding"], np.float32)
    except ApiError:
        return np.full(engine.size, np.nan, np.float32)


def mixtures(clips: Sequence[Clip], people: int, overlapping: float) -> Iterator[Mixture]:
    """Each speaker of a corpus with the next ones of it, in turns."""
    rng = np.random.default_rng(people)
    for _, members in groupby(sorted(clips, key=lambda clip: clip.corpus), key=lambda clip: clip.corpus):
        spoken: dict[str, list[Samples]] = {}
        for clip in members:
            spoken.setdefault(clip.speaker, []).append(clip.sound)
        names = list(spoken)
        if len(names) < people:
            continue
        for first in range(len(names) if len(names) > people else 1):
            chosen = [names[(first + step) % len(names)] for step in range(people)]
            yield _mixed({name: spoken[name][:_CLIPS] for name in chosen}, overlapping, rng)


def _mixed(spoken: dict[str, list[Samples]], overlapping: float, rng: np.random.Generator) -> Mixture:
    order = [name for turn in range(_CLIPS) for name, sounds in spoken.items() if turn < len(sounds)]
    waiting = {name: list(sounds) for name, sounds in spoken.items()}
    sound = np.zeros(0, np.float32)
    said: list[tuple[float, float, str]] = []
    for name in order:
        clip = waiting[name].pop(0)
        level = np.sqrt(np.mean(clip**2))
        clip = clip * np.float32(0.05 / level * 10 ** (rng.uniform(-_LEVELS_DB, _LEVELS_DB) / 20))
        begin_s = len(sound) / SAMPLE_RATE + rng.uniform(*_BETWEEN_S)
        if said and said[-1][2] != name and rng.random() < overlapping:
            begin_s = len(sound) / SAMPLE_RATE - rng.uniform(*_OVERLAPS_S)
        begin = round(begin_s * SAMPLE_RATE)
        sound = np.pad(sound, (0, max(0, begin + len(clip) - len(sound))))
        sound[begin : begin + len(clip)] += clip
        said += [(begin_s + start_s, begin_s + end_s, name) for start_s, end_s in _spoken(clip)]
    noise = rng.standard_normal(len(sound)) * 0.05 * 10 ** (-_NOISE_DB / 20)
    return Mixture(np.asarray(np.clip(sound + noise, -1, 1), np.float32), said)


def _spoken(clip: Samples) -> Iterator[tuple[float, float]]:
    """(start, end) of the speech between the pauses."""
    start_s = 0.0
    for pause_from_s, pause_to_s in pauses_in(clip):
        if pause_to_s - pause_from_s >= _PAUSE_S:
            yield start_s, pause_from_s
            start_s = pause_to_s
    yield start_s, len(clip) / SAMPLE_RATE


@dataclass(frozen=True)
class Errors:
    """Seconds, of `speech_s` of speech."""

    missed_s: float
    false_s: float
    confused_s: float
    speech_s: float

    @property
    def rate(self) -> float:
        """The diarisation error rate."""
        return (self.missed_s + self.false_s + self.confused_s) / self.speech_s


def errors(mixture: Mixture, turns: Sequence[Turn]) -> Errors:
    """The errors of `turns`."""
    frames = round(len(mixture.sound) / SAMPLE_RATE / _FRAME_S)
    spoken = _frames(mixture.spoken, frames)
    found = _frames([(turn.start_s, turn.end_s, turn.speaker) for turn in turns], frames)
    counted = np.ones(frames, bool)
    for start_s, end_s, _ in mixture.spoken:
        for edge_s in (start_s, end_s):
            counted[max(0, round((edge_s - _COLLAR_S) / _FRAME_S)) : round((edge_s + _COLLAR_S) / _FRAME_S)] = False
    spoken, found = spoken[:, counted], found[:, counted]
    shared = spoken.astype(float) @ found.T.astype(float)
    one, other = linear_sum_assignment(-shared)
    both = np.minimum(spoken.sum(axis=0), found.sum(axis=0)).sum()
    return Errors(
        *(
            float(count) * _FRAME_S
            for count in (
                np.clip(spoken.sum(axis=0) - found.sum(axis=0), 0, None).sum(),
                np.clip(found.sum(axis=0) - spoken.sum(axis=0), 0, None).sum(),
                both - shared[one, other].sum(),
                spoken.sum(),
            )
        )
    )


def _frames(spans: Sequence[tuple[float, float, object]], frames: int) -> npt.NDArray[np.int64]:
    """(speakers, frames): 1 where somebody speaks."""
    names = list(dict.fromkeys(name for _, _, name in spans)) or [""]
    active = np.zeros((len(names), frames), np.int64)
    for start_s, end_s, name in spans:
        active[names.index(name), round(start_s / _FRAME_S) : round(end_s / _FRAME_S)] = 1
    return active


def heard(mixture: Mixture, engine: SpeakerEngine, detectors: Detectors) -> Voices:
    """The voices of a mixture, as the service gathers them."""
    voices = Voices(engine, detectors)
    blocks = np.array_split(mixture.sound, max(1, len(mixture.sound) // SAMPLE_RATE))
    for piece in split(blocks, _LONGEST_S, detectors):
        if len(piece.samples):
            voices.add(piece)
    return voices


def _diarised(clips: Sequence[Clip], engine: SpeakerEngine, detectors: Detectors) -> Iterator[Sequence[str]]:
    for name, people, overlapping, language in (
        ("two speakers, zh", 2, 0.0, "zh"),
        ("two speakers, en", 2, 0.0, "en"),
        ("two speakers, overlaps", 2, _OVERLAPPING, ""),
        ("three speakers", 3, 0.0, ""),
        ("one speaker", 1, 0.0, ""),
    ):
        chosen = [clip for clip in clips if language in ("", clip.language)]
        made = list(mixtures(chosen, people, overlapping))
        began_s = time.perf_counter()
        gathered = [heard(mixture, engine, detectors) for mixture in made]
        took_s = time.perf_counter() - began_s
        turns = [voices.turns(0) for voices in gathered]
        auto = [errors(mixture, found) for mixture, found in zip(made, turns, strict=True)]
        given = [errors(mixture, voices.turns(people)) for mixture, voices in zip(made, gathered, strict=True)]
        right = [len({turn.speaker for turn in found}) == people for found in turns]
        length_s = sum(len(mixture.sound) for mixture in made) / SAMPLE_RATE
        speech_s = sum(error.speech_s for error in auto)
        yield (
            name,
            str(len(made)),
            f"{length_s / 60:.0f}",
            percent(sum(error.rate * error.speech_s for error in auto) / speech_s),
            percent(sum(error.missed_s for error in auto) / speech_s),
            percent(sum(error.false_s for error in auto) / speech_s),
            percent(sum(error.confused_s for error in auto) / speech_s),
            percent(statistics.mean(right)),
            percent(sum(error.rate * error.speech_s for error in given) / speech_s),
            f"{length_s / took_s:.0f} × real time",
        )


if __name__ == "__main__":
    as_command(main)
