"""Where speech over a reply began, by how loud it was beside what was played."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.ears.echo.onset import LOOKED_AT, frames_since

PLAYED = np.array([0] * 3 + [2000, 1200, 1800] * 20, np.float32)
GAIN = 0.3  # of the echo


def since(user: dict[int, float], *, known: int = 4, gain: float = GAIN) -> int:
    """Frames since speech began of which `known` are known, in an echo; `user`: level by frames before the newest."""
    mic = gain * PLAYED
    probabilities = np.zeros(len(mic))
    for ago, level in user.items():
        mic[-ago] = np.hypot(mic[-ago], level)
        probabilities[-ago] = 0.9
    return frames_since(known, list(probabilities), mic, PLAYED, 0.5)


@pytest.mark.parametrize("gain", [0.05, 0.3, 0.9])
def test_speech_that_is_louder_than_the_echo_began_with_its_first_frame(gain: float) -> None:
    level = 4 * gain * 2000
    assert since({ago: level for ago in range(1, 37)}, gain=gain) == 36


def test_a_pause_between_words_is_part_of_it_and_a_long_one_is_not() -> None:
    said = dict.fromkeys([*range(1, 11), *range(20, 31)], 3000.0)
    assert since(said) == 30
    assert since({**said, 50: 3000.0}) == 30


def test_an_echo_is_none_however_like_speech_it_is() -> None:
    assert since(dict.fromkeys(range(1, 41), 0.0)) == 4


@pytest.mark.parametrize("known", range(1, 13))
def test_the_assistants_own_pauses_do_not_make_its_echo_seem_loud(known: int) -> None:
    """In a dry room: the echo is gone as soon as the assistant pauses, though it may ring on."""
    played = np.array([0] * 3 + ([2000, 1200, 1800, 1500, 2000, 1700, 0, 0, 0, 0, 0, 0] * 5), np.float32)
    mic = GAIN * played + 20
    speech = [0.9 if level else 0.1 for level in played]
    assert frames_since(known, speech, mic, played, 0.5) == known


def test_where_little_was_played_nothing_is_known() -> None:
    silence = np.zeros(LOOKED_AT, np.float32)
    assert frames_since(5, [0.9] * LOOKED_AT, silence + 2000, silence, 0.5) == 5
