"""Where a piece of speech changes its language: pauses make stretches, and neighbours help to judge each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from huiyin.services.asr.engines.coverage import (
    Piece,
    holds,
    is_as_dense,
    is_at_an_end,
    is_of_the_other,
    is_too_short,
    pieces,
    places,
)
from huiyin.services.asr.engines.languages import Run, Stretch, grouped, is_settled, runs, stretches, widest_pause

FRAMES_PER_S = 16_000 / 512


def activity(*lengths_s: float) -> np.ndarray:
    """Voice activity: silence and speech in turn, of these lengths."""
    parts = [np.full(round(length_s * FRAMES_PER_S), 0.9 * (i % 2)) for i, length_s in enumerate(lengths_s)]
    return np.concatenate(parts).astype(np.float32)


def lengths(speech: np.ndarray) -> list[float]:
    return [round((part.end - part.start) / FRAMES_PER_S, 1) for part in stretches(speech)]


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        (activity(0.3, 2.0, 0.3), [2.0]),
        (activity(0.3, 2.0, 0.25, 1.0, 0.3), [2.0, 1.0]),
        (activity(0.0, 1.0, 1.0, 1.0), [1.0, 1.0]),
        (activity(0.3, 1.0, 0.06, 1.0, 0.3), [2.0]),
        (activity(0.3, 1.0, 0.3, 0.1, 0.6, 1.0, 0.3), [1.4, 1.0]),
        (activity(0.3, 0.1, 0.3), [0.1]),
        (activity(1.0), []),
    ],
    ids=["no pause", "a pause", "at the edges", "a closed consonant", "a short bit", "only a short bit", "silence"],
)
def test_stretches_lie_between_pauses(speech: np.ndarray, expected: list[float]) -> None:
    assert lengths(speech) == expected


def languages(*chinese: float, length_s: float = 2.0) -> str:
    """The languages of stretches with these probabilities of Chinese, Z and E."""
    frames = round(length_s * FRAMES_PER_S)
    parts = [Stretch(i * (frames + 2), i * (frames + 2) + frames) for i in range(len(chinese))]
    whole = (frames + 2) * len(parts)
    found = runs(parts, [{"zh": p, "en": 1 - p} for p in chinese], whole)
    assert found[0].start == 0 and found[-1].end == whole
    assert all(a.end == b.start and a.language != b.language for a, b in pairwise(found))
    return "".join(run.language[0].upper() * round((run.end - run.start) / (frames + 2)) for run in found)


@pytest.mark.parametrize(
    ("chinese", "expected"),
    [
        ((0.99,), "Z"),
        ((0.99, 0.98), "ZZ"),
        ((0.999, 0.001), "ZE"),
        ((0.9999, 0.0001, 0.9999), "ZEZ"),
        ((0.99, 0.2, 0.99), "ZZZ"),
        ((0.6, 0.001, 0.02), "EEE"),
        ((0.999, 0.6, 0.001, 0.0001), "ZZEE"),
        ((0.99, 0.05, 0.99), "ZEZ"),
    ],
)
def test_a_doubtful_stretch_has_its_neighbours_language(chinese: tuple[float, ...], expected: str) -> None:
    assert languages(*chinese) == expected


@pytest.mark.parametrize(
    ("chinese", "length_s", "expected"),
    [
        ((0.9999, 0.05, 0.9999), 1.0, "ZZZ"),
        ((0.9999, 0.001, 0.9999), 1.0, "ZEZ"),
        ((0.9999, 0.05), 0.4, "ZZ"),
        ((0.9999, 0.001), 0.6, "ZE"),
    ],
    ids=["a part of a sentence", "a sentence", "a last word", "a last sentence"],
)
def test_a_short_stretch_must_be_surer_to_differ(chinese: tuple[float, ...], length_s: float, expected: str) -> None:
    """Between pauses inside a sentence there are words of which alone the model takes some for another language."""
    assert languages(*chinese, length_s=length_s) == expected


@pytest.mark.parametrize(
    ("chinese", "length_s", "settled"),
    [
        ((0.999, 0.9, 0.999), 0.5, True),
        ((0.999, 0.4, 0.999), 0.5, True),
        ((0.999, 0.9), 2.0, True),
        ((0.999, 0.6), 2.0, False),
        ((0.999, 0.6, 0.999), 2.0, False),
    ],
)
def test_a_stretch_is_judged_once_more_only_where_that_may_tell(
    chinese: tuple[float, ...], length_s: float, settled: bool
) -> None:
    frames = round(length_s / 0.032)
    parts = [Stretch(i * 2 * frames, i * 2 * frames + frames) for i in range(len(chinese))]
    scores = [{"zh": share, "en": 1.0 - share} for share in chinese]
    assert is_settled(parts, scores, {1}) == settled


def test_runs_are_cut_in_the_middle_of_the_pause() -> None:
    parts = [Stretch(5, 40), Stretch(60, 90), Stretch(100, 130)]
    scores = [{"zh": 1.0, "en": 0.0}, {"zh": 0.0, "en": 1.0}, {"zh": 0.0, "en": 1.0}]
    assert runs(parts, scores, 140) == [Run("zh", 0, 50), Run("en", 50, 140)]


def test_a_model_that_is_sure_of_nothing_still_gets_a_language() -> None:
    assert runs([Stretch(0, 9)], [{"zh": 0.0, "en": 0.0}], 9)[0].language in ("zh", "en")


def test_a_run_is_halved_in_its_longest_pause() -> None:
    assert widest_pause([Stretch(0, 20), Stretch(24, 40), Stretch(60, 90)]) == 50


@pytest.mark.parametrize(
    ("text", "speech_s", "too_short"),
    [
        ("人工智能正在改变我们的生活方式。", 2.6, False),
        ("人工智能正在改变我们的生活方式。", 6.2, True),
        ("We walked along the river.", 1.9, False),
        ("We walked along the river.", 5.0, True),
        ("Yes.", 1.2, False),
        ("13800138000", 3.3, False),
    ],
)
def test_half_of_what_was_said_is_too_short(text: str, speech_s: float, too_short: bool) -> None:
    assert is_too_short(text, speech_s) == too_short


@pytest.mark.parametrize(
    ("text", "part", "held"),
    [
        ("The child almost hurt the small dog.", "Hurt the small dog.", True),
        ("那很不明智，我相信很好吃。", "我相信你好吃。", True),
        ("The child almost hurt the small dog.", "And it is worth mentioning in passing.", False),
        ("那很不明智。", "我相信很好吃。", False),
        ("那很不明智。", "", True),
    ],
)
def test_a_part_is_held_where_most_of_its_words_are(text: str, part: str, held: bool) -> None:
    assert holds(text, part) == held


def test_one_half_tells_whether_the_other_is_missing() -> None:
    """A slow speaker is slow in both halves."""
    assert is_as_dense("We walked along the river. It was cold.", "It was cold.", 5.0, 3.0)
    assert not is_as_dense("It was cold.", "It was cold.", 5.0, 3.0)


def test_a_text_is_of_the_other_half_if_it_fills_that_and_nothing_of_this() -> None:
    first, second = "今天天气很好。", "我们去公园散步吧。"
    assert is_of_the_other(second, first, other_s=1.8)
    assert not is_of_the_other(first + second, first, other_s=1.8)
    assert not is_of_the_other(second, first, other_s=6.0), "words are missing there"
    assert not is_of_the_other(second, first, other_s=0.5), "nobody speaks that fast"


def test_stretches_with_a_short_pause_are_one() -> None:
    assert grouped([Stretch(0, 20), Stretch(24, 40), Stretch(60, 90)], 10) == [Stretch(0, 40), Stretch(60, 90)]


@pytest.mark.parametrize(
    ("texts", "starts_s", "where"),
    [
        (["At", " half", " past", ".", " In", "."], [0.1, 0.5, 0.8, 1.5, 3.2, 5.1, 5.4], [0, 0, 0, 0, 1, 1]),
        ([" In", " being", " modern", "."], [0.1, 3.5, 4.6, 5.1, 5.4], [1, 1, 1, 1]),
        (["At", " half", " past", "."], [0.1, 0.5, 0.8, 4.5, 5.4], [0, 0, 0, 0]),
        ([" It", " is"], [0.1, 2.5, 5.4], [1, 1]),
        ([" Well", ",", " so"], [0.1, 1.3, 2.8, 5.4], [0, 0, 1]),
        (["好"], [0.1, 1.2], [0]),
    ],
    ids=["both", "first missing", "last missing", "begins in the pause", "one word", "one word alone"],
)
def test_words_are_where_the_decoder_turned_to_them(texts: list[str], starts_s: list[float], where: list[int]) -> None:
    assert places(texts, starts_s, [(0.3, 1.4), (3.4, 5.2)]) == where


def test_speech_without_words_is_a_piece_unless_it_is_short() -> None:
    parts = [Stretch(0, 30), Stretch(50, 80), Stretch(100, 106), Stretch(150, 200)]
    assert pieces(parts, 210, [0, 0, 1, 3]) == [Piece(0, 210, range(4))]
    assert pieces(parts, 210, [0, 3, 3]) == [
        Piece(0, 40, range(1)),
        Piece(40, 128, range(0)),
        Piece(128, 210, range(1, 3)),
    ]
    assert pieces(parts, 210, [1]) == [Piece(0, 40, range(0)), Piece(40, 90, range(1)), Piece(90, 210, range(0))]


def test_a_word_at_an_end_of_the_text_is_not_said_again() -> None:
    text = "So, it is late, thank you."
    assert is_at_an_end(text, "so.") and is_at_an_end(text, "Thank you!")
    assert not is_at_an_end(text, "It is.") and not is_at_an_end(text, "Thank you. So late.")
