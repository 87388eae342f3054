"""The formats of a transcript, and two of them: a table, and OpenAI's verbose JSON."""

from __future__ import annotations

import csv
import io
import math
import re
import zlib
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from huiyin.services.asr.recogniser import RecordingTranscript, Segment
from huiyin.services.asr.text.phrases import Mention
from huiyin.services.common.reader_language import in_readers_words

FORMATS = ("json", "text", "srt", "vtt", "verbose_json", "diarized_json")
"""Response formats of OpenAI's address."""
DOCUMENTS = {
    "json": "application/json",
    "text": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "csv": "text/csv",
    "html": "text/html",
    "chapters": "text/vtt",
    "ffmetadata": "text/plain",
}
"""Formats of the service's own address -> content type."""

# Fields that strict clients need and only Whisper's own decoder could fill.
_PLACEHOLDERS: dict[str, Any] = {"seek": 0, "tokens": [], "temperature": 0.0, "no_speech_prob": 0.0}
_LEAST_PROBABILITY = 1e-6
_LABEL = re.compile(r"S([1-9]\d*)")  # of a speaker without a name
_BOM = "\ufeff"  # without it Excel takes UTF-8 for the local code page
# A cell that begins like this is a formula to a spreadsheet, and can send data elsewhere (OWASP, "CSV Injection"). The
# wide forms count where Chinese or Japanese is set.
_FORMULA = tuple("=+-@＝＋－＠\t\r")


def as_csv(segments: Sequence[Segment], said: Sequence[Mention] | None = None) -> str:
    """A row a segment, for Excel and other spreadsheets: UTF-8 with a byte order mark.

    An apostrophe is put before a cell that a spreadsheet would take for a formula. Scores have a column for each
    emotion that any segment has one for; `said`, key phrases, one where somebody asks for them.
    """
    labels = list(dict.fromkeys(label for s in segments if s.emotion for label in s.emotion.scores))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    head = ["start_s", "end_s", "text", "language", "confidence", "emotion", "emotion_confidence"]
    phrases = [] if said is None else ["phrases"]
    speakers = ["speaker"] if any(s.speaker for s in segments) else []
    writer.writerow([*head, *(_cell(f"emotion_{label}") for label in labels), "events", *speakers, *phrases])
    for number, s in enumerate(segments):
        emotion = [s.emotion.label, _number(s.emotion.confidence)] if s.emotion else ["", ""]
        scores = s.emotion.scores if s.emotion else {}
        row = [_number(s.start_s), _number(s.end_s), s.text, s.language, _number(s.confidence), *emotion]
        row += [_number(scores[label]) if label in scores else "" for label in labels]
        row += ["; ".join(event.label for event in s.events), *(s.speaker or "" for _ in speakers)]
        if said is not None:
            row.append("; ".join(f"{one.group}: {one.text}" for one in said if one.segment == number))
        writer.writerow([_cell(value) for value in row])
    return _BOM + table.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.lstrip(" \n\u3000").startswith(_FORMULA) else text


def _number(value: float) -> str:
    return f"{value:.3f}"


def as_verbose(transcript: RecordingTranscript, task: str = "transcribe", *, words: bool = False) -> dict[str, Any]:
    """OpenAI's ``verbose_json`` with this service's own fields; `words`: with the times of single words."""
    full = transcript.as_dict()
    segments = [
        {
            "id": i,
            "start": segment["start_s"],
            "end": segment["end_s"],
            "avg_logprob": round(math.log(max(segment["confidence"], _LEAST_PROBABILITY)), 3),
            "compression_ratio": round(compression_ratio(segment["text"]), 3),
            **_PLACEHOLDERS,
            **{key: segment[key] for key in ("text", "language", "confidence", "emotion", "events")},
            **({"speaker": segment["speaker"]} if segment["speaker"] else {}),
        }
        for i, segment in enumerate(full["segments"])
    ]
    extra = {key: full[key] for key in ("processing_s", "rtf", "model", "confidence", "emotion", "events", "warnings")}
    timed = [word for segment in full["segments"] for word in segment["words"]]
    if words and timed:
        extra["words"] = [{"word": w["text"], "start": w["start_s"], "end": w["end_s"]} for w in timed]
    elif words and segments:
        extra["warnings"] = [*extra["warnings"], in_readers_words("asr.no_word_times")]
    return {
        "task": task,
        "language": full["language"],
        "duration": full["duration_s"],
        "text": full["text"],
        "segments": segments,
        "usage": usage(transcript),
        **extra,
    }


def as_diarized(transcript: RecordingTranscript) -> dict[str, Any]:
    """OpenAI's ``diarized_json``."""
    return {
        "task": "transcribe",
        "duration": round(transcript.duration_s, 3),
        "text": transcript.text,
        "segments": diarized_segments(transcript),
        "usage": usage(transcript),
    }


def diarized_segments(transcript: RecordingTranscript) -> list[dict[str, Any]]:
    """The segments as OpenAI's API has them where it names speakers: A, B, ... unless they have names."""
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number}",
            "start": round(segment.start_s, 3),
            "end": round(segment.end_s, 3),
            "text": segment.text,
            "speaker": _letter(segment.speaker or "S1"),
        }
        for number, segment in enumerate(transcript.segments)
    ]


def _letter(speaker: str) -> str:
    """A for S1, Z for S26, AA for S27; a name stays."""
    if not (match := _LABEL.fullmatch(speaker)):
        return speaker
    letters, number = "", int(match[1])
    while number:
        number, letter = divmod(number - 1, len(ascii_uppercase))
        letters = ascii_uppercase[letter] + letters
    return letters


def compression_ratio(text: str) -> float:
    """How much zlib shortens `text`: above 2 it repeats itself; 0 for an empty text."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def usage(transcript: RecordingTranscript) -> dict[str, Any]:
    """The basis of OpenAI's bills, which its SDK expects."""
    return {"type": "duration", "seconds": round(transcript.duration_s, 3)}
