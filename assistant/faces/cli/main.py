"""``huiyin``: the one program behind all commands.

It finds the command, reads the settings, runs it, and turns an error into one line for a person. Each command is a
module with ``run(args, settings) -> int``, imported only when it runs, and a table in `commands.toml`, so that every
``--help`` answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from huiyin.assistant.faces.cli import options
from huiyin.assistant.faces.cli.language import use_language
from huiyin.assistant.faces.cli.options import COMMANDS
from huiyin.assistant.faces.cli.shared import INTERRUPTED, CommandError, UsageError, to_people
from huiyin.assistant.faces.cli.terminal import harmless_output
from huiyin.configs import settings as config
from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import language, said
from huiyin.configs.nearest import nearest

_SETTINGS = {
    "private": "talk.private=true",
    "log_words": "service.log_words=true",
    "log_format": "service.log_format={}",
}  # option -> the setting it stands for; braces: with the option's value
_BROKEN_PIPE = 141  # what a shell reports for a program that SIGPIPE ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run `argv` (default: the command line). Returns the exit status; raises nothing, unless ``--debug`` is given."""
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what the Tab key may put in
        from huiyin.assistant.faces.cli import completion

        completion.answer()
    arguments = list(sys.argv[1:] if argv is None else argv)
    use_language(arguments)
    with harmless_output():
        return _status(arguments)


def _status(arguments: list[str]) -> int:
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
        semicolon = "；" if language() == "zh" else "; "
        hint = semicolon + complaint.hint if complaint.hint else ""
        print(to_people(f"{complaint}{hint}"), file=sys.stderr)
        return complaint.exit_status


def _main(arguments: list[str]) -> int:
    shared, rest = options.parse_shared(arguments)
    if shared.version:
        return _version()
    name = rest[0] if rest else ""
    if name in ("", "-h", "--help"):
        print(_help())
        return 0 if name else UsageError.exit_status
    if name not in COMMANDS:
        raise UsageError("cli.no_command", name=name, near=nearest(name, COMMANDS), commands=list(COMMANDS))
    args = options.parse(name, rest[1:])
    if name == "version":  # it and `help` answer whatever the settings are
        return _version()
    if name == "help":
        return _main([*args.of, "--help"])
    meant = [text.format(value) for option, text in _SETTINGS.items() if (value := getattr(args, option, None))]
    shared.set = [*shared.set, *meant]
    vars(args).update(vars(shared), service_arguments=config.as_arguments(shared.profile, shared.set))
    settings = config.load(args.profile, args.set)
    command = importlib.import_module(f"{__package__}.{name}")
    return int(command.run(args, settings))


def _version() -> int:
    from huiyin.configs.version import version  # slow to load, and rarely needed

    print(f"huiyin {version()}")
    return 0


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = [f"  {name:{width}}  {summary}" for name, summary in options.summaries().items()]
    return said("cli.help", commands="\n".join(commands))


def _for_people(error: Exception) -> HuiyinError:
    """The error itself where it is meant for people, else one that describes it in a line."""
    if isinstance(error, HuiyinError):
        return error
    if isinstance(error, ImportError):
        from huiyin.configs.packages.extras import missing

        return missing(error)
    if isinstance(error, OSError) and error.strerror:
        return CommandError(
            "cli.system" if error.filename else "cli.system_without_path", path=error.filename, why=error.strerror
        )
    return CommandError("cli.unexpected", kind=type(error).__name__, error=error)


if __name__ == "__main__":
    sys.exit(main())
