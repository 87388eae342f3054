"""Whisper's passes through CTranslate2: encode, tell the language, decode, align the words.

The encoder takes shorter input than the 30 s that Whisper was trained on; how much silence it needs after the speech is
decided in `whisper.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from huiyin.services.asr.engines.languages import shares
from huiyin.services.asr.engines.loops import looks_looped, without_loop
from huiyin.services.asr.engines.whisper_words import timed_words
from huiyin.services.asr.recogniser import Hints, Word
from huiyin.services.asr.text.simplified import written_simply
from huiyin.services.common.audio import SAMPLE_RATE, Samples

FULL_WINDOW_S = 30.0
STATES_PER_S = 50
"""Of the encoder."""

_FRAMES_PER_S = 100  # of the log-mel spectrogram
_MAX_TOKENS = 448  # of the decoder, with the prompt
_PROMPT_TOKENS = 200
_TOKENS_PER_S = 12  # quick speech has 7
_RETRY_TOKENS_PER_S = 25
_TOKENS_SPARE = 20  # beyond that, for short pieces

# The decoder turns to a token's sound so much before it begins: on 312 words spoken by six of our voices, words began
# 0.12 s (en) and 0.11 s (zh) later than that, and ended 0.07 and 0.09 s later.
_AHEAD_S = 0.1

# Without it Whisper mixes scripts and omits punctuation (zh CER 32 %). The space matters, too. One that goes on
# (，内容是新闻和日常对话。) left 213 errors of 215 in 75 recordings.
_PROMPTS = {"zh": " 以下是普通话的句子。"}

_BEAM = 5
"""Texts that the decoder follows at once, by the sum of their log-probabilities; `_LENGTH` chooses among them."""
_LENGTH = 0.5
"""Power of the tokens' number that a text's log-probability is divided by.

The usual mean (1) prefers rare characters, which are of several tokens, and the sum (0) leaves out full stops. Errors
in 71 Chinese recordings (`dev` in `benchmarks.recogniser.transcribed`), and how many end in a mark: quick 188 and 53
with the decoder's own mean, 183 and 48 with its sum, 179 and 51 like this; careful 200 and 55, 182 and 52, 169 and 56.
In 64 English ones, one window and one decoding of five texts each: 84, 81 and 84; careful 78, 74 and 76.
"""
_SURE = {"en": -0.5}
"""Languages where a quick decoding follows one first, and keeps it from this mean log-probability of its tokens on.

When the text with the best mean was taken: on 64 English recordings (`dev` in `benchmarks.recogniser.transcribed`)
91 errors instead of 94, in 0.89 of the processor time. Careful had 88 instead of 84; of Chinese thresholds, those with
as few errors saved no time.
"""

# The test for silence of openai/whisper; noise that passed the voice activity had .66-.89 and below -1.6
_SILENCE_PROBABILITY = 0.6
_SILENCE_LOG_PROBABILITY = -1.0

_HALF_CHARACTER = "\N{REPLACEMENT CHARACTER}"
_LEAST_PROBABILITY = 1e-8  # of a token
_WITHOUT_SPACES = ("zh", "ja", "yue")  # before words
_STOPS = {"zh": "。", "ja": "。", "yue": "。"}

Encoded: TypeAlias = ctranslate2.StorageView
"""The encoder's states, shape (pieces, states, width)."""


@dataclass(frozen=True)
class Attempt:
    """One decoding of a piece."""

    language: str
    tokens: list[int]
    text: str
    log_probability: float
    """Mean over the tokens."""
    silence: float
    """Whisper's probability that there is no speech."""
    looped: bool
    translated: bool = False

    @property
    def is_silence(self) -> bool:
        """Whether it is likely that nothing was said."""
        return self.silence > _SILENCE_PROBABILITY and self.log_probability < _SILENCE_LOG_PROBABILITY

    @property
    def is_prompt(self) -> bool:
        """Whether the text is only the decoder's own prompt, which short noises can make it repeat."""
        prompt = _PROMPTS.get(self.language, "").strip()
        return bool(prompt) and self.text.rstrip("。.!！") == prompt.rstrip("。")


class Model:
    """A Whisper model on the CPU, int8. `at_once` threads may call it, and it computes on `cores_each` for each."""

    def __init__(self, folder: Path, *, at_once: int, cores_each: int) -> None:
        self.name = folder.name
        self._whisper = WhisperModel(
            str(folder),
            device="cpu",
            compute_type="int8",
            cpu_threads=cores_each,
            num_workers=at_once,
            local_files_only=True,
        )
        self.languages = tuple(sorted(self._whisper.supported_languages))
        self.translates = bool(self._whisper.model.is_multilingual)
        self._tokenizers: dict[tuple[str, bool], Tokenizer] = {}
        tokenizer = self._tokenizer(self.languages[0])
        special = (tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm)
        self._suppressed = sorted({*tokenizer.non_speech_tokens, *special, tokenizer.no_speech})

    @property
    def mels(self) -> int:
        """Bands of the spectrogram. As many states would be taken for one."""
        return int(self._whisper.model.n_mels)

    def encode(self, samples: Samples, window_s: float) -> Encoded:
        """The states of the samples and the silence that fills the window, at most the full one."""
        window_s = min(window_s, FULL_WINDOW_S)
        silence = max(round(window_s * SAMPLE_RATE) - len(samples), 0)
        features = self._whisper.feature_extractor(np.pad(samples, (0, silence)))
        frames = min(features.shape[1], round(FULL_WINDOW_S * _FRAMES_PER_S))
        even = frames - frames % 2  # the encoder halves them
        return self._whisper.encode(np.ascontiguousarray(features[:, :even], dtype=np.float32))

    def detect(self, encoded: Encoded, allowed: Sequence[str]) -> list[dict[str, float]]:
        """The allowed languages' shares of the probability, for each of the encoded pieces."""
        pieces = self._whisper.model.detect_language(encoded)
        found = ({token.strip("<|>"): score for token, score in piece} for piece in pieces)
        return [shares({code: scores[code] for code in allowed}) for scores in found]

    def decode(self, encoded: Encoded, count: int, language: str, hints: Hints, *, again: bool = False) -> Attempt:
        """The text of `count` encoded samples. `again`: thoroughly, and with room for quicker speech."""
        most = round((_RETRY_TOKENS_PER_S if again else _TOKENS_PER_S) * count / SAMPLE_RATE) + _TOKENS_SPARE
        if hints.temperature or (language in _SURE and not hints.careful and not again):
            alone = self._searched(encoded, most, language, hints, beam=1)
            if hints.temperature or alone.looped or alone.log_probability >= _SURE[language]:
                return alone
        return self._searched(encoded, most, language, hints, beam=_BEAM)

    def _searched(self, encoded: Encoded, most: int, language: str, hints: Hints, *, beam: int) -> Attempt:
        """The likeliest text of at most so many tokens."""
        prompt = self._prompt(language, hints)
        most = min(_MAX_TOKENS - len(prompt), most)
        result = self._whisper.model.generate(
            encoded,
            [prompt],
            beam_size=beam,
            num_hypotheses=beam,
            length_penalty=0.0,
            max_length=len(prompt) + most,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            sampling_topk=0 if hints.temperature else 1,
            sampling_temperature=hints.temperature or 1.0,
        )[0]
        may_be_silence = result.no_speech_prob > _SILENCE_PROBABILITY
        tokens, score = self._best(result.sequences_ids, result.scores, marks_alone=may_be_silence)
        text = self._text(tokens, language)
        looped = len(tokens) >= most or looks_looped(tokens, text)
        mean = score / max(len(tokens), 1)
        return Attempt(language, tokens, text, mean, result.no_speech_prob, looped, hints.translate)

    def _best(
        self, found: Sequence[list[int]], scores: Sequence[float], *, marks_alone: bool
    ) -> tuple[list[int], float]:
        """The best of the texts, as tokens, and its log-probability, of `scores`. `marks_alone`: or no words."""
        ranked = sorted(
            zip(found, scores, strict=True), key=lambda each: each[1] / max(len(each[0]), 1) ** _LENGTH, reverse=True
        )
        decode = self._whisper.hf_tokenizer.decode
        # A full stop alone may be likelier than a sentence.
        with_words = (each for each in ranked if any(map(str.isalnum, decode(each[0]))))
        return ranked[0] if marks_alone else next(with_words, ranked[0])

    def once(self, attempt: Attempt) -> Attempt:
        """The same without the repetition at its end."""
        tokens = without_loop(attempt.tokens)
        text = self._text(tokens, attempt.language)
        return replace(attempt, tokens=tokens, text=text, looped=False)

    def phrase(
        self, encoded: Encoded, count: int, language: str, phrase: str, *, expected: bool = False
    ) -> tuple[list[float], float]:
        """(log-probability of each token of `phrase` after those before it, where it ends in seconds), if the decoder
        begins `count` encoded samples with it. `expected`: it has been told that this was said before."""
        tokenizer = self._tokenizer(language)
        words = phrase if language in _WITHOUT_SPACES else f" {phrase}"
        tokens = tokenizer.encode(words)
        prompt = _PROMPTS.get(language, "") + (words + _STOPS.get(language, ".") if expected else "")
        before = [tokenizer.sot_prev, *tokenizer.encode(prompt)] if prompt else []
        frames = round(count / SAMPLE_RATE * _FRAMES_PER_S)
        (aligned,) = self._whisper.model.align(encoded, [*before, *tokenizer.sot_sequence], [tokens], frames)
        end_s = _starts_s(np.array(aligned.alignments), len(tokens) + 1)[-1] + _AHEAD_S
        logs = [math.log(max(probability, _LEAST_PROBABILITY)) for probability in aligned.text_token_probs]
        return logs, min(end_s, count / SAMPLE_RATE)

    def words(self, encoded: Encoded, attempt: Attempt, samples: Samples) -> tuple[Word, ...]:
        """The words of `attempt`, with their times in the samples, by the decoder's attention to the encoder's states.

        The heads that follow the sound are those of the model's `config.json`.
        """
        if not attempt.tokens:
            return ()
        words = timed_words(*self.timed(encoded, attempt, len(samples)), samples)
        # Not token by token: a comma is wide behind the character before it.
        return tuple(replace(word, text=_clean(word.text, attempt.language)) for word in words)

    def timed(self, encoded: Encoded, attempt: Attempt, count: int) -> tuple[list[str], list[float]]:
        """(the text in pieces of whole characters, when each begins in the `count` samples, and the last one ends)."""
        starts_s = self.starts_s(encoded, attempt, count)
        texts, first = self._pieces(attempt)
        return [text.replace(_HALF_CHARACTER, "") for text in texts], [starts_s[i] for i in first]

    def cut(self, attempt: Attempt, first: int, end: int) -> Attempt:
        """The same with some of the pieces that `timed` tells, `end` not included."""
        _, tokens = self._pieces(attempt)
        kept = attempt.tokens[tokens[first] : tokens[end]]
        return replace(attempt, tokens=kept, text=self._text(kept, attempt.language))

    def _pieces(self, attempt: Attempt) -> tuple[list[str], list[int]]:
        """(pieces of whole characters, the first token of each, and how many tokens there are)."""
        tokenizer = self._tokenizer(attempt.language, attempt.translated)
        texts, tokens = tokenizer.split_tokens_on_unicode(attempt.tokens)
        return texts, np.cumsum([0, *map(len, tokens)]).tolist()

    def starts_s(self, encoded: Encoded, attempt: Attempt, count: int) -> list[float]:
        """When each of the tokens begins, and when the last one ends, in the `count` encoded samples."""
        tokenizer = self._tokenizer(attempt.language, attempt.translated)
        length_s = count / SAMPLE_RATE
        frames = round(length_s * _FRAMES_PER_S)
        (aligned,) = self._whisper.model.align(encoded, list(tokenizer.sot_sequence), [attempt.tokens], frames)
        starts_s = _starts_s(np.array(aligned.alignments), len(attempt.tokens) + 1)
        return [min(start_s + _AHEAD_S, length_s) for start_s in starts_s]

    def _tokenizer(self, language: str, translate: bool = False) -> Tokenizer:
        key = language, translate
        if key not in self._tokenizers:
            task = "translate" if translate else "transcribe"
            multilingual = self._whisper.model.is_multilingual
            self._tokenizers[key] = Tokenizer(self._whisper.hf_tokenizer, multilingual, task, language)
        return self._tokenizers[key]

    def _prompt(self, language: str, hints: Hints) -> list[int]:
        """The text that precedes the decoder's own, then the tokens for language and task."""
        tokenizer = self._tokenizer(language, hints.translate)
        before, hint = "" if hints.translate else _PROMPTS.get(language, ""), hints.prompt.strip()
        text = before + (f" {hint}" if hint else "")
        tokens = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if not text:
            return tokens
        # The end of a long prompt weighs most, so its beginning is cut.
        return [tokenizer.sot_prev, *tokenizer.encode(text)[-_PROMPT_TOKENS:], *tokens]

    def _text(self, tokens: list[int], language: str) -> str:
        return _clean(self._tokenizer(language).decode(tokens).strip(), language)


def _clean(text: str, language: str) -> str:
    """Without halves of characters; Chinese in simplified ones."""
    text = text.replace(_HALF_CHARACTER, "")
    return written_simply(text) if language == "zh" else text


def _starts_s(alignment: npt.NDArray[np.int64], count: int) -> list[float]:
    """When each of `count` tokens begins. `alignment`, shape (steps, 2): pairs of a token and a state, in order."""
    tokens, states = alignment[:, 0], alignment[:, 1]
    first = np.searchsorted(tokens, np.arange(count))  # where the path reaches a token
    return [float(states[min(i, len(states) - 1)]) / STATES_PER_S for i in first]
