"""The command with which one of our programs starts another."""

from __future__ import annotations

import sys

# The equivalent of `-P` for Python 3.10, where `-c`, too, puts the current folder first on the path.
_RUN = "import sys; del sys.path[0], sys.argv[0]; import runpy; runpy.run_module(sys.argv[0], None, '__main__', True)"


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs `module` with this Python, from any folder.

    Plain ``python -m`` would import a user's ``queue.py`` in the current folder in place of Python's own.
    """
    if sys.version_info >= (3, 11):
        return [sys.executable, "-P", "-m", module, *arguments]
    return [sys.executable, "-c", _RUN, module, *arguments]
