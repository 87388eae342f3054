"""What can go wrong in the model store."""

from __future__ import annotations

from huiyin.configs.errors import HuiyinError


class StoreError(HuiyinError):
    """A model file that cannot be had; the message names it, the sources tried, what each said, and what to do."""


class UnknownNameError(StoreError):
    """The catalog has no profile, folder or file of that name; the message gives the nearest right one."""

    exit_status = 2


class CatalogError(StoreError):
    """The catalog cannot be used; the message says which entry is wrong, and what would be right."""


class DiskFullError(StoreError):
    """There is no room; trying other files or sources is pointless."""


class SourceError(StoreError):
    """A source cannot give the file; the message names its host and says why, in few words."""
