"""`huiyin bench asr|memory|serving|equality`: the speech service measures itself, in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from huiyin.configs.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_ABOUT = {
    "asr": "SenseVoice's speed and memory beside FunASR's own call, by length of the sound",
    "memory": "peak memory by length of the recording, 15 s to an hour (--tiny: to 10 h)",
    "serving": "many callers at once, and short clips beside a long recording",
    "equality": "SenseVoice's form for CPUs beside FunASR's own modules, frame by frame",
}
# option -> (measurements that have it, how it is parsed)
_OPTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "--threads": (("asr",), {"type": int, "nargs": "+", "help": "default: 1 2"}),
    "--lengths": (("asr", "memory"), {"type": float, "nargs": "+", "metavar": "S", "help": "seconds of sound"}),
    "--rounds": (("asr",), {"type": int, "help": "times each is measured (default: 5)"}),
    "--precision": (("asr",), {"choices": ("int8", "fp32", "fp16", "bf16"), "help": "default: int8; fp16 on a GPU"}),
    "--device": (("asr",), {"help": "cpu (default), or cuda"}),
    "--sherpa": (("asr",), {"action": "store_true", "help": "sherpa-onnx too (installed apart; minutes, once)"}),
    "--tiny": (("memory",), {"action": "store_true", "help": "a tiny network: hours of sound in minutes"}),
    "--model": (tuple(_ABOUT), {"type": Path, "help": "a SenseVoice folder; default: random weights, published size"}),
    "--json": (tuple(_ABOUT), {"type": Path, "metavar": "FILE", "help": "the figures as JSON"}),
}


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the three measurements."""
    for name, text in _ABOUT.items():
        parser = subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        for option, (those, how) in _OPTIONS.items():
            if name in those:
                parser.add_argument(option, **how)
        parser.set_defaults(measure=run)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Pass on what was given. Returns the measurement's exit status."""
    words: list[str] = []
    for option in _OPTIONS:
        value = getattr(args, option[2:], None)
        if value is True:
            words.append(option)
        elif isinstance(value, list):
            words += [option, *map(str, value)]
        elif value not in (None, False):
            words += [option, str(value.expanduser().absolute() if isinstance(value, Path) else value)]
    command = [sys.executable, "-m", "benchmarks.recogniser", args.what, *words]
    return subprocess.run(command, cwd=_ROOT, check=False).returncode
