"""A stream of reply text, cut into clauses that can be spoken one after another.

The first clause is cut early (sound can start while the rest is still being thought). Those after it grow, so that
each can be thought and voiced while the ones before are heard; then they are whole sentences, which sound better.
Measured with 15 words/s and speech made in a tenth of its length: 0.6-0.9 s of silence after the first clause were
0-0.2 s.

A clause is the reply's own text, as it is shown and remembered: how it is said is the speech service's business. Only
thoughts and a recogniser's tags are taken out, and what nobody could say is no clause. A code block is one clause.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

_SENTENCE_END = "。！？!?；;\n…"
_CLAUSE_END = "，,、：:" + _SENTENCE_END
_CLOSERS = "”’」』）)】\"'*_`"
_QUOTES = (("“", "”"), ("「", "」"), ("『", "』"))
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9'’.-]*")
_MONTHS = "Jan|Feb|Aug|Sept|Oct|Nov|Dec"
_DAY = re.compile(
    rf"\b(?:{_MONTHS}|January|February|March|April|May|June|July|August|September|October|November|December)"
    r"\.? \d{1,2}(?:st|nd|rd|th)?,$"
)  # the year may follow
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Mt|Prof|Jr|Sr|vs|etc|e\.g|i\.e|U\.S|No|approx|Fig|Inc|Ltd|Ave|a\.m|p\.m"
    rf"|{_MONTHS})|\b[A-Z]|^\s*\d{{1,2}}|\n[ \t]*\d{{1,2}})\.$"  # "1." counts the lines of a list
)

# Where an English clause that runs on can be cut: speakers breathe before these.
_BREATH = re.compile(
    r"\s(?=(?:and|or|but|so|with|without|that|which|who|whose|because|to|for|in|on|at|from|by|as|when|where|while|if"
    r"|than|into|about|between|through|after|before)\s)",
    re.I,
)

# The same for Chinese: words that begin a phrase, unless an adverb or a pronoun leads into them (不可能, 我觉得你可以).
_ZH_BREATH = re.compile(
    r"(?<![不没很最有都也还就才只又再更太真会能是的你我他她它们这那您第每另某哪同和跟与周期统唯万之])"
    r"(?=大约|大概|需要|可以|应该|可能|通常|目前|已经|包括|因为|所以|但是|不过|如果|而且|并且|或者|以及|然后"
    r"|[和跟与]?一[些个份种位杯碗道首本部件双条张把瓶块只座])"
)

_FENCE = "```"
_LONGEST_CODE = 2000  # characters; it is shown and remembered, and sent to be called "a code block"
_HIDDEN = re.compile(
    r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)|</(?:think|thinking|reasoning)>|<\|[^<>|\n]{0,60}\|>", re.S | re.I
)
_HIDDEN_OPEN = re.compile(r"<(think|thinking|reasoning)>(?!.*</\1>)", re.S | re.I)
# What is not cut inside: code, formulas, links, titles, tags, rows of a table, addresses.
_URL = r"(?:https?://|www\.)[^\s\u3000-\u303f\uff00-\uffef\u3400-\u9fff<>]*"
_WHOLE = re.compile(
    r"`[^`\n]+`|\$\$[^$]+\$\$|\\\(.+?\\\)|\\\[.+?\\\]|(?<![\w$])\$(?=[^\s\d$])[^$\n]*[^\s$]\$(?!\d)"
    r"|!?\[[^\[\]\n]*\](?:\([^()\s]*\))?|《[^《》\n]*》|</?[A-Za-z|][^<>\n]*>|(?m:^[ \t]*\|[^\n]*)"
    rf"|{_URL}(?<![.,;:!?'\")])"
)
_OPENED = re.compile(
    r"(?:`[^`\n]*|\$\$[^$]*|\\[(\[](?:(?!\\[)\]]).)*|(?<![\w$])\$(?=[^\s\d$])[^$\n]*|\[[^\[\]\n]*|\[[^\[\]\n]*\]\([^()\s]*"
    rf"|《[^《》\n]*|<[^<>\n]*|(?m:^[ \t]*\|[^\n]*)|{_URL})\Z"
)
_CLOSED = "`$\\《<"  # what begins so and is whole does not go on, as an address or a row does
_LONGEST_OPENED = 200  # characters: then it was no opening but a sign

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_DIRECTION = re.compile(r"[\[【][A-Za-z\u3400-\u9fff ]{1,24}[\]】]|(?<!\w)\*[a-z]+\*(?!\w)")  # [laughs]
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|[-*+•]\s+|>\s*)", re.M)
_EMPHASIS = re.compile(r"[*_`~#|\\]+|<[^<>]{0,500}>")
_PICTOGRAPH = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u200d\ufe0e\ufe0f\U000e0020-\U000e007f\u20e3]|[\u2190-\u21ff]"
)
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.S)
_SPACES = re.compile(r"[ \t\u3000]+")


@dataclass(frozen=True)
class ClauseLengths:
    """When a piece is long enough to be spoken on its own, in Chinese characters or English words.

    The first is short: synthesis time is latency there, and grows with length (Kokoro: a ten-word sentence 1 s).
    """

    first_chars: int = 4
    first_words: int = 3
    later_chars: int = 10
    later_words: int = 6
    first_longest_chars: int = 10  # more, or more words than below: then it is cut where a speaker would breathe
    first_longest_words: int = 6  # both take 2 s to say; 8 words cost 50 ms more at 40 tokens a second, 100 at 20
    growth: int = 2  # times what was given so far; thinking and voicing take half the time that hearing does
    grown: int = 24  # characters and words given: from then on, whole sentences
    grown_longest_words: int = 5  # no clause is cut before a preposition for less
    longest_chars: int = 120  # a "sentence" without any stop is cut at a space or a character


def weight(text: str) -> tuple[int, int]:
    """(Chinese characters, English words or numbers) in `text`."""
    return len(_CJK.findall(text)), len(_WORD.findall(text))


def speakable(text: str) -> str:
    """The words of `text`, without code and marks; '' when nothing in it can be said."""
    text = _LINK.sub(r"\1", _CODE_BLOCK.sub(" ", _HIDDEN.sub("", html.unescape(text))))
    text = _LINE_MARK.sub("", _DIRECTION.sub("", text))
    text = _PICTOGRAPH.sub("", _EMPHASIS.sub("", text))
    text = _SPACES.sub(" ", text.replace("\n", " ")).strip()
    return text if any(weight(text)) or any(map(str.isalpha, text)) else ""


def shown(text: str) -> str:
    """`text` as it is shown and remembered: no thoughts, no tags of a recogniser, no invisible characters."""
    kept = (c for c in _HIDDEN.sub("", text) if c in "\n\t\u200d" or unicodedata.category(c) not in ("Cc", "Cs", "Cf"))
    return "".join(kept).strip()


_CODE_WORDS = 3  # "a code block"


def _code(block: str) -> str:
    """A code block as it is shown: closed, and not longer than the speech service takes."""
    block = shown(block)
    body = block[: -len(_FENCE)] if block.endswith(_FENCE) and len(block) > len(_FENCE) else block
    if len(body) > _LONGEST_CODE:
        body = body[:_LONGEST_CODE] + "…\n"
    return body + _FENCE if body.endswith("\n") or "\n" not in body else f"{body}\n{_FENCE}"


class ClauseSplitter:
    """Feed it pieces of text as they come; it gives back clauses ready to be spoken, in order."""

    def __init__(self, lengths: ClauseLengths | None = None) -> None:
        self._lengths = lengths or ClauseLengths()
        self._text = ""
        self._given = 0  # characters and words in the clauses so far
        self._is_urgent = True  # the next clause is to be short ...
        self._rests = False  # ... and the text may have come to its end

    def feed(self, piece: str) -> list[str]:
        """Clauses that `piece` completes (often none). How the text was cut into pieces makes no difference."""
        clauses: list[str] = []
        for char in piece:
            self._text += char
            clauses += self._take(final=False)
        return clauses

    def hurry(self) -> list[str]:
        """What is whole of the text so far. If that is nothing, the next clause comes as early as the first one did."""
        self._is_urgent = self._rests = True
        clauses = self._take(final=False)
        self._rests, self._is_urgent = False, not clauses
        return clauses

    def finish(self) -> list[str]:
        """What is left at the end of the reply."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> list[str]:
        clauses: list[str] = []
        while True:
            if final or not _HIDDEN_OPEN.search(self._text):
                self._text = _HIDDEN.sub("", self._text)
            self._text = self._text.lstrip(_CLAUSE_END)  # what is left of "!!!"
            cut = self._cut(final)
            if cut is None:
                break
            clause, self._text = self._text[:cut], self._text[cut:]
            if clause.startswith(_FENCE):
                clauses.append(_code(clause))
                self._given += _CODE_WORDS
            elif words := speakable(clause):
                clauses.append(shown(clause))
                self._given += sum(weight(words))
            if clauses:
                self._is_urgent = self._rests
        return clauses

    def _cut(self, final: bool) -> int | None:
        """Where the next clause ends in the buffer, or None when it is not there yet."""
        text = self._text
        code = text.find(_FENCE)
        if code == 0:
            end = text.find(_FENCE, len(_FENCE))
            return end + len(_FENCE) if end > 0 else len(text) if final else None
        if code > 0:
            self._text, rest = text[:code], text[code:]
            cut = self._cut(True)  # code ends the clause before it
            self._text = self._text + rest
            return cut
        if not final and (_HIDDEN_OPEN.search(text) or text.endswith(("`", "``"))):
            return None  # thoughts, or a code block in the making
        opened = None if final else self._opened()
        whole = [match.span() for match in _WHOLE.finditer(text)] + ([] if opened is None else [(opened, len(text))])
        for i, char in enumerate(text):
            if (char in _CLAUSE_END or char == ".") and not any(start <= i < end for start, end in whole):
                end = self._after_closers(i + 1)
                if end == len(text) and not final and self._next_decides(i):
                    return None
                if char in ".,:：" and end < len(text) and not self._is_stop(i, end):
                    continue
                if self._long_enough(text[:end], sentence=char in _SENTENCE_END or char == "."):
                    return end
        if (breath := self._breath(whole)) is not None:
            return breath
        if len(text) > self._lengths.longest_chars and opened != 0:
            space = text.rfind(" ", 1, self._lengths.longest_chars)
            cut = space + 1 if space > 0 else self._lengths.longest_chars
            return next((start or end for start, end in whole if start < cut < end), cut)
        return len(text) if final and text else None

    def _breath(self, whole: list[tuple[int, int]]) -> int | None:
        """Where a clause that runs on is cut, outside of the spans `whole`; None where it does not, or nowhere."""
        text, need = self._text, self._lengths
        chars, words = weight(speakable(text))
        places: list[re.Match[str]] = []
        if self._is_urgent and chars > need.first_longest_chars:
            places = list(_ZH_BREATH.finditer(text))
        if (self._is_urgent or self._given < need.grown) and words > self._longest_words():
            places += _BREATH.finditer(text)
        for place in reversed(places):
            chars, words = weight(speakable(text[: place.start()]))
            inside = any(start <= place.start() < end for start, end in whole)
            if not inside and (chars > need.first_chars or words > need.first_words):
                return place.end()
        return None

    def _opened(self) -> int | None:
        """Where something begins that may go on in the text to come: it is not cut until it ends, or proves a sign."""
        closed = _WHOLE.sub(lambda each: "x" * len(each[0]) if each[0][0] in _CLOSED else each[0], self._text)
        opened = _OPENED.search(closed)
        return opened.start() if opened and len(opened[0]) <= _LONGEST_OPENED else None

    def _next_decides(self, at: int) -> bool:
        """Whether what follows the mark at `at` may change where the clause ends: a closing quote, the rest of 3.14.

        Elsewhere nothing is waited for: a token is 60 ms.
        """
        text = self._text
        if self._rests:
            return text[at - 1 : at].isdigit() or not self._is_stop(at, len(text))
        in_quotes = text.count('"') % 2 == 1 or any(text.count(opening) > text.count(end) for opening, end in _QUOTES)
        if text[at] in ",：":
            return in_quotes or text[at - 1 : at].isdigit()
        return in_quotes or text[at] in ".:"

    def _after_closers(self, end: int) -> int:
        while end < len(self._text) and self._text[end] in _CLOSERS + _SENTENCE_END:
            end += 1
        return end

    def _is_stop(self, at: int, end: int) -> bool:
        """Whether the '.', ',' or ':' at `at` ends something: not in 3.14, 1,000, 9:30, Dr. or file.txt."""
        text = self._text
        following = text[end] if end < len(text) else " "
        if text[at] == "：":
            return not (text[at - 1 : at].isdigit() and following.isdigit())
        if not (following.isspace() or _CJK.match(following)):
            return False
        if text[at] == "," and _DAY.search(text[: at + 1]):
            return False
        return not (text[at] == "." and _ABBREVIATION.search(text[: at + 1]))

    def _long_enough(self, piece: str, *, sentence: bool) -> bool:
        chars, words = weight(speakable(piece))
        units, need = chars + words, self._lengths
        if self._is_urgent:
            return units > 0 if sentence else units >= need.first_chars or words >= need.first_words
        if sentence and (units >= need.later_chars or words >= need.later_words):
            return True
        return need.first_words <= self._given <= units and self._given < need.grown

    def _longest_words(self) -> int:
        """Words that may be collected before a clause is cut where a speaker would breathe."""
        need = self._lengths
        if self._is_urgent:
            return need.first_longest_words
        return max(need.grown_longest_words, need.growth * self._given)
