"""A port at the other end of a network: only what the client reports counts as heard, and its sound keeps its time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.jitter import LONGEST_WAIT_S, SHORTEST_WAIT_S, STALL_S, JitterBuffer
from huiyin.assistant.ports.port import Block, Loudspeaker, Pcm16, Port, PortError
from huiyin.assistant.ports.remote import RemotePort
from huiyin.assistant.ports.remote_messages import Clear, End, Pause, Resume, Sound
from huiyin.assistant.ports.tracks import FADE, REWIND
from tests.support.remote_client import PACKET, Client, Network, VirtualTime

SECOND = SAMPLE_RATE
NETWORKS = [
    pytest.param(Network(0.0), id="none"),
    pytest.param(Network(0.02, jitter_s=0.04), id="good"),
    pytest.param(Network(0.05, jitter_s=0.2, loss=0.02, double=0.05), id="phone"),
    pytest.param(Network(0.1, jitter_s=0.4, loss=0.1, double=0.1), id="bad"),
    pytest.param(Network(0.03, jitter_s=0.02, stalls=[(1.0, 1.3), (2.5, 2.9), (4.0, 4.7)]), id="bursts"),
]


def ramp(count: int, start: int = 0) -> Pcm16:
    """Sound whose every sample tells where it belongs, and is never silence."""
    return ((np.arange(start, start + count) % 30_000) + 1).astype(np.int16)


class Talk:
    """A client and what the conversation gets of it."""

    def __init__(self, network: Network | None = None, seed: int = 1, **options: float) -> None:
        self.time = VirtualTime()
        self.client = Client(self.time, network or Network(), seed, **options)
        self.port = self.client.port
        self.loudspeaker = self.port.loudspeaker
        self.blocks: list[Block] = []
        self.reports = 0
        self.random = np.random.default_rng(seed)
        self.port.microphone.start(self.time, self.blocks.append, self._note)

    def _note(self) -> None:
        """Playback was reported: what counts as heard has been heard."""
        self.reports += 1
        for generation in range(1, 9):
            heard, _ = self.loudspeaker.heard(generation)
            assert heard <= self.client.furthest.get(generation, 0)

    def heard(self) -> Pcm16:
        """What the microphone has given."""
        return np.concatenate([np.zeros(0, np.int16), *(block.mic for block in self.blocks)])

    def say(self, generation: int, seconds: float) -> Pcm16:
        """A reply of one clause, whole at once."""
        sound = ramp(round(seconds * SECOND))
        self.loudspeaker.add(generation, 0, sound)
        self.loudspeaker.end_clause(generation, 0)
        self.loudspeaker.open(generation)
        self.loudspeaker.close(generation)
        return sound

    def messages(self, kind: type) -> list[object]:
        return [message for message in self.client.sent if isinstance(message, kind)]


def test_it_is_a_port() -> None:
    port: Port = RemotePort(lambda message: None)
    loudspeaker: Loudspeaker = port.loudspeaker
    assert not loudspeaker.is_sounding


# -- the loudspeaker ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_a_reply_is_heard_to_its_end_once_the_client_has_played_it(network: Network) -> None:
    talk = Talk(network)
    sound = talk.say(1, 3.0)
    while (finished := talk.loudspeaker.finished()) is None:
        assert talk.time.now < 10
        talk.time.run(0.01)
    assert finished == 1
    assert np.array_equal(np.concatenate([part for _, _, part in talk.client.log]), sound)
    assert talk.client.furthest[1] == talk.loudspeaker.heard(1)[0] == len(sound)
    assert talk.messages(End) == [End(1, len(sound))]


def test_sound_is_sent_a_quarter_of_a_second_ahead_of_real_time_however_soon_it_is_there() -> None:
    talk = Talk(Network(0.05), ahead_s=0.25)
    talk.say(1, 5.0)
    for _ in range(100):
        talk.time.run(0.02)
        last = talk.messages(Sound)[-1]
        assert isinstance(last, Sound)
        assert last.position + len(last.samples) <= (talk.time.now + 0.25) * SECOND + 1
    assert talk.client.furthest[1] > 1.9 * SECOND, "nor does the client run dry"


def test_a_client_that_stops_playing_gets_no_more() -> None:
    messages: list[object] = []
    time, port = VirtualTime(), RemotePort(messages.append)
    port.microphone.start(time, lambda block: None, lambda: None)
    port.loudspeaker.add(1, 0, ramp(10 * SECOND))
    port.loudspeaker.open(1)
    time.run(5.0)
    sent = sum(len(m.samples) for m in messages if isinstance(m, Sound))
    assert sent == 0.75 * SECOND, "a quarter of a second, and what a report may be late"
    port.played(1, SECOND // 2)
    time.run(5.0)
    assert sum(len(m.samples) for m in messages if isinstance(m, Sound)) == sent + SECOND // 2


def test_clauses_are_told_when_their_first_sample_is_reported() -> None:
    talk = Talk(Network(0.1))
    talk.loudspeaker.add(1, 0, ramp(SECOND))
    talk.loudspeaker.add(1, 1, ramp(SECOND, SECOND))
    talk.loudspeaker.open(1)
    told = []
    for _ in range(150):
        talk.time.run(0.02)
        if advanced := talk.loudspeaker.advanced():
            told.append((advanced, talk.time.now))
    assert [what for what, _ in told] == [(1, 0), (1, 1)]
    assert told[0][1] > 0.2 and told[1][1] > 1.2, "there and back takes 0.2 s"


def test_a_reply_closed_after_its_last_report_is_reported_again() -> None:
    talk = Talk()
    talk.loudspeaker.add(1, 0, ramp(1600))
    talk.loudspeaker.open(1)
    talk.time.run(1.0)
    assert talk.loudspeaker.heard(1)[0] == 1600
    assert talk.loudspeaker.finished() is None and not talk.loudspeaker.is_sounding
    before = talk.reports
    talk.loudspeaker.close(1)
    talk.time.run(0.1)
    assert talk.reports > before and talk.loudspeaker.finished() == 1


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("seed", range(8))
def test_pauses_at_any_moment_lose_nothing_and_repeat_200_ms_at_most(network: Network, seed: int) -> None:
    talk = Talk(network, seed)
    sound = talk.say(1, 6.0)
    pauses = 0
    while talk.loudspeaker.finished() is None:
        assert talk.time.now < 60
        talk.time.run(float(talk.random.uniform(0.0, 0.8)))
        talk.loudspeaker.pause(1)
        talk.time.run(float(talk.random.choice([0.0, 0.01, 0.1, 1.0])))
        talk.loudspeaker.resume(1)
        pauses += 1
        talk.time.run(float(talk.random.choice([0.05, 2.0])))
    assert pauses > 2
    follows = 0
    for _, position, part in talk.client.log:
        assert follows - REWIND <= position <= follows, "nothing is left out"
        follows = position + len(part)
        whole = np.abs(part - sound[position : position + len(part)].astype(int)) == 0
        assert whole.all() or not whole[:FADE].all(), "only a fade changes it"
    assert talk.client.furthest[1] == len(sound)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("seed", range(8))
def test_replies_cut_short_at_any_moment_are_known_as_far_as_they_were_heard(network: Network, seed: int) -> None:
    talk = Talk(network, seed)
    for generation in range(1, 6):
        talk.say(generation, 3.0)
        talk.time.run(float(talk.random.uniform(0.0, 2.0)))
        if talk.random.random() < 0.5:
            talk.loudspeaker.pause(generation)
            talk.time.run(0.35)
        talk.loudspeaker.stop(generation)
        stopped_s, sent = talk.time.now, len(talk.messages(Sound))
        talk.time.run(1.0)
        assert len(talk.messages(Sound)) == sent, "no more is sent"
        assert talk.loudspeaker.heard(generation)[0] == talk.client.furthest.get(generation, 0)
        assert talk.client.furthest.get(generation, 0) <= (stopped_s + 0.25 + network.jitter_s) * SECOND
        talk.loudspeaker.drop(generation)
        assert talk.loudspeaker.heard(generation) == (0, [])
    assert len(talk.messages(Clear)) == 5


def test_a_reply_that_takes_the_place_of_another_clears_it() -> None:
    talk = Talk(Network(0.03))
    talk.say(1, 3.0)
    talk.time.run(1.0)
    talk.say(2, 1.0)
    assert talk.messages(Clear) == [Clear(1)]
    talk.time.run(2.0)
    assert talk.loudspeaker.finished() == 2


def test_a_client_that_lies_does_no_harm() -> None:
    messages: list[object] = []
    time, port = VirtualTime(), RemotePort(messages.append)
    port.microphone.start(time, lambda block: None, lambda: None)
    loudspeaker = port.loudspeaker
    loudspeaker.add(1, 0, ramp(10 * SECOND))
    port.played(1, 999)
    assert loudspeaker.heard(1)[0] == 0, "it was not yet let out"
    loudspeaker.open(1)
    for samples, heard in ((-5, 0), (1000, 1000), (500, 1000), (10**12, SECOND // 4 + 1000)):
        port.played(1, samples)
        assert loudspeaker.heard(1)[0] == heard
    for generation in (-1, 0, 2, 10**9):
        port.played(generation, 10)
        assert loudspeaker.heard(generation) == (0, [])
    for _ in range(10_000):  # it says that it has played all there is, over and over
        port.played(1, 10**12)
    assert sum(len(m.samples) for m in messages if isinstance(m, Sound)) <= 10 * SECOND
    loudspeaker.close(1)
    assert loudspeaker.finished() in (None, 1)


def test_a_client_that_never_reports_is_taken_to_play_in_real_time_after_its_buffer() -> None:
    talk = Talk(Network(0.1), assumed_latency_s=0.3)
    sound = talk.say(1, 2.0)
    talk.time.run(1.0)
    assert talk.loudspeaker.heard(1)[0] == pytest.approx(0.65 * SECOND, abs=0.05 * SECOND)
    talk.loudspeaker.pause(1)
    heard = talk.loudspeaker.heard(1)[0]
    talk.time.run(3.0)
    assert talk.loudspeaker.heard(1)[0] == heard, "a pause is a pause"
    talk.loudspeaker.resume(1)
    (resumed,) = talk.messages(Resume)
    assert isinstance(resumed, Resume) and heard - REWIND <= resumed.position <= heard
    while talk.loudspeaker.finished() is None:
        assert talk.time.now < 8
        talk.time.run(0.02)
    assert talk.client.furthest[1] == len(sound)
    assert [type(message) for message in talk.client.sent if not isinstance(message, Sound)] == [Pause, Resume, End]


# -- the microphone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("seed", range(5))
def test_the_sound_keeps_its_order_and_its_length(network: Network, seed: int) -> None:
    talk = Talk(network, seed)
    spoken = ramp(8 * SECOND)
    talk.client.speak(spoken)
    talk.time.run(8.0 + LONGEST_WAIT_S + 0.1)
    heard = talk.heard()
    assert len(heard) == pytest.approx(len(spoken), abs=0.6 * SECOND)
    begin = np.flatnonzero(heard)[0]
    place = np.arange(len(heard)) - begin + heard[begin] - 1
    is_sound = heard != 0
    assert np.array_equal(heard[is_sound], (place[is_sound] % 30_000) + 1), "every sample is at its place, once"
    lost = network.loss + (0.06 if network.jitter_s > 0.1 else 0.0)
    assert np.mean(heard[begin:] == 0) <= 1.6 * lost + (0.0 if lost else 0.001)
    assert all(not block.far_end.any() and len(block.far_end) == len(block.mic) for block in talk.blocks)


def given_at(buffer: JitterBuffer, *packets: tuple[float, int]) -> list[int]:
    """Samples given out after each packet (arrival in seconds, position)."""
    return [buffer.push(ramp(PACKET), position, at_s) is not None and buffer.given for at_s, position in packets]


def test_packets_in_order_wait_for_nothing() -> None:
    assert given_at(JitterBuffer(0.0), (0.02, 0), (0.04, 320), (0.06, 640)) == [320, 640, 960]


def test_a_missing_packet_is_waited_for_and_then_replaced_by_silence() -> None:
    buffer = JitterBuffer(0.0)
    assert given_at(buffer, (0.02, 0), (0.06, 640)) == [320, 320]
    assert buffer.wake_s == pytest.approx(0.04 + SHORTEST_WAIT_S)
    assert len(buffer.pull(buffer.wake_s - 0.001)) == 0
    late = buffer.pull(buffer.wake_s)
    assert len(late) == 640 and not late[:320].any() and late[320:].all()
    assert given_at(buffer, (0.1, 320), (0.11, 640)) == [960, 960], "too late, and double"


def test_where_packets_come_late_it_waits_longer_but_never_longer_than_its_limit() -> None:
    buffer = JitterBuffer(0.0)
    for number in range(50):
        late_s = 0.15 if number == 10 else 0.0
        buffer.push(ramp(PACKET), number * PACKET, 0.02 * (number + 1) + late_s)
    buffer.push(ramp(PACKET), 51 * PACKET, 1.04)
    assert 0.1 < buffer.wake_s - 1.02 < 0.2
    buffer.push(ramp(PACKET), 52 * PACKET, 30.0)
    assert buffer.wake_s <= 1.02 + LONGEST_WAIT_S


@pytest.mark.parametrize("seed", range(3))
def test_a_stalled_microphone_gives_silence_and_goes_on(seed: int) -> None:
    talk = Talk(Network(0.02, jitter_s=0.05), seed)
    talk.client.speak(ramp(2 * SECOND))
    talk.time.run(2.0 + STALL_S)
    assert len(talk.heard()) < 2.1 * SECOND
    talk.time.run(0.3)
    assert len(talk.heard()) > 3 * SECOND, "the silence is as long as it lasted"
    talk.time.run(4.7)
    assert len(talk.heard()) == pytest.approx(8 * SECOND, abs=0.2 * SECOND)
    talk.client.speak(ramp(2 * SECOND, 100_000), position=2 * SECOND)  # its count has stood still, too
    talk.time.run(2.5)
    assert len(talk.heard()) == pytest.approx(10 * SECOND, abs=0.2 * SECOND)
    assert np.mean(talk.heard()[8 * SECOND :] != 0) > 0.7, "at most the first moment is lost"


def test_sound_that_a_connection_kept_back_does_not_come_after_the_silence_in_its_place() -> None:
    talk = Talk(Network(0.02, stalls=[(2.0, 4.5)]))
    spoken = ramp(8 * SECOND)
    talk.client.speak(spoken)
    talk.time.run(8.1)
    heard = talk.heard()
    assert len(heard) == pytest.approx(len(spoken), abs=0.05 * SECOND)
    gap = np.flatnonzero(heard == 0)
    assert len(gap) == pytest.approx(2.5 * SECOND, abs=0.15 * SECOND)
    assert np.array_equal(heard[-2 * SECOND :], spoken[-2 * SECOND :])


def test_sound_that_was_kept_back_and_comes_slowly_is_not_taken_for_a_clock_that_stood_still() -> None:
    time, port, blocks = VirtualTime(), RemotePort(lambda message: None), list[Block]()
    port.microphone.start(time, blocks.append, lambda: None)
    for number in range(400):
        spoken_s = (number + 1) * PACKET / SECOND
        kept_back_s = (
            5.0 + (number - 100) * PACKET / SECOND / 3
        )  # from 2 s to 5 s nothing passes; then three times as fast
        arrives_s = max(spoken_s, kept_back_s) if number >= 100 else spoken_s
        time.run(arrives_s - time.now)
        port.receive(ramp(PACKET, number * PACKET), number * PACKET)
    heard = np.concatenate([block.mic for block in blocks])
    assert len(heard) == 8 * SECOND
    assert np.array_equal(heard[-SECOND:], ramp(SECOND, 7 * SECOND))


def test_silence_comes_from_the_start_where_the_user_has_not_yet_allowed_the_microphone() -> None:
    talk = Talk()
    talk.time.run(5.0)
    assert len(talk.heard()) == pytest.approx(5 * SECOND, abs=0.2 * SECOND)
    talk.client.speak(ramp(SECOND), position=777)
    talk.time.run(1.1)
    assert np.count_nonzero(talk.heard()) == SECOND


@pytest.mark.parametrize("elsewhere", [0, 10**9, -(10**9)])
def test_a_client_that_counts_anew_is_heard_again_at_once_or_soon(elsewhere: int) -> None:
    talk = Talk()
    talk.client.speak(ramp(2 * SECOND), position=5 * SECOND)
    talk.time.run(2.0)
    talk.client.speak(ramp(2 * SECOND), position=elsewhere)
    talk.time.run(2.1)
    heard = talk.heard()
    assert len(heard) == pytest.approx(4 * SECOND, abs=0.2 * SECOND)
    assert np.count_nonzero(heard) > 3.6 * SECOND


def test_more_sound_than_time_does_not_carry_the_clock_away() -> None:
    talk = Talk()
    for number in range(2000):  # 40 s of sound within 4 s
        talk.port.receive(ramp(PACKET), number * PACKET)
        talk.time.run(0.002)
    assert len(talk.heard()) <= 6.1 * SECOND


def test_nothing_comes_of_a_port_that_was_stopped_and_it_may_be_started_anew() -> None:
    talk = Talk()
    talk.say(1, 1.0)
    talk.port.microphone.stop()
    talk.port.receive(ramp(PACKET), 0)
    talk.time.run(3.0)
    talk.blocks.clear()
    sent = len(talk.client.sent)
    talk.time.run(3.0)
    assert talk.blocks == [] and len(talk.client.sent) == sent
    talk.port.microphone.start(talk.time, talk.blocks.append, lambda: None)
    talk.time.run(3.0)
    assert talk.loudspeaker.finished() == 1
    assert len(talk.heard()) == pytest.approx(3 * SECOND, abs=0.2 * SECOND)


def test_a_client_that_has_gone_fails_the_check_and_is_sent_nothing() -> None:
    talk = Talk()
    talk.port.microphone.check()
    talk.port.leave()
    attempts: list[Callable[[], None]] = [
        talk.port.microphone.check,
        lambda: talk.port.microphone.start(talk.time, talk.blocks.append, lambda: None),
    ]
    for attempt in attempts:
        with pytest.raises(PortError, match="has gone"):
            attempt()
    talk.say(1, 1.0)
    assert talk.client.sent == []
