"""The desktop's port on sound devices of software: PortAudio's behaviour, without sound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.faces.cli import main
from huiyin.assistant.ports import desktop, devices, streams
from huiyin.assistant.ports.capture import MicrophoneSource
from huiyin.assistant.ports.desktop import DesktopDevice
from huiyin.assistant.ports.elastic import Elastic
from huiyin.assistant.ports.port import DriverError, PortError
from huiyin.assistant.ports.streams import open_stream

BLOCK_S = 0.02


class Refused(Exception):
    """PortAudio's error."""


class FakeStream:
    """A stream whose callback the test calls."""

    def __init__(self, card: Card, kind: str, **options: Any) -> None:
        if options["samplerate"] not in card.rates:
            raise Refused("Invalid sample rate")
        if kind == "duplex" and len(set(options["device"])) > 1:
            raise Refused("not one device")
        self.kind, self.rate, self.block = kind, options["samplerate"], options["blocksize"]
        self.callback: Callable[..., None] = options["callback"]
        self.closed = False
        self.written = np.zeros(0, np.int16)
        self._card = card

    def start(self) -> None:
        if not self._card.plugged:
            raise Refused("Device unavailable")
        self._card.streams.append(self)

    def write(self, samples: np.ndarray) -> None:
        if not self._card.plugged:
            raise Refused("Device unavailable")
        self.written = np.append(self.written, samples)

    def abort(self, ignore_errors: bool = False) -> None:
        if self._card.hangs:
            threading.Event().wait()

    def close(self, ignore_errors: bool = False) -> None:
        self.closed = True

    def move(self, mic: np.ndarray | None = None) -> np.ndarray:
        """One callback: the loudspeaker's block."""
        silence = np.zeros(self.block, np.int16)
        heard = (silence if mic is None else mic).reshape(-1, 1)
        played = np.full((self.block, 1), 99, np.int16)
        arrays = {"duplex": (heard, played), "input": (heard,), "output": (played,)}[self.kind]
        self.callback(*arrays, self.block, None, None)
        return played[:, 0]


class Card:
    """The machine's sound, and the `sounddevice` module on it."""

    PortAudioError = Refused

    def __init__(self, rates: tuple[int, ...] = (16_000, 48_000)) -> None:
        self.rates, self.plugged, self.hangs = rates, True, False
        self.streams: list[FakeStream] = []
        self.begun_anew = 0
        self.default = SimpleNamespace(device=[0, 0])
        self.names = ["Onboard", "USB Audio"]
        self.now = 100.0

    def Stream(self, **options: Any) -> FakeStream:
        return FakeStream(self, "duplex", **options)

    def InputStream(self, **options: Any) -> FakeStream:
        return FakeStream(self, "input", **options)

    def OutputStream(self, **options: Any) -> FakeStream:
        return FakeStream(self, "output", **options)

    def query_devices(self, device: int | None = None, kind: str | None = None) -> Any:
        facts = [
            {"name": name, "hostapi": 0, "max_input_channels": 1, "max_output_channels": 2,
             "default_samplerate": float(self.rates[-1])}
            for name in self.names
        ]  # fmt: skip
        return facts if kind is None else facts[device or 0]

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams), "PortAudio would crash"
        self.begun_anew += 1

    def _initialize(self) -> None:
        pass

    def open(self) -> list[FakeStream]:
        return [stream for stream in self.streams if not stream.closed]


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[Card]:
    card = Card()
    clock = SimpleNamespace(monotonic=lambda: card.now)
    for module in (desktop, devices, streams):
        monkeypatch.setattr(module, "portaudio", lambda: card)
    for module in (desktop, streams):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(streams, "_CLOSE_LIMIT_S", 0.1)
    yield card


class Loop:
    """Plays what it hears, inverted; remembers both."""

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []

    def exchange(self, mic: np.ndarray) -> np.ndarray:
        self.heard.append(mic.copy())
        return -mic

    def sound(self) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int16), *self.heard])


def tone(count: int, start: int, rate: int) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * 440 * (start + np.arange(count)) / rate)).astype(np.int16)


def test_one_device_is_one_stream_at_16_khz(card: Card) -> None:
    loop, port = Loop(), DesktopDevice(latency_s=0.1)
    port.start(loop.exchange)
    (stream,) = card.open()
    assert (stream.kind, stream.rate, stream.block) == ("duplex", 16_000, 320)
    mic = np.arange(320, dtype=np.int16)
    assert np.array_equal(stream.move(mic), -mic)
    assert np.array_equal(loop.sound(), mic)
    port.stop()
    assert card.open() == []
    assert np.all(stream.move(mic) == 99), "nothing is exchanged any more"


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_device_that_refuses_16_khz_runs_at_its_own_rate(card: Card, rate: int) -> None:
    card.rates = (rate,)
    loop, port = Loop(), DesktopDevice(latency_s=0.1)
    port.start(loop.exchange)
    (stream,) = card.open()
    assert (stream.kind, stream.rate) == ("duplex", rate)
    played = [stream.move(tone(stream.block, at * stream.block, rate)) for at in range(50)]
    assert len(loop.sound()) == pytest.approx(16_000, abs=700)
    for sound, at_rate in ((np.concatenate(played), rate), (loop.sound(), 16_000)):
        peak = np.argmax(np.abs(np.fft.rfft(sound[len(sound) // 4 :]))) * at_rate / (len(sound) - len(sound) // 4)
        assert peak == pytest.approx(440, abs=2), "the right pitch"
        smooth = 8000 * (2 * np.pi * 440 / at_rate) ** 2
        assert np.abs(np.diff(sound[len(sound) // 4 :].astype(float), 2)).max() < smooth + 10, "without a click"


def test_two_devices_are_two_streams(card: Card) -> None:
    loop, port = Loop(), DesktopDevice("USB Audio", "Onboard", latency_s=0.1)
    assert port.output_latency_s > 0.1
    port.start(loop.exchange)
    ear, mouth = card.open()
    assert (ear.kind, mouth.kind) == ("input", "output")
    played = []
    for at in range(100):
        ear.move(tone(320, at * 320, 16_000))
        card.now += BLOCK_S / 2
        played.append(mouth.move())
        card.now += BLOCK_S / 2
    sound = np.concatenate(played)[8000:].astype(float)
    assert np.abs(sound).max() == pytest.approx(8000, abs=50)
    assert np.abs(np.diff(sound, 2)).max() < 8000 * (2 * np.pi * 440 / 16_000) ** 2 + 10, "no gap, no click"


def test_the_loudspeaker_alone_for_typed_input(card: Card) -> None:
    loop, port = Loop(), DesktopDevice(latency_s=0.1, microphone=False)
    port.start(loop.exchange)
    (mouth,) = card.open()
    assert mouth.kind == "output"
    assert np.all(mouth.move() == 0)
    assert len(loop.sound()) == 320


@pytest.mark.parametrize("which", [0, 1])
def test_either_stream_that_dies_in_silence_is_noticed_and_reopened_by_name(card: Card, which: int) -> None:
    loop, port = Loop(), DesktopDevice("USB", "Onboard", latency_s=0.1)
    port.start(loop.exchange)
    for _ in range(100):
        card.open()[1 - which].move()
        card.now += BLOCK_S
    with pytest.raises(PortError, match="has stopped; plug it in"):
        port.check()
    port.stop()
    card.plugged = False
    with pytest.raises(PortError, match="cannot be opened"):
        port.start(loop.exchange)
    assert card.open() == [], "nothing half open"
    card.plugged, card.names = True, ["Something new", "Onboard", "USB Audio"]
    port.start(loop.exchange)
    assert card.begun_anew == 2, "PortAudio looked for devices again"
    for stream in card.open():
        stream.move()
    port.check()


def test_a_driver_that_hangs_when_its_device_is_gone_blocks_no_caller(card: Card) -> None:
    loop, port = Loop(), DesktopDevice(latency_s=0.1)
    port.start(loop.exchange)
    card.hangs = True
    port.stop()
    port.start(loop.exchange)
    assert card.begun_anew == 0, "ending PortAudio would hang, too"
    card.streams[-1].move()
    port.check()


def test_a_muted_microphone_is_told_once(card: Card) -> None:
    told: list[str] = []
    port = DesktopDevice(latency_s=0.1, tell=told.append)
    port.start(Loop().exchange)
    (stream,) = card.open()

    def hear(mic: np.ndarray, seconds: float) -> None:
        for _ in range(round(seconds / BLOCK_S)):
            stream.move(mic)
            card.now += BLOCK_S
        port.check()

    hear(np.ones(320, np.int16), 12)
    assert told == []
    hear(np.zeros(320, np.int16), 12)
    assert len(told) == 1 and "muted" in told[0]
    hear(np.ones(320, np.int16), 1)
    hear(np.zeros(320, np.int16), 30)
    assert len(told) == 1


# -- others that open a device -----------------------------------------------------------------------------------------


def test_a_microphone_alone_is_heard_at_a_rate_it_knows(card: Card) -> None:
    card.rates = (48_000,)
    microphone = MicrophoneSource("", 0.1)
    (stream,) = card.open()
    assert (stream.kind, microphone.rate, stream.block) == ("input", 48_000, 1920)
    sound = tone(1920, 0, 48_000)
    stream.move(sound)
    blocks = microphone.blocks()
    assert next(blocks) == sound.astype("<i2").tobytes()
    microphone.stop()
    blocks.close()
    assert card.open() == []


def test_a_loudspeaker_is_written_to_until_it_fails(card: Card) -> None:
    speaker = open_stream("output", 0, None, latency=0.1, rates=[48_000])
    speaker.write(tone(100, 0, 48_000))
    assert len(card.open()[0].written) == 100
    card.plugged = False
    with pytest.raises(DriverError) as failure:
        speaker.write(tone(100, 0, 48_000))
    assert failure.value.facts["reason"] == "Device unavailable"


def test_a_command_tells_which_of_its_options_chooses_a_device(card: Card, capsys: pytest.CaptureFixture[str]) -> None:
    card.plugged = False
    assert main.main(["transcribe", "--live"]) == 1
    told = capsys.readouterr().err
    assert "the microphone cannot be opened (Device unavailable); choose another with --device" in told


# -- two clocks --------------------------------------------------------------------------------------------------------


def run_clocks(ppm: float, minutes: float, late_ms: float = 3.0) -> tuple[Elastic, np.ndarray, np.ndarray]:
    """Two devices for so long, the loudspeaker's clock slower by `ppm`, callbacks late by `late_ms` on average.
    (the buffer, how late the sound was at each block in samples, what was played)."""
    rng = np.random.default_rng(1)
    elastic = Elastic()
    count = round(minutes * 60 / BLOCK_S)
    write_s, read_s = np.arange(count) * BLOCK_S, 0.0073 + np.arange(count) * BLOCK_S * (1 + ppm * 1e-6)
    late, played = [], []
    written = read = 0
    while written < count and read < count:
        if write_s[written] <= read_s[read]:
            at_s = write_s[written] + rng.exponential(late_ms / 1000)
            elastic.write(tone(320, written * 320, 16_000), at_s)
            written += 1
        else:
            played.append(elastic.read(320, read_s[read] + rng.exponential(late_ms / 1000)))
            late.append(elastic.late + (read_s[read] - write_s[written - 1]) * 16_000)
            read += 1
    return elastic, np.array(late), np.concatenate(played)


@pytest.mark.slow
def test_two_clocks_100_ppm_apart_for_ten_minutes_no_xruns_no_growing_delay() -> None:
    elastic, late, played = run_clocks(100, 10)
    assert elastic.slips == 0
    assert elastic.drift_ppm == pytest.approx(100, abs=15)
    settled = late[60 * 50 :]
    assert settled.max() - settled.min() < 80, "5 ms, where a plain buffer would have grown by 60"
    assert abs(settled[-1000:].mean() - settled[:1000].mean()) < 40
    assert late[50:].max() < 0.06 * 16_000
    pure = 8000 * (2 * np.pi * 440 / 16_000) ** 2
    assert np.abs(np.diff(played[4000:].astype(float), 2)).max() < pure + 10, "not a click"


def test_clocks_far_apart_and_late_callbacks_are_survived() -> None:
    elastic, late, _ = run_clocks(-400, 0.5, late_ms=8.0)
    assert elastic.slips <= 5
    assert late[50:].max() < 0.12 * 16_000


def test_a_loudspeaker_that_stood_still_goes_on_with_what_is_said_now() -> None:
    elastic = Elastic()
    at_s = 0.0
    for block in range(100):
        at_s += BLOCK_S
        elastic.write(tone(320, block * 320, 16_000), at_s)
        if not 30 <= block < 70:
            elastic.read(320, at_s + 0.01)
    assert elastic.slips == 1
    assert elastic.late < 0.06 * 16_000


def test_a_silent_writer_is_one_slip() -> None:
    elastic = Elastic()
    assert not any(elastic.read(320, at * BLOCK_S).any() for at in range(50))
    elastic.write(np.ones(320, np.int16), 1.0)
    for at in range(50, 80):
        elastic.read(320, at * BLOCK_S)
    assert elastic.slips <= 1, "a silent writer is one slip, not many"
