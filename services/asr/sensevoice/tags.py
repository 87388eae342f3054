"""SenseVoice's tags: their tokens, and the probabilities in the logits of the four answers.

The network's input begins with four queries, its output with the answers: language, emotion, event, style (with or
without written numbers). FunASR takes the winner of each. Here an answer is a probability over the tokens that make
sense there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huiyin.configs.tables import read_table
from huiyin.services.asr.recogniser import Emotion, ModelFolderError

# Rows of the query embedding (FunASR's SenseVoiceSmall: lid_dict, textnorm_dict).
LANGUAGE_QUERIES: Mapping[str, int] = {"auto": 0, "zh": 3, "en": 4, "yue": 7, "ja": 11, "ko": 12}
EMOTION_QUERY = 1
EVENT_QUERY = 2
ITN_QUERY = 14  # numbers and dates as one writes them, with punctuation
SPOKEN_QUERY = 15  # numbers and dates as spoken

QUERIES = 4

LANGUAGES = tuple(code for code in LANGUAGE_QUERIES if code != "auto")
UNKNOWN = "unknown"
_NO_SPEECH = "nospeech"
_SPEECH = "speech"
_NO_EVENTS = (_SPEECH, UNKNOWN)

_LABELS: dict[str, dict[str, str]] = read_table(Path(__file__).with_name("tags.toml"))


@dataclass(frozen=True)
class Answers:
    """The four answers about a piece of sound."""

    language: str
    """The likeliest of those allowed."""
    best_language: str
    """The likeliest of all; 'nospeech' without speech."""
    emotion: Emotion
    """`label` may be 'unknown' or 'other'; the scores of all labels add up to 1."""
    events: dict[str, float]
    """Probability of each event other than speech itself."""


class TagTokens:
    """The tags of one vocabulary of `size` tokens; `find` gives a token's number."""

    def __init__(self, find: Callable[[str], int], size: int) -> None:
        """Raises ModelFolderError when the vocabulary has no tags of SenseVoice."""
        self.languages = {code: find(f"<|{code}|>") for code in (*LANGUAGES, _NO_SPEECH)}
        self.emotions = {label: find(f"<|{tag}|>") for tag, label in _LABELS["emotions"].items()}
        self.events = {label: find(f"<|{tag}|>") for tag, label in _LABELS["events"].items()}
        self.event_ends = {find(f"<|{tag}|>"): label for tag, label in _LABELS["event_ends"].items()}
        self.first = self.languages["zh"]
        numbers = [*self.languages.values(), *self.emotions.values(), *self.events.values(), *self.event_ends]
        if min(numbers) < self.first or max(numbers) >= size or len(set(numbers)) != len(numbers):
            raise ModelFolderError("asr.vocabulary_without_tags")
        self.language_of = {number: code for code, number in self.languages.items()}
        self.emotion_of = {number: label for label, number in self.emotions.items()}
        self.event_of = {number: label for label, number in self.events.items() if label not in _NO_EVENTS}

    def is_tag(self, token: int) -> bool:
        """Whether a token is a tag: every ``<|…|>``, known or not, is at the vocabulary's end."""
        return token >= self.first

    def read(self, logits: npt.NDArray[np.float32], allowed: Iterable[str]) -> Answers:
        """`logits`: (4, vocabulary), the first four outputs. `allowed`: languages that may be recognised."""
        languages = _probabilities(logits[0], self.languages)
        emotions = _probabilities(logits[1], self.emotions)
        events = _probabilities(logits[2], self.events)
        label = max(emotions, key=lambda name: emotions[name])
        return Answers(
            language=max(allowed, key=lambda code: languages[code]),
            best_language=max(languages, key=lambda code: languages[code]),
            emotion=Emotion(label, emotions[label], emotions),
            events={name: share for name, share in events.items() if name not in _NO_EVENTS},
        )


def _probabilities(logits: npt.NDArray[np.float32], tokens: Mapping[str, int]) -> dict[str, float]:
    """Softmax over these tokens alone."""
    values = logits[list(tokens.values())].astype(np.float64)
    shares = np.exp(values - values.max())
    return dict(zip(tokens, (shares / shares.sum()).tolist(), strict=True))
