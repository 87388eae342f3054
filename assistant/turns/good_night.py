"""Words that send the assistant to sleep: pure."""

from __future__ import annotations

import re

from huiyin.assistant.turns.normalise import normalised

_GOOD_NIGHT = re.compile(
    "(?:ok(?:ay)? |thanks? |thank you )?"
    "(?:good night|go to sleep|sleep well|bye(?: bye)?|goodbye|that'?s all for (?:now|today))"
    "(?: (?:huiyin|now|then|everyone|for now))?"
    "|(?:好[了的啊]?|谢谢)?(?:晚安|去睡吧|睡觉吧|休眠吧?|再见|拜拜|没事了)(?:回音|吧|啦|了)?"
)


def is_good_night(words: str) -> bool:
    """Whether these words say good night, or good-bye, and nothing else."""
    return _GOOD_NIGHT.fullmatch(normalised(words)) is not None
