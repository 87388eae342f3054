"""The service's responses: the result, a document made of it, or events as it comes; and OpenAI's forms of these.

JSON is written piece by piece, too: ten hours have a hundred thousand words with times, 0.1 GB as Python's dicts.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response, jsonify, stream_with_context

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.http.request import Job
from huiyin.services.asr.recogniser import RecordingTranscript, join_texts
from huiyin.services.asr.report.media import waveform_and_sound
from huiyin.services.asr.report.page import PEAKS, report
from huiyin.services.asr.speakers.naming import with_names
from huiyin.services.asr.text.chapters import CHAPTERS
from huiyin.services.asr.text.clean import cleaned
from huiyin.services.asr.text.formats import DOCUMENTS, as_csv, as_diarized, as_verbose, diarized_segments, usage
from huiyin.services.asr.text.paragraphs import as_text
from huiyin.services.asr.text.phrases import as_table, mentions
from huiyin.services.asr.text.subtitles import SUBTITLES
from huiyin.services.asr.transcribe import Part, Steps
from huiyin.services.common.errors import ApiError
from huiyin.services.common.watch import ClientLeft

log = logging.getLogger(__name__)

_BLOCK_CHARS = 2**15
_EMBED_UP_TO_S = 600.0  # by default; ten minutes make a file of 3 MB, which any mail takes

Blocks = Iterable[str]
"""One text, in blocks."""


def result(transcript: RecordingTranscript, job: Job, settings: AsrSettings) -> Iterator[str]:
    """All that is known as JSON in blocks, with subtitles and waveform on request."""
    transcript = _wanted(transcript, job)
    fields = dataclasses.replace(transcript, segments=()).as_dict()
    if job.subtitles:
        fields["subtitles"] = SUBTITLES[job.subtitles](transcript.segments, tags=job.tags)
    if job.phrases:
        fields["phrases"] = [mention.as_dict() for mention in mentions(transcript.segments, job.phrases)]
    if job.peaks:
        waveform, _ = waveform_and_sound(job.reader(settings), job.peaks, 0.0)
        fields["waveform"] = waveform.as_dict()
    return _in_blocks(_object(fields, transcript))


def _wanted(transcript: RecordingTranscript, job: Job) -> RecordingTranscript:
    """The transcript as the caller wants to have it."""
    transcript = cleaned(transcript) if job.clean else transcript
    if job.speaker_names:
        transcript = dataclasses.replace(transcript, segments=with_names(transcript.segments, job.speaker_names))
    return transcript


def _object(fields: dict[str, Any], transcript: RecordingTranscript) -> Iterator[str]:
    """`fields` as a JSON object, with the segments of `transcript`."""
    before = "{"
    for name, value in fields.items():
        yield f"{before}{_json(name)}: "
        before = ", "
        if name == "segments":
            yield from _array(transcript)
        else:
            yield _json(value)
    yield "}"


def _array(transcript: RecordingTranscript) -> Iterator[str]:
    """The segments as a JSON array."""
    yield "["
    before = ""
    for segment in transcript.segments:
        yield before + _json(segment.as_dict())
        before = ", "
    yield "]"


def _in_blocks(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in fewer pieces, each worth a packet."""
    block: list[str] = []
    size = 0
    for piece in pieces:
        block.append(piece)
        size += len(piece)
        if size >= _BLOCK_CHARS:
            yield "".join(block)
            block, size = [], 0
    if block:
        yield "".join(block)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def document(transcript: RecordingTranscript, job: Job, settings: AsrSettings) -> Iterator[str]:
    """The transcript in any of `formats.DOCUMENTS` but JSON, in blocks."""
    transcript = _wanted(transcript, job)
    said = mentions(transcript.segments, job.phrases) if job.phrases else None
    if job.response_format == "html":
        embed_up_to_s = _EMBED_UP_TO_S
        if job.embed_audio is not None:
            embed_up_to_s = settings.max_duration_s if job.embed_audio else 0.0
        waveform, sound = waveform_and_sound(job.reader(settings), PEAKS, embed_up_to_s)
        return report(transcript, waveform, job.title, sound, said or ())
    if job.response_format == "csv":
        return iter([as_csv(transcript.segments, said)])
    if job.response_format in SUBTITLES:
        return iter([SUBTITLES[job.response_format](transcript.segments, tags=job.tags)])
    if job.response_format in CHAPTERS:
        return iter([CHAPTERS[job.response_format](transcript, said or ())])
    table = as_table(said or (), transcript.language)
    return iter([as_text(transcript.segments), f"\n{table}" if table else ""])


def response(transcript: RecordingTranscript, job: Job, settings: AsrSettings) -> Response:
    """The transcript in the job's format."""
    if job.response_format == "json":
        return Response(result(transcript, job, settings), content_type="application/json")
    content_type = f"{DOCUMENTS[job.response_format]}; charset=utf-8"
    return Response(document(transcript, job, settings), content_type=content_type)


def openai_response(transcript: RecordingTranscript, job: Job) -> Response:
    """The transcript as OpenAI's API sends it."""
    transcript = _wanted(transcript, job)
    if job.response_format == "verbose_json":
        task = "translate" if job.hints.translate else "transcribe"
        return jsonify(as_verbose(transcript, task, words=job.words))
    if job.response_format == "diarized_json":
        return jsonify(as_diarized(transcript))
    if job.response_format == "json":
        return jsonify(text=transcript.text, usage=usage(transcript))
    text = transcript.text + "\n"
    if job.response_format in SUBTITLES:
        text = SUBTITLES[job.response_format](transcript.segments)
    return Response(text, content_type=f"{DOCUMENTS[job.response_format]}; charset=utf-8")


def events(steps: Steps, job: Job, settings: AsrSettings, job_id: str = "") -> Iterator[Blocks]:
    """JSON objects: "segments" for each part; then "document" for each block of the document, in order; "done".

    `job_id`: of what is kept of it, named at the end; '': nothing is.
    """
    named = f'"job": {_json(job_id)}, ' if job_id else ""
    for step in steps:
        if isinstance(step, Part):
            segments = [segment.as_dict() for segment in with_names(step.segments, job.speaker_names)]
            position_s = round(step.position_s, 3)
            yield [_json({"type": "segments", "segments": segments, "position_s": position_s, "total_s": step.total_s})]
            continue
        if job.response_format != "json":
            for text in document(step, job, settings):
                yield [_json({"type": "document", "text": text})]
        yield itertools.chain([f'{{"type": "done", {named}"result": '], result(step, job, settings), ["}"])


def openai_events(steps: Steps, job: Job) -> Iterator[Blocks]:
    """JSON objects as OpenAI's API streams them: the text as it grows, the segments of its speakers, then all of it."""
    last = ""
    for step in steps:
        if isinstance(step, RecordingTranscript):
            if job.response_format == "diarized_json":
                yield from ([_json(segment)] for segment in diarized_segments(_wanted(step, job)))
            yield [_json({"type": "transcript.text.done", "text": step.text, "usage": usage(step)})]
            continue
        texts = [segment.text for segment in step.segments if segment.text]
        delta = join_texts([last, *texts])[len(last) :]
        last = texts[-1] if texts else last
        yield [_json({"type": "transcript.text.delta", "delta": delta})]


def event_stream(events: Iterator[Blocks]) -> Response:
    """Server-sent events. The first is made before the response begins, so that a bad recording is still a 4xx."""
    first = next(events)

    def lines() -> Iterator[str]:
        try:
            for event in itertools.chain([first], events):
                yield "data: "
                yield from event
                yield "\n\n"
        except ApiError as error:
            yield f"data: {_json(error.body())}\n\n"
        except ClientLeft:
            return
        except Exception:
            log.exception("unexpected error in a stream")
            yield f"data: {_json(ApiError(500, 'services.internal_error').body())}\n\n"

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(stream_with_context(lines()), content_type="text/event-stream; charset=utf-8", headers=headers)
