"""Whisper through faster-whisper (CTranslate2), made quick enough for a conversation.

Whisper was trained on 30 s windows, and the usual way pads every turn to that. CTranslate2's encoder takes shorter
input (the positions are cut to fit), so a turn is encoded with a few seconds of silence after it instead:
what that saves stands in docs/performance.md. With less silence the decoder
loops; when it loops all the same, longer windows are tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from ctranslate2 import StorageView
from faster_whisper.vad import get_vad_model

from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.services.asr.engines.coverage import (
    Piece,
    holds,
    is_as_dense,
    is_at_an_end,
    is_of_the_other,
    is_too_short,
    letters,
    pieces,
    places,
)
from huiyin.services.asr.engines.languages import (
    Run,
    Stretch,
    grouped,
    is_settled,
    runs,
    shares,
    stretches,
    widest_pause,
)
from huiyin.services.asr.engines.whisper_model import FULL_WINDOW_S, STATES_PER_S, Attempt, Encoded, Model
from huiyin.services.asr.engines.whisper_parts import (
    SILENT_STATES,
    VAD_FRAME,
    Whole,
    around,
    edges_s,
    joined,
    moved,
    spoken_s,
)
from huiyin.services.asr.recogniser import FindModel, Hints, PhraseScore, Recognition, Segment
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.reader_language import in_readers_words

# A stretch between two pauses, judged for its language. On 97 of them, in one language or two, by the piece's encoding
# alone one was wrong and two unsure; with the second look at the unsure ones, none.
_APART_STATES = 7  # beside its speech, 0.14 s
_SURE_LANGUAGE = 0.95
_APART_EDGE_S = 0.2
_APART_TAIL_S = 1.0
_SHORT_S = 3.0  # with less speech than this in it; 1.5 s left loops, and 58 errors for 41 in 27 Chinese recordings ...
_SHORT_WINDOW_S = 9.0  # ... the window needs this: 12 of 31 single words looped at 3 s of tail, 0 at 8 s
# At least, where the text has looped, before the full window of four times the work. With a tail of 0.6 s, 17 of 135
# recordings looped; none did in a window of 8 s more than their speech, with as many errors in four fifths of the time.
_RETRY_WINDOW_S = 12.0

_NO_SPEECH = 0.25  # never above it: not speech. Noise, music, clicks stayed <= 0.16, hum 0.36, quiet speech >= 0.48
_QUIETEST_PEAK = 3e-4  # -70 dBFS: the last ten steps of 16 bits

_NOISE_S = 2  # in which a phrase is as likely as its words are rare
_NOISE_RMS = np.float32(0.02)
_MOST_PHRASES = 100  # that are remembered
_EXPECTED_WEIGHT = 6.0
"""Of the mean log-probability of a phrase that is expected. Of 3, 4, 5, 6, 8, 10 and 14, with 6 the fewest were missed
at one rate of false wakes, by the phrases, voices and people of `benchmarks.wake --half dev`."""

_MOSTLY = 0.75  # of the tokens; the first ones may reach over sound without text
_MORE_LETTERS = 1.3  # times as many in its halves: the decoder had left something out
_WIDE_FRAMES = 32  # of voice activity, 1.0 s: a pause beside which a few words may be left out; the least of 7 had 1.3
_SURELY_WORDS_S = 0.4  # of such speech. Hesitations of our voices, of which words were made, had 0.38 s at most ...
_LIKELY = 0.45  # ... and a confidence of 0.42 (one 0.64); words that were left out had 0.58 and 0.77 s at least

# Silence after the speech: with less of it the decoder repeats itself. Errors in 41 Chinese recordings (`dev` in
# `benchmarks.recogniser.transcribed`, and some): 130 at a tail of 3 s, 124 at 5, 122 at 8. Ten texts, Whisper's own
# tokens for times, or the surest of several decodings changed little.
_QUICK_TAIL_S = 3.0
_CAREFUL_TAIL_S = 8.0


def load(settings: AsrSettings, find_model: FindModel) -> WhisperEngine:
    """The engine, warmed up. Raises SettingsError for a language that the model does not know."""
    engine = WhisperEngine(settings, find_model)
    engine.warm_up()
    return engine


class WhisperEngine:
    """See `huiyin.services.asr.recogniser.Engine`. It cannot tell emotions or events."""

    device = "cpu"
    max_piece_s = 28.0  # of the window of 30 s; the tail needs some of it
    batch_s = 0.0
    uses_hotwords = False

    def __init__(self, settings: AsrSettings, find_model: FindModel) -> None:
        # One core each: the decoder's steps are short, and two cores, which wait for each other in all of them, take
        # nearly twice as long as one; the encoder gains little or nothing.
        self.workers = min(settings.workers or settings.threads, settings.threads)
        cores_each = settings.threads // self.workers
        self._whisper = Model(find_model(settings.model), at_once=self.workers, cores_each=cores_each)
        self.model = self._whisper.name
        self.languages = self._whisper.languages
        self._allowed = settings.languages
        unknown = [code for code in self._allowed if code not in self.languages]
        if unknown:
            raise SettingsError("asr.whisper_languages", model=self.model, unknown=unknown)
        self.translates = self._whisper.translates
        self._voice = get_vad_model()
        self._phrases: dict[tuple[str, str], float] = {}  # their log-probabilities in noise

    def warm_up(self) -> None:
        """Runs everything once on each worker: the first callers do not wait for memory and threads."""
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(lambda _: self._warm_one(), range(self.workers)))

    def _warm_one(self) -> None:
        second = np.zeros(SAMPLE_RATE, np.float32)
        self._speech(second)
        encoded = self._whisper.encode(second, _SHORT_WINDOW_S)
        self._whisper.detect(encoded, self._allowed)
        self._whisper.decode(encoded, len(second), self._allowed[0], Hints())

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """One segment for each run of one language in a piece, and for speech that was left out; none without any."""
        allowed = hints.languages or self._allowed
        found = [self._recognise(samples, self._speech(samples), allowed, hints) for samples in pieces]
        return [_in_english(each) for each in found] if hints.translate else found

    def phrase_score(self, samples: Samples, phrase: str, language: str) -> PhraseScore | None:
        """As `PhraseEngine.phrase_score`."""
        speech = self._speech(samples)
        if speech.max(initial=0.0) < _NO_SPEECH:
            return None
        first, end = around(*edges_s(speech, len(samples) / SAMPLE_RATE))
        spoken = samples[first:end]
        encoded = self._whisper.encode(spoken, max(len(spoken) / SAMPLE_RATE + _QUICK_TAIL_S, _SHORT_WINDOW_S))
        logs, end_s = self._whisper.phrase(encoded, len(spoken), language, phrase)
        expected, _ = self._whisper.phrase(encoded, len(spoken), language, phrase, expected=True)
        score = sum(logs) - self._in_noise(phrase, language) + _EXPECTED_WEIGHT * sum(expected) / len(expected)
        return PhraseScore(score, first / SAMPLE_RATE + end_s)

    def _in_noise(self, phrase: str, language: str) -> float:
        """The phrase's log-probability where nothing is said: rare words have little of their own."""
        score = self._phrases.get((phrase, language))
        if score is None:
            noise = np.random.default_rng(0).standard_normal(_NOISE_S * SAMPLE_RATE).astype(np.float32) * _NOISE_RMS
            encoded = self._whisper.encode(noise, _SHORT_WINDOW_S)
            score = sum(self._whisper.phrase(encoded, len(noise), language, phrase)[0])
            if len(self._phrases) >= _MOST_PHRASES:
                self._phrases.clear()
            self._phrases[phrase, language] = score
        return score

    def _recognise(
        self,
        samples: Samples,
        speech: npt.NDArray[np.float32],
        allowed: Sequence[str],
        hints: Hints,
        *,
        whole: Whole | None = None,
    ) -> Recognition:
        """What is said in `samples`, whose voice activity is `speech`, in one or more of the allowed languages.

        `whole`: the piece of which they are a part. Without one, more is looked for where the text is too short for
        the speech.
        """
        if speech.max(initial=0.0) < _NO_SPEECH:
            return Recognition(())
        start_s, end_s = edges_s(speech, len(samples) / SAMPLE_RATE)
        first, end = around(start_s, end_s)
        spoken = samples[first:end]
        window_s = len(spoken) / SAMPLE_RATE + (_CAREFUL_TAIL_S if hints.careful else _QUICK_TAIL_S)
        if spoken_s(speech) < _SHORT_S:
            window_s = max(window_s, _SHORT_WINDOW_S)
        encoded = whole.part(first, len(spoken), window_s) if whole else self._whisper.encode(spoken, window_s)
        languages = self._languages(encoded, samples, first, speech, allowed)
        if len(languages) > 1:
            return joined([self._recognise_run(samples, speech, run, hints) for run in languages])
        language = languages[0].language
        attempt = self._whisper.decode(encoded, len(spoken), language, hints)
        warnings: tuple[str, ...] = ()
        if attempt.looped:
            encoded, attempt, warnings = self._again(spoken, attempt, hints, shorter=not hints.careful or bool(whole))
        if not attempt.text or attempt.is_silence or attempt.is_prompt:
            return Recognition((), warnings)
        found = Recognition((self._segment(attempt, encoded, samples, start_s, end_s, hints),), warnings)
        if whole:
            return found
        return self._completed(found, samples, speech, hints, Whole(encoded, -first, attempt, len(spoken)))

    def _segment(
        self, attempt: Attempt, encoded: Encoded, samples: Samples, start_s: float, end_s: float, hints: Hints
    ) -> Segment:
        """What was decoded from the states of the speech, which is between these times of the samples."""
        confidence = math.exp(min(attempt.log_probability, 0.0))
        segment = Segment(start_s, end_s, attempt.text, attempt.language, confidence)
        if not hints.words:
            return segment
        first, end = around(start_s, end_s)
        words = self._whisper.words(encoded, attempt, samples[first:end])
        return replace(segment, words=tuple(word.later(first / SAMPLE_RATE) for word in words))

    def _completed(
        self, found: Recognition, samples: Samples, speech: npt.NDArray[np.float32], hints: Hints, whole: Whole
    ) -> Recognition:
        """`found`, with what the decoder left out."""
        if found.text and is_too_short(found.text, spoken_s(speech)):
            halves = self._in_halves(found, samples, speech, hints, whole)
            if halves is not found:
                return halves
        return self._filled(found, samples, speech, hints, whole)

    def _in_halves(
        self, found: Recognition, samples: Samples, speech: npt.NDArray[np.float32], hints: Hints, whole: Whole
    ) -> Recognition:
        """`found`; or what its two halves hold, where it is too short for the speech and they hold much more.

        A slow speaker's text is short, too. So the earlier half is decoded first, then the later one unless that shows
        `found` to be complete, or to be the later one itself. Only where they hold more are the halves themselves
        completed. In six of seven Chinese sounds with two sentences the decoder left out the first one.
        """
        text = found.text
        parts = stretches(speech)
        if len(parts) < 2:
            return found
        language = (found.segments[0].language,)
        cut = widest_pause(parts)
        earlier = samples[: cut * VAD_FRAME], speech[:cut]
        later = samples[cut * VAD_FRAME :], speech[cut:]
        beside = whole.later(cut * VAD_FRAME)
        before = self._recognise(*earlier, language, hints, whole=whole)
        if holds(text, before.text) and is_as_dense(text, before.text, spoken_s(later[1]), spoken_s(earlier[1])):
            return found
        if not hints.words and self._is_later(whole, text, before.text, cut, spoken_s(later[1])):
            start_s, end_s = edges_s(later[1], len(later[0]) / SAMPLE_RATE)
            after = replace(found, segments=(replace(found.segments[0], start_s=start_s, end_s=end_s),))
        else:
            after = self._recognise(*later, language, hints, whole=beside)
        if letters(before.text) + letters(after.text) < _MORE_LETTERS * letters(text):
            return found
        before = self._completed(before, *earlier, hints, whole)
        after = self._completed(after, *later, hints, beside)
        return joined([before, moved(after, cut)])

    def _is_later(self, whole: Whole, text: str, before: str, cut: int, later_s: float) -> bool:
        """Whether `text`, of the whole piece, is only what was said behind the cut (a frame), of `later_s` of speech.

        By its words, of which the part before the cut has none, and by when the decoder turned to them.
        """
        if text != whole.attempt.text or not is_of_the_other(text, before, later_s):
            return False
        starts_s = self._whisper.starts_s(whole.states, whole.attempt, whole.count)[:-1]
        cut_s = (cut * VAD_FRAME + whole.offset) / SAMPLE_RATE
        return sum(start_s > cut_s for start_s in starts_s) >= _MOSTLY * len(starts_s)

    def _filled(
        self, found: Recognition, samples: Samples, speech: npt.NDArray[np.float32], hints: Hints, whole: Whole
    ) -> Recognition:
        """`found`, with the speech between wide pauses in which the decoder turned to no word, decoded by itself.

        The text of two seconds or more is long enough, whether another second is missing or not.
        """
        parts = grouped(stretches(speech), _WIDE_FRAMES)
        if len(parts) < 2 or found.text != whole.attempt.text or hints.translate:  # a translation has its own order
            return found
        texts, starts_s = self._whisper.timed(whole.states, whole.attempt, whole.count)
        frame_s, offset_s = VAD_FRAME / SAMPLE_RATE, whole.offset / SAMPLE_RATE
        times_s = [(part.start * frame_s + offset_s, part.end * frame_s + offset_s) for part in parts]
        divided = pieces(parts, len(speech), places(texts, starts_s, times_s))
        if all(piece.said for piece in divided):
            return found
        filled = [self._piece(piece, samples, speech, hints, whole) for piece in divided]
        more = any(each.segments for piece, each in zip(divided, filled, strict=True) if not piece.said)
        return joined([replace(found, segments=()), *filled]) if more else found

    def _piece(
        self, piece: Piece, samples: Samples, speech: npt.NDArray[np.float32], hints: Hints, whole: Whole
    ) -> Recognition:
        """What was said in a piece of the whole: its part of the text, or what is decoded from its states."""
        sound = samples[piece.start * VAD_FRAME : piece.end * VAD_FRAME], speech[piece.start : piece.end]
        beside = whole.later(piece.start * VAD_FRAME)
        if not piece.said:
            found = self._recognise(*sound, (whole.attempt.language,), hints, whole=beside)
            if is_at_an_end(whole.attempt.text, found.text):  # the times were wrong
                return Recognition(())
            if spoken_s(sound[1]) < _SURELY_WORDS_S and any(each.confidence < _LIKELY for each in found.segments):
                return Recognition(())  # a hesitation, of which words were made
            return moved(self._completed(found, *sound, hints, beside), piece.start)
        attempt = self._whisper.cut(whole.attempt, piece.said.start, piece.said.stop)
        start_s, end_s = edges_s(sound[1], len(sound[0]) / SAMPLE_RATE)
        first, end = around(start_s, end_s)
        encoded = beside.part(first, end - first, (end - first) / SAMPLE_RATE + _QUICK_TAIL_S)
        return moved(Recognition((self._segment(attempt, encoded, sound[0], start_s, end_s, hints),)), piece.start)

    def _recognise_run(self, samples: Samples, speech: npt.NDArray[np.float32], run: Run, hints: Hints) -> Recognition:
        part = samples[run.start * VAD_FRAME : run.end * VAD_FRAME]
        return moved(self._recognise(part, speech[run.start : run.end], (run.language,), hints), run.start)

    def _again(
        self, spoken: Samples, first: Attempt, hints: Hints, *, shorter: bool
    ) -> tuple[Encoded, Attempt, tuple[str, ...]]:
        """Decodes in the full window, where loops are rare. A loop in it is cut, unless two windows agree.

        `shorter`: first in a window that takes a third of the time, and ends most loops.
        Returns the states, what was decoded from them, and warnings.
        """
        count, text = len(spoken), first.text
        middle_s = max(count / SAMPLE_RATE + _CAREFUL_TAIL_S, _RETRY_WINDOW_S)
        for window_s in (*([middle_s] if shorter and middle_s < FULL_WINDOW_S else []), FULL_WINDOW_S):
            encoded = self._whisper.encode(spoken, window_s)
            attempt = self._whisper.decode(encoded, count, first.language, hints, again=True)
            if not attempt.looped or attempt.text == text:
                return encoded, attempt, ()
            text = attempt.text
        cut = self._whisper.once(attempt)
        left_out = cut.text != attempt.text
        return encoded, cut, (in_readers_words("asr.repetition_left_out"),) if left_out else ()

    def _languages(
        self,
        encoded: Encoded,
        samples: Samples,
        first: int,
        speech: npt.NDArray[np.float32],
        allowed: Sequence[str],
    ) -> list[Run]:
        """Where which of the allowed languages is spoken. `encoded` begins at sample `first` of the piece."""
        if len(allowed) == 1:
            return [Run(allowed[0], 0, len(speech))]
        parts = stretches(speech)
        if len(parts) < 2:
            return runs([Stretch(0, len(speech))], self._whisper.detect(encoded, allowed), len(speech))
        # The piece has been encoded once, so this takes no longer than to judge it as a whole.
        scores = self._whisper.detect(self._apart(encoded, first, parts), allowed)
        unsure = {i for i, each in enumerate(scores) if max(each.values()) < _SURE_LANGUAGE}
        for i in [] if is_settled(parts, scores, unsure) else sorted(unsure):
            # The encoder has mixed into it what lies around it: by itself, it is judged once more.
            edge = round(_APART_EDGE_S * SAMPLE_RATE)
            alone = samples[max(0, parts[i].start * VAD_FRAME - edge) : parts[i].end * VAD_FRAME + edge]
            window_s = len(alone) / SAMPLE_RATE + _APART_TAIL_S
            (again,) = self._whisper.detect(self._whisper.encode(alone, window_s), allowed)
            scores[i] = shares({code: scores[i][code] * again[code] for code in allowed})
        return runs(parts, scores, len(speech))

    def _apart(self, encoded: Encoded, first: int, parts: Sequence[Stretch]) -> Encoded:
        """The encoder's states of each stretch, repeated up to one length, and of silence after it."""
        states = np.asarray(encoded)[0]  # (n, width)
        per_frame, before = (x / SAMPLE_RATE * STATES_PER_S for x in (VAD_FRAME, first))
        edges = [
            (
                max(0, int(part.start * per_frame - before) - _APART_STATES),
                min(len(states), math.ceil(part.end * per_frame - before) + _APART_STATES),
            )
            for part in parts
        ]
        longest = max(end - start for start, end in edges)
        silence = np.arange(max(0, len(states) - SILENT_STATES), len(states))
        rows = [np.concatenate([start + np.arange(longest) % (end - start), silence]) for start, end in edges]
        count = len(rows[0]) - (len(rows[0]) == self._whisper.mels)  # CTranslate2 would see a spectrogram
        return StorageView.from_array(states[np.array(rows)[:, :count]])

    def _speech(self, samples: Samples) -> npt.NDArray[np.float32]:
        """Silero's probability of speech for each 32 ms; the level does not matter."""
        peak = float(np.abs(samples).max())
        if peak < _QUIETEST_PEAK:
            return np.zeros(1, np.float32)
        padded = np.pad(samples, (0, -len(samples) % VAD_FRAME))
        return np.asarray(self._voice(padded * np.float32(0.5 / peak)), dtype=np.float32).reshape(-1)


def _in_english(translation: Recognition) -> Recognition:
    """The same, said to be in English: what the decoder was told is the language that was spoken."""
    segments = tuple(replace(segment, language="en") for segment in translation.segments)
    return replace(translation, segments=segments)
