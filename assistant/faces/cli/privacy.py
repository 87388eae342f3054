"""``huiyin privacy``: what is kept of people on this machine, and deleting it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from huiyin.assistant.faces.cli.kept_files import Kept, kinds
from huiyin.assistant.faces.cli.shared import CommandError, confirm_deletion
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_KB = 1000
_NAMED = 12  # files of a kind that are listed by name


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what `args` ask. Returns the exit status."""
    found = [(kind, list(kind.files())) for kind in kinds(settings)]
    if args.action == "show":
        for kind, files in found:
            print(_line(kind, files))
        print(said("privacy.it_stays"))
        return 0
    if not any(files for _, files in found):
        print(said("privacy.nothing"))
        return 0
    if not args.yes:
        _ask(found)
    for kind, files in found:
        _erase(kind, files)
    return 0


def _ask(found: Sequence[tuple[Kept, Sequence[Path]]]) -> None:
    """Raises what `confirm_deletion` raises."""
    for kind, files in found:
        print(_line(kind, files))
    confirm_deletion("huiyin privacy erase --yes")


def _erase(kind: Kept, files: Sequence[Path]) -> None:
    """Delete the files of a kind and say so. Raises CommandError at the first that cannot be deleted."""
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CommandError("cli.not_erased", path=path, why=error.strerror or error) from error
    if files:
        more = [said("privacy.and_more", count=len(files) - _NAMED)] if len(files) > _NAMED else []
        names = [*(path.name for path in files[:_NAMED]), *more]
        kind_name, places = said(kind.name), _places(kind, files)
        print(said("privacy.deleted", kind=kind_name, count=len(files), places=places, names=names))


def _line(kind: Kept, files: Sequence[Path]) -> str:
    size_kb = sum(map(_size, files)) / _KB
    return said("privacy.line", kind=said(kind.name), count=len(files), size_kb=size_kb, places=_places(kind, files))


def _size(path: Path) -> int:
    """Bytes; 0 where it has gone meanwhile."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _places(kind: Kept, files: Sequence[Path]) -> list[Path]:
    """The folders in which there is something, or in which there would be."""
    inside = [folder for folder in kind.folders if any(path.is_relative_to(folder) for path in files)]
    return inside or list(kind.folders[:1])
