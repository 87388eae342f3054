"""A microphone behind a connection that loses nothing, and a loudspeaker whose client keeps what it has."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.clock import AudioClock
from huiyin.assistant.ports.port import Block, Microphone, Pcm16, Port, PortError
from huiyin.assistant.ports.remote_loudspeaker import STOPPED_S, RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import Clear, End, Message, Pause, Resume, Sound
from huiyin.assistant.ports.remote_stream import STALL_S, StreamPort
from tests.support.remote_client import VirtualTime

SECOND = SAMPLE_RATE
PACKET = SECOND // 50


def ramp(count: int, start: int = 0) -> Pcm16:
    """Sound whose every sample tells where it belongs, and is never silence."""
    return ((np.arange(start, start + count) % 30_000) + 1).astype(np.int16)


class Talk:
    """A microphone, and what it gives."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.messages: list[Message] = []
        self.port = StreamPort(RemoteLoudspeaker(self.messages.append, assumed_latency_s=0.1, keeps_sound=True))
        self.blocks: list[Block] = []
        self.port.microphone.start(self.time, self.blocks.append, lambda: None)

    def speak(self, sound: Pcm16) -> None:
        """In real time."""
        for begin in range(0, len(sound), PACKET):
            self.time.run(PACKET / SECOND)
            self.port.microphone.receive(sound[begin : begin + PACKET])

    def heard(self) -> Pcm16:
        return np.concatenate([np.zeros(0, np.int16), *(block.mic for block in self.blocks)])


def test_it_is_a_port() -> None:
    port: Port = Talk().port
    microphone: Microphone = port.microphone
    microphone.check()
    microphone.stop()
    with pytest.raises(PortError):
        microphone.check()


def test_sound_is_given_at_once_as_it_comes() -> None:
    talk = Talk()
    spoken = ramp(20 * SECOND)
    talk.speak(spoken)
    assert np.array_equal(talk.heard(), spoken)
    assert talk.port.microphone.waiting_s == 0
    assert all(len(block.mic) == len(block.far_end) and not block.far_end.any() for block in talk.blocks)


def test_a_recording_is_heard_in_real_time_and_whole() -> None:
    talk = Talk()
    recording = ramp(5 * SECOND)
    talk.port.microphone.receive(recording)
    assert len(talk.heard()) <= 0.2 * SECOND
    talk.time.run(2.0)
    assert 2.0 * SECOND <= len(talk.heard()) <= 2.8 * SECOND
    assert talk.port.microphone.waiting_s == pytest.approx(5 - len(talk.heard()) / SECOND)
    talk.time.run(3.0)
    assert np.array_equal(talk.heard()[: len(recording)], recording)


def test_what_a_connection_kept_back_is_caught_up_with() -> None:
    talk = Talk()
    talk.speak(ramp(SECOND))
    talk.time.run(0.7)
    late = ramp(round(0.7 * SECOND), SECOND)
    talk.port.microphone.receive(late)
    assert np.array_equal(talk.heard(), np.concatenate([ramp(SECOND), late])), "at once: it is not ahead of its time"


def test_a_stall_is_silence_and_nothing_that_comes_after_it_is_lost() -> None:
    talk = Talk()
    talk.speak(ramp(SECOND))
    talk.time.run(STALL_S + 1.0)
    assert len(talk.heard()) == pytest.approx((2 + STALL_S) * SECOND, abs=0.2 * SECOND)
    talk.speak(ramp(2 * SECOND, SECOND))
    heard = talk.heard()
    assert np.array_equal(heard[heard != 0], ramp(3 * SECOND))
    assert len(heard) == pytest.approx((4 + STALL_S) * SECOND, abs=0.2 * SECOND)


def test_times_of_the_conversation_are_places_in_the_clients_sound() -> None:
    talk = Talk()
    talk.speak(ramp(SECOND))
    talk.time.run(3.0)
    talk.speak(ramp(SECOND))
    sent_s = talk.port.microphone.sent_s
    assert sent_s(0.5) == pytest.approx(0.5)
    assert sent_s(2.5) == pytest.approx(1.0, abs=0.01), "in the silence"
    assert sent_s(4.5) == pytest.approx(1.5, abs=0.2)
    assert sent_s(len(talk.heard()) / SECOND) == pytest.approx(2.0)


def test_its_blocks_may_be_the_clock_that_it_is_paced_by() -> None:
    """As in real time: the clock of a conversation is that of what the microphone has given."""
    wall, clock = VirtualTime(), AudioClock(lambda: 0.0)
    clock = AudioClock(lambda: wall.now)

    class Timers:
        @property
        def now(self) -> float:
            return clock.now()

        def after(self, delay_s: float, do: object) -> None:
            wall.after(delay_s, do)  # type: ignore[arg-type]

    port, blocks = StreamPort(RemoteLoudspeaker(lambda message: None)), list[Block]()

    def hear(block: Block) -> None:
        clock.advance(len(block.mic))
        blocks.append(block)

    port.microphone.start(Timers(), hear, lambda: None)
    port.microphone.receive(ramp(10 * SECOND))
    wall.run(4.0)
    given_s = sum(len(block.mic) for block in blocks) / SECOND
    assert 4.0 <= given_s <= 4.0 * 1.3 + 0.2
    wall.run(10.0)
    assert sum(len(block.mic) for block in blocks) / SECOND == pytest.approx(14.0, abs=2.2)
    assert np.array_equal(np.concatenate([block.mic for block in blocks])[: 10 * SECOND], ramp(10 * SECOND))


def test_what_waits_can_be_forgotten_and_a_stopped_microphone_gives_nothing() -> None:
    talk = Talk()
    talk.port.microphone.receive(ramp(5 * SECOND))
    talk.port.microphone.forget()
    given = len(talk.heard())
    talk.time.run(0.5)
    assert len(talk.heard()) == given
    talk.port.microphone.stop()
    talk.port.microphone.receive(ramp(SECOND))
    talk.time.run(3.0)
    assert len(talk.heard()) == given


# -- the loudspeaker of a client that keeps what it has


def saying(talk: Talk, seconds: float) -> RemoteLoudspeaker:
    loudspeaker = talk.port.loudspeaker
    loudspeaker.add(1, 0, ramp(round(seconds * SECOND)))
    loudspeaker.end_clause(1, 0)
    loudspeaker.open(1)
    loudspeaker.close(1)
    return loudspeaker


def sent(talk: Talk) -> Pcm16:
    return np.concatenate([message.samples for message in talk.messages if isinstance(message, Sound)])


def test_a_pause_holds_sound_back_and_the_client_plays_what_it_has() -> None:
    talk = Talk()
    loudspeaker = saying(talk, 3.0)
    talk.time.run(1.0)
    loudspeaker.pause(1)
    has = len(sent(talk))
    talk.time.run(1.0)
    assert len(sent(talk)) == has and loudspeaker.heard(1)[0] == has, "and then it is silent"
    loudspeaker.resume(1)
    talk.time.run(3.0)
    assert np.array_equal(sent(talk), ramp(3 * SECOND)), "nothing is said twice"
    assert loudspeaker.finished() == 1
    assert [type(m) for m in talk.messages if not isinstance(m, Sound)] == [Pause, Resume, End]


def test_a_client_that_reports_no_more_has_stopped_unless_it_is_paused_or_has_nothing_to_play() -> None:
    talk = Talk()
    talk.port.loudspeaker.expect_reports()
    loudspeaker = saying(talk, 3.0)
    talk.time.run(STOPPED_S)
    loudspeaker.played(1, SECOND // 8)
    talk.time.run(STOPPED_S - 0.1)
    assert not loudspeaker.has_stopped, "it is slow"
    loudspeaker.pause(1)
    talk.time.run(60.0)
    assert not loudspeaker.has_stopped
    loudspeaker.resume(1)
    talk.time.run(STOPPED_S - 0.1)
    assert not loudspeaker.has_stopped
    talk.time.run(0.2)
    assert loudspeaker.has_stopped
    loudspeaker.stop(1)
    assert not loudspeaker.has_stopped


def test_the_client_may_say_after_all_what_was_heard() -> None:
    talk = Talk()
    loudspeaker = saying(talk, 3.0)
    talk.time.run(1.0)
    assert loudspeaker.heard(1)[0] > 0.7 * SECOND
    loudspeaker.correct(1, SECOND // 2)
    assert talk.messages[-1] == Clear(1)
    talk.time.run(1.0)
    assert loudspeaker.heard(1)[0] == SECOND // 2 and len(sent(talk)) < 1.4 * SECOND


def test_a_client_that_reports_from_now_on_is_believed_and_forgets() -> None:
    talk = Talk()
    talk.port.loudspeaker.expect_reports()
    loudspeaker = saying(talk, 3.0)
    talk.time.run(2.0)
    assert len(sent(talk)) == 0.75 * SECOND and loudspeaker.heard(1)[0] == 0
    loudspeaker.played(1, SECOND // 2)
    loudspeaker.pause(1)
    loudspeaker.resume(1)
    resumed = next(message for message in talk.messages if isinstance(message, Resume))
    assert 0.3 * SECOND <= resumed.position <= 0.5 * SECOND
