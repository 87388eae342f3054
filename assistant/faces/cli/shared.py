"""What the small commands share: their error, text from the command line or standard input, files written whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from huiyin.configs.files import whole_file

FAILED, USAGE, INTERRUPTED = 1, 2, 130
"""Exit statuses: it did not work; it was asked for wrongly; Ctrl-C (the shell's own number for it)."""

STDIN = "-"
"""The word that means standard input, as in other programs."""


class CommandError(Exception):
    """A command cannot go on; the message is the one line the user sees, `status` the exit status."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


def text_from(words: Sequence[str]) -> str:
    """The words of the command line joined by spaces, or standard input (UTF-8) when they are just ``-``.

    Raises CommandError when there is no text.
    """
    if list(words) != [STDIN]:
        text = " ".join(words).strip()
        if not text:
            raise CommandError("there is no text; give some, or - to read standard input", USAGE)
        return text
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise CommandError(f"standard input is not UTF-8 text (byte {error.start}); convert it first") from error
    if not text:
        raise CommandError("standard input is empty: there is no text")
    return text


def check_writable(path: Path) -> None:
    """Raise CommandError when `path` cannot be written as a file: better told before the work than after."""
    if path.is_dir():
        raise CommandError(f"{path} is a folder; name a file", USAGE)
    if not path.parent.is_dir():
        raise CommandError(f"there is no folder {path.parent}; make it, or name a file elsewhere", USAGE)
    if not os.access(path.parent, os.W_OK):
        raise CommandError(f"cannot write into {path.parent}; name a file elsewhere")


@contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, as `whole_file` makes it. Raises CommandError when it cannot be written."""
    try:
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror or error}") from error


def write_files(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made where it is missing. Raises CommandError when one cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        with output_file(folder / name) as file:
            file.write(content)
    return [folder / name for name in contents]
