"""How every benchmark starts and ends: ``as_command(main)``, and the values of its options.

What was asked for wrongly is one line on standard error and exit status 2, as argparse has it; so is an error of ours
with its own status. Anything else is a fault of the benchmark, and its traceback is shown.
"""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import NoReturn

from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import with_hint
from huiyin.configs.settings import load
from huiyin.configs.store.errors import UnknownNameError
from huiyin.configs.store.model_store import ModelStore

_WRONG = 2


class WrongOption(ArgumentTypeError):
    """An option that cannot be used: why, and what would be right; outside of a parser, also which."""


def as_command(main: Callable[[], int | None]) -> NoReturn:
    """Ends the program with the status that `main` returns (None: 0), or that of the error it raises."""
    try:
        sys.exit(main())
    except HuiyinError as error:
        complaint, status = with_hint(error.key, error.facts), error.exit_status
    except WrongOption as error:
        complaint, status = str(error), _WRONG
    print(complaint, file=sys.stderr)
    sys.exit(status)


def one_or_more(text: str) -> int:
    """An option's value: a whole number of at least 1."""
    return int(_at_least(1, text, int))


def zero_or_more(text: str) -> int:
    """An option's value: a whole number of at least 0."""
    return int(_at_least(0, text, int))


def two_or_more(text: str) -> int:
    """An option's value: a whole number of at least 2."""
    return int(_at_least(2, text, int))


def above_zero(text: str) -> float:
    """An option's value: a finite number above 0."""
    value = _at_least(0, text, float)
    if not 0 < value < inf:
        raise WrongOption(f"{text}: must be more than 0, and not without end")
    return value


def existing_file(text: str) -> Path:
    """An option's value: a file that is there."""
    return _existing("file", text, Path.is_file)


def existing_folder(text: str) -> Path:
    """An option's value: a folder that is there."""
    return _existing("folder", text, Path.is_dir)


def writable(text: str) -> Path:
    """An option's value: a file that can be written; it is known before anything is measured."""
    path = Path(text).expanduser()
    if path.is_dir() or not path.parent.is_dir():
        raise WrongOption(f"{path} cannot be written: name a file in a folder that is there")
    return path


def language_model(text: str) -> str:
    """An option's value: a language model of the catalog (a GGUF), or the path of one."""
    if Path(text).expanduser().is_file():
        return str(Path(text).expanduser().absolute())
    try:
        files = ModelStore(load().store).catalog.under(text)
    except UnknownNameError as error:
        raise WrongOption(with_hint(error.key, error.facts)) from None
    if not all(file.name.endswith(".gguf") for file in files):
        raise WrongOption(f"{text} is no language model: name a .gguf (huiyin models list shows them)")
    return text


def _existing(kind: str, text: str, is_there: Callable[[Path], bool]) -> Path:
    path = Path(text).expanduser()
    if not is_there(path):
        raise WrongOption(f"there is no {kind} {path}")
    return path


def _at_least(low: float, text: str, kind: Callable[[str], float]) -> float:
    try:
        value = kind(text)
    except ValueError:
        raise WrongOption(f"{text!r} is not a {'whole ' if kind is int else ''}number") from None
    if not value >= low:  # nan is neither
        raise WrongOption(f"{text}: must be at least {low:g}")
    return value
