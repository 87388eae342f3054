"""What has been recognised of a recording, kept on disk piece by piece as it comes.

A recording is always cut at the same places. So a service that transcribes it again, after a crash or on another
machine that has the file, takes the pieces that are kept from here, recognises the others, and has the transcript of an
undisturbed run; at most the piece in hand is lost.

The file has JSON lines: whose pieces these are, then one for each piece, at the end the segments of the whole, and what
there is to say of it. Each is on the disk before the next piece is recognised. What a power cut leaves of a line is cut
off. The last line says how far it has come: `peek` reads no more of hours of speech.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from huiyin.services.asr.recogniser import (
    Emotion,
    Recognition,
    RecordingTranscript,
    Segment,
    SoundEvent,
    Word,
    join_segments,
    join_texts,
)
from huiyin.services.asr.signal.pieces import Piece
from huiyin.services.common.audio import SAMPLE_RATE
from huiyin.services.common.errors import ApiError

_VERSION = 2
_BLOCK_BYTES = 2**16  # read at once from the end: longer than the line of a piece
_Place = tuple[int, int, int]  # of a piece in its recording: its first sample, how many, and its channel


@dataclass
class Contents:
    """What is in a journal."""

    model: str = ""
    pieces: dict[_Place, Recognition] = field(default_factory=dict)
    """In the order in which they were recognised."""
    busy_s: float = 0.0
    """Time it took."""
    total_s: float | None = None
    """Length of the recording: by its header, at the end as it is."""
    final: list[Mapping[str, Any]] = field(default_factory=list)
    """The segments of the whole, which may say more than those of the pieces."""
    whole: dict[str, Any] | None = None
    """What there is to say of the whole, without its text, for JSON; None before its end."""

    @property
    def position_s(self) -> float:
        """Up to where it reaches."""
        return max(((start + count) / SAMPLE_RATE for start, count, _ in self.pieces), default=0.0)

    @property
    def segments(self) -> Iterator[Segment]:
        """In order, with times from the start of the recording."""
        for (start, *_), recognition in sorted(self.pieces.items(), key=lambda piece: piece[0]):
            yield from (segment.later(start / SAMPLE_RATE) for segment in recognition.segments)

    @property
    def text(self) -> str:
        """So far."""
        return join_texts(segment.text for segment in self.segments)

    @property
    def transcript(self) -> RecordingTranscript | None:
        """Of the whole; None before its end."""
        if self.whole is None:
            return None
        segments, warnings = [_segment(fields) for fields in self.final], tuple(self.whole["warnings"])
        return join_segments(self.model, segments, self.total_s or 0.0, self.busy_s, warnings)


def read(path: Path) -> Contents:
    """What is in the journal at `path`, which need not be there. Raises OSError."""
    try:
        with path.open("rb") as file:
            return _read(file)[1]
    except FileNotFoundError:
        return Contents()


def peek(path: Path) -> Contents:
    """The same, of the pieces the last alone, and no segments of the whole: the length of the journal costs nothing."""
    try:
        with path.open("rb") as file:
            return _read([file.readline(), _last_line(file)])[1]
    except FileNotFoundError:
        return Contents()


class Journal:
    """A journal to go on with: a context. One at a time has it open (`jobs.py`)."""

    def __init__(self, path: Path, recogniser: Mapping[str, object], model: str) -> None:
        """Read what is at `path`; begun anew where another `recogniser` has written it.

        Raises OSError. ApiError 507 `journal_not_written`, from `keep` and `finish`, too.
        """
        self._file = path.open("ab+")
        self._file.seek(0)
        end, self.contents = _read(self._file, recogniser)
        self._file.truncate(end)
        if not end:
            self.contents = Contents(model)
            self._write({"version": _VERSION, "recogniser": recogniser, "model": model})

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def take(self, piece: Piece) -> Recognition | None:
        """What was recognised in it; None where it was not. Frees its memory."""
        return self.contents.pieces.pop(_place(piece), None)

    def keep(self, piece: Piece, recognition: Recognition, busy_s: float, total_s: float | None) -> None:
        """Keep what was just recognised. `busy_s`: time it took so far, all pieces together."""
        start, count, channel = _place(piece)
        place = {"start": start, "samples": count, **({"channel": channel} if channel else {})}
        self._write({**place, **dataclasses.asdict(recognition), "busy_s": busy_s, "total_s": total_s})

    def finish(self, transcript: RecordingTranscript) -> None:
        """All of it is there."""
        self._write({"segments": [dataclasses.asdict(segment) for segment in transcript.segments]})
        whole = dataclasses.replace(transcript, text="", segments=(), events=()).as_dict()
        for name in ("text", "segments", "events", "cached"):
            del whole[name]
        self._write({"whole": whole, "busy_s": transcript.processing_s, "total_s": transcript.duration_s})

    def _write(self, line: Mapping[str, object]) -> None:
        try:
            self._file.write(json.dumps(line, ensure_ascii=False).encode(errors="replace") + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ApiError(507, "asr.journal_not_written", path=self._file.name, why=error.strerror) from error


def _place(piece: Piece) -> _Place:
    return piece.start, len(piece.samples), piece.channel


def _last_line(file: BinaryIO) -> bytes:
    """The last whole line after the place where `file` stands; b"" without one."""
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    tail = b""
    while end > start:
        begin = max(start, end - _BLOCK_BYTES)
        file.seek(begin)
        tail, end = file.read(end - begin) + tail, begin
        whole = tail[: tail.rfind(b"\n") + 1]
        before = whole.rfind(b"\n", 0, -1)
        if before >= 0 or end == start:
            return whole[before + 1 :]
    return b""


def _read(lines: Iterable[bytes], recogniser: Mapping[str, object] | None = None) -> tuple[int, Contents]:
    """(where the last whole line ends, what is in them); (0, nothing) for a journal of another `recogniser`."""
    contents, end = Contents(), 0
    for data in lines:
        try:
            line = json.loads(data) if data.endswith(b"\n") else None
        except ValueError:
            line = None
        if line is None:
            break
        if not end and (line.get("version") != _VERSION or recogniser not in (None, line.get("recogniser"))):
            break
        end += len(data)
        contents.model = line.get("model", contents.model)
        contents.busy_s = line.get("busy_s", contents.busy_s)
        contents.total_s = line.get("total_s", contents.total_s)
        contents.whole = line.get("whole")
        if "start" in line:
            contents.pieces[line["start"], line["samples"], line.get("channel", 0)] = _recognition(line)
        else:
            contents.final = line.get("segments", contents.final)
    return end, contents


def _recognition(line: Mapping[str, Any]) -> Recognition:
    return Recognition(tuple(_segment(segment) for segment in line["segments"]), tuple(line["warnings"]))


def _segment(fields: Mapping[str, Any]) -> Segment:
    return Segment(
        **{
            **fields,
            "emotion": Emotion(**fields["emotion"]) if fields["emotion"] else None,
            "events": tuple(SoundEvent(**event) for event in fields["events"]),
            "words": tuple(Word(**word) for word in fields["words"]),
        }
    )
