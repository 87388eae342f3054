"""When the words of a piece of speech were said, where the engine cannot tell: in proportion to their syllables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from huiyin.services.common.text import HAN
from huiyin.services.tts.phrases import pause_s, syllables
from huiyin.services.tts.speakable import speakable
from huiyin.services.tts.voice_engine import WordTiming

_SYLLABLE_S = 0.2  # about; only how pauses compare to it matters
_UNIT = re.compile(rf"[{HAN}]|[^\s{HAN}]+")


def in_proportion(piece: str, sound_s: float) -> Iterator[WordTiming]:
    """The words of `piece`, which took `sound_s` to say from its first sound to its last."""
    words = [unit.span() for unit in _UNIT.finditer(piece) if speakable(unit[0])]
    if not words:
        return
    # In seconds at an ordinary pace: each word, and the pause after it.
    words_s = [max(1, syllables(piece[start:end])) * _SYLLABLE_S for start, end in words]
    gaps_s = [_pause_after_s(piece[start:following]) for (start, _), (following, _) in pairwise(words)]
    lengths = list(zip(words_s, [*gaps_s, 0.0], strict=True))
    share = sound_s / sum(word_s + gap_s for word_s, gap_s in lengths)
    at_s = 0.0
    for (start, end), (word_s, gap_s) in zip(words, lengths, strict=True):
        yield WordTiming(start, end, at_s, at_s + word_s * share)
        at_s += (word_s + gap_s) * share


def _pause_after_s(word: str) -> float:
    """`word` with what stands between it and the next."""
    return 0.0 if word.rstrip()[-1].isalnum() else pause_s(word)
