"""How `--help` is laid out: as argparse does it, with the width of Chinese characters and the colons of Chinese."""

from __future__ import annotations

import argparse
import re

from huiyin.assistant.faces.cli.terminal import columns
from huiyin.configs.messages import language

_PIECE = re.compile(r"[（“]*(?:[!-~]+|\S)[，。；：、）”？！…]*\s*")
"""What one line keeps together: a word or a Chinese character, with the marks that may not begin or end a line."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions as they were written; the help of an option in lines that fit the terminal."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        lines = [""]
        for piece in _PIECE.findall(" ".join(text.split())):
            if lines[-1] and columns(lines[-1] + piece.rstrip()) > width:
                lines.append("")
            lines[-1] += piece
        return [line.rstrip() for line in lines]

    def format_help(self) -> str:
        text = super().format_help()
        return re.sub("^(\\S[^:\n]*):$", r"\1：", text, flags=re.MULTILINE) if language() == "zh" else text


def full_stop() -> str:
    """That of the program's language."""
    return "。" if language() == "zh" else "."
