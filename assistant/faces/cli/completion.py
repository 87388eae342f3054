"""``huiyin completion``: what a shell needs so that the Tab key completes commands, options and names.

The shell then runs this program with `_ARGCOMPLETE` in its environment, and argcomplete answers from the parser of all
commands.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

import argcomplete

from huiyin.assistant.conversation import persona_files
from huiyin.assistant.faces.cli.options import whole_parser
from huiyin.configs.layers import profile_names
from huiyin.configs.settings import CONFIG_DIR, Settings, sections
from huiyin.configs.store.catalog import load_catalog

Names = Callable[[], Iterable[str]]


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the code for ``args.shell``. Returns the exit status."""
    print(argcomplete.shellcode(["huiyin"], shell=args.shell))
    return 0


def answer() -> None:
    """Tell the shell what may come next, and end the program."""
    parser = whole_parser()
    for action in _actions(parser):
        if names := _NAMES.get(action.dest):
            action.completer = _Completer(names)  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, always_complete_options=False)


class _Completer:
    """The names that begin as what was typed."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __call__(self, prefix: str, **facts: object) -> list[str]:
        return [name for name in self._names() if name.startswith(prefix)]


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)


def _settings() -> Iterator[str]:
    """Every setting, as --set takes it; with its words where it has some to choose from."""
    for section, table in sections().items():
        for field in dataclasses.fields(table):
            yield from (f"{section}.{field.name}={word}" for word in field.metadata["choices"] or [""])


def _sections() -> Iterator[str]:
    for section, table in sections().items():
        yield section
        yield from (f"{section}.{field.name}" for field in dataclasses.fields(table))


def _model_names() -> Iterator[str]:
    catalog = load_catalog()
    yield from catalog.profiles
    yield from dict.fromkeys(file.name.partition("/")[0] for file in catalog.files)


_NAMES: Mapping[str, Names] = {
    "profile": lambda: profile_names(CONFIG_DIR),
    "set": _settings,
    "persona": persona_files.names,
    "section": _sections,
    "name": _model_names,
}
"""Argument -> what it may be. A file is completed where none of them fits."""
