"""Transcripts made by hand: several emotions, events, languages, and text that looks like markup or a formula."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from huiyin.services.asr.recogniser import Emotion, RecordingTranscript, Segment, SoundEvent, Word, join_texts
from huiyin.services.asr.report.media import Waveform
from huiyin.services.common.audio import SAMPLE_RATE

MOODS = ("neutral", "angry", "happy", "sad", "surprised", "fearful", "disgusted", "unknown")
SAYINGS = {
    "zh": "您好，我上个星期买的路由器到现在还连不上网，你们到底什么时候能修好？",
    "yue": "唔该晒，我哋听日再倾啦。",
    "en": "I have been waiting for an hour, and nobody could tell me what is wrong with it.",
    "ja": "すみません、もう一度お願いします。",
    "ko": "네, 알겠습니다. 다시 한번 확인해 주세요.",
}


def feeling(label: str, confidence: float = 0.8) -> Emotion:
    """One emotion that wins with this probability; the rest goes to another."""
    other = "neutral" if label != "neutral" else "sad"
    return Emotion(label, confidence, {label: confidence, other: round(1 - confidence, 3)})


def segment(
    start_s: float,
    end_s: float,
    text: str,
    language: str = "en",
    emotion: Emotion | None = None,
    events: Sequence[str] = (),
    words: Sequence[Word] = (),
) -> Segment:
    """A segment; its events last from its beginning to its end."""
    sounds = tuple(SoundEvent(label, start_s, end_s, 0.6) for label in events)
    return Segment(start_s, end_s, text, language, 0.9, emotion, sounds, tuple(words))


def transcript(
    *segments: Segment, duration_s: float = 60.0, emotion: Emotion | None = None, warnings: tuple[str, ...] = ()
) -> RecordingTranscript:
    """A whole one. `emotion` is that of the recording; left out, the first segment's."""
    overall = emotion or next((s.emotion for s in segments if s.emotion), None)
    events = tuple(event for s in segments for event in s.events)
    text, language = join_texts(s.text for s in segments), segments[0].language if segments else ""
    confidence = 0.9 if segments else 0.0
    return RecordingTranscript(
        text, language, duration_s, 1.0, 0.1, "SenseVoiceSmall", confidence, overall, events, segments, warnings
    )


def conversation(count: int = 40, each_s: float = 6.0, first: str = "zh") -> RecordingTranscript:
    """`count` segments in five languages, every emotion, some events; it grows angry, then happy."""
    languages = [first, *(code for code in SAYINGS if code != first)]
    segments = []
    for i in range(count):
        language = languages[0] if i % 4 else languages[(i // 4) % 5]
        third = 3 * i // count
        mood = MOODS[third] if i % 3 else MOODS[i % len(MOODS)]
        events = ["laughter"] if i % 11 == 5 else ["music", "applause"] if i % 17 == 9 else []
        start_s = i * each_s
        emotion = feeling(mood, 0.45 + 0.5 * ((i * 7) % 10) / 10)
        segments.append(segment(start_s, start_s + 0.85 * each_s, SAYINGS[language], language, emotion, events))
    scores = {"neutral": 0.4, "angry": 0.3, "happy": 0.2, "sad": 0.1}
    return transcript(*segments, duration_s=count * each_s, emotion=Emotion("neutral", 0.4, scores))


def waveform_of(length_s: float, peaks: int = 1600) -> Waveform:
    """Noise in syllables and turns, in blocks of a second."""
    rng = np.random.default_rng(1)
    waveform = Waveform(peaks)
    for second in range(max(1, round(length_s))):
        loud = 0.5 * abs(np.sin(second / 3)) * np.abs(np.sin(np.arange(SAMPLE_RATE) / 900))
        waveform.add((rng.uniform(-1, 1, SAMPLE_RATE) * loud).astype(np.float32))
    return waveform


def spoken(text: str, start_s: float = 1.0, word_s: float = 0.3, gaps: dict[int, float] | None = None) -> list[Word]:
    """The text's words, one after the other; `gaps` are pauses before words, by number."""
    words, at_s = [], start_s
    for i, word in enumerate(text.split()):
        at_s += (gaps or {}).get(i, 0.0)
        words.append(Word(word, at_s, at_s + word_s))
        at_s += word_s
    return words
