"""Recordings for Full-Duplex-Bench's scripts: the sound and our figures of it are on one clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

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


def test_a_response_begins_in_the_recording_when_we_say(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "turn")
    assert (recording.language, recording.family, recording.took_turn()) == ("en", "turn", True)
    ((ends_s, latency_s),) = recording.responses()
    assert audible_s(recording)[0] == pytest.approx(ends_s + latency_s, abs=0.001)


@pytest.mark.parametrize("world", [VirtualWorld, LateWorld])
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
        assert str(event).endswith("dB of the speech beside it: ours") == (found is not same)


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
