"""What the text of a turn says about its end: conjunctions, fillers, particles, the recogniser's marks."""

from __future__ import annotations

import re
from typing import Literal

from huiyin.assistant.turns.backchannel import is_backchannel
from huiyin.assistant.turns.normalise import normalised, sequence_of, word_count

Vote = Literal["unfinished", "finished", "neither"]

_JUDGEABLE_WORDS = 2  # fewer may be a whole turn or the beginning of one: "yes", 北京

# A recogniser that hears the voice stay up writes one of these.
_OPEN_MARK = re.compile(r"(?:[，,、：:—–-]|…|\.\.\.?)\s*$")
_FULL_STOP = re.compile(r"[.。!！?？][”\"』」》]?\s*$")
_QUESTION_MARK = re.compile(r"[?？]\s*$")
_MARK = re.compile(r"[.,。，!！?？;；、](?!\d)")

_ZH_UNFINISHED = re.compile(
    r"(?:然后|因为|所以|但是|可是|不过|而且|并且|就是|就是说|也就是|如果|要是|假如|虽然|尽管|即使|既然|由于|除了|关于|对于|至于|或者|还是说"
    r"|以及|还有|另外|比如|比如说|例如|甚至|于是|因此|直到|无论|不管|只要|和|跟|与|及|或|把|被|将|从|向|嗯|呃|额|我想想|怎么说呢|百分之|第"
    r"|我想要|我想|我要|我觉得|我认为|帮我|请帮我|给我|告诉我|请告诉我)$"
)
_ZH_FILLER = re.compile(r"(?:^|[，。、\s])(?:那个|这个|就是那个|呃|嗯)[，。…\s]*$")
_EN_UNFINISHED = re.compile(
    r"(?:^|\s)(?:and|or|but|because|cause|if|unless|although|until|while|whether|than|as|the|a|an|my|your|our|their|its"
    r"|i'm|i'll|i'd|it's|that's|there's|let's|i|um+|uh+|er+m?|hm+|like|you know|i mean|i think|i want|i'd like|i need"
    r"|can you|could you|would you|please tell me|tell me|for example|such as|kind of|sort of|instead of|a lot of)$"
)
# These may end a question ("where are you from") but nothing else.
_EN_PREPOSITION = re.compile(r"(?:^|\s)(?:to|of|for|with|from|into|between|about|so)$")
_EN_MAY_END = re.compile(
    r"^(?:where|who|what|which|whose|how)\b|\b(?:think|thinking|hope|guess|suppose|say|or|go|want) \w+$"
)
_ZH_FINISHED = re.compile(
    r"(?:吗|呢|吧|了|啦|嘛|么|什么|哪里|哪儿|谁|多少|多少钱|几点|几点了|怎么样|怎么办|怎么走|为什么|多久|多高|多大|多远|多长|好不好|行不行|对不对"
    r"|是不是|可不可以|谢谢|谢谢你|再见|晚安|拜拜)$"
)
_EN_FINISHED = re.compile(
    r"(?:^|\s)(?:please|thanks|thank you|bye|goodbye|good night|isn't it|aren't you|don't you|right|do you|are you"
    r"|is it)$"
)
# One word, and a turn.
_ALONE = sequence_of(
    "喂|你好|您好|嗨|哈喽|不|不是|不用|不要|不行|没有|有|可以|继续|帮帮我|hello|hi|hey|no|nope|stop|next|again|continue|help"
)


def text_vote(text: str) -> Vote:
    """Whether the words and marks at the end of `text` say that more will come ("unfinished") or not ("finished")."""
    plain = normalised(text)
    if not plain:
        return "neither"
    if _OPEN_MARK.search(text) or _ZH_UNFINISHED.search(plain) or _ZH_FILLER.search(text):
        return "unfinished"
    if _EN_UNFINISHED.search(plain) or (_EN_PREPOSITION.search(plain) and not _EN_MAY_END.search(plain)):
        return "unfinished"
    if _QUESTION_MARK.search(text) or _ZH_FINISHED.search(plain) or _EN_FINISHED.search(plain):
        return "finished"
    return "neither"


def can_be_judged(text: str) -> bool:
    """Whether `text` has enough words to tell by them whether it is a whole turn."""
    return word_count(text) >= _JUDGEABLE_WORDS


def is_whole_alone(text: str) -> bool:
    """Whether `text` is a word or two that people say as a whole turn: "hello", 不用, "mm-hmm"."""
    return is_backchannel(text) or bool(_ALONE.fullmatch(normalised(text)))


def has_full_stop(text: str) -> bool:
    """Whether the recogniser ended the last sentence of `text` with a mark."""
    return bool(_FULL_STOP.search(text))


def stays_open(text: str) -> bool:
    """Whether the recogniser ended `text` with a mark of going on: it heard the voice stay up."""
    return bool(_OPEN_MARK.search(text))


def has_marks(text: str) -> bool:
    """Whether the recogniser has set any mark in `text`."""
    return bool(_MARK.search(text))


def has_question_mark(text: str) -> bool:
    """Whether there is one anywhere in `text`."""
    return "?" in text or "？" in text
