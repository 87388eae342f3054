"""How much code the house is: ``python -m benchmarks.code_lines [FOLDER]`` counts a checkout.

A code line has something of Python in it: blank lines, comments and docstrings (of attributes, too) do not count.
Benchmarks do, and the makers of models for tests, which were in the package once.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

from benchmarks.command import as_command, existing_folder

FOLDERS = ("assistant", "services", "configs", "benchmarks")
MOVED_TO_TESTS = ("funasr_frontend.py", "random_paraformer.py", "sensevoice_folder.py", "tone_network.py")

_CHECKOUT = Path(__file__).resolve().parents[1]
_LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def code_lines(source: str) -> int:
    """Lines of Python source that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    blank = {number for number, line in enumerate(source.splitlines(), 1) if not line.strip()}
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines - blank - docstrings)


def count(checkout: Path) -> Counter[str]:
    """Code lines by folder."""
    files = [(folder, path) for folder in FOLDERS for path in (checkout / folder).rglob("*.py")]
    files += [("moved to tests", checkout / "tests" / "support" / name) for name in MOVED_TO_TESTS]
    lines: Counter[str] = Counter()
    for name, path in files:
        if path.is_file():
            lines[name] += code_lines(path.read_text(encoding="utf-8"))
    return lines


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=existing_folder, default=_CHECKOUT, help="a checkout (default: this one)"
    )
    lines = count(parser.parse_args().folder)
    for name, number in lines.items():
        print(f"{name:16}{number:>8}")
    print(f"{'together':16}{lines.total():>8}")


if __name__ == "__main__":
    as_command(main)
