"""What systemd is told of a program that it has started with ``Type=notify``."""

from __future__ import annotations

import contextlib
import os
import socket

_VARIABLE = "NOTIFY_SOCKET"


def tell_ready() -> None:
    """Requests are accepted from here on, and what is ordered after this program may start. Elsewhere nothing happens.

    Once a process; those that it starts have nothing to tell.
    """
    address = os.environ.pop(_VARIABLE, "")
    if not address or os.name != "posix":
        return
    if address.startswith("@"):  # of no folder: Linux writes it with a null byte
        address = f"\0{address[1:]}"
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", address)
