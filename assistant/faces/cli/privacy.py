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
    failures = [failure for kind, files in found for failure in _erase(kind, files)]
    if failures:
        path, error = failures[0]
        raise CommandError("cli.not_erased", path=path, why=error.strerror or error)
    return 0


def _ask(found: Sequence[tuple[Kept, Sequence[Path]]]) -> None:
    """Raises what `confirm_deletion` raises."""
    for kind, files in found:
        print(_line(kind, files))
    confirm_deletion("huiyin privacy erase --yes")


def _erase(kind: Kept, files: Sequence[Path]) -> list[tuple[Path, OSError]]:
    """Delete the files of a kind and say so; gives those that cannot be deleted, which keep no other."""
    deleted: list[Path] = []
    failures: list[tuple[Path, OSError]] = []
    for path in files:
        try:
            path.unlink(missing_ok=True)
            deleted.append(path)
        except OSError as error:
            failures.append((path, error))
    if deleted:
        more = [said("privacy.and_more", count=len(deleted) - _NAMED)] if len(deleted) > _NAMED else []
        names = [*(path.name for path in deleted[:_NAMED]), *more]
        kind_name, places = said(kind.name), _places(kind, deleted)
        print(said("privacy.deleted", kind=kind_name, count=len(deleted), places=places, names=names))
    return failures


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
