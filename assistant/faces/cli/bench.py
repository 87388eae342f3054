"""``huiyin bench WHAT``: the measurements of a checkout (``benchmarks/``), each in a process of its own.

That of agents comes with the package: `bench_agent`.
"""

from __future__ import annotations

import argparse
import os
import subprocess

from huiyin.assistant.faces.cli.options import parse_below
from huiyin.assistant.faces.cli.shared import CommandError
from huiyin.configs.messages import language
from huiyin.configs.packages.extras import FUNASR, check_present
from huiyin.configs.settings import CONFIG_DIR, Settings
from huiyin.services.common.child import module_command

_CHECKOUT = CONFIG_DIR.parent
MODULES = {
    "echo": ["benchmarks.echo"],
    "asr": ["benchmarks.recogniser", "asr"],
    "memory": ["benchmarks.recogniser", "memory"],
    "serving": ["benchmarks.recogniser", "serving"],
    "equality": ["benchmarks.recogniser", "equality"],
}
_SENSEVOICE = ("kaldi-native-fbank", "sentencepiece", "onnx")
_NEEDED = {
    "echo": ("hibari-tts",),
    "asr": (*_SENSEVOICE, *FUNASR),
    "memory": _SENSEVOICE,
    "serving": _SENSEVOICE,
    "equality": (*_SENSEVOICE, *FUNASR),
}


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the measurement. Returns its exit status; raises CommandError outside a checkout, and LibraryMissing."""
    if args.what == "agent":
        from huiyin.assistant.faces.cli import bench_agent

        return bench_agent.run(args.arguments, settings, args.service_arguments)
    parse_below("bench", args.what, args.arguments)  # ends here with --help, and with a wrong option
    if not (_CHECKOUT / "benchmarks").is_dir():
        raise CommandError("cli.no_benchmarks")
    if "cuda" not in args.arguments:  # its tables say themselves what is missing
        check_present(_NEEDED[args.what])
    module, *words = MODULES[args.what]
    if args.what == "echo":  # the others measure models of their own, whatever the settings are
        words += args.service_arguments
    path = os.pathsep.join(filter(None, [str(_CHECKOUT), os.environ.get("PYTHONPATH")]))
    command = module_command(module, *words, *args.arguments)
    environ = {**os.environ, "PYTHONPATH": path, "HUIYIN_LANG": language()}
    return subprocess.run(command, env=environ, check=False).returncode
