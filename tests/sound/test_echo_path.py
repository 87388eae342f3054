"""The echo path's parts: what they promise, on sound whose truth is known."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import pytest

from benchmarks.echo.measures import in_time, ratio_db
from huiyin.assistant.ears.echo import CHUNK, EchoPath, NoCanceller, make_echo_path, rms
from huiyin.assistant.ears.echo.align import Aligner
from huiyin.assistant.ears.echo.canceller import Framed
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.delay_line import DelayLine
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from tests.support.speech_clips import english

MISSING = make_echo_path("both")[1]
needs_both = pytest.mark.skipif(bool(MISSING), reason=MISSING)
pytestmark = pytest.mark.slow  # synthesised speech, rooms of some seconds

REPLY = (
    "Hello, I am your voice assistant, and you can interrupt me at any time.",
    "Once upon a time there was a lighthouse on a small island, and nobody had lived in it for many years.",
    "To make a good soup you need onions, carrots, a little salt, and above all patience.",
)
USER = "No, wait, that is not what I meant. I have another question."


def monologue(seconds: float) -> np.ndarray:
    """The assistant talking on and on from half a second on: int16."""
    gap = np.zeros(SAMPLE_RATE // 4, np.float32)
    parts, length = [np.zeros(SAMPLE_RATE // 2, np.float32)], SAMPLE_RATE // 2
    while length < seconds * SAMPLE_RATE:
        for text in REPLY:
            parts += [english(text), gap]
            length += len(parts[-2]) + len(gap)
    return (np.concatenate(parts)[: round(seconds * SAMPLE_RATE)] * 32767).astype(np.int16)


def in_room(far_end: np.ndarray, settings: RoomSettings, *, user_at_s: float | None = None) -> SimulatedRoom:
    """A room in which `far_end` was played, and the user spoke at a time."""
    room = SimulatedRoom(settings)
    blocks = iter(far_end[: len(far_end) // BLOCK * BLOCK].reshape(-1, BLOCK))
    room.connect(lambda mic: next(blocks))
    for _ in range(len(far_end) // BLOCK):
        if user_at_s is not None and room.now() >= user_at_s:
            room.say(english(USER))
            user_at_s = None
        room.step()
    return room


def cleaned(path: EchoPath, mic: np.ndarray, far_end: np.ndarray, block: int = BLOCK) -> np.ndarray:
    parts = [np.zeros(0, np.int16)]
    for at in range(0, len(mic), block):
        parts += [chunk.near for chunk in path.push(mic[at : at + block], far_end[at : at + block])]
    return np.concatenate(parts)


def aligner_after(room: SimulatedRoom) -> Aligner:
    aligner = Aligner()
    mic, far_end = room.recording()
    for at in range(0, len(mic), CHUNK):
        aligner.push(mic[at : at + CHUNK], far_end[at : at + CHUNK])
    return aligner


# -- cancellers -------------------------------------------------------------------------------------------------------


@needs_both
@pytest.mark.parametrize("name", ["off", "speex", "webrtc", "both"])
def test_silence_in_silence_out(name: str) -> None:
    silence = np.zeros(3 * SAMPLE_RATE, np.int16)
    assert np.abs(cleaned(make_echo_path(name)[0], silence, silence)).max() <= 1


@needs_both
@pytest.mark.parametrize("name", ["speex", "webrtc", "both"])
def test_the_assistant_alone_is_taken_away(name: str) -> None:
    mic, far_end = in_room(monologue(10), RoomSettings(delay_ms=120, rt60_s=0.4)).recording()
    near = cleaned(make_echo_path(name)[0], mic, far_end)
    late = slice(5 * SAMPLE_RATE, len(near))
    assert ratio_db(np.mean(mic[late].astype(float) ** 2), np.mean(near[late].astype(float) ** 2)) >= 20


@needs_both
def test_its_first_words_are_taken_away_soon_after_the_delay_is_known() -> None:
    mic, far_end = in_room(monologue(4), RoomSettings(delay_ms=120, rt60_s=0.3)).recording()
    path = make_echo_path("both")[0]
    near = cleaned(path, mic, far_end)
    assert path.aligner is not None
    found_s = path.aligner.slips[0].at_s
    assert found_s < 1.3
    late = slice(round((found_s + 0.9) * SAMPLE_RATE), round((found_s + 1.9) * SAMPLE_RATE))
    assert ratio_db(np.mean(mic[late].astype(float) ** 2), np.mean(near[late].astype(float) ** 2)) >= 15


@needs_both
def test_the_user_alone_passes() -> None:
    stoi = pytest.importorskip("pystoi").stoi
    room = in_room(np.zeros(6 * SAMPLE_RATE, np.int16), RoomSettings(), user_at_s=1.0)
    mic, far_end = room.recording()
    near = cleaned(make_echo_path("both")[0], mic, far_end)
    said = slice(SAMPLE_RATE, round(SAMPLE_RATE * 1.0) + len(english(USER)))
    user, heard = in_time(room.user_at_microphone()[said], near[said].astype(np.float32) / 32768)
    assert stoi(user, heard, SAMPLE_RATE) >= 0.98


@needs_both
@pytest.mark.parametrize("name", ["off", "both"])
def test_a_muted_microphone_does_not_find_that_there_is_no_echo(name: str) -> None:
    far_end = monologue(4)
    path = make_echo_path(name)[0]
    cleaned(path, np.zeros(len(far_end), np.int16), far_end)
    assert not path.finds_no_echo


@needs_both
@pytest.mark.parametrize("name", ["off", "webrtc"])
def test_a_loudspeaker_that_is_turned_up_ends_that_there_is_no_echo(name: str) -> None:
    path = make_echo_path(name)[0]
    for echo_db, is_none in ((-90.0, True), (-6.0, False)):
        mic, far_end = in_room(monologue(5), RoomSettings(echo_db=echo_db)).recording()
        cleaned(path, mic, far_end)
        assert path.finds_no_echo == is_none


@needs_both
@pytest.mark.parametrize("block", [1, 160, 333, 512, 4000])
def test_any_block_size_any_samples_nothing_lost(block: int) -> None:
    rng = np.random.default_rng(block)
    count = 4 * SAMPLE_RATE if block > 1 else 2000
    loud = rng.choice(np.array([-32768, 32767, 0], np.int16), count)
    mixed = rng.integers(-32768, 32768, count).astype(np.int16)
    nothing = np.zeros(count, np.int16)
    for mic, far_end in ((loud, mixed), (mixed, mixed), (nothing, loud), (loud, nothing)):
        near = cleaned(make_echo_path("both")[0], mic, far_end, block)
        assert near.dtype == np.int16
        assert len(near) == count // 512 * 512


@needs_both
def test_block_size_changes_nothing() -> None:
    mic, far_end = in_room(monologue(3), RoomSettings()).recording()
    by_block = [cleaned(make_echo_path("both")[0], mic, far_end, block) for block in (320, 2048)]
    assert np.array_equal(*by_block)


@needs_both
@pytest.mark.parametrize("name", ["off", "speex", "webrtc"])
def test_wrong_lengths_and_types_never_reach_the_c_library(name: str) -> None:
    canceller = make_echo_path(name)[0]._canceller._canceller
    good = np.zeros(canceller.frame, np.int16)
    for bad in (good[:-1], good.astype(np.float32), np.zeros((1, canceller.frame), np.int16), good[:0]):
        for mic, far_end in ((bad, good), (good, bad)):
            with pytest.raises(ValueError, match=canceller.name):
                canceller.process(mic, far_end)
    backwards = np.arange(canceller.frame, dtype=np.int16)[::-1]
    assert len(canceller.process(backwards, backwards)) == canceller.frame, "not contiguous, but sound"


def test_frames_that_do_not_fit_the_blocks_come_out_late_but_whole() -> None:
    canceller = NoCanceller()
    canceller.frame = 160
    framed = Framed(canceller, 512)
    sound = np.arange(1, 5121).astype(np.int16)
    out = np.concatenate([framed.process(sound[at : at + 512], sound[at : at + 512]) for at in range(0, 5120, 512)])
    late = int(np.flatnonzero(out)[0])
    assert late <= 160
    assert np.array_equal(out[late:], sound[: len(sound) - late])


# -- what is there -----------------------------------------------------------------------------------------------------


def test_missing_libraries_are_named_and_the_best_left_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(name: str) -> object:
        raise OSError(name)

    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    path, warning = make_echo_path("both")
    if not MISSING:
        assert (path.name, "pywebrtc-audio" in warning) == ("speex", True)
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    path, warning = make_echo_path("both")
    assert path.name == "off"
    assert "libspeexdsp" in warning
    assert "no echo cancellation" in warning
    assert make_echo_path("off")[1] == ""


# -- alignment ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay_ms", [25, 150, 400])
def test_the_delay_is_found(delay_ms: float) -> None:
    room = in_room(monologue(3), RoomSettings(delay_ms=delay_ms, rt60_s=0.5))
    aligner = aligner_after(room)
    assert aligner.locked
    assert aligner.delay + 64 == pytest.approx(room.clocks.delay, abs=3), "64 samples before its echo"


@pytest.mark.parametrize("silence_s", [0.43482, 0.67171])
def test_a_vowel_is_not_taken_for_the_echo_of_another(silence_s: float) -> None:
    """Cases in which a delay of nothing was believed first, before enough of a late echo had been heard."""
    bare = RoomSettings(rt60_s=0.6, delay_ms=240, distance_m=1.0, drift_ppm=-100, noise_dbfs=-55, seed=13)
    sentence = "Once upon a time there was a lighthouse on a small island, far away from the coast."
    far_end = np.concatenate([np.zeros(round(silence_s * SAMPLE_RATE)), english(sentence) * 32767]).astype(np.int16)
    aligner = aligner_after(in_room(far_end[: 3 * SAMPLE_RATE], bare))
    assert [slip.after for slip in aligner.slips] == pytest.approx([240 * 16 - 64], abs=4)


def test_a_sentence_said_again_is_not_taken_for_the_echo_of_the_first() -> None:
    sentence = english("Once upon a time there was a lighthouse.")
    far_end = (np.concatenate([np.zeros(SAMPLE_RATE), *[sentence] * 5]) * 32767).astype(np.int16)
    assert len(aligner_after(in_room(far_end, RoomSettings())).slips) == 1


@needs_both
def test_when_the_echo_is_found_somewhere_else_the_room_is_learnt_anew() -> None:
    mic, far_end = in_room(monologue(9), RoomSettings(delay_ms=100)).recording()
    late, at = round(0.2 * SAMPLE_RATE), 5 * SAMPLE_RATE
    mic = np.concatenate([mic[:at], mic[at - late : -late]])
    path = make_echo_path("both")[0]
    assert path.aligner is not None
    asked: list[float] = []
    for start in range(0, len(mic) - BLOCK, BLOCK):
        for chunk in path.push(mic[start : start + BLOCK], far_end[start : start + BLOCK]):
            asked += [start / SAMPLE_RATE] if chunk.second is not None else []
    moved_s = path.aligner.slips[-1].at_s
    assert path.aligner.resets == 2
    assert [when for when in asked if moved_s < when < moved_s + 1], "the second opinion is asked"
    assert not [when for when in asked if 2.5 < when < moved_s - 0.1]


@pytest.mark.parametrize("ppm", [-60.0, 0.0, 100.0])
def test_drift_is_measured(ppm: float) -> None:
    aligner = aligner_after(in_room(monologue(14), RoomSettings(drift_ppm=ppm, delay_ms=100, rt60_s=0.4)))
    assert aligner.drift_ppm == pytest.approx(ppm, abs=5)


@pytest.mark.parametrize("slip_ms", [-15, 11, 20])
def test_a_slip_is_found_and_moves_the_line_by_exactly_so_much(slip_ms: float) -> None:
    mic, far_end = in_room(monologue(8), RoomSettings(delay_ms=100)).recording()
    slip, at = round(slip_ms * 16), 5 * SAMPLE_RATE
    # The microphone's stream repeats (or leaves out) some samples: from then on the echo is late (or early) by them.
    mic = np.concatenate([mic[:at], mic[at - slip :]])
    aligner = Aligner()
    for start in range(0, min(len(mic), len(far_end)) - BLOCK, BLOCK):
        aligner.push(mic[start : start + BLOCK], far_end[start : start + BLOCK])
    moved = [s for s in aligner.slips if s.before is not None]
    assert len(moved) == 1
    assert moved[0].after - moved[0].before == slip  # type: ignore[operator]
    assert 5.0 < moved[0].at_s < 6.5


def test_a_delay_line_reads_between_samples() -> None:
    line = DelayLine(1000, 512)
    t = np.arange(4096) / SAMPLE_RATE
    for at in range(0, 4096, 512):
        line.tail.push(np.sin(2 * np.pi * 1000 * t[at : at + 512]))
    for delay in (10.0, 100.25, 333.7):
        expected = np.sin(2 * np.pi * 1000 * (t[-512:] - delay / SAMPLE_RATE))
        assert np.abs(line.read(512, delay, delay) - expected).max() < 0.01
    creeping = line.read(512, 100.0, 101.0)
    assert np.abs(creeping[-1] - np.sin(2 * np.pi * 1000 * (t[-1] - 101 / SAMPLE_RATE))) < 0.01


# -- the room ----------------------------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_room() -> None:
    settings = RoomSettings(drift_ppm=50, jitter_ms=0.2, xruns_per_min=60, drive=1.0, seed=5)
    first, again = (in_room(monologue(3), settings, user_at_s=1.0).recording() for _ in range(2))
    other = in_room(monologue(3), RoomSettings(seed=6)).recording()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_levels_in_the_room_are_as_stated() -> None:
    quiet = in_room(np.zeros(SAMPLE_RATE, np.int16), RoomSettings(noise_dbfs=-50)).recording()[0]
    assert 20 * np.log10(rms(quiet) / 32768) == pytest.approx(-50, abs=1)
    far_end = monologue(6)
    for echo_db in (-6.0, -20.0):
        mic = in_room(far_end, RoomSettings(echo_db=echo_db, drive=0)).recording()[0]
        assert 20 * np.log10(rms(mic) / rms(far_end)) == pytest.approx(echo_db, abs=3)
