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

LOCAL = "local"
"""The address of a Ray of our own."""
_ADDRESS = re.compile(rf"{LOCAL}|auto|ray://.+|[\w.-]+:\d+|\[[0-9a-fA-F:]+\]:\d+")
_OBJECTS_BYTES = 100 * 2**20  # what passes between our processes is small; Ray's own default is a third of the memory
OPTIONS: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
"""Of ``ray.init``, wherever the cluster is."""
_LOOPBACK = re.compile(r"(?:localhost|127\.[\d.]+|\[::1\]):\d+")
_ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # Ray's switch for staying there: else this machine's address
_PRIVATE = {"RAY_AUTH_MODE": "token"}  # other users of this machine are kept out


class RayError(ServiceError):
    """A cluster cannot be used."""


def is_address(word: str) -> bool:
    """Whether it is one of a cluster: `local`, `auto`, HOST:PORT."""
    return _ADDRESS.fullmatch(word) is not None


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Ray works meanwhile. Raises RayError where there is no cluster."""
    if address.startswith("ray://"):
        raise RayError("clients.ray_client", address=address)
    options = dict(OPTIONS)
    with contextlib.ExitStack() as after:
        if address == LOCAL:
            folder = after.enter_context(tempfile.TemporaryDirectory(prefix="huiyin-", ignore_cleanup_errors=True))
            os.environ.update(_ON_LOOPBACK | _PRIVATE, RAY_AUTH_TOKEN=secrets.token_hex(32))
            options |= {"include_dashboard": False, "object_store_memory": _OBJECTS_BYTES, "_temp_dir": folder}
        else:
            options["address"] = address
            if _LOOPBACK.fullmatch(address):
                os.environ.update(_ON_LOOPBACK)

        import ray  # it reads the environment when it is imported

        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise RayError("clients.ray_not_there", address=address, why=error) from error
        try:
            yield
        finally:
            ray.shutdown()
