"""Addresses for messages and logs, which are shared: without what may be a secret in them."""

from __future__ import annotations

import re

HIDDEN = "***"

_HARMLESS = frozenset(("api-version",))  # names of parameters whose values are shown
_SCHEME = re.compile(r"\s*[a-z][a-z0-9+.-]*://", re.I)
_QUERY = re.compile(r"[?#]")


def shown_url(address: str) -> str:
    """`address` without a name and password, the values of its query, and its fragment.

    It need not be a valid one: a password may have '#', '/', '?' and '@' in it. In doubt, more is hidden.

    >>> shown_url("https://me:pass/word@h/v1"), shown_url("https://h/v1?api-version=1&code=x#y")
    ('https://***@h/v1', 'https://h/v1?api-version=1&code=***#***')
    """
    match = _SCHEME.match(address)
    scheme, rest = (match[0], address[match.end() :]) if match else ("", address)
    before_at, at, rest = rest.rpartition("@")
    plain, *_ = _QUERY.split(rest, maxsplit=1)
    after = rest[len(plain) :]
    if _QUERY.search(before_at):  # the @ belongs to a password, or to the query
        return f"{scheme}{HIDDEN}"
    query, hash_mark, _ = after.partition("#")
    query = re.sub(r"[^?&]+", lambda part: _shown_parameter(part[0]), query)
    return f"{scheme}{HIDDEN if at else ''}{at}{plain}{query}{hash_mark}{HIDDEN if hash_mark else ''}"


def _shown_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    if name.lower() in _HARMLESS:
        return parameter
    return f"{name}={HIDDEN}" if equals else HIDDEN
