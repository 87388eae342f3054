"""What a command does when it is ended from outside: by `kill`, or as its terminal is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

_ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Every `finally` runs when the program is ended from outside, too: temporary files are deleted."""
    with ExitStack() as handlers:
        for number in _ENDS:
            handlers.enter_context(on_signal(number, _end))
        yield


@contextmanager
def on_signal(number: int, handler: Callable[..., None]) -> Iterator[None]:
    """Unless it has another handler; only the main thread may set one."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(number) is signal.SIG_DFL
    if ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: Any) -> None:
    for each in _ENDS:  # a terminal that closes may send two: the second one must not end the cleaning up
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)
