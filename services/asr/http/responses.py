"""The answers of the service's own address: the result, or a document made of it.

JSON is written piece by piece, too: ten hours have a hundred thousand words with times, 0.1 GB as Python's dicts.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.http.request import Ask
from huiyin.services.asr.recogniser import RecordingTranscript
from huiyin.services.asr.report.media import listen
from huiyin.services.asr.report.page import PEAKS, report
from huiyin.services.asr.text.formats import SUBTITLES, as_csv
from huiyin.services.asr.transcribe import Part

_BLOCK_CHARS = 2**15
_EMBED_UP_TO_S = 600.0  # unasked; ten minutes make a file of 3 MB, which any mail takes


def result(transcript: RecordingTranscript, ask: Ask, settings: AsrSettings) -> Iterator[str]:
    """All that is known as JSON, with the subtitles and the waveform where they were asked for; in blocks."""
    fields = dataclasses.replace(transcript, segments=()).as_dict()
    if ask.subtitles:
        fields["subtitles"] = SUBTITLES[ask.subtitles](transcript.segments, tags=ask.tags)
    if ask.peaks:
        waveform, _ = listen(ask.reader(settings), ask.peaks, 0.0)
        fields["waveform"] = waveform.as_dict()
    return _in_blocks(_object(fields, transcript))


def _object(fields: dict[str, Any], transcript: RecordingTranscript) -> Iterator[str]:
    for n, (name, value) in enumerate(fields.items()):
        yield f"{', ' if n else '{'}{_json(name)}: "
        if name != "segments":
            yield _json(value)
            continue
        for i, segment in enumerate(transcript.segments):
            yield (", " if i else "[") + _json(segment.as_dict())
        yield "]" if transcript.segments else "[]"
    yield "}"


def _in_blocks(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in fewer pieces, each worth a packet."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK_CHARS:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def document(transcript: RecordingTranscript, ask: Ask, settings: AsrSettings) -> Iterator[str]:
    """The transcript in any of `formats.DOCUMENTS` but JSON, piece by piece."""
    if ask.response_format == "html":
        embed_up_to_s = {None: _EMBED_UP_TO_S, True: settings.max_duration_s, False: 0.0}[ask.embed_audio]
        waveform, sound = listen(ask.reader(settings), PEAKS, embed_up_to_s)
        return report(transcript, waveform, ask.title, sound)
    if ask.response_format == "csv":
        return iter([as_csv(transcript.segments)])
    if ask.response_format in SUBTITLES:
        return iter([SUBTITLES[ask.response_format](transcript.segments, tags=ask.tags)])
    return iter([transcript.text + "\n"])


def events(steps: Iterable[Part | RecordingTranscript], ask: Ask, settings: AsrSettings) -> Iterator[Iterable[str]]:
    """The result as it comes: "segments" for each part; then "document" for each piece of one, in order; "done".

    Each is a JSON object in blocks.
    """
    for step in steps:
        if isinstance(step, Part):
            segments = [segment.as_dict() for segment in step.segments]
            position_s = round(step.position_s, 3)
            yield [_json({"type": "segments", "segments": segments, "position_s": position_s, "total_s": step.total_s})]
            continue
        if ask.response_format != "json":
            for piece in document(step, ask, settings):
                yield [_json({"type": "document", "text": piece})]
        yield _done(result(step, ask, settings))


def _done(blocks: Iterator[str]) -> Iterator[str]:
    yield '{"type": "done", "result": '
    yield from blocks
    yield "}"
