"""Replies over a track, in virtual time: a loudspeaker, and the frames that it becomes."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.faces.realtime.playout import FRAME, FRAME_S, Playout
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker

SECOND = SAMPLE_RATE


class Line:
    """`frames` as they were given out; `reply` is 3 s of samples that name their own place, in tens."""

    def __init__(self) -> None:
        self.world, self.playout = VirtualWorld(), Playout()
        self.loudspeaker = RemoteLoudspeaker(self.playout.carry, ahead_s=0.1)
        self.frames: list[Pcm16] = []
        self.drained: list[int] = []
        self.playout.played, self.playout.drained = self.loudspeaker.played, self.drained.append
        self.loudspeaker.start(self.world, lambda: None)
        self.reply = (np.arange(3 * SECOND) // 10 + 1).astype(np.int16)
        self._tick()

    def begin(self, generation: int = 1) -> None:
        self.loudspeaker.add(generation, 0, self.reply)
        self.loudspeaker.open(generation)
        self.loudspeaker.close(generation)

    def go_on(self, seconds: float) -> None:
        until_s = self.world.now + seconds
        self.world.at(until_s, self.world.stop)
        while self.world.now < until_s:
            self.world.run()

    def heard_s(self, generation: int = 1) -> float:
        return self.loudspeaker.heard(generation)[0] / SECOND

    @property
    def sound(self) -> Pcm16:
        """All that was given out, without silence."""
        sound = np.concatenate(self.frames)
        return sound[sound != 0]

    def _tick(self) -> None:
        frame = self.playout.frame(self.world.now)
        assert frame.shape == (FRAME,)
        self.frames.append(frame)
        self.world.after(FRAME_S, self._tick)


@pytest.fixture
def line() -> Line:
    return Line()


def test_all_of_a_reply_is_given_out_in_real_time_and_counts_as_heard_a_little_later(line: Line) -> None:
    line.begin()
    line.go_on(1.0)
    assert 0.8 < line.heard_s() < 0.95
    line.go_on(1.95)
    assert line.drained == []
    line.go_on(0.2)
    assert line.drained == [1] and np.array_equal(line.sound, line.reply)
    assert line.heard_s() == 3.0 and line.loudspeaker.finished() == 1


def test_a_longer_way_is_heard_later(line: Line) -> None:
    line.playout.set_delay(0.15)
    line.begin()
    line.go_on(1.0)
    assert 0.65 < line.heard_s() < 0.8


def test_a_pause_is_silent_at_once_and_no_word_is_lost(line: Line) -> None:
    line.begin()
    line.go_on(1.0)
    line.loudspeaker.pause(1)
    before = len(line.frames)
    line.go_on(1.0)
    assert line.frames[before].any(), "it fades"
    assert not np.concatenate(line.frames[before + 1 :]).any()
    given_s = line.heard_s()  # what was on its way has been heard meanwhile
    assert 0.95 < given_s < 1.05
    after = len(line.frames)
    line.loudspeaker.resume(1)
    line.go_on(0.1)
    again = np.concatenate(line.frames[after:])
    first_s = int(again[-1]) * 10 / SECOND - np.count_nonzero(again) / SECOND
    assert given_s - 0.21 < first_s < given_s + 0.01
    line.go_on(3.0)
    assert line.heard_s() == 3.0 and line.drained == [1]
    assert set(np.unique(line.reply)) <= set(np.unique(line.sound))


def test_what_is_stopped_counts_until_where_it_was_given_out(line: Line) -> None:
    line.begin()
    line.go_on(1.0)
    line.loudspeaker.stop(1)
    line.go_on(1.0)
    assert 0.95 < line.heard_s() < 1.05
    assert line.drained == []


def test_a_reply_follows_another_that_was_cut_off(line: Line) -> None:
    line.begin()
    line.go_on(0.5)
    line.loudspeaker.drop(1)
    line.begin(2)
    line.go_on(3.5)
    assert line.heard_s(2) == 3.0 and line.drained == [2]
    assert np.array_equal(line.sound[-3 * SECOND :], line.reply)
