"""Registries: the name of an engine and the address of its loader, "package.module:name".

An engine is imported when it is chosen: it may need libraries that are not installed.
"""

from __future__ import annotations

import importlib
from typing import Any


def import_object(address: str) -> Any:
    """The object at `address`, "package.module:name". Raises ImportError or AttributeError when it is missing."""
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)
