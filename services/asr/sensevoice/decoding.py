"""From the network's frames to segments: text without tags, times of words, emotion and events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from sentencepiece import SentencePieceProcessor

from huiyin.services.asr.recogniser import Emotion, Segment, SoundEvent, Word
from huiyin.services.asr.sensevoice.features import FRAME_S
from huiyin.services.asr.sensevoice.tags import UNKNOWN, Answers, TagTokens
from huiyin.services.common.text import UNSPACED

_BLANK = 0
_LEAD_S = FRAME_S / 2  # a token is written about half a frame after it sounds (FunASR's own correction)
_LINGER_S = 0.3  # CTC marks where a token begins; it sounds until the next, or for a syllable
_EVENT_REPORTED = 0.3  # an event less likely than this is not worth a line in a report
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
        # Words share these strings: hours of them must not each have a copy.
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
        """What was said in a piece of `length_s` seconds; one segment unless its tags change on the way.

        `frames`: (T,) the likeliest token of each 60 ms; `probabilities`: (T,) theirs. A piece without words gives a
        segment without text when it has an event, else none.
        """
        runs = self._runs(self._tokens(frames, probabilities, length_s), answers, length_s)
        segments = tuple(self._segment(run, length_s) for run in runs if run.tokens)
        heard = tuple(
            SoundEvent(label, 0.0, length_s, share)
            for label, share in answers.events.items()
            if share >= _EVENT_REPORTED
        )
        loose = tuple(event for run in runs if not run.tokens for event in run.events)
        if segments:
            events = tuple(
                SoundEvent(event.label, segments[0].start_s, segments[-1].end_s, event.confidence) for event in heard
            )
            return (_with_events(segments[0], (*events, *loose)), *segments[1:])
        if not heard and not loose:
            return ()
        return (Segment(0.0, length_s, "", "", 0.0, None, (*heard, *loose)),)

    def _tokens(
        self, frames: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], length_s: float
    ) -> list[_Token]:
        """Repeats joined, blanks left out; each token lasts until the next one or a syllable's length."""
        first = np.flatnonzero(np.diff(frames, prepend=-1))
        last = np.append(first[1:], len(frames))
        spans = [(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True) if frames[a] != _BLANK]
        tokens = []
        for n, (a, b) in enumerate(spans):
            start_s = max(a * FRAME_S - _LEAD_S, 0.0)
            next_s = max(spans[n + 1][0] * FRAME_S - _LEAD_S, 0.0) if n + 1 < len(spans) else length_s
            end_s = min(max(b * FRAME_S - _LEAD_S, start_s) + _LINGER_S, next_s, length_s)
            tokens.append(_Token(int(frames[a]), min(start_s, length_s), end_s, float(probabilities[a:b].max())))
        return tokens

    def _runs(self, tokens: Sequence[_Token], answers: Answers, length_s: float) -> list[_Run]:
        """Tokens without the tags among them. A tag inside the text rules what follows it."""
        tags, run = self.tags, _Run(answers.language, answers.emotion)
        runs = [run]
        open_events: dict[str, _Token] = {}
        for token in tokens:
            number = token.number
            if not tags.is_tag(number):
                run.tokens.append(token)
            elif label := tags.event_ends.get(number):
                if began := open_events.pop(label, None):
                    run.events.append(SoundEvent(label, began.start_s, token.start_s, began.probability))
            elif (label := tags.event_of.get(number)) and label not in ("speech", UNKNOWN):
                if number + 1 in tags.event_ends:
                    open_events.setdefault(label, token)
                else:
                    run.events.append(SoundEvent(label, token.start_s, token.end_s, token.probability))
            elif number in tags.emotion_of or number in tags.language_of:
                language = tags.language_of.get(number, run.language)
                emotion = run.emotion
                if label := tags.emotion_of.get(number):
                    emotion = Emotion(label, token.probability, {label: token.probability})
                if run.tokens:
                    run = _Run(language, emotion)
                    runs.append(run)
                else:
                    run.language, run.emotion = language, emotion
        for label, began in open_events.items():  # it was never said to end: it lasted to the end
            run.events.append(SoundEvent(label, began.start_s, length_s, began.probability))
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


def _with_events(segment: Segment, events: tuple[SoundEvent, ...]) -> Segment:
    return replace(segment, events=(*events, *segment.events))


def _stands_alone(char: str) -> bool:
    """Written without spaces: Chinese characters, kana. Hangul has spaces."""
    return _UNSPACED.match(char) is not None


def _is_punctuation(text: str) -> bool:
    return all(not char.isalnum() for char in text)
