"""What this machine is: its processor, cores, memory."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_CPUINFO = Path("/proc/cpuinfo")
_GIB = 2**30
_LOOK_S = 0.5


def cores() -> int:
    """Processors that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:  # a container's share of time
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        return max(1, min(count, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return count


def free_memory_bytes() -> int:
    """Memory that the system can still give, within a container's limit."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return max(0, min(free, int(limit) - int(used)))
    except (OSError, ValueError):
        return free


def busy_share() -> float:
    """Share of the processors, 0 to 1, that is in use; looks for half a second."""
    return psutil.cpu_percent(interval=_LOOK_S) / 100


def machine() -> str:
    """This machine in a line: processor, cores, memory. Another line: what was measured no longer counts."""
    return f"{processor()}, {cores()} cores, {memory_gb()} GB"


def memory_gb() -> int:
    """All that there is, rounded."""
    return round(psutil.virtual_memory().total / _GIB)


def processor() -> str:
    """Its name."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
