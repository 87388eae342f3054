"""The commands and their arguments, as `commands.toml` states them. Loads none of the commands' own code."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from huiyin.assistant.faces.cli.shared import CommandParser
from huiyin.configs.nearest import nearest
from huiyin.configs.tables import read_table

COMMANDS = read_table(Path(__file__).with_name("commands.toml"))
"""Command -> its table."""
_SHARED = COMMANDS.pop("shared")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


_TYPES: Mapping[str, Callable[[str], Any]] = {"int": _whole, "float": _number, "path": Path}


def parse(name: str, words: Sequence[str]) -> argparse.Namespace:
    """What `words` ask of command `name`. Ends the program with a line on standard error where they are wrong."""
    parser = CommandParser(prog=f"huiyin {name}")
    _describe(parser, COMMANDS[name])
    args, unknown = parser.parse_known_args(words)
    strange = next((word for word in unknown if word != "--"), "")
    if strange.startswith("-"):
        known = [option for action in parser._actions for option in action.option_strings]
        parser.error(f"{strange!r} is not an option of `{parser.prog}`{nearest(strange, known)}")
    if strange:
        parser.error(f"{strange!r} is one argument too many")
    return args


def whole_parser() -> CommandParser:
    """A parser of all commands, for completion."""
    parser = CommandParser(prog="huiyin")
    _add(parser, _SHARED["every_command"])
    below = parser.add_subparsers(metavar="COMMAND")
    for name, command in COMMANDS.items():
        _describe(below.add_parser(name), command)
    return parser


def parse_shared(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options every command has, wherever they stand, and the arguments without them."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = CommandParser(prog="huiyin", add_help=False)
    _add(parser, _SHARED["every_command"])
    shared, rest = parser.parse_known_args(arguments[:end])
    return shared, [*rest, *arguments[end:]]


def _describe(parser: argparse.ArgumentParser, command: Mapping[str, Any]) -> None:
    """Give `parser` the help and the arguments of a command, and of the actions below it."""
    summary: str = command["summary"]
    parser.description = command.get("about", f"{summary[0].upper()}{summary[1:]}.")
    _add(parser, command.get("arguments", {}))
    _add(parser, _SHARED.get(command.get("shared"), {}))
    if actions := command.get("actions"):
        below = parser.add_subparsers(dest="action", required=True, metavar="|".join(actions))
        for name, action in actions.items():
            _describe(below.add_parser(name, help=action["summary"]), action)
    _add(parser.add_argument_group("options of every command"), _SHARED["every_command"])


def _add(group: argparse._ActionsContainer, arguments: Mapping[str, Mapping[str, Any]]) -> None:
    for name, options in arguments.items():
        kind = _TYPES.get(options.get("type", ""))
        group.add_argument(*name.split(", "), **{**options, "type": kind} if kind else options)
