"""A recording divided among its speakers, while it goes by.

The speech of each piece is cut into overlapping windows; a window's embedding says how its voice sounds. At the end
the windows are clustered, and each tenth of a second of speech goes to the speaker that the windows over it sound most
like. One person at a time: where two talk at once, one of them is named.

In memory: a vector a window, some 4 MB an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.signal.detector import Detectors
from huiyin.services.asr.signal.pieces import Piece
from huiyin.services.asr.speakers.clustering import centroids, speakers_of
from huiyin.services.asr.speakers.embedding import SHORTEST_S, Embeddings, SpeakerEngine
from huiyin.services.common.audio import SAMPLE_RATE, Samples

_WINDOW_S = 1.5  # shorter ones tell less of a voice, longer ones more often hold two
_STEP_S = 0.75  # between two windows
_TELLING_S = 1.0  # from this length on a window takes part in the clustering; shorter ones are only assigned
_BRIDGED_S = 0.3  # a pause up to here belongs to the speech around it
_FRAME_S = 0.1
_SHORTEST_TURN_S = 0.5  # within speech; what is shorter is a window's mistake
_LEAST_S = 3.0  # of speech in the whole recording: who has less is no speaker
_FLUSH_S = 0.2  # of zeros after a piece, which complete the detector's last frames


@dataclass(frozen=True)
class Turn:
    """Speech of one speaker without a pause. Times in seconds from the start of the recording."""

    start_s: float
    end_s: float
    speaker: int
    """From 0, in order of appearance."""


@dataclass(frozen=True)
class _Window:
    start_s: float
    end_s: float


class Voices:
    """Takes a recording's pieces in order."""

    def __init__(self, engine: SpeakerEngine, detectors: Detectors) -> None:
        self._engine, self._detectors = engine, detectors
        self._spans: list[tuple[float, float, int]] = []  # start, end, number of its first window
        self._windows: list[_Window] = []
        self._rows: list[Embeddings] = []

    def add(self, piece: Piece) -> None:
        """Embed the voices in `piece`. Takes some 30 ms of a core for a second of speech."""
        for start, end in speech_spans(piece.samples, self._detectors):
            places = list(_windows(end - start))
            self._spans.append((piece.start_s + start, piece.start_s + end, len(self._windows)))
            self._windows += [
                _Window(piece.start_s + start + begin, piece.start_s + start + stop) for begin, stop in places
            ]
            sounds = [piece.samples[_at(start + begin) : _at(start + stop)] for begin, stop in places]
            self._rows.append(self._engine.embed(sounds))

    def turns(self, count: int) -> list[Turn]:
        """Who spoke when, in order. `count`: of speakers; 0: as many as sound different."""
        if not self._windows:
            return []
        rows = np.concatenate(self._rows)
        lengths = np.array([window.end_s - window.start_s for window in self._windows])
        telling = lengths >= min(_TELLING_S, lengths.max())
        labels = speakers_of(rows[telling], np.minimum(lengths[telling], _STEP_S), count, _LEAST_S)
        likeness = rows @ centroids(rows[telling], labels).T
        turns = [turn for number in range(len(self._spans)) for turn in self._in_span(number, likeness)]
        names = {speaker: name for name, speaker in enumerate(dict.fromkeys(turn.speaker for turn in turns))}
        return [Turn(turn.start_s, turn.end_s, names[turn.speaker]) for turn in turns]

    def _in_span(self, number: int, likeness: npt.NDArray[np.floating]) -> Iterator[Turn]:
        """The turns within one span of speech."""
        start_s, end_s, first = self._spans[number]
        last = self._spans[number + 1][2] if number + 1 < len(self._spans) else len(self._windows)
        frames = max(1, round((end_s - start_s) / _FRAME_S))
        middles = start_s + (np.arange(frames) + 0.5) * (end_s - start_s) / frames
        scores = np.zeros((frames, likeness.shape[1]))
        for window, row in zip(self._windows[first:last], likeness[first:last], strict=True):
            middle, half = (window.start_s + window.end_s) / 2, (window.end_s - window.start_s) / 2
            # A window says most about its middle.
            weights = np.clip(1 - np.abs(middles - middle) / half, 1e-3, None)
            scores += weights[:, None] * row
        edges = np.linspace(start_s, end_s, frames + 1)
        shortest = max(1, round(_SHORTEST_TURN_S / _FRAME_S))
        for speaker, begin, stop in runs(scores.argmax(axis=1).tolist(), shortest):
            yield Turn(float(edges[begin]), float(edges[stop]), speaker)


def speech_spans(samples: Samples, detectors: Detectors) -> list[tuple[float, float]]:
    """(start, end) of the speech in `samples` (float32, mono 16 kHz), in seconds, each at least `SHORTEST_S` long."""
    detector = detectors()
    flush = np.zeros(round(_FLUSH_S * SAMPLE_RATE), np.float32)
    speech = detector.push(np.concatenate([samples, flush])) >= detector.threshold
    spans: list[tuple[float, float]] = []
    for is_speech, start, stop in runs(speech.tolist(), 1):
        if not is_speech:
            continue
        begin_s, end_s = start * detector.frame_s, min(stop * detector.frame_s, len(samples) / SAMPLE_RATE)
        if spans and begin_s - spans[-1][1] <= _BRIDGED_S:
            begin_s = spans.pop()[0]
        spans.append((begin_s, end_s))
    return [span for span in spans if span[1] - span[0] >= SHORTEST_S]


def runs(values: list[int], shortest: int) -> list[tuple[int, int, int]]:
    """(value, start, stop) of equal values in a row; those shorter than `shortest` belong to the run before them."""
    found: list[tuple[int, int, int]] = []
    start = 0
    for value, members in groupby(values):
        stop = start + len(list(members))
        if found and (value == found[-1][0] or stop - start < shortest):
            found[-1] = (found[-1][0], found[-1][1], stop)
        else:
            found.append((value, start, stop))
        start = stop
    if len(found) > 1 and found[0][2] - found[0][1] < shortest:
        found[:2] = [(found[1][0], 0, found[1][2])]
    return found


def _windows(length_s: float) -> Iterator[tuple[float, float]]:
    """(start, end) of windows over speech of so many seconds; the last ends where it does."""
    start = 0.0
    while start + _WINDOW_S < length_s:
        yield start, start + _WINDOW_S
        start += _STEP_S
    yield max(0.0, length_s - _WINDOW_S), length_s


def _at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
