"""How pytest recognises a scenario among YAML files: by the line ``huiyin: scenario`` at the left margin.

Files are searched line by line, not parsed: a scenario that is not valid YAML is still a scenario, and a large file
of another project costs nothing.
"""

from __future__ import annotations

import re

TOP_KEYS = (
    "name",
    "about",
    "depth",
    "seed",
    "settings",
    "services",
    "room",
    "voice",
    "tools",
    "turns",
    "hang_up",
    "expect",
    "huiyin",
)

_MARK = re.compile(rb"^(?:\xef\xbb\xbf)?huiyin[ \t]*:[ \t]+[\"']?scenario[\"']?[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_TOP_KEY = re.compile(rb"^([^\s#-][^:\n]*?)[ \t]*:(?=\s|$)", re.MULTILINE)


def is_marked(content: bytes) -> bool:
    """Whether a file says that it is a scenario."""
    return _MARK.search(content) is not None


def looks_like_scenario(content: bytes) -> bool:
    """Whether all keys at the left margin are keys of a scenario, `turns` among them."""
    keys = set(_TOP_KEY.findall(content))
    return b"turns" in keys and keys <= {key.encode() for key in TOP_KEYS}
