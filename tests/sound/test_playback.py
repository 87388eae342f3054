"""What goes to the loudspeaker, and how much of it counts as heard."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.ears.listener import SoundRing
from huiyin.assistant.ears.vad import Frame, SpeechTracker
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.clock import AudioClock
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Block, Exchange, Port, PortError
from huiyin.assistant.ports.tracks import FADE
from tests.support.remote_client import VirtualTime

SPEECH, SILENCE = Frame(0.9), Frame(0.05)


def ramp(count: int, start: int = 1) -> np.ndarray:
    return np.arange(start, start + count).astype(np.int16)


def test_sound_waits_until_it_is_let_out() -> None:
    player = Player()
    player.add(1, 0, ramp(100))
    assert not player.read(50).any()
    player.open(1)
    assert np.array_equal(player.read(60), ramp(60))
    assert np.array_equal(player.read(60), np.concatenate([ramp(40, 61), np.zeros(20)]))


def test_reply_is_finished_when_its_last_sample_has_reached_the_ear() -> None:
    player = Player(output_latency_s=0.1)
    player.add(1, 0, ramp(3200))
    player.open(1)
    player.close(1)
    player.read(3200)
    assert player.heard(1)[0] == 3200 - 1600
    assert player.finished() is None, "the last 100 ms are still in the device"
    player.read(1600)
    assert player.heard(1)[0] == 3200
    assert (player.finished(), player.finished()) == (1, None)


def test_a_gap_between_clauses_is_not_the_end() -> None:
    player = Player()
    player.add(1, 0, ramp(100))
    player.end_clause(1, 0)
    player.open(1)
    player.read(500)
    assert player.finished() is None
    player.add(1, 1, ramp(100))
    player.close(1)
    player.read(100)
    assert player.finished() == 1
    assert [(s.start, s.end, s.ended) for s in player.heard(1)[1]] == [(0, 100, True), (100, 200, False)]


def test_stop_fades_within_20_ms_and_keeps_what_was_heard() -> None:
    player = Player()
    player.add(1, 0, np.full(16000, 10000, np.int16))
    player.open(1)
    player.read(1000)
    player.stop(1)
    tail = player.read(1000)
    assert tail[0] > 9900
    assert np.all(np.abs(np.diff(tail[:FADE].astype(int))) < 100), "no click"
    assert not tail[FADE:].any()
    assert player.heard(1)[0] == 1000 + FADE
    assert not player.is_sounding


def test_dropped_reply_is_never_heard() -> None:
    player = Player()
    player.add(1, 0, ramp(100))
    player.drop(1)
    player.add(2, 0, ramp(10, 500))
    player.open(2)
    assert player.read(10)[0] == 500
    player.add(1, 1, ramp(100))
    assert player.heard(1) == (0, []), "nor does sound that comes late bring it back"


def test_speech_starts_after_three_frames_of_four_dated_back_to_the_first() -> None:
    tracker = SpeechTracker()
    frames = [SILENCE, SPEECH, SILENCE, SPEECH, SILENCE, SPEECH, SPEECH]
    possible = ("possible", 1)
    assert [tracker.push(f) for f in frames] == [None, possible, None, possible, None, possible, ("started", 4)]


def test_a_click_is_not_speech() -> None:
    tracker = SpeechTracker()
    told = [tracker.push(f) for f in [SPEECH, SPEECH, SILENCE, SILENCE, SILENCE, SPEECH, SPEECH, SILENCE]]
    assert {what for what in told if what} == {("possible", 1)}


def test_a_sound_12_db_above_the_room_may_be_the_beginning_of_speech() -> None:
    tracker = SpeechTracker()
    room, louder, loud = (Frame(0.0, level=level) for level in (50.0, 190.0, 210.0))
    assert [tracker.push(f) for f in [room] * 9 + [louder, loud]] == [None] * 10 + [("possible", 1)]
    steady = [tracker.push(loud) for _ in range(70)]
    assert steady[60] and not steady[-1], "what goes on for two seconds is the room"
    assert tracker.push(Frame(0.9, level=9000.0, far_end=True)) is None, "the assistant itself is no possible speech"


def test_a_pause_is_told_with_its_first_quiet_frame() -> None:
    tracker = SpeechTracker()
    for _ in range(5):
        tracker.push(SPEECH)
    dip = Frame(0.4)  # between release and threshold: a vowel's end
    assert [tracker.push(f) for f in [dip, dip, SILENCE, SILENCE]] == [None, None, ("paused", 1), None]


def test_while_the_assistant_is_heard_too_a_pause_lasts_96_ms() -> None:
    tracker = SpeechTracker()
    for _ in range(5):
        tracker.push(Frame(0.9, pass_ratio=0.9, far_end=True, residual_prominence=5.0))
    quiet = Frame(0.0, far_end=True)
    assert [tracker.push(quiet) for _ in range(4)] == [None, None, ("paused", 3), None]


def test_while_the_assistant_is_heard_only_unbroken_loud_speech_that_is_not_its_own_counts() -> None:
    def first(frames: list[Frame]) -> int | None:
        tracker = SpeechTracker()
        return next((i for i, f in enumerate(frames) if tracker.push(f)), None)

    user = Frame(0.9, pass_ratio=0.9, far_end=True, residual_prominence=5.0)
    echo = Frame(0.9, pass_ratio=0.1, far_end=True, residual_prominence=5.0)
    slipped = Frame(0.9, pass_ratio=0.9, far_end=True, residual_prominence=12.0)
    quiet = Frame(0.1, pass_ratio=0.9, far_end=True)
    assert first([user] * 8) == 3
    assert first([echo] * 50) is None
    assert first([slipped] * 9) is None
    assert first([slipped] * 50) == 9  # not for ever: there may be residual echo while the user speaks, too
    assert first([user, user, user, quiet] * 20) is None


def test_until_the_canceller_has_learnt_the_second_opinion_decides() -> None:
    def first(frames: list[Frame]) -> int | None:
        tracker = SpeechTracker()
        return next((i for i, f in enumerate(frames) if tracker.push(f)), None)

    echo = Frame(0.9, pass_ratio=0.9, far_end=True, second=0.1)
    user = Frame(0.9, pass_ratio=0.9, far_end=True, second=0.8)
    assert first([echo] * 50) is None
    assert first([user, echo, user, user, user, user, user]) == 6
    assert first([Frame(0.9, far_end=True, untrusted=True)] * 50) is None


def test_ring_gives_back_sound_by_its_time() -> None:
    ring = SoundRing(keep_s=1.0)
    for second in range(3):
        for at in range(0, SAMPLE_RATE, 1000):
            ring.write(np.full(1000, second * 16 + at // 1000, np.int16))
    cut = ring.cut(2.5, 2.75)
    assert (len(cut), cut[0], cut[-1]) == (4000, 40, 43)
    assert len(ring.cut(0.0, 10.0)) == SAMPLE_RATE, "older than it keeps, newer than there is: left out"
    assert len(ring.cut(5, 6)) == 0


def test_clock_counts_sound_and_goes_on_while_the_device_is_lost() -> None:
    wall = [100.0]
    clock = AudioClock(lambda: wall[0])
    wall[0] = 100.02
    assert clock.advance(320) == 0.02
    wall[0] = 103.02
    assert clock.now() == 3.02
    assert clock.advance(48000) == 3.02, "what is heard in their place is counted"
    assert clock.now() == 3.02


class Hand:
    """A device whose blocks a test exchanges."""

    output_latency_s = 0.0

    def start(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def stop(self) -> None: ...

    def check(self) -> None: ...


@pytest.mark.parametrize(("late_s", "lost_s"), [(0.0, 0.0), (0.3, 0.0), (0.8, 0.8), (3600.0, 3600.0)])
def test_where_a_device_stood_still_silence_is_heard_so_that_time_goes_on(late_s: float, lost_s: float) -> None:
    device, clock, heard = Hand(), VirtualTime(), list[Block]()
    LocalPort(device).microphone.start(clock, heard.append, lambda: None)
    mic = np.full(BLOCK, 7, np.int16)
    for at_s in (1.0, 1.02, 1.04 + late_s, 1.06 + late_s):
        clock.now = at_s
        device.exchange(mic)
    silence = sum(len(block.mic) for block in heard if not block.mic.any())
    assert silence == pytest.approx(lost_s * SAMPLE_RATE, abs=1)
    assert [len(block.mic) for block in heard if block.mic.any()] == [BLOCK] * 4


def paused_at(read: int, total: int = 16000, sound: np.ndarray | None = None) -> Player:
    player = Player()
    player.add(1, 0, np.full(total, 10000, np.int16) if sound is None else sound)
    player.open(1)
    player.close(1)
    player.read(read)
    player.pause(1)
    return player


def test_pause_fades_within_20_ms_and_what_follows_is_not_heard() -> None:
    player = paused_at(8000)
    tail = player.read(1600)
    assert np.all(np.abs(np.diff(tail[:FADE].astype(int))) < 100), "no click"
    assert not tail[FADE:].any()
    player.read(160_000)
    assert player.heard(1)[0] == 8000 + FADE, "however long it lasts"
    assert player.finished() is None
    assert not player.is_sounding


def test_resume_says_at_most_the_last_200_ms_again_without_a_click() -> None:
    player = paused_at(8000, sound=ramp(16000))
    player.read(1600)
    player.resume(1)
    sound = player.read(4000)
    again = 8000 + FADE - 3200
    assert sound[0] == 0 and sound[FADE] == again + FADE + 1, "faded in"
    assert sound[3999] == again + 4000, "and nothing is left out"
    player.read(16000)
    assert (player.heard(1)[0], player.finished()) == (16000, 1)


def test_a_second_pause_right_after_the_first_says_nothing_twice() -> None:
    sound = ramp(16000)
    sound[7000:7400] = 0
    player = paused_at(8000, sound=sound)
    player.read(1600)
    player.resume(1)
    player.read(800)
    player.pause(1)
    assert player.heard(1)[0] == 7000 + 800 + FADE
    player.read(1600)
    player.resume(1)
    assert player.heard(1)[0] == 7000
    assert np.array_equal(player.read(4000)[FADE:], sound[7000 + FADE : 11000])


def test_resume_begins_in_a_gap_between_words_where_there_is_one() -> None:
    sound = np.full(16000, 10000, np.int16)
    sound[7000:7400] = 0
    player = paused_at(8000, sound=sound)
    player.read(1600)
    player.resume(1)
    player.read(8000)
    assert 7000 <= player.heard(1)[0] - 8000 < 7400


def test_stop_in_a_pause_lets_nothing_more_out() -> None:
    player = paused_at(8000)
    player.read(FADE)
    player.stop(1)
    assert not player.read(1600).any()
    assert player.heard(1)[0] == 8000 + FADE


def test_sound_that_comes_during_a_pause_is_heard_after_it() -> None:
    player = Player()
    player.add(1, 0, ramp(4000))
    player.open(1)
    player.read(4000)
    player.pause(1)
    player.add(1, 1, ramp(100, 9000))
    assert not player.read(1000).any()
    player.resume(1)
    assert 9099 in player.read(4000)


def test_it_tells_once_which_clause_is_heard() -> None:
    player = Player(output_latency_s=0.1)
    player.add(1, 0, ramp(3200))
    player.add(1, 1, ramp(3200))
    player.open(1)
    player.read(1600)
    assert player.advanced() is None, "it is still in the device"
    player.read(1600)
    assert (player.advanced(), player.advanced()) == ((1, 0), None)
    player.read(3200)
    assert player.advanced() == (1, 1)


class Device:
    """A `Duplex` that a test moves by hand."""

    output_latency_s = 0.1
    exchange: Exchange | None = None
    dead = False

    def start(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def stop(self) -> None:
        self.exchange = None

    def check(self) -> None:
        if self.dead:
            raise PortError("ports.device_stopped")


def test_a_device_becomes_a_port() -> None:
    device, blocks, reports = Device(), list[Block](), []
    port: Port = LocalPort(device)

    def hear(block: Block) -> None:
        blocks.append(block)
        reports.append(port.loudspeaker.heard(1)[0])

    port.microphone.start(VirtualTime(), hear, lambda: None)
    port.loudspeaker.add(1, 0, ramp(3200))
    port.loudspeaker.open(1)
    assert device.exchange is not None
    out = [device.exchange(ramp(320, 1000 * number)) for number in range(10)]
    assert np.array_equal(np.concatenate(out), ramp(3200))
    assert [block.mic[0] for block in blocks] == list(range(0, 10_000, 1000))
    assert all(np.array_equal(block.far_end, played) for block, played in zip(blocks, out, strict=True))
    assert reports[3:8] == [0, 0, 320, 640, 960], "heard 100 ms after it was handed out"
    port.microphone.check()
    device.dead = True
    with pytest.raises(PortError, match="has stopped"):
        port.microphone.check()
    port.microphone.stop()
    assert device.exchange is None
