"""From a recording to a transcript: decode, cut, recognise piece by piece, join."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from huiyin.services.asr.planner import Plan, recognise_all
from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.asr.recogniser import Emotion, Engine, Hints, Recognition, RecordingTranscript, Segment, join_texts
from huiyin.services.asr.signal.detector import Detectors
from huiyin.services.asr.signal.pieces import SHORT_S, Piece, split
from huiyin.services.asr.text.hotwords import recognise
from huiyin.services.common.audio import AudioReader, Samples
from huiyin.services.common.errors import ApiError
from huiyin.services.common.heap import trim_heap

_TIDY_EVERY_S = 120.0  # what is kept of each piece makes holes between large buffers: they add up over hours
_SAME_S = 0.01  # closer positions are one


@dataclass(frozen=True)
class Part:
    """What was heard in one piece of a recording (times from the start of the recording), and how far it goes."""

    segments: tuple[Segment, ...]
    position_s: float
    total_s: float | None
    """Length of the recording by its header, None when unknown."""


@dataclass(frozen=True)
class Recogniser:
    """What transcribing needs: loaded once, shared by all requests."""

    engine: Engine
    queue: ModelQueue
    detectors: Detectors
    plan: Plan
    count: Callable[[int], object] = lambda pieces: None
    """Told how many pieces a call had."""


def transcribe(
    recogniser: Recogniser, reader: AudioReader, hints: Hints, caller: Caller
) -> Iterator[Part | RecordingTranscript]:
    """Yields a Part as each piece is done (without segments where nobody spoke), at the end the Transcript.

    Raises ApiError: what `reader` raises; 422 `silent_audio` when every sample is zero; 429 when the model is busy,
    503 when its memory does not do, 504 after the deadline. ClientLeft as soon as that is noticed.
    """
    sound, clock, tidied_s = _Sound(reader, caller), _Clock(), 0.0
    engine, plan = recogniser.engine, recogniser.plan
    segments: list[Segment] = []
    warnings: list[str] = []

    def call(batch: Sequence[Samples]) -> list[Recognition]:
        with recogniser.queue.turn(caller), clock.running():
            recognitions = recognise(engine, batch, hints)
        recogniser.count(len(batch))
        return recognitions

    windows = _windows(split(sound, plan.piece_s, recogniser.detectors), plan.window_s)
    while True:
        with clock.running():
            window = next(windows, None)
        if window is None:
            break
        if not caller.accepted:
            caller.short = sound.ended and reader.decoded_s <= SHORT_S
        spoken = [piece for piece in window if piece.samples.any()]
        heard = dict(zip(map(id, spoken), recognise_all(call, [p.samples for p in spoken], plan), strict=True))
        for piece in window:
            recognition = heard.get(id(piece), Recognition(()))
            found = tuple(segment.later(piece.start_s) for segment in recognition.segments)
            warnings += [w for w in recognition.warnings if w not in warnings]
            segments += found
            caller.reached_s = piece.end_s
            if not sound.silent:
                yield Part(found, piece.end_s, reader.expected_s)
        if caller.reached_s - tidied_s > _TIDY_EVERY_S:
            tidied_s = caller.reached_s
            trim_heap()
    if sound.silent:
        raise ApiError(422, "asr.silent_audio")
    if reader.decoded_s - caller.reached_s > _SAME_S:
        yield Part((), reader.decoded_s, reader.expected_s)
    yield joined(engine.model, segments, reader.decoded_s, clock.busy_s, (*reader.warnings, *warnings))


class _Sound:
    """A recording's blocks, as long as somebody waits for the answer."""

    def __init__(self, reader: AudioReader, caller: Caller) -> None:
        self._reader, self._caller = reader, caller
        self.silent = True
        """Every sample so far was zero."""
        self.ended = False

    def __iter__(self) -> Iterator[Samples]:
        for block in self._reader:
            self._caller.check()
            self.silent = self.silent and not block.any()
            yield block
        self.ended = True


class _Clock:
    """Time spent on a request, without the wait for others."""

    def __init__(self) -> None:
        self.busy_s = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.busy_s += time.perf_counter() - started


def _windows(pieces: Iterator[Piece], window_s: float) -> Iterator[list[Piece]]:
    """The pieces in groups of about `window_s` seconds, at 0 one by one; news of silence is not held back."""
    window: list[Piece] = []
    for piece in pieces:
        window.append(piece)
        if not len(piece.samples) or sum(p.end_s - p.start_s for p in window) >= window_s:
            yield window
            window = []
    if window:
        yield window


def joined(
    model: str, segments: Sequence[Segment], duration_s: float, busy_s: float, warnings: tuple[str, ...]
) -> RecordingTranscript:
    """All segments of a recording as one transcript."""
    spoken_s = sum(_length(s) for s in segments) or 1.0
    return RecordingTranscript(
        text=join_texts(s.text for s in segments),
        language=_main_language(segments),
        duration_s=duration_s,
        processing_s=busy_s,
        rtf=busy_s / duration_s if duration_s else 0.0,
        model=model,
        confidence=sum(s.confidence * _length(s) for s in segments) / spoken_s,
        emotion=_overall_emotion(segments),
        events=tuple(event for s in segments for event in s.events),
        segments=tuple(segments),
        warnings=warnings,
    )


def _main_language(segments: Sequence[Segment]) -> str:
    """The language spoken longest."""
    seconds: dict[str, float] = {}
    for s in segments:
        seconds[s.language] = seconds.get(s.language, 0.0) + _length(s)
    return max(seconds, key=lambda code: seconds[code], default="")


def _overall_emotion(segments: Sequence[Segment]) -> Emotion | None:
    """Scores averaged over the seconds of speech that have any; None when no segment has."""
    felt = [(s.emotion, _length(s)) for s in segments if s.emotion]
    total_s = sum(length for _, length in felt)
    if not total_s:
        return None
    scores: dict[str, float] = {}
    for emotion, length in felt:
        for label, score in emotion.scores.items():
            scores[label] = scores.get(label, 0.0) + score * length / total_s
    label = max(scores, key=lambda name: scores[name])
    return Emotion(label, scores[label], scores)


def _length(segment: Segment) -> float:
    return max(segment.end_s - segment.start_s, 0.0)
