"""Tables in TOML: what is data stands in a file of its own, beside the code that reads it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["read_table", "tomllib"]


def read_table(path: Path) -> dict[str, Any]:
    """A TOML file in UTF-8. Raises OSError, UnicodeDecodeError or tomllib.TOMLDecodeError."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8")))
