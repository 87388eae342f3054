"""Through real PortAudio, on a virtual sound card: the assistant speaks, the user cuts in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.virtual_card import RATE, NoCard, VirtualCard

LIMIT_S = 0.35  # from the user's first sound to silence, on the card's clock
LEAST_LIKENESS = 0.8  # it is 0.91 to 0.98, also on a busy machine; of a word that is lost it is 0
EARLIEST_S = 3.0  # the user begins after 4 s of silence; what resembles them before is the story


def onset_s(mic: np.ndarray, user: np.ndarray) -> float:
    """When `user` begins in `mic`, by their correlation."""
    size = 1 << (len(mic) + len(user)).bit_length()
    cross = np.fft.rfft(mic.astype(float), size) * np.conj(np.fft.rfft(user.astype(float), size))
    correlation = np.fft.irfft(cross, size)[round(EARLIEST_S * RATE) : len(mic)]
    assert correlation.max() > 0.8 * np.sum(user.astype(float) ** 2), "the microphone has all that the user said"
    return EARLIEST_S + int(np.argmax(correlation)) / RATE


def likenesses(heard: np.ndarray, user: np.ndarray) -> list[float]:
    """How like `user` is what was heard of them, for each quarter of a second: correlations, -1..1."""
    size = 1 << (len(heard) + len(user)).bit_length()
    cross = np.fft.rfft(heard.astype(float), size) * np.conj(np.fft.rfft(user.astype(float), size))
    begins = int(np.argmax(np.fft.irfft(cross, size)[: len(heard)]))
    pairs = zip(*(_quarters(sound, len(user)) for sound in (heard[begins:], user)), strict=True)
    return [float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1)) for a, b in pairs]


def _quarters(sound: np.ndarray, count: int) -> list[np.ndarray]:
    padded = np.pad(sound.astype(float), (0, count))[:count]
    return np.array_split(padded, round(count / (RATE / 4)))


def silent_from_s(played: np.ndarray, after_s: float) -> float:
    """When the sound that is being played at `after_s` ends: 0.3 s of zeros follow."""
    sounding = np.append(np.flatnonzero(played), len(played) + RATE)
    last = sounding[np.flatnonzero(np.diff(sounding) > 0.3 * RATE)]
    return float(last[last > after_s * RATE][0]) / RATE


@pytest.mark.slow
def test_the_user_cuts_in_on_a_sound_card(tmp_path: Path) -> None:
    """However busy the machine: the card's clock waits for the conversation, and all is judged by that clock."""
    folder, out = tmp_path / "card", tmp_path / "talk.npz"
    folder.mkdir(mode=0o700)
    command = [sys.executable, "-m", "tests.support.virtual_card", str(folder), str(out)]
    try:
        with VirtualCard(folder) as card:
            done = subprocess.run(
                command, env=card.environment, cwd=ROOT, capture_output=True, text=True, timeout=3 * PATIENCE_S
            )
    except NoCard as error:
        pytest.skip(f"no virtual sound card: {error}")
    assert done.returncode == 0, done.stderr
    saved = dict(np.load(out))
    began_s = onset_s(saved["mic"], saved["user"])
    assert saved["played"][: round(began_s * RATE)][-RATE:].any(), "the story was being told"
    assert 0 < silent_from_s(saved["played"], began_s) - began_s <= LIMIT_S, "the assistant went on"
    found = likenesses(saved["heard"], saved["user"])
    assert min(found) >= LEAST_LIKENESS, f"the recogniser did not get all that the user said: {found}"
