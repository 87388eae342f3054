"""Requests of which nothing may be kept: the header ``Cache-Control: no-store`` (RFC 9111, 5.2.1.5).

A private conversation sends it with everything that it asks for. A service then keeps neither sound nor result, and the
body waits in memory where that of another request would wait in a temporary file.
"""

from __future__ import annotations

from collections.abc import Mapping

NO_STORE = {"Cache-Control": "no-store"}
"""The header."""
IN_MEMORY_BYTES = 20 * 2**20
"""Of such a body: a turn of ten minutes, the longest there is. A larger one goes to a file after all."""


def forbids_storing(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers is one."""
    return "no-store" in headers.get("Cache-Control", "").lower()
