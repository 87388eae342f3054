"""Through real PortAudio, on a virtual sound card: the assistant speaks, the user cuts in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assistant.audio.wav import wav_bytes
from assistant.cli import main
from tests.scoring import error_rate
from tests.virtual_card import RATE, USER, NoCard, VirtualCard

ROOT = Path(__file__).resolve().parent.parent


def onset_s(mic: np.ndarray, user: np.ndarray) -> float:
    """When `user` begins in `mic`, by their correlation."""
    size = 1 << (len(mic) + len(user)).bit_length()
    cross = np.fft.rfft(mic.astype(float), size) * np.conj(np.fft.rfft(user.astype(float), size))
    return int(np.argmax(np.fft.irfft(cross, size)[: len(mic)])) / RATE


def silent_from_s(played: np.ndarray, after_s: float) -> float:
    """When the sound that is being played at `after_s` ends: 0.3 s of zeros follow."""
    sounding = np.append(np.flatnonzero(played), len(played) + RATE)
    last = sounding[np.flatnonzero(np.diff(sounding) > 0.3 * RATE)]
    return float(last[last > after_s * RATE][0]) / RATE


@pytest.mark.slow
def test_the_user_cuts_in_on_a_sound_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "talk.npz"
    folder = tmp_path / "card"
    folder.mkdir(mode=0o700)
    try:
        with VirtualCard(folder) as card:
            talk = [sys.executable, "-m", "tests.virtual_card", str(out)]
            done = subprocess.run(talk, env=card.environment, cwd=ROOT, capture_output=True, text=True, timeout=90)
    except NoCard as error:
        pytest.skip(f"no virtual sound card: {error}")
    assert done.returncode == 0, done.stderr
    saved = np.load(out)
    began_s = onset_s(saved["mic"], saved["user"])
    stopped_s = silent_from_s(saved["played"], began_s)
    assert saved["stopped"]
    assert began_s > 3, "the story was being told"
    assert 0 < stopped_s - began_s <= 0.35
    assert len(saved["slips"]) == 1, "the delay was found, and nothing slipped after that"
    said = tmp_path / "said.wav"
    said.write_bytes(wav_bytes(saved["heard"], RATE))
    capsys.readouterr()
    assert main(["transcribe", str(said), "--set", "asr.port=23470"]) == 0
    assert error_rate([(USER, capsys.readouterr().out)], "en") <= 0.25
