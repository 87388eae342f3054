"""The commands and their arguments, as `commands.toml` states them. Loads none of the commands' own code."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from huiyin.assistant.faces.cli.help_lines import full_stop
from huiyin.assistant.faces.cli.shared import CommandParser
from huiyin.configs.messages import language, said
from huiyin.configs.nearest import nearest
from huiyin.configs.tables import read_table

COMMANDS = read_table(Path(__file__).with_name("commands.toml"))
"""Command -> its table, in English."""
_SHARED = COMMANDS.pop("shared")
_HELP = ("-h", "--help")


@cache
def _spoken(language: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(the commands, what they share) with their words in a language."""
    if language == "en":
        return COMMANDS, _SHARED
    words = read_table(Path(__file__).with_name(f"commands.{language}.toml"))
    merged = _merged({**COMMANDS, "shared": _SHARED}, words)
    return merged, merged.pop("shared")


def _merged(table: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """`table` with the `words` in place of its own, at every depth."""
    return {
        key: _merged(value, words.get(key, {})) if isinstance(value, Mapping) else words.get(key, value)
        for key, value in table.items()
    }


def summaries() -> dict[str, str]:
    """Command -> what it is for, in the program's language."""
    return {name: command["summary"] for name, command in _spoken(language())[0].items()}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(said("cli.not_whole", word=text)) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(said("cli.not_a_number", word=text)) from None


_TYPES: Mapping[str, Callable[[str], Any]] = {"int": _whole, "float": _number, "path": Path}


def parse(name: str, words: Sequence[str]) -> argparse.Namespace:
    """What `words` ask of command `name`. Ends the program with a line on standard error where they are wrong."""
    return _parsed(name, _spoken(language())[0][name], words)


def parse_below(name: str, part: str, words: Sequence[str]) -> argparse.Namespace:
    """The same for a part of a command that has options of its own: a table below the command's."""
    return _parsed(f"{name} {part}", _spoken(language())[0][name][part], words)


def _parsed(name: str, command: Mapping[str, Any], words: Sequence[str]) -> argparse.Namespace:
    parser = CommandParser(prog=f"huiyin {name}")
    _describe(parser, command)
    first = words[0] if words else ""
    if "bare" in command and (not first or (first.startswith("-") and first not in _HELP)):
        words = [command["bare"], *words]
    args, unknown = parser.parse_known_args(words)
    strange = next((word for word in unknown if word != "--"), "")
    if strange.startswith("-"):
        known = [option for action in parser._actions for option in action.option_strings]
        near = nearest(strange, known)
        wrong_option = said("cli.no_option", option=strange, command=parser.prog, near=near)
        parser.error(wrong_option)
    if strange:
        one_too_many = said("cli.one_too_many", word=strange)
        parser.error(one_too_many)
    return args


def whole_parser() -> CommandParser:
    """A parser of all commands, for completion."""
    parser = CommandParser(prog="huiyin")
    commands, shared = _spoken(language())
    _add(parser, shared["every_command"])
    below = parser.add_subparsers(metavar="COMMAND")
    for name, command in commands.items():
        _describe(below.add_parser(name), command)
    return parser


def parse_shared(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options every command has, wherever they stand, and the arguments without them."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = CommandParser(prog="huiyin", add_help=False)
    _add(parser, _spoken(language())[1]["every_command"])
    shared, rest = parser.parse_known_args(arguments[:end])
    return shared, [*rest, *arguments[end:]]


def _describe(parser: argparse.ArgumentParser, command: Mapping[str, Any]) -> None:
    """Give `parser` the help and the arguments of a command, and of the actions below it."""
    summary: str = command["summary"]
    parser.description = command.get("about", f"{summary[0].upper()}{summary[1:]}{full_stop()}")
    _add(parser, command.get("arguments", {}))
    shared = _spoken(language())[1]
    _add(parser, shared.get(command.get("shared", ""), {}))
    if actions := command.get("actions"):
        below = parser.add_subparsers(dest="action", required=True, metavar="|".join(actions))
        for name, action in actions.items():
            _describe(below.add_parser(name, help=action["summary"]), action)
    _add(parser.add_argument_group(said("cli.shared_options")), shared["every_command"])


def _add(group: argparse._ActionsContainer, arguments: Mapping[str, Mapping[str, Any]]) -> None:
    for name, options in arguments.items():
        kind = _TYPES.get(options.get("type", ""))
        action = group.add_argument(*name.split(", "), **{**options, "type": kind} if kind else options)
        if action.nargs == argparse.REMAINDER:
            action.required = False  # all the rest may be nothing; argparse would call it missing
