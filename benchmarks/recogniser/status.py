"""A process's own memory as Linux counts it. The standard library only: rivals run in environments of their own."""

from __future__ import annotations

from pathlib import Path


def memory_mb(process: int | str = "self") -> tuple[float, float]:
    """(now, at most) resident memory of a process in MB.

    getrusage() would count the parent's peak too: it survives the fork.
    """
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    facts = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return int(facts["VmRSS"].split()[0]) / 1024, int(facts["VmHWM"].split()[0]) / 1024
