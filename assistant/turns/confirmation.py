"""A yes or no in the words of the question: "Shall I book it for Sunday?" - "Yes, book it for Sunday."

Where a transcript alone must tell such an answer from an echo. An echo has the words that were played and no others:
it does not say yes, no or not, and "you" stays "you". Nor does it begin just behind the words that make a question of a
sentence, as 改签到明天上午 does after 您是要改签到明天上午吗.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from huiyin.assistant.turns.normalise import normalised
from huiyin.assistant.turns.similarity import SIMILAR, letters_of, similarity
from huiyin.assistant.turns.text_judge import has_question_mark
from huiyin.services.common.text import is_chinese

_QUESTION = re.compile(r"[^.。!！?？;；\n]+[?？]")
_ASKS_WHAT = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|how|why|or)\b|什么|哪|谁|几|怎么|多少|还是", re.IGNORECASE
)
_ASKS_TOO = re.compile("[吗呢么]$")
_YES = "yes|yeah|yep|yup|sure|ok|okay|right|correct|exactly|please"
_YES_ZH = "是的|对的?|好的?|嗯|行|可以"
_OWN = re.compile(
    rf"\b(?:{_YES}|no|nope|not|\w+n't|i|i'm|i'd|i'll|i've|me|my|mine|you|your)\b|^(?:{_YES_ZH})|[不没别我你]"
)
_FIRST = re.compile(rf"^(?:(?:{_YES})\b|{_YES_ZH}) ?")

# The words that make a question of a sentence, in their order; none of them must be there.
_MAKES_IT_ONE = (
    r"(?:so|and|then|well|now)\b",
    r"(?:do|does|did|shall|should|can|could|may|will|would|is|are|was|were|have|has|had)(?:n't)?\b",
    r"(?:i|you|we|he|she|it|they|that|this|there)\b",
    r"(?:want|like|need|prefer|rather)\b",
    r"(?:me|us)\b",
    r"to\b",
)
_MAKES_IT_ONE_ZH = (
    "那么?|请问|所以",
    "要不要|需不需要|是不是|能不能|可不可以|需要|可以|要|是|能",
    "我们|咱们|我|你",
    "要不要|需不需要|想不想|需要|想要|是|要|想",
    "我|要",
    "[帮给替]你",
)


def confirms(text: str, reply: str, words: str) -> bool:
    """Whether `text` is such an answer to the last question of a reply, of which `words` were in the air."""
    questions: list[str] = _QUESTION.findall(reply)
    said = _plain(text)
    if not questions or has_question_mark(text) or _ASKS_TOO.search(said):
        return False
    if any(not _is_in(_plain(words), own) for own in _OWN.findall(said)):
        return True
    asked, answer = _plain(questions[-1]), letters_of(_FIRST.sub("", said))
    return not _ASKS_WHAT.search(asked) and any(
        rest[:1] == answer[:1] and similarity(answer, rest[: len(answer)]) >= SIMILAR
        for rest in map(letters_of, _behind_its_beginning(asked))
    )


def _plain(text: str) -> str:
    return normalised(text).replace("您", "你")


def _is_in(words: str, word: str) -> bool:
    return f" {word} " in f" {words} " if word.isascii() else word in words


def _behind_its_beginning(question: str) -> Iterator[str]:
    """What follows on each of the words that make a question of it."""
    for pattern in _MAKES_IT_ONE_ZH if is_chinese(question) else _MAKES_IT_ONE:
        if match := re.match(pattern, question):
            question = question[match.end() :].lstrip()
            yield question
