"""From the network's frames to segments: text without tags, times of words, emotion and events."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from sentencepiece import SentencePieceProcessor

from huiyin.services.asr.recogniser import Emotion, Segment, SoundEvent, Word
from huiyin.services.asr.sensevoice.features import FRAME_S
from huiyin.services.asr.sensevoice.tags import Answers, TagTokens
from huiyin.services.common.text import UNSPACED

_BLANK = 0
_LEAD_S = FRAME_S / 2  # a token comes about half a frame after its sound (FunASR's own correction)
_LINGER_S = 0.3  # CTC marks where a token begins; it sounds until the next, or for a syllable
_EVENT_REPORTED = 0.3  # probability from which on an event is in the result
_UNSPACED = re.compile(f"[{UNSPACED}]")
_SPACE = "\u2581"  # SentencePiece's mark of a word's beginning


@dataclass(frozen=True)
class _Token:
    number: int
    start_s: float
    end_s: float
    probability: float


@dataclass
class _Run:
    """Tokens under the same tags."""

    language: str
    emotion: Emotion
    tokens: list[_Token] = field(default_factory=list)
    events: list[SoundEvent] = field(default_factory=list)


class Decoder:
    """Greedy CTC decoding with one vocabulary. Safe from several threads at once."""

    def __init__(self, vocabulary: SentencePieceProcessor) -> None:
        """Raises ModelFolderError when it is not SenseVoice's."""
        self._vocabulary = vocabulary
        # Words share these strings: hours of words need no copies.
        self._pieces = [vocabulary.id_to_piece(i) for i in range(vocabulary.get_piece_size())]
        self._texts = [piece.lstrip(_SPACE) for piece in self._pieces]
        self.tags = TagTokens(vocabulary.piece_to_id, vocabulary.get_piece_size())

    def segments(
        self,
        frames: npt.NDArray[np.int64],
        probabilities: npt.NDArray[np.float32],
        answers: Answers,
        length_s: float,
    ) -> tuple[Segment, ...]:
        """What was said in a piece of `length_s` seconds; one segment unless its tags change inside it.

        `frames`: (T,) the likeliest token of each 60 ms; `probabilities`: (T,) of each of them. A piece without words
        gives a segment without text when it has an event, else no segment.
        """
        runs = self._runs(self._tokens(frames, probabilities, length_s), answers, length_s)
        segments = [self._segment(run, length_s) for run in runs if run.tokens]
        start_s, end_s = (segments[0].start_s, segments[-1].end_s) if segments else (0.0, length_s)
        events = [
            SoundEvent(label, start_s, end_s, share)
            for label, share in answers.events.items()
            if share >= _EVENT_REPORTED
        ]
        events += [event for run in runs if not run.tokens for event in run.events]
        if segments:
            segments[0] = replace(segments[0], events=(*events, *segments[0].events))
        elif events:
            segments = [Segment(0.0, length_s, "", "", 0.0, None, tuple(events))]
        return tuple(segments)

    def _tokens(
        self, frames: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], length_s: float
    ) -> list[_Token]:
        """Repeats joined, blanks left out; each token lasts until the next one or a syllable's length."""
        first = np.flatnonzero(np.diff(frames, prepend=-1)).tolist()
        spans = [(a, b) for a, b in itertools.pairwise([*first, len(frames)]) if frames[a] != _BLANK]
        starts_s = [max(a * FRAME_S - _LEAD_S, 0.0) for a, _ in spans]
        tokens = []
        for (a, b), start_s, next_s in zip(spans, starts_s, (*starts_s, length_s)[1:], strict=True):
            end_s = min(max(b * FRAME_S - _LEAD_S, start_s) + _LINGER_S, next_s, length_s)
            tokens.append(_Token(int(frames[a]), min(start_s, length_s), end_s, float(probabilities[a:b].max())))
        return tokens

    def _runs(self, tokens: Sequence[_Token], answers: Answers, length_s: float) -> list[_Run]:
        """Tokens without the tags among them. A language or emotion inside the text holds for what follows it."""
        tags = self.tags
        runs = [_Run(answers.language, answers.emotion)]
        open_events: dict[str, _Token] = {}
        for token in tokens:
            number, run = token.number, runs[-1]
            if not tags.is_tag(number):
                run.tokens.append(token)
            elif number in tags.event_ends:
                label = tags.event_ends[number]
                if label in open_events:
                    begin = open_events.pop(label)
                    run.events.append(SoundEvent(label, begin.start_s, token.start_s, begin.probability))
            elif number in tags.event_of:
                label = tags.event_of[number]
                if number + 1 in tags.event_ends:
                    open_events.setdefault(label, token)
                else:
                    run.events.append(SoundEvent(label, token.start_s, token.end_s, token.probability))
            elif number in tags.language_of:
                _retag(runs, tags.language_of[number], run.emotion)
            elif number in tags.emotion_of:
                label = tags.emotion_of[number]
                _retag(runs, run.language, Emotion(label, token.probability, {label: token.probability}))
        for label, begin in open_events.items():  # without an end tag: they last to the end
            runs[-1].events.append(SoundEvent(label, begin.start_s, length_s, begin.probability))
        return runs

    def _segment(self, run: _Run, length_s: float) -> Segment:
        tokens = run.tokens
        return Segment(
            start_s=tokens[0].start_s,
            end_s=min(tokens[-1].end_s, length_s),
            text=self._vocabulary.decode([token.number for token in tokens]).strip(),
            language=run.language,
            confidence=float(np.mean([token.probability for token in tokens])),
            emotion=run.emotion,
            events=tuple(run.events),
            words=tuple(self._words(tokens)),
        )

    def _words(self, tokens: Sequence[_Token]) -> list[Word]:
        """Words with their punctuation. A Chinese character or a kana is a word of its own."""
        words: list[Word] = []
        joins = False  # the next piece belongs to the last word
        for token in tokens:
            piece, text = self._pieces[token.number], self._texts[token.number]
            if not text:
                joins = False
                continue
            begins = piece.startswith(_SPACE) or not joins or _stands_alone(text[0])
            if words and (_is_punctuation(text) or not begins):
                last = words[-1]
                words[-1] = Word(last.text + text, last.start_s, token.end_s)
            else:
                words.append(Word(text, token.start_s, token.end_s))
            joins = not _stands_alone(text[-1])
        return words


def _retag(runs: list[_Run], language: str, emotion: Emotion) -> None:
    """New tags begin a run, or replace those of a run without tokens."""
    if runs[-1].tokens:
        runs.append(_Run(language, emotion))
    else:
        runs[-1].language = language
        runs[-1].emotion = emotion


def _stands_alone(char: str) -> bool:
    """Whether `char` is written without spaces: Chinese characters, kana; not hangul."""
    return _UNSPACED.match(char) is not None


def _is_punctuation(text: str) -> bool:
    return all(not char.isalnum() for char in text)
