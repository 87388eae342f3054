"""``python -m benchmarks.cases GROUP [TABLE ...]``: how many cases of a group are right, and which are not."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.cases_readings import readings

GROUPS: dict[str, Callable[[Iterable[Path]], Iterator[str]]] = {"readings": readings}
"""Name -> a function from tables, beside the project's own, to lines."""


def main() -> None:
    """Print the lines of one group, or of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cases", description=__doc__)
    parser.add_argument("group", nargs="?", choices=GROUPS, help="all without one")
    parser.add_argument("tables", nargs="*", type=Path, help="tables of the same form beside the project's own")
    arguments = parser.parse_args()
    for name in [arguments.group] if arguments.group else GROUPS:
        for line in GROUPS[name](arguments.tables):
            print(line)


if __name__ == "__main__":
    main()
