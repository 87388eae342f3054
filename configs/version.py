"""The version of this installation. It is typed once, in pyproject.toml; from there it comes into the metadata."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """Such as '0.1.0'."""
    return metadata.version("huiyin")
