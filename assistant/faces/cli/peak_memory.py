"""Peak memory of this process and all it started, together."""

from __future__ import annotations

import threading

import psutil

_INTERVAL_S = 0.5


class MemoryWatch:
    """Use as a context manager; `peak_mb` is the largest sum seen.

    Counts proportional set size where the system reports it (Linux: memory shared between processes counts once),
    else resident size.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._stopped.wait(_INTERVAL_S):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    info = process.memory_full_info()
                    total += getattr(info, "pss", 0) or info.rss
                except psutil.Error:
                    continue  # it ended between listing and asking
            self.peak_mb = max(self.peak_mb, total / 2**20)
