"""What is written to be seen, out of a text: think blocks, tags, HTML, markdown, tables, stage directions."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from huiyin.services.common.directions import without_directions
from huiyin.services.common.text import HAN
from huiyin.services.common.think import without_thoughts
from huiyin.services.tts.speakable import Language
from huiyin.services.tts.spoken.formulas import formula
from huiyin.services.tts.spoken.rules import WORDS

_CODE_BLOCK = {"zh": "一段代码", "en": "a code block"}
_COMMA = {"zh": "，", "en": ", "}
_COUNT = {"zh": r"\1、", "en": r"\1, "}

_FENCE = re.compile(r"(?P<fence>`{3,20}|(?m:^[ \t]{0,20})~{3,20}).*?(?:(?P=fence)[`~]*|\Z)", re.S)
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.S | re.I)
# Markup, not a comparison: an element that is known, or closed, or has an attribute, in the shape of a tag.
_NAME = r"[A-Za-z][\w:.-]{0,40}"
_TAG = re.compile(
    rf"</{_NAME}\s?>|<[!?][A-Za-z\[][^<>]{{0,500}}>|<{_NAME}\s?/>|<{_NAME}\s[^<>=]{{0,60}}=[^<>]{{0,400}}>"
    rf"|<(?:{WORDS['elements']})(?:\s(?:hidden|disabled|checked|controls|async|defer|open|selected))?\s?>",
    re.I,
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,500})>")
_CLOSED = re.compile(rf"</({_NAME})\s?>")
_OPENED = re.compile(rf"<({_NAME})>")
# A key or a place to fill in: what is inside is said. "vector<int>" is a type, "a<b>c" is not.
_PLACEHOLDER = re.compile(
    rf"(?<![A-Za-z0-9_)])<([A-Za-z{HAN}][\w{HAN} '+/-]{{0,40}})>|(?<=[A-Za-z]{{2}})<([A-Za-z][\w, ]{{1,40}})>"
)
_DISPLAYED = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"))  # what opens a formula, what closes it
# "$5 and $10" is money: a formula has neither a space inside its dollars nor a digit after them.
_INLINE = re.compile(r"(?<![A-Za-z0-9$\\])\$(?=[^\s$])([^$\n]{1,200}?)(?<=[^\s\\])\$(?![A-Za-z0-9$])")

_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)?(?:\s+\"[^\"]*\")?\)")
_DEFINITION = re.compile(r"(?m)^ {0,3}\[[^\[\]\n]{1,80}\]:[ \t]+\S[^\n]*$")
_NAMED_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\[[^\[\]\n]{0,80}\]")
_REFERENCE = re.compile(r"\[\^[\w-]{1,20}\](?!\()|\[\d{1,3}\](?!\()|【\d+†[^【】]*】")
_CHECKBOX = re.compile(r"(?m)^([ \t]*[-*+]\s+)\[[ xX]\]\s+")
_LINE_MARK = re.compile(r"(?m)^[ \t]*(?:(?:#{1,6}|>+|[-*+•·▪●○]|[–—](?=\s))[ \t]+|>+)+")
_RULE = re.compile(r"(?m)^[ \t]*(?:[-*_=~—][ \t]*){3,}$")
_NUMBERED = re.compile(rf"(?m)^[ \t]*(\d\d?)(?:[.)、][ \t]+(?=\S)|[.)](?=[{HAN}]))")
_TABLE_RULE = re.compile(r"(?m)^[ \t|:]*-[-|: \t]*$\n?")
_CELL_EDGE = re.compile(r"\|+")
# The innermost first: no mark of the same kind lies between two, unless it stands alone as in 2 * 3.
_STRUCK = re.compile(r"~~(?=\S)((?:[^~\n]|~(?!~))+)(?<=\S)~~")
_STARRED = re.compile(r"(\*{1,3})(?=\S)((?:[^*\n]| \* )+)(?<=\S)\1")
_UNDERLINED = re.compile(r"(?<!\w)(_{1,3})(?=\S)([^_\n]+)(?<=\S)\1(?!\w)")
_MOST_NESTED = 2  # **bold with *emphasis* in it**
_INLINE_CODE = re.compile(r"(`{1,2})(.+?)\1", re.S)
_CALL = re.compile(r"\(\s*\)")
_DASHES = re.compile(r"(?<=\w)--+(?=\w)|(?<=\w) --+ (?=\w)")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|>~$])")

_NO_ENTITY = re.compile(r"&#\d{8,};?")  # no character has such a number

_SHORTCODE = re.compile(r"(?<![\w:]):[a-z][a-z_+-]{2,30}:(?![\w:/])")
_EMOTICON = re.compile(r"(?<![\w)])(?:[:;=8][-']?[)(DPpOo|\\/]|<3)(?!\w)")


def plain(text: str, language: Language) -> str:
    """`text` as a page would show it, without its pictures; what is no text gets a name in `language`."""
    text = without_hidden(text)
    text = _FENCE.sub(f"\n{_CODE_BLOCK[language]}\n", text)
    text = _displayed(text, lambda latex: formula(latex, language))
    text = _INLINE.sub(lambda m: formula(m[1], language), text)
    text = html.unescape(_NO_ENTITY.sub("", _without_tags(text)))
    text = _EMOTICON.sub("", _SHORTCODE.sub("", without_directions(text)))
    text = _DEFINITION.sub("", text)
    text = _REFERENCE.sub("", _NAMED_LINK.sub(_named_link, _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))))
    text = _PLACEHOLDER.sub(lambda m: f" {m[1] or m[2]} ", text)
    text = _CHECKBOX.sub(r"\1", _RULE.sub("", text))
    if "|" in text:
        text = _table(text, _COMMA[language])
    text = _NUMBERED.sub(_COUNT[language], _LINE_MARK.sub("", text))
    text = _INLINE_CODE.sub(_code_words, text)
    text = _STRUCK.sub(r"\1", text)
    for _ in range(_MOST_NESTED):
        text = _UNDERLINED.sub(r"\2", _STARRED.sub(r"\2", text))
    return _DASHES.sub("—", _ESCAPED.sub(r"\1", text)).replace("!=", "≠")


def without_hidden(text: str) -> str:
    """`text` without what is not shown either: thoughts, comments, scripts, a recogniser's <|tags|>."""
    return _UNSEEN.sub(" ", without_thoughts(text))


def prose(text: str) -> str:
    """`text` without code, tags, formulas and links: what tells its language."""
    text = _without_tags(_FENCE.sub(" ", without_hidden(text)))
    return _LINK.sub(r"\1", _INLINE.sub(" ", _displayed(text, lambda _: " ")))


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    text = _AUTOLINK.sub(r" \1 ", text)
    closed = set(_CLOSED.findall(text))
    return _OPENED.sub(lambda tag: " " if tag[1] in closed else tag[0], _TAG.sub(" ", text))


def _named_link(link: re.Match[str]) -> str:
    """[the guide][1] is its text; [1][2] are two references."""
    return "" if link[1].lstrip("^").isdecimal() else link[1]


def _displayed(text: str, read: Callable[[str], str]) -> str:
    """`text` with each displayed formula as `read` says it. One pass: an opening without an end costs nothing more."""
    for opening, closing in _DISPLAYED:
        parts, at = [], 0
        while (start := text.find(opening, at)) >= 0:
            end = text.find(closing, start + len(opening) + 1)
            if end < 0:
                break
            parts += [text[at:start], read(text[start + len(opening) : end])]
            at = end + len(closing)
        text = "".join(parts) + text[at:]
    return text


def _table(text: str, comma: str) -> str:
    """The cells of each row with a comma between them; the rule below the head and the edges go."""
    lines = _TABLE_RULE.sub("", text).split("\n")
    rows = [line.strip(" \t").strip("|") if "|" in line else line for line in lines]
    return comma.join(cell.strip() for cell in _CELL_EDGE.split("\n".join(rows)))


def _code_words(code: re.Match[str]) -> str:
    """`print()` is said "print"."""
    return _CALL.sub("", code[2])
