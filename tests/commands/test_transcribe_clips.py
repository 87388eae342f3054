"""`huiyin transcribe --clips`: laughter, anger, applause and key phrases of recordings as files of sound."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from huiyin.assistant.faces.cli import main
from huiyin.assistant.faces.cli.transcribe_clips import highlights
from huiyin.services.common.audio import AudioReader
from huiyin.services.common.clips import Stretch, cut
from tests.commands.test_team_report import CALL, result, results, said  # noqa: F401  a fixture
from tests.support.media import film

RATE = 44_100
EVENTS = [
    {"label": label, "start_s": start_s, "end_s": end_s, "confidence": 0.9}
    for label, start_s, end_s in (("laughter", 0.2, 2.0), ("music", 3.0, 4.0), ("laughter", 3.0, 5.0))
]


def tones(length_s: float = 16.0) -> bytes:
    """A stereo file of 44.1 kHz: silence, but for a tone on the left from 4 s to 5 s."""
    left = np.zeros(round(length_s * RATE), np.float32)
    left[4 * RATE : 5 * RATE] = 0.5 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)
    return film("wav", "pcm_s16le", np.stack([left, np.zeros_like(left)]), rate=RATE)


def heard(file: bytes | Path) -> tuple[float, float, float]:
    """(seconds, where the left channel is loud first, the loudest of the right one)."""
    sound = np.concatenate([block for _, block in AudioReader(file, 60.0).as_recorded()])
    loud = np.flatnonzero(np.abs(sound[:, 0]) > 0.1)
    return len(sound) / RATE, loud[0] / RATE if len(loud) else -1.0, float(np.abs(sound[:, 1]).max())


def test_what_repeats_is_one_highlight_and_a_key_phrase_has_its_sentence() -> None:
    call = result(said("A", 6.0, 8.0, "angry"), said("B", 9.0, 12.0), events=EVENTS)
    call["phrases"] = [{"group": "apology", "text": "sorry", "start_s": 10.0, "end_s": 10.4, "segment": 1}]
    found = [(one.kind, one.speaker, one.start_s, one.end_s) for one in highlights(call)]
    assert found == [("laughter", "", 0.0, 5.5), ("angry", "A", 5.5, 8.5), ("apology", "B", 8.5, 12.5)]


def test_stretches_keep_rate_and_channels_and_may_overlap() -> None:
    stretches = [Stretch(3.0, 6.0, "late"), Stretch(3.5, 4.5, "早"), Stretch(15.5, 40.0, "end"), Stretch(50, 51, "")]
    clips = dict(cut(AudioReader(tones(), 60.0), stretches))
    assert set(clips) == {0, 1, 2}, "what is not there is left out"
    for number, (length_s, tone_s) in {0: (3.0, 1.0), 1: (1.0, 0.5), 2: (0.5, -1.0)}.items():
        seconds, begins_s, right = heard(clips[number])
        assert (seconds, begins_s) == pytest.approx((length_s, tone_s), abs=0.1) and right < 0.01
    with av.open(io.BytesIO(clips[1])) as file:
        assert file.metadata["title"] == "早"


def test_clips_lie_in_a_folder_named_for_recording_moment_and_what_it_is(
    tmp_path: Path,
    results: dict[str, dict[str, Any]],  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls, clips = tmp_path / "calls" / "monday", tmp_path / "clips"
    calls.mkdir(parents=True)
    (calls / "a.wav").write_bytes(tones())
    results["a.wav"] = CALL | {"phrases": [{"group": "对不起/sorry", "segment": 4, "text": "sorry", "start_s": 15.0,
                                            "end_s": 15.4, "speaker": "Agent"}]}  # fmt: skip
    command = ["transcribe", "-r", str(calls.parent), "--out", f"{tmp_path}/out/", "--format", "json"]
    assert main.main([*command, "--clips", str(clips)]) == 0
    names = sorted(path.name for path in (clips / "monday").iterdir())
    assert names == ["a.00-00-07.angry.Customer.mp3", "a.00-00-14.laughter.mp3", "a.00-00-14.对不起-sorry.Agent.mp3"]
    assert heard(clips / "monday" / names[0])[0] == pytest.approx(5.5, abs=0.1)
    assert "a.wav: 3, in" in capsys.readouterr().err

    (clips / "monday" / names[0]).unlink()
    assert main.main([*command, "--clips", str(clips)]) == 0
    printed = capsys.readouterr().err
    assert "done before: 1" in printed and "a.wav: 1, in" in printed, "made from the result"

    command[-1] = "text"
    assert main.main(command) == 0 and main.main([*command, "--clips", str(clips)]) == 0
    assert "--force" in capsys.readouterr().err
    results["a.wav"] = result(said(None, 0.0, 5.0))
    assert main.main([*command, "--force", "--clips", str(clips)]) == 0
    assert "--phrases marks what is said" in capsys.readouterr().err
