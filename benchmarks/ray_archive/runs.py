"""The runs that are compared, and what is noted of each: its results, pieces, processor time."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.output import tell
from benchmarks.ray_archive.archive import Archive
from benchmarks.ray_archive.command import CONNECTED, MARKS, NOTES, SERVICE, STARTED
from huiyin.configs.files import whole_file
from tests.support import ROOT
from tests.support.service_process import free_port

_TOLD = ("rtf", "processing_s", "file")  # of a result, what differs from run to run
_LOOK_S = 2.0  # between two looks at the processes
_TELL_S = 30.0
RECOGNISERS, WORKERS, COMMANDS, RAY = "recognisers", "workers", "command", "Ray's own"


@dataclass(frozen=True)
class Piece:
    """A piece of a recording that was recognised. Times of the machine's monotonic clock."""

    digest: str
    begin_s: float
    end_s: float
    service: int
    """The process that did it."""


@dataclass(frozen=True)
class Run:
    """What a run came to."""

    began_s: float
    ended_s: float
    results: dict[str, Any]
    pieces: tuple[Piece, ...]
    cpu_s: dict[str, float]
    """Processor time, by what the processes are."""
    connected_s: float | None
    """When Ray was there; None: none was wanted."""
    started_s: float
    """When the last of the first two services was started."""
    kills: int = 0

    @property
    def took_s(self) -> float:
        """From the command to its end."""
        return self.ended_s - self.began_s

    @property
    def counts(self) -> Counter[str]:
        """How often each piece was recognised; in the long recordings the same words come more than once."""
        return Counter(piece.digest for piece in self.pieces)

    def is_right(self, rival: Run) -> bool:
        """Nothing lost or different; done again at most the piece in hand of each worker that was killed."""
        same = self.results == rival.results and set(self.counts) == set(rival.counts)
        return same and len(self.pieces) - len(rival.pieces) <= self.kills


def kept(path: Path, what: str, make: Callable[[], Run]) -> Run:
    """The run that is at `path`; else that which is made now, and then kept there."""
    with contextlib.suppress(FileNotFoundError):
        fields = json.loads(path.read_bytes())
        tell(f"{what}: measured before, in {path}")
        return Run(**{**fields, "pieces": tuple(Piece(**piece) for piece in fields["pieces"])})
    tell(f"{what} …")
    run = make()
    tell(f"{what}: {run.took_s:.0f} s")
    with whole_file(path) as file:
        file.write(json.dumps(dataclasses.asdict(run)).encode())
    return run


def by_hand(folder: Path, archive: Archive) -> Run:
    """Two of the plain command at once."""
    began_s = _begin(folder)
    commands = []
    for number, half in enumerate(archive.halves):
        settings = (f"asr.port={free_port()}", f"jobs.dir={folder / f'jobs-{number}'}")
        commands.append(start(folder, [*map(str, half)], settings))
    return _watched(folder, commands, began_s)


def with_ray(folder: Path, archive: Archive, kill_every_s: float = 0.0, seed: int = 0) -> Run:
    """A Ray of its own. A worker is killed (SIGKILL) every so often."""
    began_s = _begin(folder)
    return _watched(folder, [start(folder, ["--ray", "local", "-r", str(archive.folder)])], began_s, kill_every_s, seed)


def _begin(folder: Path) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    return time.monotonic()


def start(folder: Path, words: Sequence[str], settings: Sequence[str] = ()) -> psutil.Popen:
    """The command, with results and notes in `folder`."""
    options = [word for setting in ("asr.threads=1", *settings) for word in ("--set", setting)]
    command = [sys.executable, "-m", "benchmarks.ray_archive.command", "transcribe", *words]
    command += ["--out", str(folder / "out") + "/", "--format", "json", *options]
    return run(folder, command)


def run(folder: Path, command: Sequence[str]) -> psutil.Popen:
    """A command whose services note in `folder` what they do."""
    # Ray's workers start in a folder of their own.
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT))))
    # One core each, by hand too; Ray says the same to its workers. Times of words depend on it in the last digit.
    environ = {**os.environ, NOTES: str(folder / "notes"), "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    with (folder / "said").open("a") as said:
        return psutil.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said)


def _watched(
    folder: Path, commands: Sequence[psutil.Popen], began_s: float, kill_every_s: float = 0.0, seed: int = 0
) -> Run:
    """Until all have ended."""
    chance, cpu, kills = random.Random(seed), _Cpu(commands), 0
    ended = threading.Event()
    threading.Thread(target=lambda: ([one.wait() for one in commands], ended.set()), daemon=True).start()
    kill_s, tell_s = began_s + (kill_every_s or float("inf")), began_s + _TELL_S
    try:
        while not ended.wait(_LOOK_S):
            cpu.look()
            now_s = time.monotonic()
            if now_s >= kill_s:
                kill_s += kill_every_s
                if workers := [parent for one in cpu.services() if (parent := one.parent())]:
                    chance.choice(workers).kill()
                    kills += 1
            if now_s >= tell_s:
                tell_s += _TELL_S
                tell(f"  {now_s - began_s:.0f} s: {len(list((folder / 'out').glob('*.json')))} recordings")
        ended_s = time.monotonic()
    finally:
        for one in commands:
            if one.is_running():
                one.terminate()
                one.wait()
    if any(one.returncode for one in commands):
        raise SystemExit((folder / "said").read_text())
    noted = [line.split() for line in Path(f"{folder / 'notes'}{MARKS}").read_text().splitlines()]
    connected_s = next((float(at_s) for what, at_s in noted if what == CONNECTED), None)
    started_s = [float(at_s) for what, at_s in noted if what == STARTED]
    found = results(folder), tuple(pieces(folder))
    return Run(began_s, ended_s, *found, cpu.total_s, connected_s, started_s[:2][-1], kills)


def results(folder: Path) -> dict[str, Any]:
    """Of each recording, without what differs from run to run."""
    found = {path.name: json.loads(path.read_bytes()) for path in (folder / "out").glob("*.json")}
    return {name: {key: value for key, value in one.items() if key not in _TOLD} for name, one in found.items()}


def pieces(folder: Path) -> Iterator[Piece]:
    """Those that the services have noted."""
    for line in (folder / "notes").read_text().splitlines():
        digest, begin_s, end_s, service = line.split()
        yield Piece(digest, float(begin_s), float(end_s), int(service))


class _Cpu:
    """Processor time of commands and of all below them, as far as was seen."""

    def __init__(self, commands: Sequence[psutil.Popen]) -> None:
        self._commands = commands
        self._seen: dict[tuple[int, float], tuple[str, float]] = {}
        self._services: list[psutil.Process] = []

    @property
    def total_s(self) -> dict[str, float]:
        """By kind of process."""
        total: dict[str, float] = {}
        for kind, seconds in self._seen.values():
            total[kind] = total.get(kind, 0.0) + seconds
        return total

    def services(self) -> list[psutil.Process]:
        """Those that recognise, when it looked last."""
        return [one for one in self._services if one.is_running()]

    def look(self) -> None:
        """See what each has used by now."""
        self._services = []
        for command in self._commands:
            with contextlib.suppress(psutil.Error):
                for one in [command, *command.children(recursive=True)]:
                    self._look_at(one, is_command=one == command)

    def _look_at(self, process: psutil.Process, *, is_command: bool) -> None:
        with contextlib.suppress(psutil.Error):
            with process.oneshot():
                words, times = process.cmdline(), process.cpu_times()
            kind = RAY
            if is_command:
                kind = COMMANDS
            elif SERVICE in words:
                kind = RECOGNISERS
                self._services.append(process)
            elif words and words[0].startswith("ray::") and "IDLE" not in words[0]:
                kind = WORKERS
            self._seen[process.pid, process.create_time()] = kind, times.user + times.system
