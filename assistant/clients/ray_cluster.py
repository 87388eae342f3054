"""Ray: the cluster at an address, or one of our own on this machine.

One of our own is small and private: no dashboard, no reports to its makers, listening on the loopback device alone, its
files in a folder that goes with it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from typing import Any

from huiyin.assistant.clients.http import ServiceError
from huiyin.services.common.access import is_loopback

LOCAL = "local"
"""The address of a Ray of our own."""
_ADDRESS = re.compile(rf"{LOCAL}|auto|ray://.+|[\w.-]+:\d+|\[[0-9a-fA-F:]+\]:\d+")
_OBJECTS_BYTES = 100 * 2**20  # what passes between our processes is small; Ray's own default is a third of the memory
_SKIP = "RAY_DEDUP_LOGS_SKIP_REGEX"
_WORKER_DIED = "A worker died or was killed"
"""In a line that Ray prints for each, with its own numbers: ours says which recording, or replica, it was."""
OPTIONS: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
"""Of ``ray.init``, wherever the cluster is."""


class RayError(ServiceError):
    """A cluster cannot be used."""


def is_address(word: str) -> bool:
    """Whether it is one of a cluster: `local`, `auto`, HOST:PORT."""
    return _ADDRESS.fullmatch(word) is not None


def prepare(address: str) -> None:
    """Set the variables that Ray reads when it is imported, and that the processes it starts inherit.

    Ray prints nothing of workers that end. A cluster of this machine keeps its ports on the loopback device; one of
    our own wants a key, which keeps out other users of this machine.
    """
    os.environ.setdefault(_SKIP, _WORKER_DIED)
    host = address.rpartition(":")[0].strip("[]")
    if address == LOCAL or is_loopback(host):
        # Ray has it for Windows and macOS alone, where it is so by default.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if address == LOCAL:
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))


@contextlib.contextmanager
def without_api_server() -> Iterator[None]:
    """A cluster that is started meanwhile has no API server.

    Ray starts it without a dashboard, too, and without reports to its makers it still asks three clouds' addresses
    whether it runs there (`ray/dashboard/modules/usage_stats` of 2.60). There is no switch.
    """
    from ray._private import services

    start = services.start_api_server
    services.start_api_server = lambda *_, **__: ("", None)
    try:
        yield
    finally:
        services.start_api_server = start


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Ray works meanwhile. Raises RayError where there is no cluster."""
    if address.startswith("ray://"):
        raise RayError("clients.ray_client", address=address)
    options = dict(OPTIONS)
    prepare(address)
    with contextlib.ExitStack() as after:
        if address == LOCAL:
            after.enter_context(without_api_server())
            folder = after.enter_context(tempfile.TemporaryDirectory(prefix="huiyin-", ignore_cleanup_errors=True))
            options |= {"include_dashboard": False, "object_store_memory": _OBJECTS_BYTES, "_temp_dir": folder}
        else:
            options["address"] = address

        import ray  # it reads the environment when it is imported

        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise RayError("clients.ray_not_there", address=address, why=error) from error
        try:
            yield
        finally:
            ray.shutdown()
