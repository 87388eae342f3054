"""A Realtime server in this process, on a free port."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from huiyin.configs.settings import Settings


@contextlib.contextmanager
def realtime_server(settings: Settings) -> Iterator[str]:
    """Its http address; `settings` say where its services are."""
    raise NotImplementedError
