"""``python -m benchmarks.readings_peers``: other ways to read Chinese characters, on the rows of `cases_readings`.

They give readings without the tones of speech: 一 and 不, a neutral tone, and a second tone for a third count as right,
but not a neutral tone of 得 地 着 了 的. g2pM is measured where it is installed (``pip install g2pM``).
"""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.cases_readings import Row, rows
from benchmarks.command import as_command
from benchmarks.output import show
from huiyin.services.tts import g2p_zh

Read = Callable[[str], Sequence[str]]
_FUNCTION_CHARACTERS = "得地着了的"


def peers() -> Iterator[tuple[str, Read]]:
    """Name -> text to a syllable for each character. What is loaded later changes what pypinyin knows."""
    import jieba
    from pypinyin import Style, lazy_pinyin

    jieba.setLogLevel(logging.WARNING)
    yield "services.tts.mandarin", _ours

    def read(words: Any) -> Sequence[str]:
        return list(lazy_pinyin(words, style=Style.TONE3, neutral_tone_with_five=True, errors=list))

    if importlib.util.find_spec("g2pM"):
        from g2pM import G2pM

        model = G2pM()
        yield "g2pM", lambda text: list(model(text, char_split=True, tone=True))
    for name in ("", "cc_cedict", "large_pinyin"):
        if name:
            importlib.import_module(f"pypinyin_dict.phrase_pinyin_data.{name}").load()
        phrases = f"pypinyin, {name}" if name else "pypinyin"
        yield f"{phrases}, by jieba's words", lambda text: read(jieba.lcut(text))
        yield phrases, read


def _ours(text: str) -> list[str]:
    said = iter(g2p_zh.readings(text))
    return [next(said)[1] if "一" <= character <= "鿿" else character for character in text]


def agrees(row: Row, syllables: Sequence[str]) -> bool:
    """Whether the part is read as one of the right readings, but for tones of speech."""
    start = row.sentence.index(row.part)
    got = [_plain(each) for each in syllables[start : start + len(row.part)]]
    return any(all(_same(a, b, c) for a, b, c in zip(got, right.split(), row.part, strict=True)) for right in row.right)


def _plain(syllable: str) -> str:
    syllable = syllable.replace("u:", "v").replace("ü", "v")
    return syllable if syllable[-1:].isdigit() else syllable + "5"


def _same(a: str, b: str, character: str) -> bool:
    if character in "一不" or a[:-1] != b[:-1]:
        return character in "一不"
    tones = {a[-1], b[-1]}
    return len(tones) == 1 or tones == {"2", "3"} or ("5" in tones and character not in _FUNCTION_CHARACTERS)


def main() -> None:
    """Print the table."""
    all_rows = list(rows())
    lines = []
    for name, read in peers():
        read("你好")
        started_s = time.perf_counter()
        right = {half: 0 for half in ("tuned", "aside")}
        for row in all_rows:
            right[row.name] += agrees(row, read(row.sentence))
        took_ms = (time.perf_counter() - started_s) * 1000 / len(all_rows)
        lines.append([name, *(str(count) for count in right.values()), f"{took_ms:.2f}"])
    show(("right but for tones of speech", "252 tuned on", "252 kept aside", "ms"), lines)


if __name__ == "__main__":
    as_command(main)
