"""``python -m benchmarks.recogniser asr|memory|serving|equality``: what ``huiyin bench`` runs for the recogniser."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from huiyin.assistant.faces.cli.language import use_language
from huiyin.assistant.faces.cli.shared import CommandParser


def main() -> None:
    """Measure one thing: figures are printed, and with --json written to a file as one object."""
    use_language([])
    parser = CommandParser(prog="huiyin bench", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    speed = what.add_parser("asr", help="SenseVoice's speed and memory beside the stock call")
    speed.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    speed.add_argument("--lengths", type=float, nargs="+", metavar="S", help="seconds of sound")
    speed.add_argument("--rounds", type=int, default=5, help="times each is measured (default: 5)")
    speed.add_argument(
        "--precision", default="auto", choices=("auto", "int8", "fp32", "fp16", "bf16"),
        help="default: int8; fp16 and fp32 on a GPU",
    )  # fmt: skip
    speed.add_argument("--sherpa", action="store_true", help="sherpa-onnx too (installed apart; minutes, once)")
    memory = what.add_parser("memory", help="peak memory by length of the recording")
    memory.add_argument("--lengths", type=float, nargs="+", metavar="S", help="seconds of sound")
    memory.add_argument("--tiny", action="store_true", help="a tiny network: hours of sound in minutes")
    serving = what.add_parser("serving", help="many callers, and short clips beside a long recording")
    equality = what.add_parser("equality", help="the exported graph beside FunASR's own modules, frame by frame")
    for one in (speed, memory):
        one.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="default: cpu")
    for one in (speed, memory, serving, equality):
        one.add_argument("--model", type=Path, help="a SenseVoice folder; default: random weights, published size")
        one.add_argument("--json", type=Path, metavar="FILE", help="the figures as JSON")
    args = parser.parse_args()
    if args.model:
        args.model = args.model.expanduser().absolute()  # workers run in another folder
    module = "speed" if args.what == "asr" else args.what
    if getattr(args, "device", "cpu") == "cuda":
        module = f"gpu_{module}"
    figures = importlib.import_module(f"benchmarks.recogniser.{module}").run(args)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
