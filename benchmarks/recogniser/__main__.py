"""``python -m benchmarks.recogniser asr|memory|serving|equality``: what ``huiyin bench`` runs for the recogniser.

The options stand in `assistant/faces/cli/commands.toml`, with those of the other commands.
"""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks.command import as_command
from huiyin.assistant.faces.cli.language import use_language
from huiyin.assistant.faces.cli.options import parse, parse_below


def main() -> None:
    """Measure one thing: figures are printed, and with --json written to a file as one object."""
    use_language([])
    asked = parse("bench", sys.argv[1:])
    args = parse_below("bench", asked.what, asked.arguments)
    if args.model:
        args.model = args.model.expanduser().absolute()  # workers run in another folder
    module = "speed" if asked.what == "asr" else asked.what
    if getattr(args, "device", "cpu") == "cuda":
        module = f"gpu_{module}"
    figures = importlib.import_module(f"benchmarks.recogniser.{module}").run(args)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    as_command(main)
