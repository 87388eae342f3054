"""Variables that Ray reads when it is imported, and that the processes it starts inherit."""

from __future__ import annotations

import os

_ALWAYS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "2",  # s; the load is seen sooner
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",  # s; ten times a second would cost a part of a core
}
_ALONE = {
    # Ray has it for Windows and macOS alone, where it is so by default: its ports are on 127.0.0.1, not on the network.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}


def prepare(*, alone: bool) -> None:
    """Before Ray is imported. `alone`: a cluster of this machine. What the user has set stays."""
    for name, value in {**_ALWAYS, **(_ALONE if alone else {})}.items():
        os.environ.setdefault(name, value)
