"""The report: one HTML file with everything in it, which makes no request.

All that comes from the recording is escaped, and a content security policy allows only the page's own script.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from huiyin.services.asr.recogniser import RecordingTranscript, SoundEvent, seconds_by_label
from huiyin.services.asr.report import labels
from huiyin.services.asr.report.media import Sound, Waveform
from huiyin.services.asr.report.track import EmotionSpan, emotion_track, shares
from huiyin.services.asr.text.phrases import Mention, marked
from huiyin.services.common import reader_language
from huiyin.services.common.one_file_page import page_template

PEAKS = 1600  # points of the waveform: more than the plot has pixels on any screen

_PAGE = page_template(Path(__file__).parent, more_policy="media-src data:")
_BUFFERED = 200  # parts of the page in one piece

_WIDTH = 1000.0  # of the plot, in its own units
_LEAST_WIDTH = 1.5  # a narrower mark is not visible
_FAINTEST = 0.35  # the opacity at confidence 0
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 10
_WORTH_A_ROW = 0.005  # of the time or the probability: less would read 0 %


def report(
    transcript: RecordingTranscript,
    waveform: Waveform,
    title: str,
    sound: Sound | None = None,
    said: Sequence[Mention] = (),
) -> Iterator[str]:
    """The page in pieces; the sound is never in memory as a whole. `title`: of the recording, or ''; `said`: its key
    phrases. Its words are Chinese for who reads Chinese, or where the recording is Chinese; else English."""
    language = "zh" if reader_language.current() == "zh" else labels.page_language(transcript.language)
    spoken = seconds_by_label((segment.language, segment.length_s) for segment in transcript.segments)
    names = ("、" if language == "zh" else ", ").join(labels.language_word(code, language) for code in spoken)
    length_s = max(transcript.duration_s, 0.001)
    track = emotion_track(transcript.segments)
    share, score = shares(track), transcript.emotion.scores if transcript.emotion else {}
    chart = [(label, share.get(label, 0.0), score.get(label)) for label in {**share, **score}]
    numbers = [number for number, segment in enumerate(transcript.segments, 1) if segment.emotion]
    numbered = list(zip(numbers, track, strict=True))
    sounds = dict.fromkeys(event.label for event in transcript.events)
    step_s = next((step for step in _TICKS_S if length_s / step <= _MOST_TICKS), _TICKS_S[-1])

    by_segment: defaultdict[int, list[Mention]] = defaultdict(list)
    for mention in said:
        by_segment[mention.segment].append(mention)

    def breadth(span: EmotionSpan | SoundEvent) -> float:
        return max(_WIDTH * (span.end_s - span.start_s) / length_s, _LEAST_WIDTH)

    page = _PAGE.stream(
        transcript=transcript,
        title=title or labels.page_word("recording", language),
        sound=sound,
        language=language,
        facts={"length": labels.clock(transcript.duration_s), "language": names, "recogniser": transcript.model},
        plain_words=labels.in_plain_words(track, language),
        chart=[
            (label, part, mean)
            for label, part, mean in sorted(chart, key=lambda row: (-row[1], -(row[2] or 0.0), row[0]))
            if max(part, mean or 0.0) >= _WORTH_A_ROW
        ],
        emotions={label: [(n, span) for n, span in numbered if span.label == label] for label in share},
        sounds={label: [event for event in transcript.events if event.label == label] for label in sounds},
        said=said,
        marked=lambda number, text: marked(text, by_segment[number]),
        phrase=lambda group: labels.phrase_word(group, language),
        length_s=length_s,
        width=_WIDTH,
        outline=_outline(waveform, length_s),
        ticks=range(0, max(1, math.ceil(0.95 * length_s)), step_s),  # the last one must fit on the page
        x=lambda span: _WIDTH * span.start_s / length_s,
        breadth=breadth,
        opacity=lambda span: _FAINTEST + (1 - _FAINTEST) * span.confidence,
        word=lambda name: labels.page_word(name, language),
        emotion=lambda label: labels.emotion_word(label, language),
        event=lambda label: labels.event_word(label, language),
        percent=lambda share: labels.percent(share, language),
        colour=lambda label: label if label in labels.EMOTIONS else "other",
        clock=labels.clock,
    )
    page.enable_buffering(_BUFFERED)
    return page


def _outline(waveform: Waveform, length_s: float) -> str:
    """The waveform as a path around y = 1, mirrored; the loudest point fills the height."""
    peaks = waveform.peaks
    loudest = max(peaks, default=0.0) or 1.0
    per_peak = _WIDTH * waveform.step_s / length_s
    upper = [f"{min(i * per_peak, _WIDTH):.1f} {1 - peak / loudest:.2f}" for i, peak in enumerate(peaks)]
    lower = [f"{min(i * per_peak, _WIDTH):.1f} {1 + peak / loudest:.2f}" for i, peak in enumerate(peaks)]
    return f"M0 1L{' '.join(upper)} {' '.join(reversed(lower))}Z" if peaks else ""
