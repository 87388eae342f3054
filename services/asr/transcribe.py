"""From a recording to a transcript: decode, cut, recognise piece by piece, join.

With a journal (`journal.py`) the pieces that it has are taken from there, and the others are kept in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from huiyin.services.asr.journal import Journal
from huiyin.services.asr.planner import Plan, recognise_all
from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.asr.recogniser import Engine, Hints, Recognition, RecordingTranscript, Segment, join_segments
from huiyin.services.asr.signal.crosstalk import split_channels
from huiyin.services.asr.signal.detector import Detectors
from huiyin.services.asr.signal.pieces import SHORT_S, Piece, split
from huiyin.services.asr.speakers.diarisation import Voices
from huiyin.services.asr.speakers.embedding import SpeakerEngine
from huiyin.services.asr.speakers.labelling import in_turns, speaker_label, with_speakers
from huiyin.services.asr.text.hotwords import recognise_with_hotwords
from huiyin.services.common.audio import AudioReader, Samples
from huiyin.services.common.errors import ApiError
from huiyin.services.common.heap import trim_heap
from huiyin.services.common.two_channels import survey

_TRIM_EVERY_S = 120.0  # what each piece leaves behind makes holes between large buffers: they add up over hours
_SAME_S = 0.01  # positions nearer than this are one
_NO_SPEECH = Recognition(())

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """The transcript of one piece of a recording (times from the start of the recording), and how far it reaches."""

    segments: tuple[Segment, ...]
    position_s: float
    total_s: float | None
    """Length of the recording by its header, None when unknown."""


Step = Part | RecordingTranscript
Steps = Iterator[Step]
"""A Part for each piece, at the end the RecordingTranscript."""


@dataclass(frozen=True)
class Recogniser:
    """What transcribing needs: loaded once, shared by all requests."""

    engine: Engine
    queue: ModelQueue
    detectors: Detectors
    plan: Plan
    count: Callable[[int], object] = lambda pieces: None
    """Called with the number of pieces of each call."""
    careful: str = "long"
    """See the setting `asr.careful`."""
    speaker_engine: Callable[[], SpeakerEngine] | None = None
    """Tells voices apart; loaded by the first call, which may raise ApiError 503."""

    def decided(self, hints: Hints, caller: Caller) -> Hints:
        """`hints`; the service has decided how careful to be where the caller has not."""
        if hints.careful is not None:
            return hints
        return replace(hints, careful=self.careful == "always" or (self.careful == "long" and not caller.short))

    def recognise(self, pieces: Sequence[Samples], hints: Hints, caller: Caller, clock: Clock) -> list[Recognition]:
        """What is said in each piece, in the caller's turns. Raises ApiError and ClientLeft, see `transcribe`."""

        def call(batch: Sequence[Samples]) -> list[Recognition]:
            with self.queue.turn(caller), clock.running():
                recognitions = recognise_with_hotwords(self.engine, batch, hints)
            self.count(len(batch))
            return recognitions

        return recognise_all(call, pieces, self.plan)

    def voices(self, hints: Hints) -> Voices | None:
        """What gathers the voices of a recording; None unless speakers are asked for. Raises ApiError."""
        if hints.speakers is None or hints.speakers == "channels":
            return None
        assert self.speaker_engine
        return Voices(self.speaker_engine(), self.detectors)


def transcribe(
    recogniser: Recogniser, reader: AudioReader, hints: Hints, caller: Caller, journal: Journal | None = None
) -> Steps:
    """Yields a Part as each piece is done (without segments where it has no speech), at the end the transcript.

    Where `hints.speakers` asks for it, the transcript's segments name their speakers; a Part's do not yet, unless each
    has a channel.
    Raises ApiError: what `reader` raises; 422 `silent_audio` when every sample is zero, `channels_alike`; 429 when the
    model is busy, 503 when its memory is too small, 504 after the deadline, 507 when the journal cannot be written.
    ClientLeft as soon as that is noticed.
    """
    plan, voices = recogniser.plan, recogniser.voices(hints)
    clock, by_channel = Clock(journal.contents.busy_s if journal else 0.0), hints.speakers == "channels"
    if by_channel:
        with clock.running():
            own = _own_levels(reader, caller)
        reader = reader.again(apart=True)
    sound = _Sound(reader, caller)
    if by_channel:
        pieces = split_channels(sound, plan.piece_s, recogniser.detectors, own)
    else:
        pieces = split(sound, plan.piece_s, recogniser.detectors)
    segments: list[Segment] = []
    warnings: list[str] = []
    trimmed_s = 0.0

    for window in clock.timed(_windows(pieces, plan.window_s)):
        if not caller.accepted:
            caller.short = sound.ended and reader.decoded_s <= SHORT_S
            hints = recogniser.decided(hints, caller)
        audible = [piece for piece in window if piece.samples.any()]
        recognitions = {id(piece): taken for piece in audible if journal and (taken := journal.take(piece))}
        others = [piece for piece in audible if id(piece) not in recognitions]
        recognised = recogniser.recognise([piece.samples for piece in others], hints, caller, clock)
        for piece, recognition in zip(others, recognised, strict=True):
            if by_channel:
                recognition = _spoken_by(piece.channel, recognition)
            recognitions[id(piece)] = recognition
            if journal:
                journal.keep(piece, recognition, clock.busy_s, reader.expected_s)
        for piece in window:
            if voices and piece.samples.any():
                with recogniser.queue.turn(caller), clock.running():
                    voices.add(piece)
            recognition = recognitions.get(id(piece), _NO_SPEECH)
            new = tuple(segment.later(piece.start_s) for segment in recognition.segments)
            warnings += [warning for warning in recognition.warnings if warning not in warnings]
            segments += new
            caller.reached_s = max(caller.reached_s, piece.end_s)
            if not sound.silent:
                yield Part(new, caller.reached_s, reader.expected_s)
        if caller.reached_s - trimmed_s > _TRIM_EVERY_S:
            trimmed_s = caller.reached_s
            trim_heap()
    if sound.silent:
        raise ApiError(422, "asr.silent_audio")
    if reader.decoded_s - caller.reached_s > _SAME_S:
        yield Part((), reader.decoded_s, reader.expected_s)
    if voices:
        with clock.running():
            segments = list(with_speakers(segments, voices.turns(cast(int, hints.speakers))))
    elif by_channel:
        segments = in_turns(segments)
    transcript = join_segments(
        recogniser.engine.model, segments, reader.decoded_s, clock.busy_s, (*reader.warnings, *warnings)
    )
    if journal:
        journal.finish(transcript)
    yield transcript


def _own_levels(reader: AudioReader, caller: Caller) -> tuple[float, float]:
    """From which share of the other's power on what a channel holds is its own. Raises ApiError 422."""
    found = survey(_Sound(reader.again(apart=True), caller))
    if found.alike:
        raise ApiError(422, "asr.channels_alike")
    return found.own


def _spoken_by(channel: int, recognition: Recognition) -> Recognition:
    """The same, said by the person on that channel."""
    speaker = speaker_label(channel)
    return replace(recognition, segments=tuple(replace(segment, speaker=speaker) for segment in recognition.segments))


class _Sound:
    """A recording's blocks, until its caller leaves."""

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


class Clock:
    """Time spent on a request, without the wait for others."""

    def __init__(self, busy_s: float = 0.0) -> None:
        self.busy_s = busy_s

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.busy_s += time.perf_counter() - started

    def timed(self, items: Iterator[T]) -> Iterator[T]:
        """The same items; the time to make them counts."""
        while True:
            with self.running():
                item = next(items, None)
            if item is None:
                return
            yield item


def _windows(pieces: Iterator[Piece], window_s: float) -> Iterator[list[Piece]]:
    """The pieces in groups of about `window_s` seconds, at 0 one by one. A piece without sound ends its group."""
    window: list[Piece] = []
    for piece in pieces:
        window.append(piece)
        if not len(piece.samples) or sum(p.end_s - p.start_s for p in window) >= window_s:
            yield window
            window = []
    if window:
        yield window
