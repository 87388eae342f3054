"""When the words of a piece of speech were said, where the engine cannot tell: in proportion to their syllables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from huiyin.services.tts.g2p_zh import HAN
from huiyin.services.tts.phrases import pause_s, syllables
from huiyin.services.tts.speakable import speakable
from huiyin.services.tts.voice_engine import WordTiming

_SYLLABLE_S = 0.2  # about; only how pauses compare to it matters
_UNIT = re.compile(rf"[{HAN}]|[^\s{HAN}]+")


def in_proportion(piece: str, sound_s: float) -> Iterator[WordTiming]:
    """The words of `piece`, which took `sound_s` to say from its first sound to its last."""
    units = [unit.span() for unit in _UNIT.finditer(piece)]
    said = [span for span in units if speakable(piece[slice(*span)])]
    if not said:
        return
    last_end = said[-1][1]
    lengths = []  # of each word and of the pause after it, in seconds at an ordinary pace
    for (start, end), (following, _) in zip(said, [*said[1:], (last_end, last_end)], strict=True):
        mark = piece[start:following] if following > end or not piece[end - 1].isalnum() else ""
        pause = pause_s(mark) if end != last_end and mark and not mark.strip()[-1].isalnum() else 0.0
        lengths.append((max(1, syllables(piece[start:end])) * _SYLLABLE_S, pause))
    share = sound_s / sum(word + pause for word, pause in lengths)
    at_s = 0.0
    for (start, end), (word, pause) in zip(said, lengths, strict=True):
        yield WordTiming(start, end, at_s, at_s + word * share)
        at_s += (word + pause) * share
