"""What systemd is told of a program that it has started with ``Type=notify``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

_VARIABLE = "NOTIFY_SOCKET"
_WATCHDOG, _WATCHED = "WATCHDOG_USEC", "WATCHDOG_PID"  # sd_watchdog_enabled(3)


def tell_ready() -> str:
    """Requests are accepted from here on, and what is ordered after this program may start. Elsewhere nothing happens.

    Once a process; those that it starts have nothing to tell. Returns where systemd listens, '' elsewhere.
    """
    address = os.environ.pop(_VARIABLE, "")
    if not address or os.name != "posix":
        return ""
    if address.startswith("@"):  # of no folder: Linux writes it with a null byte
        address = f"\0{address[1:]}"
    _send(address, b"READY=1")
    return address


async def tell_alive(address: str) -> None:
    """Tell the systemd that listens there, twice as often as its `WatchdogSec` wants, that this loop turns.

    Of a program that hangs it hears nothing, and starts it again. Returns where it does not want to know.
    """
    wanted_us = int(os.environ.get(_WATCHDOG) or 0)
    if not address or not wanted_us or os.environ.get(_WATCHED, str(os.getpid())) != str(os.getpid()):
        return
    while True:
        _send(address, b"WATCHDOG=1")
        await asyncio.sleep(wanted_us / 2e6)


def _send(address: str, state: bytes) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(state, address)
