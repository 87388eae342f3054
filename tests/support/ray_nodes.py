"""A cluster of Ray's with several nodes on this machine, and `huiyin serve … --ray` on it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from huiyin.assistant.scale.directory import PROGRAMS
from tests.support import ROOT
from tests.support.limits import PATIENCE_S, until
from tests.support.service_process import free_port

LOOPBACK = "127.0.0.1"
_STORE_BYTES = 80 * 2**20
_ENGINES = {"tones": "tests.support.tones:load", "fake": "tests.support.fake_asr:load"}
"""Recognisers of tests, as another installed package would bring them."""


def with_engines(folder: Path) -> str:
    """The PYTHONPATH for programs that may use the recognisers of tests, by an installation in `folder`."""
    info = folder / "huiyin_tests-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: huiyin-tests\nVersion: 1.0\n")
    points = "".join(f"{name} = {address}\n" for name, address in _ENGINES.items())
    (info / "entry_points.txt").write_text(f"[huiyin.recognisers]\n{points}")
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"), str(ROOT))))


@contextmanager
def cluster(*cpus: int) -> Iterator[str]:
    """A node with so many processors each; gives the address. What runs there has this process's environment."""
    from ray.cluster_utils import Cluster

    options = {"node_ip_address": LOOPBACK, "object_store_memory": _STORE_BYTES}
    first, *others = cpus
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": first, "include_dashboard": False, **options})
    try:
        for count in others:
            made.add_node(num_cpus=count, **options)
        yield str(made.address)
    finally:
        made.shutdown()


@dataclass
class Served:
    """The command, running."""

    process: subprocess.Popen[str]
    urls: dict[str, str]
    lines: list[str] = field(default_factory=list)

    def has_said(self, words: str) -> bool:
        """Whether a line of its output has them."""
        return any(words in line for line in self.lines)

    def replicas(self, program: str) -> list[psutil.Process]:
        """The processes of our program that are its replicas."""
        return [process for process in replicas_on_this_machine() if program in process.cmdline()]

    def counts(self) -> list[int]:
        """How many replicas were ready, each time that this has changed; of all programs."""
        return [int(found[1]) for line in self.lines if (found := re.search(r": (\d+) replicas ready", line))] or [0]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Its status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def replicas_on_this_machine() -> list[psutil.Process]:
    """All processes that a router is in front of."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(word.startswith("service.listen=") for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextmanager
def served(what: str, *settings: str, address: str = "", environ: dict[str, str] | None = None) -> Iterator[Served]:
    """``huiyin serve WHAT --ray [ADDRESS]`` once all replicas are ready; it is ended afterwards."""
    ports = {name: free_port() for name in PROGRAMS}
    words = [f"{name}.port={port}" for name, port in ports.items()]
    command = [sys.executable, "-m", "huiyin.assistant.faces.cli.main", "serve", what, "--ray"]
    command += [address] if address else []
    command += [word for setting in [*words, *settings] for word in ("--set", setting)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, **(environ or {})},
    )  # fmt: skip
    found = Served(process, {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()})
    assert process.stdout
    reading = threading.Thread(target=found.lines.extend, args=(iter(process.stdout.readline, ""),), daemon=True)
    reading.start()
    try:
        until(lambda: found.has_said("all ready") or process.poll() is not None)
        assert process.poll() is None, "".join(found.lines)
        yield found
    finally:
        if process.poll() is None:
            found.stop()
        reading.join(PATIENCE_S)
        print("".join(found.lines[-_SHOWN:]), file=sys.stderr)


_SHOWN = 200


def until_gone(processes: Sequence[psutil.Process]) -> None:
    """Until none of them runs."""
    until(lambda: not [process for process in processes if process.is_running() and process.status() != "zombie"])
