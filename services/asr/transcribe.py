"""From a recording to a transcript: decode, cut, recognise piece by piece, join."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.asr.engine import Emotion, Engine, Hints, Segment, Transcript, join_texts
from services.asr.pieces import split
from services.asr.queue import ModelQueue
from services.common.audio import SAMPLE_RATE, AudioReader
from services.common.errors import ApiError


@dataclass(frozen=True)
class Part:
    """What was heard in one piece of a recording (times from the start of the recording), and how far it goes."""

    segments: tuple[Segment, ...]
    position_s: float
    total_s: float | None
    """Length of the recording by its header, None when unknown."""


def transcribe(engine: Engine, queue: ModelQueue, reader: AudioReader, hints: Hints) -> Iterator[Part | Transcript]:
    """Yields a Part as each piece is done, at the end the Transcript.

    Raises ApiError: what `reader` raises; 422 `silent_audio` when every sample is zero; 429 when the model is busy.
    """
    segments: list[Segment] = []
    warnings: list[str] = []
    busy_s, silent, accepted = 0.0, True, False
    pieces = split(reader, engine.max_piece_s)
    while True:
        started = time.perf_counter()
        piece = next(pieces, None)
        busy_s += time.perf_counter() - started
        if piece is None:
            break
        start_s, samples = piece
        heard: tuple[Segment, ...] = ()
        if samples.any():
            silent = False
            with queue.turn(accepted=accepted):
                accepted = True
                started = time.perf_counter()
                (recognition,) = engine.recognise([samples], hints)
                busy_s += time.perf_counter() - started
            heard = tuple(segment.later(start_s) for segment in recognition.segments)
            warnings += [w for w in recognition.warnings if w not in warnings]
            segments += heard
        if not silent:
            yield Part(heard, start_s + len(samples) / SAMPLE_RATE, reader.expected_s)
    if silent:
        raise ApiError(
            422,
            "silent_audio",
            "the recording is perfectly silent: every sample is zero",
            "the microphone is muted, or the program that recorded may not use it; `huiyin doctor` looks",
        )
    yield _joined(engine.model, segments, reader.decoded_s, busy_s, (*reader.warnings, *warnings))


def _joined(
    model: str, segments: Sequence[Segment], duration_s: float, busy_s: float, warnings: tuple[str, ...]
) -> Transcript:
    spoken_s = sum(_length(s) for s in segments) or 1.0
    return Transcript(
        text=join_texts(s.text for s in segments),
        language=_main_language(segments),
        duration_s=duration_s,
        processing_s=busy_s,
        rtf=busy_s / duration_s,
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
