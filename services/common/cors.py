"""What lets a web page of another host read answers: the headers of the Fetch standard's CORS protocol. No I/O.

Only pages that `service.origins` names get them. Cookies are never allowed: such a page shows a key, or needs none.
"""

from __future__ import annotations

from collections.abc import Mapping

_METHODS = "GET, POST, DELETE"
_FRESH_S = 600  # a browser need not ask again; longer, and a name taken from the list would still be let in
_ASKED = "Access-Control-Request-Method"
_HEADERS_WANTED = "Access-Control-Request-Headers"


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks if it may send a request. It does so without the key."""
    return method == "OPTIONS" and _ASKED in headers


def readable_by(origin: str) -> dict[str, str]:
    """The headers of an answer that a page of `origin` may read, with all other headers of ours."""
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "*"}


def allowance(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of the answer to a preflight request with these headers, beside those of `readable_by`."""
    wanted = {"Access-Control-Allow-Headers": headers[_HEADERS_WANTED]} if _HEADERS_WANTED in headers else {}
    return {"Access-Control-Allow-Methods": _METHODS, "Access-Control-Max-Age": str(_FRESH_S), **wanted}
