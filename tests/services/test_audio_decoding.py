"""Any recording becomes the same mono 16 kHz sound, or an error that says what is wrong with it."""

from __future__ import annotations

import io
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, decode
from huiyin.services.common.errors import ApiError
from huiyin.services.common.pcm import PcmFormat, pcm_format
from tests.support.media import FREES_TWICE, encode, float_wav, pcm16

TONE_HZ = 440


def tone(seconds: float = 2.0, level: float = 0.3) -> np.ndarray:
    """float32 mono 16 kHz."""
    return (level * np.sin(2 * np.pi * TONE_HZ * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(
        np.float32
    )


def refused(source: bytes, *, max_duration_s: float = 60.0, pcm: PcmFormat | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode(source, max_duration_s=max_duration_s, pcm=pcm)
    assert caught.value.message
    return caught.value


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 8000),
        ("wav", "pcm_s16le", 16000),
        ("wav", "pcm_u8", 16000),
        ("wav", "pcm_s24le", 44100),
        ("wav", "pcm_s32le", 48000),
        ("wav", "pcm_f32le", 16000),
        ("wav", "pcm_f64le", 48000),
        ("wav", "pcm_mulaw", 8000),
        ("wav", "pcm_alaw", 8000),
        ("mp3", "libmp3lame", 44100),
        ("flac", "flac", 48000),
        ("ogg", "libopus", 48000),
        ("webm", "libopus", 48000),
        ("ipod", "aac", 44100),  # .m4a
        ("adts", "aac", 16000),
        ("aiff", "pcm_s16be", 22050),
        ("matroska", "flac", 96000),
    ],
)
def test_every_format_gives_the_same_sound(container: str, codec: str, rate: int, channels: int) -> None:
    if codec == "libmp3lame" and channels > 2:
        pytest.skip("mp3 has two channels at most")
    if FREES_TWICE and (container, channels) == ("aiff", 8):
        pytest.skip("this PyAV ends the process at a channel layout of the file's own")
    audio = decode(encode(tone(), container, codec, rate, channels), max_duration_s=60)
    assert audio.samples.dtype == np.float32 and audio.samples.ndim == 1
    assert audio.duration_s == pytest.approx(2.0, abs=0.12), "a codec may pad, not more"
    assert audio.warnings == ()
    middle = audio.samples[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2]
    assert np.abs(middle).max() == pytest.approx(0.3, abs=0.06)
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) == TONE_HZ
    assert spectrum[TONE_HZ - 3 : TONE_HZ + 4].sum() > 0.7 * spectrum.sum() or codec in (
        "pcm_u8",
        "pcm_mulaw",
        "pcm_alaw",
    )


def test_bytes_paths_and_streams_are_the_same(tmp_path: Path) -> None:
    data = encode(tone(), "flac", "flac")
    path = tmp_path / "tone.wav"  # a wrong extension does not matter
    path.write_bytes(data)
    from_bytes = decode(data, max_duration_s=60).samples
    assert np.array_equal(from_bytes, decode(path, max_duration_s=60).samples)
    assert np.array_equal(from_bytes, decode(io.BytesIO(data), max_duration_s=60).samples)


def test_bare_pcm_is_taken_as_it_is() -> None:
    wanted = tone()
    for content_type in ("audio/pcm;rate=16000", "audio/L16; rate=16000; channels=1", 'audio/pcm; rate = "16000"'):
        decoded = decode(pcm16(wanted), max_duration_s=60, pcm=pcm_format(content_type)).samples
        assert np.abs(decoded - wanted).max() < 1e-4
    swapped = (wanted * 32767).astype(">i2").tobytes()
    decoded = decode(swapped, max_duration_s=60, pcm=pcm_format("audio/L16;rate=16000;endianness=big-endian")).samples
    assert np.abs(decoded - wanted).max() < 1e-4


def test_bare_pcm_at_another_rate_with_two_channels() -> None:
    left = tone()[::2]
    stereo = np.stack([left, np.zeros_like(left)], axis=1).reshape(-1)
    audio = decode(pcm16(stereo), max_duration_s=60, pcm=pcm_format("audio/pcm;rate=8000;channels=2"))
    assert audio.duration_s == pytest.approx(2.0, abs=0.01)
    assert np.abs(audio.samples).max() == pytest.approx(0.15, abs=0.01)


def test_an_odd_byte_of_pcm_is_left_out_and_said() -> None:
    audio = decode(pcm16(tone()) + b"x", max_duration_s=60, pcm=PcmFormat(16000))
    assert audio.duration_s == 2.0 and "incomplete" in audio.warnings[0]


@pytest.mark.parametrize(
    "content_type", ["audio/pcm", "audio/pcm;rate=fast", "audio/L16;rate=0", "audio/pcm;rate=16000;channels=0"]
)
def test_pcm_without_a_usable_rate_is_refused(content_type: str) -> None:
    with pytest.raises(ApiError) as caught:
        pcm_format(content_type)
    assert caught.value.status == 400 and "rate=16000" in caught.value.hint


def test_other_types_are_not_pcm() -> None:
    assert pcm_format("audio/wav") is None and pcm_format("") is None


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty_audio"),
        (b"hello, this is no sound\n" * 100, 422, "not_audio"),
        (bytes(5000), 422, "not_audio"),
        (encode(tone())[:44], 422, "not_audio"),
        (encode(tone(0.001)), 422, "audio_too_short"),
        (encode(tone(1 / SAMPLE_RATE)), 422, "audio_too_short"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", 422, "not_audio"),
        (b"ffconcat version 1.0\nfile '/etc/hostname'\n", 422, "not_audio"),
    ],
    ids=["empty", "text", "zeros", "header only", "1 ms", "1 sample", "hls playlist", "concat playlist"],
)
def test_what_is_no_recording_is_refused(data: bytes, status: int, code: str) -> None:
    error = refused(data)
    assert (error.status, error.code) == (status, code)
    assert error.hint


def test_a_playlist_does_not_open_other_files(tmp_path: Path) -> None:
    """The file it names is a good recording; reaching it would succeed if the demuxer were allowed to."""
    target = tmp_path / "secret.wav"
    target.write_bytes(encode(tone()))
    for text in (f"ffconcat version 1.0\nfile '{target}'\n", f"#EXTM3U\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n"):
        assert refused(text.encode()).code == "not_audio"
        playlist = tmp_path / "list.ffconcat"
        playlist.write_text(text)
        with pytest.raises(ApiError):
            decode(playlist, max_duration_s=60)


def test_a_film_without_sound_says_so() -> None:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        output.mux(stream.encode(None))
    assert refused(buffer.getvalue()).code == "no_audio_stream"


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [
        ("wav", "pcm_s16le", b"\x10\0\0\0\x01\0"),  # the tag behind the length of the format chunk
        ("caf", "alac", b"alac"),
        ("mp4", "alac", b"alac"),
        ("matroska", "flac", b"A_FLAC"),
        ("webm", "libopus", b"A_OPUS"),
    ],
)
def test_a_codec_that_nobody_knows_is_said_to_be_one(container: str, codec: str, name: bytes) -> None:
    data = encode(tone(), container, codec, 48_000)
    assert name in data and refused(data.replace(name, name[:-2] + b"zz")).code == "unknown_codec"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers_are_refused(value: float) -> None:
    samples = tone()
    samples[9999] = value
    assert refused(float_wav(samples)).code == "invalid_samples"


def test_samples_beyond_full_scale_are_clipped_and_said() -> None:
    audio = decode(float_wav(tone(level=20.0)), max_duration_s=60)
    assert np.abs(audio.samples).max() == 1.0
    assert "full scale" in audio.warnings[0]


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 16000),
        ("flac", "flac", 16000),
        ("mp3", "libmp3lame", 44100),
        ("webm", "libopus", 48000),
    ],
)
def test_a_cut_off_file_gives_what_is_there_and_a_warning(container: str, codec: str, rate: int) -> None:
    data = encode(tone(10.0), container, codec, rate)
    audio = decode(data[: len(data) // 2], max_duration_s=60)
    assert 4.0 < audio.duration_s < 5.5
    assert len(audio.warnings) == 1 and ("cut off" in audio.warnings[0] or "damaged" in audio.warnings[0])


@pytest.mark.parametrize(("container", "codec"), [("flac", "flac"), ("adts", "aac"), ("mp3", "libmp3lame")])
def test_damage_in_the_middle_is_skipped_and_said(container: str, codec: str) -> None:
    data = bytearray(encode(tone(10.0), container, codec))
    middle = len(data) // 2
    data[middle : middle + 400] = random.Random(1).randbytes(400)
    audio = decode(bytes(data), max_duration_s=60)
    assert audio.duration_s > 8.0
    assert any("damaged" in warning or "cut off" in warning for warning in audio.warnings)


def test_a_title_in_an_old_encoding_does_not_matter() -> None:
    title = "你好".encode("gbk")
    frame = b"TIT2" + (len(title) + 1).to_bytes(4, "big") + b"\0\0" + b"\x03" + title
    tag = b"ID3\x04\0\0" + bytes([0, 0, 0, len(frame)]) + frame
    assert decode(tag + encode(tone(), "mp3", "libmp3lame", 44100), max_duration_s=60).duration_s > 1.9


def test_a_guessed_length_neither_warns_nor_refuses() -> None:
    """Loud then silent: guessed from the first seconds' bit rate, this AAC stream seems much shorter than it is."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000 * 2).astype(np.float32)
    for samples in (np.concatenate([noise, tone(18.0, 0.0)]), np.concatenate([tone(18.0, 0.0), noise])):
        audio = decode(encode(samples, "adts", "aac"), max_duration_s=21)
        assert audio.duration_s == pytest.approx(20.0, abs=0.2) and audio.warnings == ()


def test_an_m4a_without_its_index_is_explained() -> None:
    data = encode(tone(), "ipod", "aac", 44100)
    assert "index" in refused(data[: len(data) // 2]).hint


def test_a_wav_written_while_streaming_is_whole() -> None:
    """Programs that cannot go back leave the sizes at their greatest value or zero."""
    for size in (0xFFFFFFFF, 0, 0x7FFFFFFF):
        data = bytearray(encode(tone()))
        at = data.find(b"data")
        data[4:8] = data[at + 4 : at + 8] = size.to_bytes(4, "little")
        audio = decode(bytes(data), max_duration_s=60)
        assert audio.duration_s == pytest.approx(2.0) and audio.warnings == ()


@pytest.mark.parametrize("pcm", [None, PcmFormat(16000)])
def test_a_recording_that_is_too_long_is_refused(pcm: PcmFormat | None) -> None:
    data = pcm16(tone(10.0)) if pcm else encode(tone(10.0))
    error = refused(data, max_duration_s=3.0, pcm=pcm)
    assert (error.status, error.code) == (413, "audio_too_long") and "3 s" in error.message


def test_the_limit_holds_while_decoding_when_no_header_tells() -> None:
    """Raw AAC has no header with a length: the blocks stop at the limit."""
    data = encode(tone(30.0, level=0.0), "adts", "aac")
    reader = AudioReader(data, max_duration_s=5.0)
    seconds = 0.0
    with pytest.raises(ApiError) as caught:
        for block in reader:
            seconds += len(block) / SAMPLE_RATE
    assert caught.value.status == 413 and seconds <= 5.0


def test_a_header_that_lies_about_its_length_is_not_believed() -> None:
    data = bytearray(encode(tone(), "flac", "flac"))
    data[21:26] = bytes([data[21] | 0x0F, 255, 255, 255, 255])  # STREAMINFO: 2^36 - 1 samples, 49 days
    assert decode(bytes(data), max_duration_s=60).duration_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.slow
def test_memory_does_not_grow_with_length() -> None:
    """Ten minutes take 38 MB as samples; the reader holds a second."""
    data = encode(np.zeros(600 * SAMPLE_RATE, np.float32), "flac", "flac")
    list(AudioReader(encode(tone()), max_duration_s=60))  # libraries loaded before the count
    tracemalloc.start()
    try:
        for _ in AudioReader(data, max_duration_s=3600):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_random_bytes_never_do_worse_than_an_api_error() -> None:
    rng = random.Random(7)
    starts = [
        b"",
        b"RIFF",
        b"ID3\x04\x00",
        b"fLaC",
        b"OggS",
        b"\x1aE\xdf\xa3",
        b"\xff\xfb\x90\x00",
        encode(tone(0.2))[:60],
    ]
    for _ in range(200):
        data = rng.choice(starts) + rng.randbytes(rng.randrange(4000))
        try:
            audio = decode(data, max_duration_s=60)
        except ApiError as error:
            assert error.status in (400, 413, 422)
        else:
            assert np.isfinite(audio.samples).all() and np.abs(audio.samples).max() <= 1.0
