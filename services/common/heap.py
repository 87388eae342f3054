"""How the C library keeps freed memory."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_M_ARENA_MAX = -8  # glibc's malloc.h
_ARENAS = 2


def few_arenas() -> None:
    """Let all threads share two heaps, where the C library is glibc; elsewhere nothing is done.

    Otherwise each thread keeps a fragmented heap of its own. Measured on recordings of 1 to 30 minutes: the peak grows
    by 35 MB instead of 78, in the same time. Call it before threads are started.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no mallopt
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def trim_heap() -> None:
    """Return freed memory to the system, where the C library is glibc; elsewhere nothing is done.

    After loading Paraformer of full size through FunASR, which copies the weights twice: 1.7 GB instead of 3.3. After
    loading Kokoro: 300 MB less.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)
