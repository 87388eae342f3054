"""``python -m huiyin.services.tts.spoken TEXT [--voice zh]``: what a voice would say for a text, or each of a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from huiyin.services.common.text_command import answer, text_parser
from huiyin.services.tts.spoken import spoken


def main(argv: Sequence[str] | None = None) -> int:
    """Print it, one line a line. 1 when nothing can be said."""
    parser = text_parser("python -m huiyin.services.tts.spoken", "what would be said for a text")
    parser.add_argument("--voice", default="en", help="language of the voice, for texts without a letter (default: en)")
    arguments = parser.parse_args(argv)
    return answer(parser, arguments, lambda text: spoken(text, arguments.voice))


if __name__ == "__main__":
    sys.exit(main())
