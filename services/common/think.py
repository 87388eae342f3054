"""Thoughts of a model in the text of its reply, in any of the markups that models use, and how they are taken out.

The LLM service's stream filter (`services/llm/think.py`) removes `<think>` only, as its callers may use the other tags.
What is to be spoken or shown is free of all of them: `<think>`, `[THINK]`, `◁think▷`, `<|begin_of_thought|>`, the
channels of harmony (`<|channel|>analysis<|message|>…<|end|>`), and the tags `<|…|>` of recognisers.
"""

from __future__ import annotations

import re

_NAMES = "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad|inner_monologue|思考(?:过程)?"
_IN_BRACKETS = "THINK|THINKING|THOUGHT|REASONING"
_TAG = re.compile(
    rf"<(?P<end>/?)(?P<name>{_NAMES})(?:\s[^<>]{{0,200}})?>"
    rf"|\[(?P<bracket_end>/?)(?P<bracket>(?-i:{_IN_BRACKETS}))\]"
    rf"|◁(?P<triangle_end>/?)(?P<triangle>{_NAMES})▷"
    r"|<\|(?P<special>[^<>|\n]{0,60})\|>",
    re.I,
)
_TAG_START = re.compile(
    rf"</?[a-z_思考过程]{{0,15}}|</?(?:{_NAMES})\s[^<>]{{0,200}}|\[/?(?-i:[A-Z]{{0,9}})|◁/?[a-z_思考过程]{{0,15}}"
    r"|<\|[^<>|\n]{0,60}\|?",
    re.I,
)
OPENERS = frozenset("<[◁")
"""With one of these every tag begins."""
_SPECIAL = re.compile(r"(?P<edge>begin_of_|start_of_|end_of_|/)?(?:thoughts?|thinking|think|reasoning)", re.I)
_AFTER_MESSAGE = ("end", "return", "call", "start", "channel")


class Thoughts:
    """Whether the text after the tags so far is a thought. `pass_tag` each in turn."""

    def __init__(self) -> None:
        self._open = ""  # the kind of the thought that is open, '' where none is

    @property
    def open(self) -> bool:
        """Whether the text here belongs to a thought, or to the head of a message."""
        return bool(self._open)

    def pass_tag(self, tag: re.Match[str], text_before: str) -> bool:
        """`text_before`: since the tag before. False for the end of a thought that was not opened."""
        if tag["special"] is not None:
            return self._pass_special(tag["special"].lower(), text_before)
        name = (tag["name"] or tag["bracket"] or tag["triangle"]).lower()
        kind = f"{tag[0][0]}{name}"
        if not (tag["end"] or tag["bracket_end"] or tag["triangle_end"]):
            self._open = self._open or kind
        elif self._open == kind:
            self._open = ""
        elif not self._open:
            return False
        return True

    def _pass_special(self, name: str, text_before: str) -> bool:
        if name in ("start", "channel"):
            self._open = name
        elif name == "message" and self._open in ("start", "channel"):
            is_reply = self._open == "start" or text_before.strip().lower().startswith("final")
            self._open = "" if is_reply else "message"
        elif self._open == "message" and name in _AFTER_MESSAGE:
            self._open = ""
        elif thought := _SPECIAL.fullmatch(name):
            if thought["edge"] in ("end_of_", "/"):
                was_open, self._open = self._open, ""
                return bool(was_open)
            self._open = self._open or "special"
        return True


def whole_tag(text: str) -> re.Match[str] | None:
    """`text` as a tag; None where it is none."""
    return _TAG.fullmatch(text)


def may_be_tag(text: str) -> bool:
    """Whether `text` may be the beginning of a tag."""
    return _TAG_START.fullmatch(text) is not None


def without_thoughts(text: str) -> str:
    """`text` without thoughts and tags; before an end without a beginning, all is thought. Linear in its length."""
    if OPENERS.isdisjoint(text):
        return text
    thoughts, shown, at = Thoughts(), [""], 0
    for tag in _TAG.finditer(text):
        before = text[at : tag.start()]
        if not thoughts.open:
            shown.append(before)
        if not thoughts.pass_tag(tag, before):
            shown.clear()
        at = tag.end()
    return "".join(shown) + ("" if thoughts.open else text[at:])
