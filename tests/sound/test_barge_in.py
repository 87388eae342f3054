"""Hearing the user and not oneself: listener, player and turn machine in simulated rooms, faster than real time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from huiyin.assistant.conversation.assemble import make_vad
from huiyin.assistant.conversation.waking import _rising as chime
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.echo.gate import Frame, GateRule, barge_in
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ears.vad import SileroVad, SpeechTracker
from huiyin.assistant.faces.cli.main import main
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State, TurnMachine
from huiyin.configs.settings import load
from tests.support.speech_clips import english

MISSING = make_echo_path("both")[1]
needs_both = pytest.mark.skipif(bool(MISSING), reason=MISSING)

SENTENCES = (
    "Once upon a time there was a lighthouse on a small island, far away from the coast.",
    "Nobody had lived in it for many years, and the lamp had long been dark.",
    "One evening a young woman came in a small boat, climbed the stairs, and lit the lamp again.",
    "The fishermen saw the light from far away, and could not believe their eyes.",
)
ROOMS = (
    RoomSettings(rt60_s=0.25, delay_ms=40, distance_m=0.3, echo_db=-8, seed=11),
    RoomSettings(rt60_s=0.45, delay_ms=120, distance_m=0.6, drift_ppm=60, drive=0.6, seed=12),
    RoomSettings(rt60_s=0.6, delay_ms=240, distance_m=1.0, drift_ppm=-100, noise_dbfs=-55, seed=13),
)


_TOLD: dict[str, type[ev.SpeechStarted] | type[ev.SpeechPaused]] = {
    "started": ev.SpeechStarted,
    "paused": ev.SpeechPaused,
}


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return make_vad(load(environ={}))


@dataclass
class Talker:
    """An assistant that has been asked something and gives a long answer, in virtual time: sound is all there is."""

    room: SimulatedRoom
    listener: Listener
    machine: TurnMachine = field(default_factory=TurnMachine)
    player: Player = field(default_factory=Player)
    heard: list[ev.Event] = field(default_factory=list)
    stopped_s: float | None = None
    _wake_s: float = float("inf")

    def __post_init__(self) -> None:
        self.room.connect(self._exchange)

    def answer(self, seconds: float) -> None:
        """Begin to speak for so long."""
        self._feed(ev.TextEntered(0.0, "Tell me a story."))
        generation = self.machine.generation
        clause = 0
        length = 0
        while length < seconds * SAMPLE_RATE:
            text = SENTENCES[clause % len(SENTENCES)]
            sound = np.pad(english(text) * 32767, (0, SAMPLE_RATE // 5)).astype(np.int16)
            length += len(sound)
            self._feed(ev.ReplyText(0.0, generation, clause, text))
            self.player.add(generation, clause, sound)
            self.player.end_clause(generation, clause)
            self._feed(ev.AudioReady(0.0, generation, clause))
            self._feed(ev.AudioFinished(0.0, generation, clause))
            clause += 1
        self._feed(ev.ReplyFinished(0.0, generation))

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.room.now() + seconds
        while self.room.now() < end:
            self.room.step()

    def _exchange(self, mic: Pcm16) -> Pcm16:
        now = self.room.now()
        if now >= self._wake_s:
            self._feed(ev.TimePassed(now))
        out = self.player.read(BLOCK)
        for heard in self.listener.push(mic, out):
            if heard.kind not in _TOLD:
                continue
            event = _TOLD[heard.kind](now, heard.at_s)
            self.heard.append(event)
            self._feed(event)
        generation = self.player.finished()
        if generation is not None:
            self._feed(ev.PlaybackFinished(now, generation))
        return out

    def _feed(self, event: ev.Event) -> None:
        self._wake_s = float("inf")
        for action in self.machine.handle(event):
            match action:
                case do.WakeAt(at_s=at_s):
                    self._wake_s = at_s
                case do.Play(generation=generation):
                    self.player.open(generation)
                case do.CloseAudio(generation=generation):
                    self.player.close(generation)
                case do.Pause(generation=generation):
                    self.player.pause(generation)
                    self.stopped_s = self.room.now()
                case do.Resume(generation=generation):
                    self.player.resume(generation)
                case do.StopPlayback(generation=generation):
                    self.player.stop(generation)


@needs_both
@pytest.mark.slow
def test_with_speex_alone_it_talks_to_nobody_for_two_minutes_and_never_interrupts_itself(vad: SileroVad) -> None:
    """With both cancellers, in three rooms: test_talking_to_nobody.py."""
    talker = Talker(SimulatedRoom(ROOMS[1]), Listener(make_echo_path("speex")[0], vad.fork(), SpeechTracker()))
    talker.answer(120)
    talker.run(119)
    assert talker.machine.state is State.SPEAKING
    talker.run(15)
    assert talker.machine.state is State.LISTENING, "it said all it had to say"
    assert talker.heard == []
    assert talker.stopped_s is None


@needs_both
@pytest.mark.slow
@pytest.mark.parametrize("seed", [10, 12, 16])
def test_a_short_sound_before_the_first_reply_is_too_little_to_learn_the_room_from(seed: int, vad: SileroVad) -> None:
    """That of the wake phrase, say: the delay is known by it, long before Speex has learnt the room."""
    room = RoomSettings(rt60_s=0.3 + 0.15 * (seed % 3), echo_db=-6, seed=seed)
    talker = Talker(SimulatedRoom(room), Listener(make_echo_path("both")[0], vad.fork(), SpeechTracker()))
    talker.run(2)
    talker.player.chime(chime())
    talker.run(2)
    talker.answer(3)
    talker.run(3)
    assert talker.heard == []


@needs_both
@pytest.mark.slow
@pytest.mark.parametrize("at_s", [2.0, 8.0])
@pytest.mark.parametrize("settings", ROOMS, ids=["small", "living", "bare"])
def test_the_user_cuts_in_and_it_stops(settings: RoomSettings, at_s: float, vad: SileroVad) -> None:
    talker = Talker(SimulatedRoom(settings), Listener(make_echo_path("both")[0], vad.fork(), SpeechTracker()))
    talker.answer(20)
    talker.run(at_s)
    assert talker.heard == []
    onset_s, _ = talker.room.say(english("Sorry, how tall was that lighthouse?") * 0.5)
    talker.run(2)
    started = [event for event in talker.heard if isinstance(event, ev.SpeechStarted)]
    assert started
    assert started[0].at_s - onset_s <= 0.5
    assert talker.stopped_s is not None
    assert talker.stopped_s - onset_s <= 0.7
    assert talker.machine.state is State.USER, "and it did not go on"


def test_gate_wants_unbroken_loud_speech_that_is_not_the_far_end() -> None:
    rule = GateRule()
    user = Frame(0.9, pass_ratio=0.9, far_end=True, residual_prominence=5)

    def judged(*frames: Frame) -> int | None:
        return barge_in(frames, 0.5, rule)

    assert judged(*[user] * 3) is None
    assert judged(*[user] * 4) == 4
    residual = Frame(0.9, pass_ratio=0.9, far_end=True, residual_prominence=9)
    assert judged(user, user, user, residual) is None, "still the assistant's words"
    assert judged(*[Frame(0.9, pass_ratio=0.2, far_end=True)] * 4) is None, "most of it was taken away"
    assert judged(*[Frame(0.9, pass_ratio=0.2, far_end=True)] * 30) is None
    assert judged(*[Frame(0.9, pass_ratio=0.9, far_end=True, untrusted=True)] * 4) is None


def test_residual_echo_holds_the_user_back_for_a_third_of_a_second_at_most() -> None:
    residual = Frame(0.9, pass_ratio=0.7, far_end=True, residual_prominence=12)
    asked = Frame(0.1, pass_ratio=0.1, far_end=True, residual_prominence=12, second=0.9)
    for frame in (residual, asked):
        assert barge_in([frame] * 9, 0.5, GateRule()) is None
        assert barge_in([frame] * 10, 0.5, GateRule()) == 10
    broken = [*[residual] * 6, Frame(0.2, pass_ratio=0.7, far_end=True, residual_prominence=12), *[residual] * 6]
    assert barge_in(broken, 0.5, GateRule()) is None, "words of the assistant that are left are short"


def test_while_the_second_opinion_is_asked_the_first_does_not_count() -> None:
    rule = GateRule()
    yes, no = (Frame(0.9, pass_ratio=0.9, far_end=True, second=p) for p in (0.9, 0.1))
    assert barge_in([no] * 8, 0.5, rule) is None
    assert barge_in([no, yes, yes, yes, yes, yes], 0.5, rule) == 5
    assert barge_in([yes, yes, yes, yes, no], 0.5, rule) is None


@needs_both
@pytest.mark.slow
def test_bench_echo_measures_recordings_of_ones_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from huiyin.assistant.ports.wav import wav_bytes

    talker = Talker(SimulatedRoom(ROOMS[0]), Listener(make_echo_path("off")[0], _NoSpeech(), SpeechTracker()))  # type: ignore[arg-type]
    talker.answer(12)
    talker.run(12)
    mic, far_end = talker.room.recording()
    (tmp_path / "desk_mic.wav").write_bytes(wav_bytes(mic, SAMPLE_RATE))
    (tmp_path / "desk_ref.wav").write_bytes(wav_bytes(far_end, SAMPLE_RATE))
    figures, picture = tmp_path / "echo.json", tmp_path / "echo.png"
    command = ["bench", "echo", "--pairs", str(tmp_path), "--json", str(figures), "--png", str(picture)]
    assert main(command) == 0
    assert "ERLE" in capfd.readouterr().out
    rows = {row["canceller"]: row for row in json.loads(figures.read_text())["rows"]}
    assert rows["off"]["erle_db"] == 0
    assert rows["off"]["barge_ins_per_min"] > 10
    assert rows["both"]["erle_db"] > 12
    assert rows["both"]["barge_ins_per_min"] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_bench_looks_for_files_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a_mic.wav").write_bytes(b"not a sound")
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "echo", "--pairs", "."]) == 1
    assert "a_ref.wav" in capfd.readouterr().err


@pytest.mark.slow
def test_bench_echo_says_what_is_wrong_with_a_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "echo", "--pairs", str(tmp_path)]) == 1
    assert "_mic.wav" in capfd.readouterr().err
    (tmp_path / "a_mic.wav").write_bytes(b"not a sound")
    assert main(["bench", "echo", "--pairs", str(tmp_path)]) == 1
    assert "a_ref.wav" in capfd.readouterr().err


class _NoSpeech:
    """Voice activity that hears nothing, for who only wants the room's sound."""

    def fork(self) -> _NoSpeech:
        return self

    def __call__(self, frame: np.ndarray) -> float:
        return 0.0
