"""Minutes of a transcript of any length, by a language model whose context is short. Pure: `ask` is the caller's.

What does not fit is divided; the model notes what each part says, then what all notes say together (map and reduce).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tokens import estimated_tokens
from huiyin.services.common.text import count_han

NOTES_TOKENS, MINUTES_TOKENS = 300, 600  # as long as an answer may become
_REQUEST_TOKENS = 150  # of our own words
_LEAST_PART_TOKENS = 3 * NOTES_TOKENS  # so that notes are shorter than what they are of
_LATIN_WORD = re.compile("[A-Za-z]+")
_SENTENCE = re.compile(r"[^.?!。？！\n]*[.?!。？！\n]+\s*|[^.?!。？！\n]+")

_NOTES = {
    "zh": "下面是一段录音文字的第 {number} 部分（共 {count} 部分）。请用要点记下里面说了什么："
    "话题、事实和数字、决定、谁要做什么。只写文字里有的内容，不要评论。",
    "en": "Below is part {number} of {count} of a transcript. Note in short points what it says: topics, facts and "
    "figures, decisions, who is to do what. Only what is in the text, no comment.",
}
_MINUTES = {
    "zh": "请根据下面的{what}写一份纪要，用三个小标题：“概要”（两三句话）、“决定”、“待办”（谁、做什么、什么时候）。"
    "只写里面有的内容；没有的就写“无”。",
    "en": "Write minutes of the {what} below, under three headings: Summary (two or three sentences), Decisions, To do "
    '(who, what, by when). Only what it says; write "none" where it says nothing.',
}
_TRANSCRIPT, _OF_NOTES = {"zh": "录音文字", "en": "transcript"}, {"zh": "笔记", "en": "notes"}

Ask = Callable[[Sequence[Message], int], str]
"""Messages and the most tokens of an answer -> the answer. Raises what it likes."""


def spoken_lines(segments: Iterable[Mapping[str, Any]]) -> str:
    """The segments of a result as lines; where speakers are known a line for each turn: "S1: Yes."."""
    lines: list[str] = []
    speaker: object = None
    for segment in segments:
        text, who = str(segment["text"]).strip(), segment.get("speaker")
        if not text:
            continue
        if who and who == speaker:
            lines[-1] += f" {text}"
        else:
            lines.append(f"{who}: {text}" if who else text)
        speaker = who
    return "\n".join(lines)


def minutes(text: str, context_tokens: int, ask: Ask) -> str:
    """Minutes of `text`, in its language. The model takes `context_tokens`, request and answer together."""
    language = "zh" if count_han(text) > len(_LATIN_WORD.findall(text)) else "en"
    whole = max(_LEAST_PART_TOKENS, context_tokens - MINUTES_TOKENS - _REQUEST_TOKENS)
    what = _TRANSCRIPT
    while estimated_tokens(text) > whole:
        divided = list(parts(text, max(_LEAST_PART_TOKENS, context_tokens - NOTES_TOKENS - _REQUEST_TOKENS)))
        notes = []
        for number, part in enumerate(divided, 1):
            request = _NOTES[language].format(number=number, count=len(divided))
            notes.append(ask(_messages(request, part), NOTES_TOKENS).strip())
        text, what = "\n\n".join(notes), _OF_NOTES
    return ask(_messages(_MINUTES[language].format(what=what[language]), text), MINUTES_TOKENS).strip()


def parts(text: str, most_tokens: int) -> Iterator[str]:
    """`text` in parts of at most so many tokens, divided between lines and sentences where these are short enough."""
    part, tokens = "", 0
    for sentence in _short_enough(text, most_tokens):
        more = estimated_tokens(sentence)
        if part and tokens + more > most_tokens:
            yield part
            part, tokens = "", 0
        part += sentence
        tokens += more
    if part:
        yield part


def _short_enough(text: str, most_tokens: int) -> Iterator[str]:
    for match in _SENTENCE.finditer(text):
        sentence = match[0]
        while estimated_tokens(sentence) > most_tokens:
            # No character has more than three tokens.
            yield sentence[: most_tokens // 3]
            sentence = sentence[most_tokens // 3 :]
        yield sentence


def _messages(request: str, text: str) -> list[Message]:
    return [{"role": "user", "content": f"{request}\n\n{text}"}]
