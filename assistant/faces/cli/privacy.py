"""``huiyin privacy``: what is kept of people on this machine, and deleting it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from huiyin.assistant.conversation.kept_files import Kept, kinds
from huiyin.assistant.faces.cli.shared import CommandError, UsageError
from huiyin.configs.settings import Settings

_KB = 1000
_NAMED = 12  # files of a kind that are listed by name


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what `args` ask. Returns the exit status."""
    found = [(kind, list(kind.files())) for kind in kinds(settings)]
    if args.action == "show":
        for kind, files in found:
            print(_line(kind, files))
        print("it stays on this machine; `huiyin privacy erase` deletes it, docs/privacy.md says the rest")
        return 0
    if not any(files for _, files in found):
        print("nothing is kept")
        return 0
    if not args.yes:
        _ask(found)
    for kind, files in found:
        _erase(kind, files)
    return 0


def _ask(found: Sequence[tuple[Kept, Sequence[Path]]]) -> None:
    """Raises UsageError where nobody can be asked, CommandError where the answer is no."""
    if not sys.stdin.isatty():
        raise UsageError("cli.erase_unasked")
    for kind, files in found:
        print(_line(kind, files))
    if input("Delete all of it, for good? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("cli.nothing_erased")


def _erase(kind: Kept, files: Sequence[Path]) -> None:
    """Delete the files of a kind and say so. Raises CommandError at the first that cannot be deleted."""
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CommandError("cli.not_erased", path=path, why=error.strerror or error) from error
    if files:
        names = ", ".join(path.name for path in files[:_NAMED])
        more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
        print(f"deleted {kind.name}, {len(files)} in {_places(kind, files)}: {names}{more}")


def _line(kind: Kept, files: Sequence[Path]) -> str:
    return f"{kind.name}: {len(files)}, {sum(map(_size, files)) / _KB:.0f} kB, in {_places(kind, files)}"


def _size(path: Path) -> int:
    """Bytes; 0 where it has gone meanwhile."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _places(kind: Kept, files: Sequence[Path]) -> str:
    """The folders in which there is something, or in which there would be."""
    folders = list(dict.fromkeys(path.parent for path in files)) or kind.folders[:1]
    return " and ".join(map(str, folders))
