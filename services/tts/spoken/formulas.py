"""LaTeX: short formulas in words, longer ones by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from huiyin.configs.tables import read_table
from huiyin.services.common.text import HAN

_NAME = {"zh": "一个公式", "en": "a formula"}
_LONGEST = 60  # characters of LaTeX; more cannot be followed by ear

_TABLE = read_table(Path(__file__).with_name("mathematics.toml"))
_CALLED = _TABLE["formulas"]
LETTERS: dict[str, tuple[str, str]] = _TABLE["letters"]
"""Greek letters that stand alone in a text -> Chinese, English."""
SYMBOLS: dict[str, tuple[str, str]] = _TABLE["symbols"]
"""Signs of mathematics that stand alone in a text -> Chinese, English."""
_POWERS = {"2": ("的平方", " squared"), "3": ("的立方", " cubed")}
_WRAPPER = re.compile(r"\\(?:text|mathrm|mathbf|mathit|operatorname)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\[,;:! ]|~")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]+)\}")
_POWER = re.compile(r"\^(?:\{([A-Za-z0-9]+)\}|([A-Za-z0-9]))")
_DEGREES = re.compile(r"\^(?:\{\s*\\circ\s*\}|\\circ)")
_NEGATIVE = re.compile(r"(^|[-+=<>*/,({]|\\[A-Za-z]+)(\s*)-")  # a minus with nothing before it to take from
_INDEX = re.compile(r"_(?:\{([A-Za-z0-9]+)\}|([A-Za-z0-9]))")
_TOKEN = re.compile(rf"\\([A-Za-z]+|%)|([-+=<>*/,(){{}}])|([A-Za-z0-9.{HAN}]+)|(\s+)")


def formula(latex: str, language: Literal["zh", "en"]) -> str:
    """What is said for a formula: its words when they can be followed, else "a formula".

    >>> formula("x^2 + y^2 = z^2", "en"), formula(r"\\frac{1}{2}", "zh"), formula(r"\\int_0^1 f", "en")
    ('x squared plus y squared equals z squared', '2分之1', 'a formula')
    """
    zh = language == "zh"
    if len(latex) > _LONGEST:
        return _NAME[language]
    text = _SPACING.sub(" ", _WRAPPER.sub(r" \1 ", latex.strip()))
    text = _DEGREES.sub(r"\\circ ", text)
    text = _NEGATIVE.sub(r"\1\2 负" if zh else r"\1\2-", text)
    text = _ROOT.sub(r" 根号\1 " if zh else r" the square root of {\1} ", text)
    text = _FRACTION.sub(r" \2分之\1 " if zh else r" {\1} over {\2} ", text)
    text = _POWER.sub(lambda m: _power(m[1] or m[2], zh), text)
    text = _INDEX.sub(lambda m: f" {m[1] or m[2]} ", text)
    words, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or (token[1] and token[1] not in _CALLED):
            return _NAME[language]
        name = token[1] or token[2]
        words.append(_CALLED[name][0 if zh else 1] if name else token[3] or "")
        at = token.end()
    return " ".join(filter(None, words)).replace(" ,", ",") or _NAME[language]


def _power(exponent: str, zh: bool) -> str:
    han, english = _POWERS.get(exponent, (f"的{exponent}次方", f" to the power of {exponent}"))
    return f"{han} " if zh else f"{english} "
