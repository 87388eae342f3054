"""``python -m huiyin.assistant.clients.fetch_beside NAME…``: fetches models while a conversation goes on.

It gives way to everything else, ends with its parent, and says nothing. What it did not finish goes on the next time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from huiyin.configs import settings as config
from huiyin.configs.store.errors import StoreError
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.child import module_command
from huiyin.services.common.serve import stop_with_parent
from huiyin.services.common.supervisor import Child

_LOWEST_PRIORITY = 19


def fetch_beside(names: Sequence[str], arguments: Sequence[str]) -> Child:
    """Begin; `arguments` are the settings options of this command. Raises OSError."""
    return Child(module_command(__name__, *arguments, "--", *names), own_session=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m huiyin.assistant.clients.fetch_beside")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--profile")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args(argv)
    if hasattr(os, "nice"):
        os.nice(_LOWEST_PRIORITY)
    stop_with_parent()
    store = ModelStore(config.load(args.profile, args.set).store)
    status = 0
    for name in args.names:
        try:
            store.ensure(name)
        except StoreError as error:
            with contextlib.suppress(OSError):
                print(error, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
