"""Recordings for Full-Duplex-Bench's scripts: the sound and our figures of it are on one clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.full_duplex_bench.ours import Recording, recordings
from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.scenario.agents.suite import suite
from huiyin.assistant.scenario.picture import documents
from tests.support.simple_agent import SimpleAgent, bad, good
from tests.support.virtual_agent import play_to


def recorded(folder: Path, family: str, make: Callable[[], SimpleAgent] = good) -> Recording:
    """The first English conversation of a family, as `huiyin bench agent --sound` keeps it."""
    scenario = next(each.scenario for each in suite() if (each.family, each.language) == (family, "en"))
    own = folder / "agent" / f"{scenario.name}-1.0"
    own.mkdir(parents=True)
    for name, content in documents(play_to(make().exchange, scenario)).items():
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
