"""How many of the cases that people ran into are right: ``python -m benchmarks.cases [GROUP ...] [--misses]``.

The cases lie in ``../shared/cases`` beside the checkout, or in the folder ``--folder``: they are not of the project.
A group is a function of that folder, listed in GROUPS: it yields each of its cases as a Case.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import cases_conversations, cases_readings, cases_texts, cases_upstreams
from benchmarks.cases_case import Case
from benchmarks.command import as_command
from benchmarks.output import percent, show

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "cases"
GROUPS: dict[str, Callable[[Path], Iterator[Case]]] = {
    "conversations": cases_conversations.cases,
    "readings": cases_readings.cases,
    "texts": cases_texts.cases,
    "upstreams": cases_upstreams.cases,
}


def main() -> int:
    """Prints the table, and with ``--misses`` the cases that are wrong. 1 without the folder of the cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the cases are (default: ../shared/cases)")
    parser.add_argument("--misses", action="store_true", help="print each case that is wrong")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.groups if name not in GROUPS]:
        parser.error(f"no group {unknown[0]}; there are {', '.join(GROUPS)}")
    if not arguments.folder.is_dir():
        print(f"no cases in {arguments.folder}: name their folder with --folder")
        return 1
    rows = []
    for name in arguments.groups or GROUPS:
        cases = list(GROUPS[name](arguments.folder))
        right = sum(case.is_right for case in cases)
        rows.append([name, str(len(cases)), str(right), percent(right / max(1, len(cases)))])
        for case in cases if arguments.misses else []:
            if not case.is_right:
                print(f"{name} {case.name}: {case.given!r}\n  right {case.right}\n  got   {case.got}")
    show(["group", "cases", "right", ""], rows)
    return 0


if __name__ == "__main__":
    as_command(main)
