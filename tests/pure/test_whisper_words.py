"""From a decoder's tokens and the times at which they begin, to words with times."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.services.asr.engines.whisper_words import timed_words
from huiyin.services.asr.recogniser import Word
from huiyin.services.common.audio import SAMPLE_RATE

SECOND = np.full(SAMPLE_RATE, 0.3, np.float32)
SILENCE = 0 * SECOND  # in it the tokens' times are all there is


def rounded(words: tuple[Word, ...]) -> list[tuple[str, float, float]]:
    return [(word.text, round(word.start_s, 2), round(word.end_s, 2)) for word in words]


def test_parts_of_a_word_are_one_word_with_its_mark() -> None:
    words = timed_words([" Un", "believ", "able", "!", " Yes", "."], [0, 0.1, 0.3, 0.5, 0.6, 0.8, 0.9], SILENCE)
    assert rounded(words) == [("Unbelievable!", 0.0, 0.5), ("Yes.", 0.6, 0.8)]


def test_characters_of_one_token_have_equal_parts_of_its_time() -> None:
    words = timed_words(["我们", "用", "Py", "Torch", "。"], [0.0, 0.4, 0.5, 0.6, 0.8, 0.9], SILENCE)
    assert rounded(words) == [("我", 0.0, 0.2), ("们", 0.2, 0.4), ("用", 0.4, 0.5), ("PyTorch。", 0.5, 0.8)]


def test_an_opening_mark_belongs_to_the_word_after_it() -> None:
    words = timed_words([" “", "Oh", "”"], [0.0, 0.1, 0.5, 0.6], SILENCE)
    assert rounded(words) == [("“Oh”", 0.1, 0.5)]


def test_a_pause_belongs_to_no_word() -> None:
    """The decoder goes on to the next token when that is said: the pause before it would be the last word's."""
    sound = np.concatenate([SILENCE, SECOND, SILENCE, SECOND])
    words = timed_words([" One", " two"], [0.9, 2.8, 4.0], sound)
    assert rounded(words) == [("One", 1.0, 2.0), ("two", 3.0, 4.0)]


def test_the_sound_beside_a_word_is_its_own_unless_it_is_anothers() -> None:
    sound = np.concatenate([SILENCE, SECOND, SILENCE])
    words = timed_words([" A", " pen", "."], [1.1, 1.4, 1.85, 2.0], sound)
    assert rounded(words) == [("A", 1.0, 1.4), ("pen.", 1.4, 2.0)]


@pytest.mark.parametrize("pieces", [[], ["..."]])
def test_a_text_without_words_has_none(pieces: list[str]) -> None:
    assert timed_words(pieces, [0.0] * (len(pieces) + 1), SILENCE) == ()
