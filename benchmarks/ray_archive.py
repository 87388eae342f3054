"""An archive by ``huiyin transcribe --ray``, and by two workers run by hand: ``python -m benchmarks.ray_archive``.

The rival is two ``huiyin transcribe`` at once, of one core each, each with half of the sound. Then the same with Ray on
this machine, with as many workers of one core; then once more, while a worker is killed (SIGKILL) every 20 s. Compared
are the times from start to end, Ray's own start and end included, the results, and which pieces were recognised how
often. Exit status 1 where it is slower than 0.9 times the rival, or anything is lost, done twice or different.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.output import show, tell
from benchmarks.ray_archive_cli import NOTES, SERVICE
from benchmarks.recogniser.recordings import speech, write
from huiyin.services.common.audio import SAMPLE_RATE
from tests.support.service_process import free_port

LEAST = 0.9  # times the throughput of the rival
_TOLD = ("rtf", "processing_s", "file")  # of a result, what differs from run to run
_SHORTEST_S, _LONGEST_S = 2.0, 8.0  # of a short recording
_FINEST = 3e-4  # of the loudness: no two recordings are the same


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    took_s: float
    results: dict[str, Any]
    pieces: Counter[str]
    kills: int = 0


def main() -> int:
    """Measure, print the table. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", type=int, default=500, help="recordings of 2 to 8 s")
    parser.add_argument("--long", type=int, default=5, help="long recordings")
    parser.add_argument("--long-minutes", type=float, default=10.0, help="minutes of each of them")
    parser.add_argument("--kill-every-s", type=float, default=20.0, help="seconds between two kills")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as scratch:
        folder = Path(scratch)
        tell("making the archive")
        halves, sound_s = _archive(folder / "calls", args)
        tell(f"{sound_s / 60:.0f} min of sound; two workers by hand")
        by_hand = _by_hand(folder / "by-hand", halves)
        tell(f"{by_hand.took_s:.0f} s; with Ray")
        undisturbed = _with_ray(folder / "ray", folder / "calls")
        tell(f"{undisturbed.took_s:.0f} s; with Ray, a worker killed every {args.kill_every_s:.0f} s")
        killed = _with_ray(folder / "killed", folder / "calls", args.kill_every_s, random.Random(args.seed))
    ratio = by_hand.took_s / undisturbed.took_s
    rows = [_row(name, one, by_hand, sound_s) for name, one in _named(by_hand, undisturbed, killed)]
    count = f"{args.short} + {args.long}"
    show((f"{count} recordings, {sound_s / 3600:.2f} h", "time", "× real time", "of by hand", "kills", "same results",
          "pieces", "recognised again"), rows)  # fmt: skip
    good = ratio >= LEAST and all(_is_right(one, by_hand) for one in (undisturbed, killed))
    tell(f"by hand / Ray: {ratio:.2f} (≥ {LEAST}); {'reached' if good else 'NOT reached'}")
    return 0 if good else 1


def _named(by_hand: Outcome, undisturbed: Outcome, killed: Outcome) -> Iterator[tuple[str, Outcome]]:
    yield "two workers by hand", by_hand
    yield "`--ray`", undisturbed
    yield "`--ray`, a worker killed every so often", killed


def _row(name: str, one: Outcome, rival: Outcome, sound_s: float) -> list[str]:
    same = sum(one.results.get(key) == value for key, value in rival.results.items())
    again = one.pieces.total() - len(one.pieces)
    return [
        name, f"{one.took_s:.0f} s", f"{sound_s / one.took_s:.1f}", f"{rival.took_s / one.took_s:.2f}", str(one.kills),
        f"{same} of {len(rival.results)}", str(len(one.pieces)), str(again),
    ]  # fmt: skip


def _is_right(one: Outcome, rival: Outcome) -> bool:
    """Nothing lost, nothing different; done again at most the piece that was in hand when a worker was killed."""
    again = one.pieces.total() - rival.pieces.total()
    return one.results == rival.results and set(one.pieces) == set(rival.pieces) and again <= one.kills


def _archive(folder: Path, args: argparse.Namespace) -> tuple[list[list[Path]], float]:
    """(two halves of equal length, seconds in all) of recordings in `folder`."""
    chance, content = random.Random(args.seed), speech()
    folder.mkdir()
    lengths = [(f"long-{n}", args.long_minutes * 60) for n in range(args.long)]
    lengths += [(f"short-{n}", chance.uniform(_SHORTEST_S, _LONGEST_S)) for n in range(args.short)]
    halves: list[list[Path]] = [[], []]
    filled_s = [0.0, 0.0]
    for number, (name, length_s) in enumerate(lengths):
        begin = chance.randrange(len(content) - round(_LONGEST_S * SAMPLE_RATE))
        sound = np.roll(content, -begin) * (1 - number * _FINEST)
        path = write(folder / f"{name}.wav", length_s, sound.astype(np.int16))
        half = filled_s.index(min(filled_s))
        halves[half].append(path)
        filled_s[half] += length_s
    return halves, sum(filled_s)


def _by_hand(folder: Path, halves: Sequence[Sequence[Path]]) -> Outcome:
    """Two of the plain command at once."""
    (folder / "out").mkdir(parents=True)
    began_s = time.monotonic()
    commands = []
    for number, half in enumerate(halves):
        settings = (f"asr.port={free_port()}", f"jobs.dir={folder / f'jobs-{number}'}")
        commands.append(_start(folder, [*map(str, half)], settings))
    assert [command.wait() for command in commands] == [0, 0], (folder / "said").read_text()
    return _outcome(folder, began_s)


def _with_ray(folder: Path, calls: Path, kill_every_s: float = 0.0, chance: random.Random | None = None) -> Outcome:
    """A Ray of its own, workers killed meanwhile or not."""
    (folder / "out").mkdir(parents=True)
    began_s = time.monotonic()
    command = _start(folder, ["--ray", "local", "-r", str(calls)], ())
    kills, ended = 0, threading.Event()
    threading.Thread(target=lambda: (command.wait(), ended.set()), daemon=True).start()
    while not ended.wait(kill_every_s or None):
        assert chance is not None
        if workers := _workers(command):
            chance.choice(workers).kill()
            kills += 1
    assert command.returncode == 0, (folder / "said").read_text()
    return _outcome(folder, began_s, kills)


def _start(folder: Path, words: Sequence[str], settings: Sequence[str]) -> psutil.Popen:
    options = [word for setting in ("asr.threads=1", *settings) for word in ("--set", setting)]
    command = [sys.executable, "-m", "benchmarks.ray_archive_cli", "transcribe", *words]
    command += ["--out", str(folder / "out") + "/", "--format", "json", *options]
    with (folder / "said").open("a") as said:
        # One core each, by hand too; Ray says the same to its workers. Times of words depend on it in the last digit.
        environ = {**os.environ, NOTES: str(folder / "notes"), "OMP_NUM_THREADS": "1"}
        return psutil.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said)


def _workers(command: psutil.Popen) -> list[psutil.Process]:
    """The processes of Ray's in which recordings are transcribed: those that have a service."""
    found = []
    for process in command.children(recursive=True):
        try:
            if SERVICE in process.cmdline() and (parent := process.parent()):
                found.append(parent)
        except psutil.Error:
            continue
    return found


def _outcome(folder: Path, began_s: float, kills: int = 0) -> Outcome:
    took_s = time.monotonic() - began_s
    results = {path.name: json.loads(path.read_bytes()) for path in (folder / "out").glob("*.json")}
    pieces = Counter((folder / "notes").read_text().split())
    shown = {name: {key: value for key, value in one.items() if key not in _TOLD} for name, one in results.items()}
    return Outcome(took_s, shown, pieces, kills)


if __name__ == "__main__":
    sys.exit(main())
