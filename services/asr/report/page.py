"""The report: one HTML file with everything in it, which makes no request.

All that comes from the recording is escaped, and a content security policy allows only the page's own script.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from huiyin.services.asr.recogniser import RecordingTranscript, Segment, SoundEvent, seconds_by_label
from huiyin.services.asr.report.labels import (
    EMOTIONS,
    emotion_word,
    event_word,
    in_plain_words,
    language_word,
    page_language,
    page_word,
    percent,
)
from huiyin.services.asr.report.media import Sound, Waveform
from huiyin.services.asr.report.track import EmotionSpan, emotion_track, shares

PEAKS = 1600  # points of the waveform: more than the plot has pixels on any screen

_HERE = Path(__file__).parent
_STYLE = (_HERE / "page.css").read_text(encoding="utf-8")
_SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_SCRIPT_HASH}'; style-src 'unsafe-inline'; media-src data:; img-src data:"
)

_WIDTH = 1000.0  # of the plot, in its own units
_LEAST_WIDTH = 1.5  # a narrower mark is not visible
_FAINTEST = 0.35  # the opacity at confidence 0
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 10
_WORTH_A_ROW = 0.005  # of the time or the probability: less would read 0 %


def report(
    transcript: RecordingTranscript, waveform: Waveform, title: str, sound: Sound | None = None
) -> Iterator[str]:
    """The page in pieces; the sound is never in memory as a whole. `title`: of the recording, or ''."""
    language = page_language(transcript.language)
    title = title or page_word("recording", language)
    yield (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
    )
    yield from _head(transcript, title, language)
    yield from _emotion(transcript, language)
    yield from _plot(transcript, waveform, language)
    if sound:
        yield f'<audio controls preload="metadata" src="data:{sound.content_type};base64,'
        yield from sound.as_base64()
        yield '"></audio>\n'
    yield "</section>\n"
    yield from _text(transcript, language)
    yield f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"


def _head(transcript: RecordingTranscript, title: str, language: str) -> Iterator[str]:
    spoken = seconds_by_label((segment.language, segment.length_s) for segment in transcript.segments)
    names = ("、" if language == "zh" else ", ").join(language_word(code, language) for code in spoken)
    facts = {"length": _clock(transcript.duration_s), "language": names, "recogniser": transcript.model}
    yield f'<header>\n<h1 dir="auto">{escape(title)}</h1>\n<dl class="facts">\n'
    for name, fact in facts.items():
        if fact:
            yield f"<div><dt>{page_word(name, language)}</dt><dd>{escape(fact)}</dd></div>\n"
    yield "</dl>\n</header>\n"
    if transcript.warnings:
        lines = "".join(f"<li>{escape(warning)}</li>" for warning in transcript.warnings)
        yield f'<ul class="warnings" lang="en">{lines}</ul>\n'


def _emotion(transcript: RecordingTranscript, language: str) -> Iterator[str]:
    """In plain words, then as a chart."""
    if not transcript.segments:
        return
    if transcript.emotion is None:
        yield f'<p class="hint">{page_word("no_emotion", language)} ({escape(transcript.model)}).</p>\n'
        return
    track = emotion_track(transcript.segments)
    share, score = shares(track), transcript.emotion.scores
    labels = sorted({*share, *score}, key=lambda label: (-share.get(label, 0.0), -score.get(label, 0.0)))
    yield f"<section>\n<h2>{page_word('emotion', language)}</h2>\n"
    yield f"<p>{escape(in_plain_words(track, language))}</p>\n<table>\n<thead><tr><th></th>"
    yield f'<th colspan="2">{page_word("share", language)}</th><th>{page_word("probability", language)}</th></tr>'
    yield "</thead>\n<tbody>\n"
    for label in labels:
        part, mean = share.get(label, 0.0), score.get(label)
        if max(part, mean or 0.0) < _WORTH_A_ROW:
            continue
        yield (
            f"<tr><th>{_dot(label)}{escape(emotion_word(label, language))}</th>"
            f'<td class="chart"><span class="bar {_colour(label)}" style="width:{part:.1%}"></span></td>'
            f"<td>{percent(part, language)}</td><td>{'' if mean is None else percent(mean, language)}</td></tr>\n"
        )
    yield f'</tbody>\n</table>\n<p class="hint">{page_word("estimate", language)}</p>\n</section>\n'


def _plot(transcript: RecordingTranscript, waveform: Waveform, language: str) -> Iterator[str]:
    """The waveform; below it a row for each emotion and each kind of sound, so that colour is never the only sign."""
    length_s = max(transcript.duration_s, 0.001)
    track = emotion_track(transcript.segments)
    numbers = [number for number, segment in enumerate(transcript.segments, 1) if segment.emotion]
    emotions = list(shares(track))
    sounds = list(dict.fromkeys(event.label for event in transcript.events))
    rows = 2 + len(emotions) + len(sounds)
    yield f"<section>\n<h2>{page_word('timeline', language)}</h2>\n"
    yield f'<div class="plot" data-length="{length_s:.3f}">\n'
    yield f'<span class="name">{page_word("waveform", language)}</span>\n<div class="lane wave" style="grid-row:1">'
    yield f'<svg viewBox="0 0 {_WIDTH:.0f} 2" preserveAspectRatio="none" aria-hidden="true">'
    yield f'<path d="{_outline(waveform, length_s)}"/></svg></div>\n'
    for row, label in enumerate(emotions, 2):
        name = escape(emotion_word(label, language))
        marks = [
            _link(number, _mark(span, f"{name} {percent(span.confidence, language)}", _colour(label), length_s))
            for number, span in zip(numbers, track, strict=True)
            if span.label == label
        ]
        yield _lane(row, _dot(label) + name, marks)
    for row, label in enumerate(sounds, 2 + len(emotions)):
        name = escape(event_word(label, language))
        marks = [
            _mark(event, f"{name} {percent(event.confidence, language)}", "sound", length_s)
            for event in transcript.events
            if event.label == label
        ]
        yield _lane(row, name, marks)
    yield f'<div class="axis" style="grid-row:{rows}" aria-hidden="true">'
    step_s = next((step for step in _TICKS_S if length_s / step <= _MOST_TICKS), _TICKS_S[-1])
    # The last one must fit on the page.
    ticks = range(0, max(1, math.ceil(0.95 * length_s)), step_s)
    yield "".join(f'<span style="left:{tick / length_s:.2%}">{_clock(tick)}</span>' for tick in ticks)
    yield f'</div>\n<div class="overlay" style="grid-row:1/span {rows - 1}"><i></i></div>\n</div>\n'


def _lane(row: int, name: str, marks: Sequence[str]) -> str:
    return (
        f'<span class="name" style="grid-row:{row}">{name}</span>\n<div class="lane" style="grid-row:{row}">'
        f'<svg viewBox="0 0 {_WIDTH:.0f} 1" preserveAspectRatio="none" role="img">{"".join(marks)}</svg></div>\n'
    )


def _mark(span: EmotionSpan | SoundEvent, name: str, colour: str, length_s: float) -> str:
    """A span of time as a rectangle."""
    x = _WIDTH * span.start_s / length_s
    width = max(_WIDTH * (span.end_s - span.start_s) / length_s, _LEAST_WIDTH)
    opacity = _FAINTEST + (1 - _FAINTEST) * span.confidence
    return (
        f'<rect class="{colour}" x="{x:.1f}" width="{width:.1f}" height="1" opacity="{opacity:.2f}">'
        f"<title>{_clock(span.start_s)} {name}</title></rect>"
    )


def _link(number: int, mark: str) -> str:
    """A mark that leads to the text of segment `number`."""
    return f'<a href="#s{number}" tabindex="-1">{mark}</a>'


def _outline(waveform: Waveform, length_s: float) -> str:
    """The waveform as a path around y = 1, mirrored; the loudest point fills the height."""
    peaks = waveform.peaks
    loudest = max(peaks, default=0.0) or 1.0
    per_peak = _WIDTH * waveform.step_s / length_s
    upper = [f"{min(i * per_peak, _WIDTH):.1f} {1 - peak / loudest:.2f}" for i, peak in enumerate(peaks)]
    lower = [f"{min(i * per_peak, _WIDTH):.1f} {1 + peak / loudest:.2f}" for i, peak in enumerate(peaks)]
    return f"M0 1L{' '.join(upper)} {' '.join(reversed(lower))}Z" if peaks else ""


def _text(transcript: RecordingTranscript, language: str) -> Iterator[str]:
    yield f"<section>\n<h2>{page_word('transcript', language)}</h2>\n"
    if not transcript.segments:
        yield f"<p>{page_word('no_speech', language)}</p>\n"
    yield "<ol>\n"
    for number, segment in enumerate(transcript.segments, 1):
        start_s = segment.start_s
        yield (
            f'<li id="s{number}" data-start="{start_s:.3f}"><a href="#s{number}">{_clock(start_s)}</a><div>'
            f'<p lang="{escape(segment.language)}" dir="auto">{escape(segment.text)}</p>'
        )
        if tags := "".join(_tags(segment, language)):
            yield f'<p class="tags">{tags}</p>'
        yield "</div></li>\n"
    yield "</ol>\n</section>\n"


def _tags(segment: Segment, language: str) -> Iterable[str]:
    if emotion := segment.emotion:
        name = escape(emotion_word(emotion.label, language))
        yield f"<span>{_dot(emotion.label)}{name} {percent(emotion.confidence, language)}</span>"
    for label in dict.fromkeys(event.label for event in segment.events):
        yield f"<span>[{escape(event_word(label, language))}]</span>"


def _dot(label: str) -> str:
    return f'<i class="dot {_colour(label)}"></i>'


def _colour(label: str) -> str:
    return label if label in EMOTIONS else "other"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"
