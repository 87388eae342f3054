"""Characters: signs that mean one thing brought to one form before reading; afterwards, only what a voice can say."""

from __future__ import annotations

import functools
import re
import unicodedata
from itertools import groupby, islice

from huiyin.services.common.text import HAN, HAN_CHARACTER, is_chinese

_CHARACTERS = 8192  # remembered: more than a text has
_FRACTION_BEFORE = re.compile(r"(?<=\d)(?=[¼½¾⅐-⅞])")
_SAME = {
    **dict.fromkeys("−﹣－‐‑", "-"), **dict.fromkeys("～〜∼", "~"), **dict.fromkeys("’ʼ", "'"),
    **dict(zip("＄￥％＋＝／⁄＃＆＠＊｜＜＞＿｀º", "$¥%+=//#&@*|<>_`°", strict=True)),
    **dict.fromkeys("―─━⸺", "—"), "∕": "/", "₋": "-",
    "〇": "零", "℃": "°C", "℉": "°F", "㎡": "m²", "㎞": "km",
}  # fmt: skip
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴-⁹⁺⁻ⁿ]+")  # raised: 10⁻³, Ca²⁺; ² and ³ alone have rules of their own
_SUBSCRIPTS = re.compile("[₀-₉]+")
_KEPT_AS_IS = set("²³°…")
_DROPPED = {"Cs", "Co", "Cn", "Cf", "Cc"}

_PUNCTUATION = set(",.!?;:'\"()—–-…，。！？；：、“”‘’（）《》「」『』【】〈〉·«»¿¡")
_MOST_MARKS = 2  # combining marks on one letter: Vietnamese and Devanagari need two
_MARKS_NORMALISED = 16
_ENDED = ".!?…。！？,，;；:：、"
_RUN = re.compile(r"[。！？!?，,；;、：:.](?:\s*[。！？!?，,；;、：:.])+")
_STRONGEST = "？?！!。.；;：:，,、"  # of several marks in a row, the first of these is kept
_DOTS = re.compile(r"\.{2,}|…+|。{2,}|·{2,}")
_EMPTY = re.compile(r"\(\s*\)|（\s*）|“\s*”|\"\s*\"|《\s*》|【\s*】|「\s*」|『\s*』|‘\s*’")
_LONE = re.compile(r"(?<![^\W_])-+|-+(?![^\W_])")
_APOSTROPHE = re.compile(r"(?<![^\W_])'(?![^\W_])")
_GAP = re.compile(r" {3,}|\t{3,}|\n{3,}")
_SPACES = re.compile(r"\s+")
_BESIDE_HAN = re.compile(
    rf"(?<=[{HAN}，。！？；：、（）《》]) | (?=[{HAN}，。！？；：、（）《》…])|(?<=[{HAN}]…) (?=[{HAN}])"
)
_BEFORE_MARK = re.compile(r" (?=[,.!?;:)])")


def unify(text: str) -> str:
    """One form for every digit, letter and sign that has several (full width, ①, ½, ℃); no invisible characters."""
    text = _FRACTION_BEFORE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _GAP.sub(lambda gap: gap[0][:2], text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _with_few_marks(text))
        text = _SUBSCRIPTS.sub(lambda m: "_" + unicodedata.normalize("NFKC", m[0]), _SUPERSCRIPTS.sub(_raised, text))
    return "".join(map(_unified, text))


def _raised(run: re.Match[str]) -> str:
    """Ten⁻³ as ten^-3; a lone ¹ is a footnote."""
    if run[0] in ("²", "³", "¹"):
        return run[0].strip("¹")
    plain = unicodedata.normalize("NFKC", run[0]).replace("−", "-")
    return f"^{plain}" if run.start() else plain


def _with_few_marks(text: str) -> str:
    """`text` without endless runs of combining marks: the time to normalise one grows with its square."""
    runs = groupby(text, _combines)
    return "".join("".join(islice(run, _MARKS_NORMALISED if combining else None)) for combining, run in runs)


@functools.lru_cache(maxsize=_CHARACTERS)
def _unified(c: str) -> str:
    if c < "\u0080":
        return c if c >= " " or c in "\n\t" else ""
    if c in _SAME:
        return _SAME[c]
    if "①" <= c <= "⑳":
        return f" {ord(c) - ord('①') + 1}, "
    kind = unicodedata.category(c)
    if c in _KEPT_AS_IS or (HAN_CHARACTER.match(c) and kind == "Lo" and not "\uf900" <= c <= "\ufaff"):
        return c
    if kind == "Nd":
        return str(unicodedata.decimal(c))
    if "㌀" <= c <= "㏿":  # units in one character: ㎏ ㎖ ㏄
        return unicodedata.normalize("NFKC", c).replace("∕", "/")
    if kind[0] in "LN":
        return unicodedata.normalize("NFKC", c).replace("⁄", "/")
    if kind[0] == "Z":
        return " "
    return "" if kind in _DROPPED or "\ufe00" <= c <= "\ufe0f" else c


def sayable(text: str) -> str:
    """`text` with nothing left in it but letters, and marks that a voice pauses at; '' without any letter.

    Lines are sentences; each ends with a mark, so that the voice falls there.
    """
    parts = [""]
    for combining, run in groupby(text, _combines):
        if not combining:
            parts.append("".join(map(_sayable, run)))
        elif parts[-1][-1:].strip():
            parts.append("".join(run)[:_MOST_MARKS])
    text = _LONE.sub(" ", _APOSTROPHE.sub(" ", _EMPTY.sub(" ", _EMPTY.sub(" ", "".join(parts)))))
    text = "".join(_ended(line.strip()) for line in text.split("\n"))
    text = _RUN.sub(_strongest, _DOTS.sub("…", text))
    text = _BEFORE_MARK.sub("", _BESIDE_HAN.sub("", _SPACES.sub(" ", text))).strip()
    text = _RUN.sub(_strongest, text).lstrip(" ,.!?;:，。！？；：、…-·").rstrip()
    return text if any(c.isalnum() for c in text) else ""


@functools.lru_cache(maxsize=_CHARACTERS)
def _combines(c: str) -> bool:
    return unicodedata.category(c) in ("Mn", "Mc") and not "\ufe00" <= c <= "\ufe0f"  # those choose an emoji


@functools.lru_cache(maxsize=_CHARACTERS)
def _sayable(c: str) -> str:
    """The character itself, a space for what only keeps words apart, '' for what is only seen."""
    kind = unicodedata.category(c)
    if kind[0] == "L" or kind == "Nd" or c in _PUNCTUATION or c == "\n":
        return c
    return " " if kind[0] in "NZPC" or kind in ("Sm", "Sc") else ""


def _strongest(run: re.Match[str]) -> str:
    return min("".join(run[0].split()), key=_STRONGEST.index)


def _ended(line: str) -> str:
    """A line with a mark at its end; nothing for an empty one."""
    if not line or line.rstrip("”’」』）》】)\"'")[-1:] in _ENDED:
        return line + " "
    return line + ("。" if is_chinese(line) else ". ")
