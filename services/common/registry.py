"""Registries: an engine's name and the address of its loader, "package.module:name".

An engine is imported when it is chosen: it brings libraries that the others do without.
"""

from __future__ import annotations

import importlib
from typing import Any


def import_object(address: str) -> Any:
    """The object at `address`, "package.module:name". Raises ImportError or AttributeError where there is none."""
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)
