"""``huiyin bench WHAT``: the measurements of a checkout (``benchmarks/``), each in a process of its own.

Measure how well a part works on this machine. Benchmarks come with a checkout, not with the installed package.

  huiyin bench echo          every echo canceller, in simulated rooms and on recordings
  huiyin bench asr           SenseVoice's speed and memory beside FunASR's own call, by length of the sound
  huiyin bench memory        peak memory by length of the recording, 15 s to an hour (--tiny: to 10 h)
  huiyin bench serving       many callers at once, and short clips beside a long recording
  huiyin bench equality      SenseVoice's form for CPUs beside FunASR's own modules, frame by frame

huiyin bench WHAT --help lists the options of each.
"""

from __future__ import annotations

import argparse
import os
import subprocess

from huiyin.assistant.faces.cli.shared import CommandError
from huiyin.configs.settings import CONFIG_DIR, Settings
from huiyin.services.common.child import module_command

_CHECKOUT = CONFIG_DIR.parent
_MODULES = {
    "echo": ["benchmarks.echo"],
    "asr": ["benchmarks.recogniser", "asr"],
    "memory": ["benchmarks.recogniser", "memory"],
    "serving": ["benchmarks.recogniser", "serving"],
    "equality": ["benchmarks.recogniser", "equality"],
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``bench``."""
    parser.add_argument("what", choices=tuple(_MODULES), metavar="WHAT", help=", ".join(_MODULES))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="OPTION", help="options of the measurement")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the measurement. Returns its exit status; raises CommandError outside a checkout."""
    if not (_CHECKOUT / "benchmarks").is_dir():
        raise CommandError("cli.no_benchmarks")
    module, *words = _MODULES[args.what]
    if args.what == "echo":  # the others measure models of their own, whatever the settings are
        words += args.service_arguments
    path = os.pathsep.join(filter(None, [str(_CHECKOUT), os.environ.get("PYTHONPATH")]))
    command = module_command(module, *words, *args.arguments)
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
