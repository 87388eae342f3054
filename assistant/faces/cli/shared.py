"""What the commands share: their errors, text from the command line or standard input, files written whole."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from huiyin.assistant.faces.cli.help_lines import HelpFormatter
from huiyin.configs.errors import HuiyinError
from huiyin.configs.files import whole_file
from huiyin.configs.messages import colon, said
from huiyin.configs.tables import tomllib

INTERRUPTED = 130  # exit status after Ctrl-C: the shell's own number for it
_NO_COMMAS = str.maketrans(",，、;；\n", "      ")  # they would end a phrase, and make no difference within one
STDIN = "-"  # names standard input, as in other programs


class CommandError(HuiyinError):
    """A command cannot go on."""


class UsageError(CommandError):
    """A command was used wrongly."""

    exit_status = 2


def to_people(*parts: object) -> str:
    """A line to standard error, from the program: "huiyin: talk.wav: it is empty", with colons of the language."""
    return colon().join(map(str, ("huiyin", *parts)))


class CommandParser(argparse.ArgumentParser):
    """Errors in one line, help texts as they were written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=HelpFormatter, allow_abbrev=False, **options)
        self.register("action", "yes_or_no", argparse.BooleanOptionalAction)

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(UsageError.exit_status, said("cli.wrong_usage", message=message, command=self.prog) + "\n")


def text_from(words: Sequence[str]) -> str:
    """The words of the command line joined by spaces, or standard input (UTF-8) when they are just ``-``.

    Raises CommandError when there is no text.
    """
    from_stdin = list(words) == [STDIN]
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig") if from_stdin else " ".join(words)
    except UnicodeDecodeError as error:
        raise CommandError("cli.stdin_not_utf8", byte=error.start) from error
    if not text.strip():
        raise CommandError("cli.stdin_empty") if from_stdin else UsageError("cli.no_text")
    return text.strip()


def read_hotwords(words: str | None) -> str | None:
    """The hotwords, from the file where `words` names one ("@names.txt"), without its comments. Raises UsageError."""
    text = _words_or_file("--hotwords", words)
    if text is None or text == words:
        return text
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def read_phrases(words: str | None) -> str | None:
    """Key phrases as the service takes them, from the file where `words` names one.

    In a TOML file a group is a list: refund = ["money back", "退款"]. Raises UsageError.
    """
    text = _words_or_file("--phrases", words)
    if text is None or words is None or not words.lower().endswith(".toml"):
        return text
    try:
        groups = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("cli.list_unreadable", option="--phrases", file=words, why=error) from error
    lines = []
    for name, phrases in groups.items():
        if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
            raise UsageError("cli.phrases_no_list", file=words, name=name)
        lines.append(f"{name}: {', '.join(phrase.translate(_NO_COMMAS) for phrase in phrases)}")
    return "\n".join(lines)


def _words_or_file(option: str, words: str | None) -> str | None:
    if words is None or not words.startswith("@"):
        return words
    try:
        return Path(words[1:]).expanduser().read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError("cli.list_unreadable", option=option, file=words, why=why) from error


def confirm_deletion(command: str) -> None:
    """Ask whether what was named is to be deleted; `command` does so unasked.

    Raises UsageError where nobody can be asked, CommandError where the answer is no.
    """
    if not sys.stdin.isatty():
        raise UsageError("cli.erase_unasked", command=command)
    if input(said("privacy.delete_all")).strip().lower() not in ("y", "yes", "是"):
        raise CommandError("cli.nothing_erased")


def check_writable(path: Path) -> None:
    """Raise CommandError when `path` cannot be written as a file: before the work, not after it."""
    if path.is_dir():
        raise UsageError("cli.is_a_folder", path=path)
    if not path.parent.is_dir():
        raise UsageError("cli.no_folder", folder=path.parent)
    if not os.access(path.parent, os.W_OK):
        raise CommandError("cli.folder_not_writable", folder=path.parent)


@contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, as `whole_file` makes it. Raises CommandError when it cannot be written."""
    try:
        with whole_file(path, durable=True) as file:
            yield file
    except OSError as error:
        raise CommandError("cli.not_written", path=path, why=error.strerror or error) from error


def write_files(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made where it is missing. Raises CommandError when one cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        with output_file(folder / name) as file:
            file.write(content)
    return [folder / name for name in contents]
