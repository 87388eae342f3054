"""``huiyin transcribe`` over a folder, while it or the service is killed again and again.

Nothing is lost but the piece in hand, nothing is done twice, and the results are those of an undisturbed run.

`make soak` kills thirty times over twenty recordings.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import Services
from huiyin.configs.settings import load
from tests.support.asr_fakes import speech
from tests.support.fake_asr import NOTES
from tests.support.limits import PATIENCE_S, until
from tests.support.media import encode
from tests.support.service_process import free_port

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals")]

SEED = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))


class Run:
    """A folder of results, and the command that makes them; it starts the service."""

    def __init__(self, folder: Path, calls: Path) -> None:
        folder.mkdir()
        self.out, self._notes = folder / "results", folder / "notes"
        self._notes.touch()
        settings = [f"asr.port={free_port()}", f"jobs.dir={folder / 'jobs'}"]
        self._services = Services(load(overrides=settings))
        words = ["transcribe", "-r", str(calls), "--out", str(self.out), "--format", "json"]
        words += [word for setting in settings for word in ("--set", setting)]
        self._command = [sys.executable, "-m", "tests.support.fake_asr_cli", *words]

    @property
    def pieces(self) -> Counter[str]:
        """How often each piece was recognised."""
        return Counter(self._notes.read_text().split())

    @property
    def results(self) -> dict[str, Any]:
        """Of each recording, without what it took."""
        found = {path.name: json.loads(path.read_bytes()) for path in self.out.rglob("*.json")}
        return {
            name: {k: v for k, v in fields.items() if k not in ("rtf", "processing_s")}
            for name, fields in found.items()
        }

    @contextmanager
    def command(self) -> Iterator[psutil.Popen]:
        """It runs meanwhile; afterwards neither it nor its service does."""
        environ = {**os.environ, NOTES: str(self._notes)}
        with psutil.Popen(self._command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                if process.is_running():
                    process.kill()
        until(lambda: look(self._services, "asr").kind == "absent", "the service goes on")


@pytest.mark.parametrize(
    ("recordings", "kills"), [(4, 3), pytest.param(20, 30, marks=pytest.mark.soak)], ids=["few", "many"]
)
def test_nothing_is_lost_but_the_piece_in_hand_and_nothing_is_done_twice(
    tmp_path: Path, recordings: int, kills: int
) -> None:
    calls, chance = tmp_path / "calls", random.Random(SEED)
    for number in range(recordings):
        path = calls / f"{number % 3}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        lengths_s = [5.0 + chance.random() for _ in range(chance.randrange(4, 9))]
        path.write_bytes(encode(speech(*lengths_s) * np.float32(1 - number / 100)))

    undisturbed = Run(tmp_path / "undisturbed", calls)
    with undisturbed.command() as command:
        assert command.wait(PATIENCE_S) == 0

    run, killed = Run(tmp_path / "killed", calls), 0
    for _ in range(kills):
        with run.command() as command:
            enough = run.pieces.total() + chance.randrange(1, 4)
            until(lambda: run.pieces.total() >= enough or command.poll() is not None)  # noqa: B023 - used at once
            if command.poll() is None:
                killed += 1
                victims = [command, *command.children()]
                chance.choice(victims).kill()
                command.wait(PATIENCE_S)
    with run.command() as command:
        assert command.wait(PATIENCE_S) == 0
    print(f"seed {SEED}: {killed} kills, {run.pieces.total()} pieces recognised of {undisturbed.pieces.total()}")
    assert run.results == undisturbed.results and len(run.results) == recordings
    assert killed == kills, "it ended too soon"
    assert set(run.pieces) == set(undisturbed.pieces)
    assert run.pieces.total() - undisturbed.pieces.total() <= killed
