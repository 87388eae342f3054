"""The real service in a process of its own, for measuring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.recogniser.status import memory_mb
from tests.support.service_process import start_service


@dataclass(frozen=True)
class Running:
    """A service that is ready."""

    url: str
    worker: int
    """Process that holds the model."""

    def memory_mb(self) -> tuple[float, float]:
        """(now, most since `forget_peak`) resident memory."""
        return memory_mb(self.worker)

    def forget_peak(self) -> None:
        """Count the peak from now on."""
        Path(f"/proc/{self.worker}/clear_refs").write_text("5")


@contextmanager
def service(**settings: object) -> Iterator[Running]:
    """Start it with these settings, as `start_service` takes them; stop it at the end."""
    with start_service("asr", **settings) as url:
        yield Running(url, service_processes(url)[-1].pid)


def service_processes(url: str) -> list[psutil.Process]:
    """Processes of the service that listens at `url`, those that started others first."""
    port = url.rpartition(":")[2]
    return [process for process in psutil.Process().children(recursive=True) if port in process.cmdline()]
