"""What commands about a text share: it is an argument, standard input, or every row of a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_HEADER = "id\t"
_NOTHING = "(nothing)"


def text_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that `answer` needs."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("text", nargs="*", help="standard input when it is left out")
    parser.add_argument(
        "--tsv",
        type=Path,
        metavar="FILE",
        help=r"a table instead: lines of id<TAB>text, where \n stands for a new line; prints id<TAB>result",
    )
    return parser


def answer(parser: argparse.ArgumentParser, arguments: argparse.Namespace, read: Callable[[str], str]) -> int:
    """Print what `read` makes of the text, or of each row's. Returns 1 when it makes nothing of the one text, else 0.

    Ends the program with a message when the table cannot be read.
    """
    if arguments.tsv is None:
        result = read(" ".join(arguments.text) if arguments.text else sys.stdin.read())
        print(result or _NOTHING)
        return 0 if result else 1
    try:
        rows = list(_rows(arguments.tsv))
    except OSError as error:
        parser.error(f"{arguments.tsv}: {error.strerror}")
    except ValueError as error:
        parser.error(f"{arguments.tsv}: {error}")
    for name, text in rows:
        print(name, read(text).replace("\n", r"\n"), sep="\t")
    return 0


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """(id, text) of each line. Raises OSError, and ValueError for a line without a tab or bytes that are no UTF-8."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            row = line.rstrip("\n")
            if not row or (number == 1 and row.startswith(_HEADER)):
                continue
            name, tab, text = row.partition("\t")
            if not tab:
                raise ValueError(f"line {number} has no tab between its id and its text")
            yield name, text.replace(r"\n", "\n")
