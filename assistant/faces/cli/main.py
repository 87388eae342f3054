"""``huiyin``: the one program behind all commands.

It finds the command, reads the settings, runs it, and turns an error into one line for a person. Each command is a
module with ``add_options(parser)`` and ``run(args, settings) -> int``, imported only when it is used, so that
``huiyin --help`` answers at once. What its own ``--help`` says stands in its docstring, after the first line.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from huiyin.assistant.faces.cli import options
from huiyin.assistant.faces.cli.shared import INTERRUPTED, CommandError, CommandParser, UsageError
from huiyin.configs import settings as config
from huiyin.configs.errors import HuiyinError
from huiyin.configs.nearest import nearest

COMMANDS = {
    "talk": "talk with the assistant",
    "demo": "a whole conversation, without sound hardware",
    "simulate": "scripted conversations, with what must follow",
    "transcribe": "recordings to text or subtitles",
    "say": "text to speech: on the loudspeaker, or a file",
    "personas": "who the assistant can be",
    "sessions": "conversations that were kept: read, resume, delete",
    "ask": "one question to the language model",
    "serve": "run the services for other programs",
    "models": "list, fetch and verify model files",
    "devices": "microphones and loudspeakers",
    "settings": "every setting, its value and its reason",
    "bench": "measure how well a part works: echo, asr, memory, serving",
    "doctor": "what works on this machine, and what to do about the rest",
}
_OPTIONS = {"talk": options.add_talk_options, "demo": options.add_demo_options}  # their own modules load slowly
_BROKEN_PIPE = 141  # what a shell reports for a program that SIGPIPE ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run `argv` (default: the command line). Returns the exit status; raises nothing, unless ``--debug`` is given."""
    _use_utf8()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _main(arguments)
        sys.stdout.flush()
        return status
    except SystemExit as end:  # argparse's way to say that it has answered
        return end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except Exception as error:
        if "--debug" in arguments:
            raise
        complaint = _for_people(error)
        hint = f"; {complaint.hint}" if complaint.hint else ""
        print(f"huiyin: {complaint}{hint}", file=sys.stderr)
        return complaint.exit_status


def _main(arguments: list[str]) -> int:
    shared, rest = _shared_options(arguments)
    if shared.version:
        from huiyin.configs.version import version  # slow to load, and rarely needed

        print(f"huiyin {version()}")
        return 0
    name = rest[0] if rest else ""
    if name in ("", "-h", "--help"):
        print(_help())
        return 0 if name else UsageError.exit_status
    if name not in COMMANDS:
        raise UsageError("cli.no_command", name=name, near=nearest(name, COMMANDS), commands=list(COMMANDS))
    args = _parse(name, rest[1:])
    vars(args).update(vars(shared), service_arguments=config.as_arguments(shared.profile, shared.set))
    settings = config.load(args.profile, args.set)
    return int(_module(name).run(args, settings))


def _module(name: str) -> ModuleType:
    """The file of a command has its name."""
    return importlib.import_module(f"{__package__}.{name}")


def _shared_options(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options every command has, wherever they stand, and the arguments without them."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = CommandParser(prog="huiyin", add_help=False)
    _add_shared(parser)
    shared, rest = parser.parse_known_args(arguments[:end])
    return shared, [*rest, *arguments[end:]]


def _add_shared(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("options of every command")
    group.add_argument("--profile", metavar="NAME|FILE", help="settings profile: a name in configs/, or a TOML file")
    group.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE",
        help="change one setting, as often as you like: --set asr.threads=4 (`huiyin settings` lists them)",
    )  # fmt: skip
    group.add_argument("--debug", action="store_true", help="show where in the program an error arose")
    group.add_argument("--version", action="store_true", help="print the version")


def _parse(name: str, words: Sequence[str]) -> argparse.Namespace:
    """What `words` ask of command `name`."""
    parser = CommandParser(prog=f"huiyin {name}")
    described: Any = _OPTIONS.get(name) or _module(name)
    parser.description = (inspect.getdoc(described) or "").partition("\n\n")[2]
    getattr(described, "add_options", described)(parser)
    _document_shared(parser)
    args, unknown = parser.parse_known_args(words)
    strange = next((word for word in unknown if word != "--"), "")
    if strange.startswith("-"):
        known = [option for action in parser._actions for option in action.option_strings]
        parser.error(f"{strange!r} is not an option of `{parser.prog}`{nearest(strange, known)}")
    if strange:
        parser.error(f"{strange!r} is one argument too many")
    return args


def _document_shared(parser: argparse.ArgumentParser) -> None:
    """Name the shared options in the help of `parser` and of the commands below it."""
    _add_shared(parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _document_shared(below)


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    return f"""\
Huiyin: a voice assistant for your desk that hears you, not itself. Chinese and English.

usage: huiyin COMMAND [options]

{commands}

`huiyin COMMAND --help` explains a command. A good start: huiyin doctor, then huiyin talk."""


def _for_people(error: Exception) -> HuiyinError:
    """The error itself where it is meant for people, else one that describes it in a line."""
    if isinstance(error, HuiyinError):
        return error
    if isinstance(error, ImportError):
        return CommandError("cli.library_missing", error=error)
    if isinstance(error, OSError) and error.strerror:
        return CommandError(
            "cli.system" if error.filename else "cli.system_without_path", path=error.filename, why=error.strerror
        )
    return CommandError("cli.unexpected", kind=type(error).__name__, error=error)


def _use_utf8() -> None:
    """Chinese must not end a command where the terminal's encoding has none, nor be lost in a Windows pipe."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if sys.platform == "win32" else None, errors="replace")


if __name__ == "__main__":
    sys.exit(main())
