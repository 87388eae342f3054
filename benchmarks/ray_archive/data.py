"""A machine ends in the middle of a small archive: our pool of workers beside Ray Data's.

Two machines of one core each, made with Ray's own `cluster_utils`. When some pieces have been recognised, one of them
is killed (SIGKILL), and does not come back. The workers are the same (`archive.worker.Worker`); what differs is who
gives them recordings: `archive.pool.Pool`, or ``Dataset.map_batches`` with an `ActorPoolStrategy` and its defaults.

``python -m benchmarks.ray_archive.data ADDRESS FOLDER RECORDING…`` is the command with Ray Data.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.ray_archive.archive import Archive
from benchmarks.ray_archive.command import note_pieces
from benchmarks.ray_archive.runs import pieces, run, start
from huiyin.assistant.clients.ray_cluster import connected
from huiyin.assistant.faces.cli.archive.worker import Order, Task, Worker
from huiyin.assistant.faces.cli.transcribe_one import Transcribed

OURS, RAY_DATA = "`--ray`", "Ray Data's pool of actors"
_NODE = {"node_ip_address": "127.0.0.1", "object_store_memory": 100 * 2**20}
_MACHINES = 2
_PIECES_BEFORE = 4
_LOOK_S = 0.5
LIMIT_S = 120.0  # after the machine has ended


@dataclass(frozen=True)
class Ended:
    """What a run came to in which a machine ended."""

    took_s: float | None
    """From the machine's end to that of the command; None: it had not ended within the limit."""
    done: int
    again: int


def with_a_machine_less(folder: Path, archive: Archive, name: str) -> Ended:
    """The archive by one of the two pools."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    (folder / "notes").touch()
    with _cluster() as (address, machines):
        if name == OURS:
            command = start(folder, ["--ray", address, "-r", str(archive.folder)])
        else:
            words = [address, str(folder), *map(str, sorted(archive.folder.glob("*.wav")))]
            command = run(folder, [sys.executable, "-m", "benchmarks.ray_archive.data", *words])
        try:
            while len(list(pieces(folder))) < _PIECES_BEFORE:
                if command.poll() is not None:
                    raise SystemExit((folder / "said").read_text())
                time.sleep(_LOOK_S)
            for process in [machines[0], *machines[0].children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            ended_s, took_s = time.monotonic(), None
            with contextlib.suppress(psutil.TimeoutExpired):
                command.wait(LIMIT_S)
                took_s = time.monotonic() - ended_s
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                command.kill()
    noted = [piece.digest for piece in pieces(folder)]
    return Ended(took_s, len(list((folder / "out").glob("*.json"))), len(noted) - len(set(noted)))


@contextlib.contextmanager
def _cluster() -> Iterator[tuple[str, list[psutil.Process]]]:
    """(its address, the machines besides its head, which has no cores)."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**_NODE, "num_cpus": 0, "include_dashboard": False})
    try:
        nodes = [cluster.add_node(**_NODE, num_cpus=1) for _ in range(_MACHINES)]
        yield cluster.address, [psutil.Process(node.all_processes["raylet"][0].process.pid) for node in nodes]
    finally:
        cluster.shutdown()


class Pooled:
    """A worker as Ray Data wants it: a batch in, a batch out."""

    def __init__(self, order: Order) -> None:
        self._worker = Worker(order)
        assert not (why_not := self._worker.start()), why_not

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Of one recording."""
        task = Task(**{name: column.tolist()[0] for name, column in batch.items()})
        *_, last = self._worker.transcribe(task, ())
        assert isinstance(last, Transcribed), last
        return {"target": [task.target]}


def main() -> int:
    address, folder, *recordings = sys.argv[1:]
    root = Path(folder)
    note_pieces()
    mark = root / "mark"
    mark.write_text("here")
    options = {"words": True, "careful": True, "speakers": None, "phrases": None}
    order = Order(None, ("asr.threads=1", f"jobs.dir={root / 'jobs'}"), "json", options, "en", str(mark), "here")
    files = sorted(map(Path, recordings), key=lambda path: -path.stat().st_size)  # the longest first, as ours
    tasks = [Task(path.name, str(path), path.stat().st_size, str(root / "out" / f"{path.stem}.json")) for path in files]
    with connected(address):
        import ray.data

        rows = ray.data.from_items([asdict(task) for task in tasks], override_num_blocks=len(tasks))
        pool = ray.data.ActorPoolStrategy(size=_MACHINES)
        rows.map_batches(Pooled, fn_constructor_args=[order], batch_size=1, compute=pool, num_cpus=1).materialize()
    return 0


if __name__ == "__main__":
    from benchmarks.ray_archive import data  # by its own name, under which workers find it

    sys.exit(data.main())
