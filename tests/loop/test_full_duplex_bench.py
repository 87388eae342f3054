"""Recordings for Full-Duplex-Bench's scripts: the sound and our figures of it are on one clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.echo.scenes import Speech
from benchmarks.full_duplex_bench.control import made_of
from benchmarks.full_duplex_bench.events import compared
from benchmarks.full_duplex_bench.ours import Recording, recordings
from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.scenario.agents.suite import suite
from huiyin.assistant.scenario.picture import documents
from tests.support.simple_agent import SimpleAgent, bad, good
from tests.support.virtual_agent import play_to


class LateWorld(VirtualWorld):
    """Its timers are late, as on a busy machine; sound goes on."""

    def at(self, at_s: float, do: Callable[[], object]) -> None:
        """As `World.at`."""
        super().at(at_s + (0.2 if at_s > self.now + 0.1 else 0.0), do)


def stalled() -> VirtualWorld:
    """The machine stalls for a moment: the clock is ahead of the sound."""
    world = VirtualWorld()
    world.at(1.0, lambda: world.jump(0.15))
    return world


def recorded(
    folder: Path, family: str, make: Callable[[], SimpleAgent] = good, world: VirtualWorld | None = None
) -> Recording:
    """The first English conversation of a family, as `huiyin bench agent --sound` keeps it."""
    scenario = next(each.scenario for each in suite() if (each.family, each.language) == (family, "en"))
    own = folder / "agent" / f"{scenario.name}-1.0"
    own.mkdir(parents=True)
    for name, content in documents(play_to(make().exchange, scenario, world=world)).items():
        (own / name).write_bytes(content)
    (recording,) = recordings(folder)
    return recording


def audible_s(recording: Recording) -> np.ndarray:
    """When the loudspeaker can be heard."""
    return np.flatnonzero(np.abs(recording.sound[1].astype(np.int32)) > AUDIBLE) / SAMPLE_RATE


@pytest.mark.parametrize("world", [VirtualWorld, stalled])
def test_a_response_begins_in_the_recording_when_we_say(tmp_path: Path, world: Callable[[], VirtualWorld]) -> None:
    recording = recorded(tmp_path, "turn", world=world())
    assert (recording.language, recording.family, recording.took_turn()) == ("en", "turn", True)
    ((ends_s, latency_s),) = recording.responses()
    assert audible_s(recording)[0] == pytest.approx(ends_s + latency_s, abs=0.001)


@pytest.mark.parametrize("world", [VirtualWorld, LateWorld, stalled])
def test_the_people_are_heard_in_the_recording_when_we_say_and_without_a_room(
    tmp_path: Path, world: Callable[[], VirtualWorld]
) -> None:
    recording = recorded(tmp_path, "interruption", world=world())
    sounds_s = np.flatnonzero(recording.sound[0]) / SAMPLE_RATE
    for turn in (1, 2):
        starts_s, ends_s = recording.user(turn)
        near = sounds_s[(sounds_s > starts_s - 0.5) & (sounds_s < ends_s + 0.5)]
        assert (near[0], near[-1]) == pytest.approx((starts_s, ends_s), abs=0.002)


def test_where_both_are_apart_the_sound_tells_who_is_right(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "turn")
    ((ends_s, latency_s),) = recording.responses()
    replies_s = ends_s + latency_s
    late = {"latency_resp_list": [[ends_s + 0.15, replies_s - 0.03]], "latency_stop_list": []}
    early = {"latency_resp_list": [[ends_s - 0.15, replies_s - 0.03]], "latency_stop_list": []}
    same = {"latency_resp_list": [[ends_s + 0.03, replies_s - 0.03]], "latency_stop_list": []}
    for found in (late, early, same):
        (event,) = compared(recording, found)
        assert event.is_close(by_definition=True) == (found is same)
        assert str(event).endswith(" ms: ours") == (found is not same)


def test_a_time_of_ours_that_is_late_is_called_that(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "turn")
    ((ends_s, latency_s),) = recording.responses()
    replies_s = ends_s + latency_s
    early = {"latency_resp_list": [[ends_s - 0.06, replies_s - 0.03]], "latency_stop_list": []}
    (moment,) = [each for each in recording.report["moments"] if each["moment"] == "user ends"]
    moment["at_s"] += 0.06  # 60 ms of silence, to windows of 5 ms; by 90 ms of speech the script is too early
    recording.report["metrics"]["response latency ms"] -= 60
    (event,) = compared(recording, early)
    assert str(event).endswith("the user's turn ends -150 ms, as heard -60 ms: ours")
    early["latency_resp_list"][0][0] += 0.05
    (event,) = compared(recording, early)
    assert str(event).endswith("the user's turn ends -100 ms, as heard -60 ms: the script")


def test_conversations_that_are_made_sound_when_their_truth_says() -> None:
    rng = np.random.default_rng(0)
    users, agents = ([rng.uniform(-0.5, 0.5, round(length_s * SAMPLE_RATE)) for length_s in (1.2, 2.5)] for _ in "ab")
    made = made_of(Speech(agents, users))
    assert len({round(each.user(1 if each.family == "turn" else 2)[0] * SAMPLE_RATE) % 512 for each in made}) == len(
        made
    )
    for each in made:
        user, agent = (np.flatnonzero(np.abs(track.astype(int)) > AUDIBLE) / SAMPLE_RATE for track in each.sound)
        turn = 1 if each.family == "turn" else 2
        assert each.user(turn) == pytest.approx((user[0], user[-1]), abs=0.001)
        if turn == 1:
            ((ends_s, latency_s),) = each.responses()
            assert ends_s + latency_s == pytest.approx(agent[0], abs=0.001) and each.overlap() is None
        else:
            assert each.overlap() is not None and not each.responses()
            assert sum(each.overlap() or ()) == pytest.approx(min(agent[-1], user[-1]), abs=0.001)


def test_an_interrupted_reply_ends_in_the_recording_when_we_say(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "interruption")
    overlap = recording.overlap()
    assert overlap is not None and len(recording.responses()) == 2
    starts_s, lasts_s = overlap
    sounds_s = audible_s(recording)
    last_s = sounds_s[: np.flatnonzero(np.diff(sounds_s) > 1.0)[0] + 1][-1]
    assert last_s == pytest.approx(starts_s + lasts_s, abs=0.001)


def test_who_talks_on_has_no_overlap_that_ends(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "interruption", bad)
    assert recording.overlap() is None and not recording.took_turn()


def test_a_folder_without_recordings_is_called_that(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="huiyin bench agent --sound"):
        recordings(tmp_path)
