"""The answers of the service's own address: the result, or a document made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from configs.settings import AsrSettings
from services.asr.asking import Ask
from services.asr.engine import Transcript
from services.asr.formats import SUBTITLES, as_csv
from services.asr.report.media import listen
from services.asr.report.page import PEAKS, report
from services.asr.transcribe import Part

_EMBED_UP_TO_S = 600.0  # unasked; ten minutes make a file of 3 MB, which any mail takes


def result(transcript: Transcript, ask: Ask, settings: AsrSettings) -> dict[str, Any]:
    """All that is known, with the subtitles and the waveform where they were asked for."""
    full = transcript.as_dict()
    if ask.subtitles:
        full["subtitles"] = SUBTITLES[ask.subtitles](transcript.segments, tags=ask.tags)
    if ask.peaks:
        waveform, _ = listen(ask.reader(settings), ask.peaks, 0.0)
        full["waveform"] = waveform.as_dict()
    return full


def document(transcript: Transcript, ask: Ask, settings: AsrSettings) -> Iterator[str]:
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


def events(steps: Iterable[Part | Transcript], ask: Ask, settings: AsrSettings) -> Iterator[dict[str, Any]]:
    """The result as it comes: "segments" for each part; then "document" for each piece of one, in order; "done"."""
    for step in steps:
        if isinstance(step, Part):
            segments = [segment.as_dict() for segment in step.segments]
            position_s = round(step.position_s, 3)
            yield {"type": "segments", "segments": segments, "position_s": position_s, "total_s": step.total_s}
            continue
        if ask.response_format != "json":
            for piece in document(step, ask, settings):
                yield {"type": "document", "text": piece}
        yield {"type": "done", "result": result(step, ask, settings)}
