"""Sound on the wire."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from huiyin.assistant.faces.connections.audio import A_LAW, MU_LAW, PCM, RATES, AudioFormat, Decoder, Encoder
from huiyin.assistant.faces.connections.wire import WireError
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from tests.realtime.rig import Rig

TONE_HZ = 440


def tone(rate: int, seconds: float = 1.0) -> Pcm16:
    return (8000 * np.sin(2 * np.pi * TONE_HZ * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


def text(samples: Pcm16, audio_format: AudioFormat) -> str:
    return base64.b64encode(audio_format.bytes_of(samples)).decode()


@pytest.mark.parametrize("audio_format", [*(AudioFormat(PCM, rate) for rate in RATES), AudioFormat(MU_LAW, 8000),
                                          AudioFormat(A_LAW, 8000)])  # fmt: skip
def test_sound_comes_and_goes_in_every_format(audio_format: AudioFormat) -> None:
    decoder, encoder = Decoder(audio_format), Encoder(audio_format)
    parts = np.array_split(tone(audio_format.rate), 50)
    heard = np.concatenate([*(decoder.feed(text(part, audio_format)) for part in parts), decoder.flush()])
    expected = tone(SAMPLE_RATE)
    assert len(heard) == pytest.approx(len(expected), abs=2)
    middle = slice(2000, 14_000)
    assert np.abs(heard[middle].astype(int) - expected[middle]).max() < 8000 * 0.06
    sent = [*(encoder.feed(part) for part in np.array_split(expected, 50)), encoder.flush()]
    again = audio_format.samples_of(b"".join(map(base64.b64decode, sent)))
    assert len(again) == pytest.approx(audio_format.rate, abs=3)
    middle = slice(audio_format.rate // 8, audio_format.rate * 7 // 8)
    assert np.abs(again[middle].astype(int) - tone(audio_format.rate)[middle]).max() < 8000 * 0.06


def test_little_is_kept_back() -> None:
    decoder = Decoder(AudioFormat())
    assert len(decoder.feed(text(tone(24_000, 0.02), AudioFormat()))) >= 300  # of 320


@pytest.mark.parametrize("kind", [MU_LAW, A_LAW])
def test_g711_is_its_own_inverse(kind: str) -> None:
    audio_format = AudioFormat(kind, 8000)
    values = audio_format.samples_of(bytes(range(256)))
    assert np.array_equal(audio_format.samples_of(audio_format.bytes_of(values)), values)
    assert {int(abs(value)) for value in (values.min(), values.max())} == {32124 if kind == MU_LAW else 32256}


def test_a_new_sound_has_nothing_of_the_last() -> None:
    decoder = Decoder(AudioFormat())
    decoder.feed(text(tone(24_000, 0.1), AudioFormat()))
    assert np.abs(decoder.flush()).max() > 0
    assert not decoder.feed(text(np.zeros(480, np.int16), AudioFormat())).any()
    assert len(Decoder(AudioFormat(PCM, SAMPLE_RATE)).flush()) == 0


@pytest.mark.parametrize("audio", ["not base64!", "A", base64.b64encode(b"abc").decode(), "ä"])
def test_what_is_no_sound_is_refused_and_the_next_is_heard(audio: str) -> None:
    decoder = Decoder(AudioFormat())
    with pytest.raises(WireError) as error:
        decoder.feed(audio)
    assert error.value.code == "invalid_audio" and error.value.param == "audio"
    assert len(decoder.feed(text(tone(24_000, 0.1), AudioFormat()))) > 1500


def test_a_session_speaks_and_hears_g711(rig: Rig) -> None:
    phone = {"type": "audio/pcmu"}
    rig.hears = False
    rig.update(audio={"input": {"format": phone, "turn_detection": None}, "output": {"format": phone}})
    speech = rig.speech("hello there")[::3]  # 8 kHz
    rig.send("input_audio_buffer.append", audio=text(speech, AudioFormat(MU_LAW, 8000)))
    rig.send("input_audio_buffer.commit")
    rig.send("response.create")
    rig.wait("response.done")
    assert rig.stages.asked[0][-1]["content"] == "hello there"
    sent = b"".join(base64.b64decode(event["delta"]) for event in rig.all("response.output_audio.delta"))
    assert len(sent) / 8000 == pytest.approx(51 * 0.05, abs=0.01)
