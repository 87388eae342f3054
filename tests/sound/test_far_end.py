"""What a client plays, by what it is sent and what it reports. Sound is samples that name their own place."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.far_end import LONGEST_LEAD_S, FarEnd
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote_messages import Clear, Pause, Resume, Sound

MS = SAMPLE_RATE // 1000
REPLY = (np.arange(2 * SAMPLE_RATE) // MS + 1).astype(np.int16)  # milliseconds, from 1


@pytest.fixture
def far_end() -> FarEnd:
    return FarEnd()


def sound(begin_ms: int, end_ms: int, generation: int = 1) -> Sound:
    return Sound(generation, begin_ms * MS, REPLY[begin_ms * MS : end_ms * MS])


def place_ms(taken: Pcm16) -> list[int]:
    """Where each millisecond of it lies in the reply, from 1; 0 for silence."""
    return [int(value) for value in taken[::MS]]


def test_sound_goes_on_sample_for_sample_and_silence_where_there_is_none(far_end: FarEnd) -> None:
    assert not far_end.take(20 * MS).any()
    far_end.carry(sound(0, 30))
    far_end.carry(sound(30, 50))
    assert place_ms(far_end.take(20 * MS)) == list(range(1, 21))
    assert place_ms(far_end.take(40 * MS)) == [*range(21, 51), *[0] * 10]
    far_end.carry(sound(50, 100))
    assert place_ms(far_end.take(MS)) == [51], "it goes on where it stopped"


def test_what_the_client_forgets_is_not_played(far_end: FarEnd) -> None:
    far_end.carry(sound(0, 100))
    far_end.take(40 * MS)
    far_end.carry(Pause(1))
    assert not far_end.take(20 * MS).any()
    far_end.carry(Resume(1, 20 * MS))
    far_end.carry(sound(20, 120))
    assert place_ms(far_end.take(MS)) == [21]
    far_end.carry(Clear(1))
    far_end.carry(sound(0, 50, generation=2))
    assert place_ms(far_end.take(MS)) == [1]


def test_it_stays_as_far_ahead_as_the_first_report_says(far_end: FarEnd) -> None:
    far_end.carry(sound(0, 1000))
    far_end.take(100 * MS)
    far_end.reported(1, 40 * MS)  # 60 ms later than it was sent
    far_end.take(100 * MS)
    far_end.reported(1, 150 * MS)  # 10 ms off: made between two packets
    assert place_ms(far_end.take(MS)) == [201]
    far_end.reported(1, 51 * MS)  # the client had nothing to play for 90 ms
    assert place_ms(far_end.take(MS)) == [112]


def test_a_client_far_away_is_followed_from_its_second_reply_on_before_it_reports(far_end: FarEnd) -> None:
    far_end.carry(sound(0, 1000))
    far_end.take(400 * MS)
    far_end.reported(1, 20 * MS)
    lead_ms = round(LONGEST_LEAD_S * 1000)
    assert place_ms(far_end.take(MS)) == [20 + lead_ms + 1]
    far_end.carry(sound(0, 1000, generation=2))
    delay_ms = 400 - 20 - lead_ms
    assert place_ms(far_end.take(500 * MS))[delay_ms:] == list(range(1, 500 - delay_ms + 1))


def test_reports_of_another_reply_move_nothing(far_end: FarEnd) -> None:
    far_end.reported(1, 500 * MS)
    far_end.carry(sound(0, 1000, generation=2))
    far_end.take(50 * MS)
    far_end.reported(1, 500 * MS)
    assert place_ms(far_end.take(MS)) == [51]


def test_a_report_that_cannot_be_keeps_to_what_was_sent(far_end: FarEnd) -> None:
    far_end.carry(sound(0, 100))
    far_end.take(20 * MS)
    far_end.reported(1, 10 * MS)
    far_end.reported(1, 10**9)
    assert not far_end.take(20 * MS).any()
    far_end.reported(1, MS)
    assert place_ms(far_end.take(MS)) == [12]
