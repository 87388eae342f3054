"""`huiyin bench WHAT`: the group of commands that measure."""

from __future__ import annotations

import argparse

from benchmarks.echo import __main__
from benchmarks.recogniser import options
from huiyin.configs.settings import Settings

_DESCRIPTION = "Measure how well a part works on this machine."
_EXAMPLES = """examples:
  huiyin bench echo
  huiyin bench echo --help
  huiyin bench asr --sherpa
  huiyin bench memory
  huiyin bench serving
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bench`` and what it can measure."""
    parser = subparsers.add_parser(
        "bench", description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    __main__.add_parser(what)
    what.choices["echo"].set_defaults(measure=__main__.run)
    options.add_parsers(what)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Measure what was asked for."""
    return int(args.measure(args, settings))
