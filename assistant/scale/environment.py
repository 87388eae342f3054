"""Variables that Ray Serve reads when it is imported, and that the processes it starts inherit."""

from __future__ import annotations

import os

from huiyin.assistant.clients import ray_cluster

_SERVE = {
    "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "2",  # s; the load is seen sooner
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",  # s; ten times a second would cost a part of a core
}


def prepare(address: str) -> None:
    """Before Ray is imported. `address`: of the cluster; '': one of this machine alone.

    What the user has set for Serve stays.
    """
    for name, value in _SERVE.items():
        os.environ.setdefault(name, value)
    ray_cluster.prepare(address or ray_cluster.LOCAL)
