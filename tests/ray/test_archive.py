"""``huiyin transcribe --ray``: the results are those of a plain run, whatever is killed in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from tests.support import ROOT
from tests.support.asr_fakes import speech
from tests.support.fake_asr import NOTES, PIECE_S
from tests.support.limits import PATIENCE_S, until
from tests.support.media import encode
from tests.support.object_store import object_store
from tests.support.service_process import free_port

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.ray

SEED = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
_NODE = {"node_ip_address": "127.0.0.1", "object_store_memory": 100 * 2**20}


@pytest.fixture(autouse=True)
def workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's workers start in a folder of their own."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT)))))


@pytest.fixture
def cluster(workers_find_the_tests: None) -> Iterator[Cluster]:
    """A head without cores, and two machines of one core."""
    from ray.cluster_utils import Cluster  # not while tests are collected: it takes most of a second

    cluster = Cluster(initialize_head=True, head_node_args={**_NODE, "num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(**_NODE, num_cpus=1)
        yield cluster
    finally:
        cluster.shutdown()


class Run:
    """A folder of results, and the command that makes them."""

    def __init__(self, folder: Path, *names: object, ray: str | None = None) -> None:
        folder.mkdir()
        self._folder, self.out, self._notes, self.said = folder, folder / "results", folder / "notes", folder / "said"
        self._notes.touch()
        words = ["transcribe", *(["--ray", ray] if ray else []), "-r", *map(str, names), "--out", f"{self.out}/"]
        settings = ["asr.threads=1", *([] if ray else [f"asr.port={free_port()}", f"jobs.dir={folder / 'jobs'}"])]
        words += ["--format", "json", *(word for setting in settings for word in ("--set", setting))]
        self._command = [sys.executable, "-m", "tests.support.fake_asr_cli", *words]

    @property
    def pieces(self) -> Counter[str]:
        """How often each piece was recognised."""
        return Counter(self._notes.read_text().split())

    @property
    def results(self) -> dict[str, Any]:
        """Of each recording, without what it took and where it was."""
        found = {path.relative_to(self.out): json.loads(path.read_bytes()) for path in self.out.rglob("*.json")}
        return {
            path.as_posix(): {k: v for k, v in fields.items() if k not in ("rtf", "processing_s", "file")}
            for path, fields in found.items()
        }

    @contextmanager
    def command(self, piece_s: float = 0.02) -> Iterator[psutil.Popen]:
        """It runs meanwhile, with so much time for each piece."""
        environ = {**os.environ, NOTES: str(self._notes), PIECE_S: str(piece_s)}
        with (
            self.said.open("w") as said,
            psutil.Popen(self._command, env=environ, stdout=said, stderr=said) as process,
        ):
            try:
                yield process
            finally:
                if process.is_running():
                    process.kill()


def workers(cluster: Cluster) -> list[psutil.Process]:
    """The processes of Ray's that have a service."""
    raylets = [psutil.Process(node.all_processes["raylet"][0].process.pid) for node in cluster.worker_nodes]
    return [process for raylet in raylets for process in raylet.children() if process.children()]


def calls(folder: Path, recordings: int) -> Path:
    """Recordings of a few pieces each."""
    chance = random.Random(SEED)
    for number in range(recordings):
        path = folder / f"{number % 3}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        lengths_s = [5.0 + chance.random() for _ in range(chance.randrange(4, 9))]
        path.write_bytes(encode(speech(*lengths_s) * np.float32(1 - number / 100)))
    return folder


def kill(process: psutil.Process) -> None:
    """The process and all below it, at once, as when a machine fails."""
    for one in [process, *process.children(recursive=True)]:
        one.send_signal(signal.SIGKILL)


def test_a_killed_worker_and_a_killed_machine_lose_nothing(cluster: Cluster, tmp_path: Path) -> None:
    recordings = calls(tmp_path / "calls", 6)
    undisturbed = Run(tmp_path / "undisturbed", recordings)
    with undisturbed.command() as command:
        assert command.wait(PATIENCE_S) == 0

    run = Run(tmp_path / "run", recordings, ray=cluster.address)
    with run.command(piece_s=0.3) as command:
        until(lambda: run.pieces.total() >= 3)
        first, *_ = family = [one for worker in workers(cluster) for one in (worker, *worker.children())]
        first.kill()
        enough = run.pieces.total() + 3
        until(lambda: run.pieces.total() >= enough)
        machine = next(iter(cluster.worker_nodes))
        kill(psutil.Process(machine.all_processes["raylet"][0].process.pid))
        assert command.wait(PATIENCE_S) == 0, run.said.read_text()
    until(lambda: not any(one.is_running() for one in family), "a worker or a service goes on")
    print(f"seed {SEED}: {run.pieces.total()} pieces recognised of {undisturbed.pieces.total()}")
    assert run.results == undisturbed.results and len(run.results) == 6
    assert "its worker has ended; another worker goes on with it" in run.said.read_text()
    assert set(run.pieces) == set(undisturbed.pieces)
    assert run.pieces.total() - undisturbed.pieces.total() <= 2, "more than the piece in hand of each that was killed"
    assert not (run.out / ".huiyin").exists()


def test_a_broken_recording_is_listed_and_stops_no_other(cluster: Cluster, tmp_path: Path) -> None:
    recordings = calls(tmp_path / "calls", 2)
    (recordings / "broken.wav").write_bytes(b"RIFF and nothing else")
    (recordings / "gone.wav").symlink_to("nowhere")
    run = Run(tmp_path / "run", recordings, ray=cluster.address)
    with run.command() as command:
        assert command.wait(PATIENCE_S) == 1
    assert set(run.results) == {"0/0.json", "1/1.json"}
    said = run.said.read_text()
    assert "failed: 2" in said and "transcribed: 2" in said
    assert f"  {recordings / 'broken.wav'}: " in said and f"  {recordings / 'gone.wav'}: No such file" in said


def test_recordings_of_an_object_store_a_web_server_and_file_urls(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = calls(tmp_path / "calls", 6)
    undisturbed = Run(tmp_path / "undisturbed", recordings)
    with undisturbed.command() as command:
        assert command.wait(PATIENCE_S) == 0
    with object_store(tmp_path) as address:
        stored = f"s3://me:secret@calls/0?scheme=http&endpoint_override={address}&region=here"
        web = [f"http://{address}/calls/1/{number}.wav" for number in (1, 4)]
        local = (recordings / "2").as_uri()
        run = Run(tmp_path / "run", stored, *web, local, ray=cluster.address)
        with run.command() as command:
            assert command.wait(PATIENCE_S) == 0, run.said.read_text()
    assert {Path(name).name: result for name, result in run.results.items()} == {
        Path(name).name: result for name, result in undisturbed.results.items()
    }


def test_after_ctrl_c_the_next_run_goes_on_and_a_ray_of_its_own_leaves_nothing_behind(tmp_path: Path) -> None:
    recordings = calls(tmp_path / "calls", 3)
    run = Run(tmp_path / "run", recordings, ray="local")
    with run.command(piece_s=0.1) as command:
        until(lambda: len(run.results) >= 1)
        family = command.children(recursive=True)
        listening = {
            each.laddr.ip for one in family if one.is_running() for each in one.net_connections() if _listens(each)
        }
        command.send_signal(signal.SIGINT)
        assert command.wait(PATIENCE_S) == 130
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    until(lambda: not any(one.is_running() for one in family), "a process goes on")
    assert "the same command goes on there" in run.said.read_text()
    done = len(run.results)
    with run.command() as command:
        assert command.wait(PATIENCE_S) == 0
    assert f"done before: {done}" in run.said.read_text() and len(run.results) == 3
    assert run.pieces.total() - len(run.pieces) <= 1, "more than the piece in hand was done twice"


def _listens(connection: Any) -> bool:
    return connection.status == psutil.CONN_LISTEN
