"""Whether the user has said yes, before something is done that they must be asked about: pure."""

from __future__ import annotations

import re

_NO = re.compile(
    r"不|别|没|等|算了|取消|停|[?？]"
    r"|\b(?:no|nope|nah|not|never|don['’]?t|do not|wait|stop|cancel|hold on|rather|why|what|which)\b",
    re.I,
)
_YES = re.compile(
    r"是的?|对的?|好的?|好吧|好啊|行|可以|没错|没问题|确定|确认|当然|同意|要|嗯+|去做|做吧|来吧|麻烦(?:你|您)?了?"
    r"|\b(?:yes|yeah|yep|yup|ya|sure|okay|ok|alright|all right|right(?! now| away)|correct|exactly|definitely"
    r"|absolutely|certainly|of course|please do|do it|do that|go ahead|go on|go for it|confirm(?:ed)?"
    r"|I (?:do|am|agree|confirm)"
    r"|that['’]?s right|by all means)\b",
    re.I,
)
# What may stand beside a yes and is no consent by itself.
_BESIDE = re.compile(
    r"请|你|您|我|就|那|这样|这么|做|办|吧|啊|呀|的|了|它|都|全部?|谢谢|麻烦"
    r"|\b(?:please|of|thanks|thank you|well|oh|um|uh|that|it|them|all|just|now|then|and|do|I|am|['’]m|quite)\b",
    re.I,
)


def is_yes(words: str) -> bool:
    """Whether these words are a plain yes, in Chinese or English, and nothing but it: what is doubtful is a no."""
    rest, count = _YES.subn(" ", words)
    return count > 0 and not _NO.search(rest) and not re.search(r"\w", _BESIDE.sub(" ", rest))
