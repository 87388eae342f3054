"""``python -m huiyin.services.tts.spoken TEXT [--voice zh]``: what a voice would say for a text (or standard input)."""

from __future__ import annotations

import argparse
import sys

from huiyin.services.tts.spoken import spoken


def main() -> int:
    """Print it, one line a line. 1 when nothing can be said."""
    parser = argparse.ArgumentParser(
        prog="python -m huiyin.services.tts.spoken", description="what would be said for a text"
    )
    parser.add_argument("text", nargs="*", help="standard input when it is left out")
    parser.add_argument("--voice", default="en", help="language of the voice, for texts without a letter (default: en)")
    arguments = parser.parse_args()
    said = spoken(" ".join(arguments.text) if arguments.text else sys.stdin.read(), arguments.voice)
    print(said or "(nothing)")
    return 0 if said else 1


if __name__ == "__main__":
    sys.exit(main())
