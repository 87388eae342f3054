"""The recordings by which the fallback recogniser is measured, and the interval of a ratio of error rates."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks.latency_intervals import of_ratio
from benchmarks.recogniser.transcribed import HALVES, listed, some
from benchmarks.sentences import DATA
from huiyin.configs.layers import read_toml


def test_nothing_of_one_half_is_in_the_other() -> None:
    test, dev = ({clip.recording.sha256: clip.text for clip in listed(half)} for half in HALVES)
    assert not test.keys() & dev.keys()
    plain_test, plain_dev = ({re.sub(r"\W", "", text.lower()) for text in half.values()} for half in (test, dev))
    assert not plain_test & plain_dev


def test_every_recording_has_words_an_address_and_a_licence() -> None:
    sources = read_toml(DATA / "heldout_sources.toml") | read_toml(DATA / "recognition_sources.toml")
    for half in HALVES:
        for clip in listed(half):
            assert clip.text and re.fullmatch(r"https://.*/[0-9a-f]{40}/.*", clip.recording.address)
            assert sources[clip.recording.source]["licence"]
    languages = [clip.recording.language for clip in listed("test")]
    assert languages.count("zh") >= 150 and languages.count("en") >= 60


def test_a_part_of_the_list_has_both_languages() -> None:
    assert [clip.recording.language for clip in some(listed("dev"), 3)] == ["zh"] * 3 + ["en"] * 3


def test_the_interval_of_a_ratio_is_of_pairs() -> None:
    """Where both make their errors in the same recordings, the ratio is sure however much the recordings differ."""
    errors = np.random.default_rng(1).poisson(3, 100)
    assert of_ratio(errors, errors) == (1, 1)
    low, high = of_ratio(errors, errors[::-1])
    assert low < 0.9 < 1.1 < high
    assert of_ratio(2 * errors, errors) == pytest.approx((2, 2))
