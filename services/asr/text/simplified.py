"""Chinese as this project writes it: simplified characters, full-width punctuation.

Whisper's prompt makes it write simplified Chinese mostly, but in short turns some characters are traditional (廣州,
換一首歌), and its commas are half-width. The table has the characters that differ and have one simplified form; a
character with two (乾, 著, 瞭) stays. The rarer ones (娛, 萊) are those of OpenCC's `TSCharacters.txt` (Apache-2.0)
whose simplified form is in GB 2312.
"""

from __future__ import annotations

import re
from pathlib import Path

from huiyin.services.common.text import HAN

# Lines of traditional characters, each with the simplified ones below it.
_LINES = Path(__file__).with_name("simplified.txt").read_text(encoding="utf-8").splitlines()
_TO_SIMPLIFIED = str.maketrans("".join(_LINES[::2]), "".join(_LINES[1::2]))
_TO_WIDE = str.maketrans(",?!:;", "，？！：；")
_NARROW_AFTER_CHINESE = re.compile(rf"(?<=[{HAN}])[,?!:;]+ ?")


def simplified(text: str) -> str:
    """`text` in simplified characters; those with two simplified forms stay."""
    return text.translate(_TO_SIMPLIFIED)


def written_simply(text: str) -> str:
    """`text` in simplified characters, with full-width punctuation after Chinese characters."""
    text = simplified(text)
    return _NARROW_AFTER_CHINESE.sub(lambda marks: marks[0].rstrip().translate(_TO_WIDE), text)
