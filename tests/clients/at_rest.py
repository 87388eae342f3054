"""What a server's process has once its clients have gone."""

from __future__ import annotations

import time

import psutil

from tests.support.limits import PATIENCE_S
from tests.support.realtime_server import ServerProcess

GROWTH_MB = 60.0  # of memory, that is no leak: what the allocator keeps
REST_S = 35.0  # until a server without clients has given back what they left behind
_SETTLE_S = 0.1


def at_rest(server: ServerProcess, before: dict[str, float] | None = None) -> dict[str, float]:
    """Threads, clients' connections (those to the services are kept for the next one), memory in MB.

    Waits until no client is left, and for about what `before` had.
    """
    if before is None:
        time.sleep(REST_S)
    process, until_s = psutil.Process(server.pid), time.monotonic() + PATIENCE_S
    while True:
        open_now = [each for each in process.net_connections() if each.status == psutil.CONN_ESTABLISHED]
        figures = {
            "threads": process.num_threads(),
            "sockets": sum(server.url.endswith(f":{each.laddr.port}") for each in open_now),
            "memory_mb": process.memory_info().rss / 1e6,
        }
        rested = before is None or (
            all(figures[name] <= before[name] for name in ("threads", "sockets"))
            and figures["memory_mb"] <= before["memory_mb"] + GROWTH_MB
        )
        if (rested and not figures["sockets"]) or time.monotonic() > until_s:
            return figures
        time.sleep(_SETTLE_S)
