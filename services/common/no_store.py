"""Requests of which nothing may be kept: the header ``Cache-Control: no-store`` (RFC 9111, 5.2.1.5).

A private conversation sends it with everything that it asks for. A service then keeps neither sound nor result, and the
body waits in memory where that of another request would wait in a temporary file.
"""

from __future__ import annotations

NO_STORE = {"Cache-Control": "no-store"}
"""The header."""
_IN_MEMORY_BYTES = 20 * 2**20  # of such a body: a turn of ten minutes, the longest there is


def forbids_storing(cache_control: str | None) -> bool:
    """Whether a request with this header (None: without) is one."""
    return "no-store" in (cache_control or "").lower()


def in_memory_bytes(cache_control: str | None, usual: int) -> int:
    """How much of the body of a request waits in memory, where it is `usual` for others; the rest in a file."""
    return _IN_MEMORY_BYTES if forbids_storing(cache_control) else usual
