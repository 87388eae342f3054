"""Thoughts of a model in the text of its reply, in any of the markups that models use, and how they are taken out.

`<think>`, `[THINK]`, `◁think▷`, `<|begin_of_thought|>` and their kin, the channels of harmony
(`<|channel|>analysis<|message|>…<|end|>`), and the tags `<|…|>` of recognisers and chat templates. Pure: text in, text
out. One filter for replies that come in pieces and for whole ones.
"""

from __future__ import annotations

import re

_NAMES = (
    r"(?:[a-z]{1,12}[_:]){0,2}(?:think(?:ing)?|thoughts?|reasoning|monologue)(?:_process)?"  # also begin_of_thought
    "|refle(?:ct|x)ion|analysis|scratch_?pad|cot|思考(?:过程)?"
)
_TAG = re.compile(
    rf"[<＜]\s?(?P<end>/?)\s?(?P<name>{_NAMES})(?:\s[^<>＜＞]{{0,200}}|/)?[>＞]"
    rf"|\[(?P<bracket_end>/?)(?P<bracket>(?-i:THINK(?:ING)?|THOUGHTS?|REASONING))\]"
    rf"|◁\s?(?P<triangle_end>/?)\s?(?P<triangle>{_NAMES})\s?▷"
    r"|<[|｜](?P<special>[^<>|｜\n]{0,60})[|｜]>",
    re.I,
)
_TAG_START = re.compile(
    rf"(?:[<＜]\s?/?\s?(?:[a-z_:思考过程]{{0,40}}/?|(?:{_NAMES})\s[^<>＜＞]{{0,200}})"
    r"|\[/?(?-i:[A-Z]{0,9})|◁\s?/?\s?[a-z_思考过程]{0,15}\s?|<[|｜][^<>|｜\n]{0,60}[|｜]?)\Z",
    re.I,
)
_LONGEST_START = 280  # characters of what _TAG_START matches
OPENERS = frozenset("<＜[◁")
"""With one of these every tag begins."""
_EDGE = re.compile(r"(?P<slash>/)?\s*(?:(?P<edge>begin|start|end)_(?:of_)?)?", re.I)
_THOUGHT = re.compile(rf"(?:{_NAMES})(?:_(?P<edge>begin|start|end))?", re.I)
_AFTER_MESSAGE = frozenset(("end", "return", "call", "start", "channel"))
_LONGEST_HEAD = 60  # characters: the head of a message of harmony, such as "commentary to=functions.x"


class ThoughtFilter:
    """One reply: `feed` each piece, then `end`; both return its text without thoughts and tags.

    A tag may be split between pieces, thoughts may be nested, and in a reply that was cut short they may have no end.
    Blanks around a thought are not doubled. Where the chat template opens the thought in the prompt, its end comes
    without a beginning: in a whole reply (`is_whole`, one piece) all before it is thought.
    """

    def __init__(self, *, is_whole: bool = False) -> None:
        self._is_whole = is_whole
        self._pending = ""  # the possible beginning of a tag
        self._last = ""  # the last visible character
        self._skips_blanks = False  # behind a thought
        self._close()

    def _close(self) -> None:
        """No thought is open any more."""
        self._kind, self._depth = "", 0  # of the thought that is open
        self._since_tag = ""  # the hidden text since the last tag, as far as it may name a channel
        self._after_other_end: list[str] | None = None  # the hidden text after the end of a thought of another name

    @property
    def idle(self) -> bool:
        """A piece without OPENERS would pass unchanged."""
        return not (self._kind or self._pending or self._skips_blanks)

    def feed(self, piece: str) -> str:
        """The text that is certain after `piece`."""
        if self.idle and OPENERS.isdisjoint(piece):
            self._last = piece[-1:] or self._last
            return piece
        text = self._pending + piece
        end = _start_of_tag(text)
        self._pending = text[end:]
        shown, at = [], 0
        for tag in _TAG.finditer(text, 0, end):
            shown.append(self._visible(text[at : tag.start()]))
            is_end_alone = not self._pass(tag)
            if is_end_alone and self._is_whole:
                shown, self._last = [], ""
            self._skips_blanks = not self._last.strip()
            at = tag.end()
        return "".join(shown) + self._visible(text[at:end])

    def end(self) -> str:
        """What looked like the beginning of a tag. A thought that is still open ends.

        What follows the end of a thought of another name, `<think>…</reasoning>…`, is the reply if nothing else is.
        """
        text, self._pending = self._visible(self._pending), ""
        hidden = self._after_other_end
        self._close()
        return text + self._visible("".join(hidden)) if hidden else text

    def _visible(self, text: str) -> str:
        if self._kind:
            if len(self._since_tag) < _LONGEST_HEAD:
                self._since_tag += text
            if self._after_other_end is not None:
                self._after_other_end.append(text)
            return ""
        if self._skips_blanks:
            text = text.lstrip()
            self._skips_blanks = not text
        self._last = text[-1:] or self._last
        return text

    def _pass(self, tag: re.Match[str]) -> bool:
        """False for the end of a thought that was not opened."""
        text_before, self._since_tag = self._since_tag, ""
        if tag["special"] is not None:
            return self._pass_special(tag["special"].strip().lower(), text_before)
        if tag[0][-2] == "/":
            return True  # opened and closed at once
        name = (tag["name"] or tag["bracket"] or tag["triangle"]).lower()
        edge = _EDGE.match(name)
        is_end = bool(tag["end"] or tag["bracket_end"] or tag["triangle_end"] or (edge and edge["edge"] == "end"))
        return self._pass_thought(tag[0][0] + (name[edge.end() :] if edge else name), text_before, is_end=is_end)

    def _pass_thought(self, kind: str, text_before: str, *, is_end: bool) -> bool:
        if not is_end:
            if not self._kind:
                self._kind, self._depth = kind, 1
            elif self._kind == kind and text_before.strip():  # else: opened by the server, and by the model again
                self._depth += 1
        elif self._kind == kind:
            self._depth -= 1
            if not self._depth:
                self._close()
        elif self._kind:
            self._after_other_end = []
        else:
            return False
        return True

    def _pass_special(self, name: str, text_before: str) -> bool:
        if name in ("start", "channel", "start_header_id"):
            self._close()
            self._kind = name
        elif name == "end_header_id" and self._kind == "start_header_id":
            self._close()
        elif name == "message" and self._kind in ("start", "channel"):
            is_reply = self._kind == "start" or text_before.strip().lower().startswith("final")
            self._kind = "" if is_reply else "message"
        elif self._kind == "message" and name in _AFTER_MESSAGE:
            self._close()
        elif name == "constrain":
            self._since_tag = text_before
        elif (edge := _EDGE.match(name)) and (thought := _THOUGHT.fullmatch(name, edge.end())):
            is_end = bool(edge["slash"]) or "end" in (edge["edge"], thought["edge"])
            return self._pass_thought("special", text_before, is_end=is_end)
        return True


def _start_of_tag(text: str) -> int:
    """Where an incomplete tag begins at the end of `text`; its length without one."""
    start = _TAG_START.search(text, max(0, len(text) - _LONGEST_START))
    return start.start() if start else len(text)


def without_thoughts(text: str) -> str:
    """A whole `text` without thoughts and tags: see `ThoughtFilter`. Linear in its length."""
    if OPENERS.isdisjoint(text):
        return text
    reply = ThoughtFilter(is_whole=True)
    return reply.feed(text) + reply.end()
