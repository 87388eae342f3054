"""Words that silence the assistant at once, without waiting to hear whether more follows."""

from __future__ import annotations

import re

from huiyin.assistant.turns.normalise import normalised, sequence_of

_PHRASES = (
    "停一下|停下来|停下|停止|停|别说了|别讲了|别说话|不要说了|不用说了|不说了|打住|等一下|等一等|等等|等会儿|慢着|安静点|安静|闭嘴|住口|够了"
    "|stop it|stop talking|stop that|stop|wait a (?:moment|minute|second)|wait|hold on a (?:moment|minute|second)"
    "|hold on|hang on|shut up|be quiet|quiet|silence|enough|that's enough|shush|shh+|pause"
)
# What may stand beside one without making it a question: "ok stop please", "好了停".
_BESIDE = "好了|好|喂|先|请|吧|啊|一下|ok|okay|no|hey|please|just|now|oh|sorry"
_ONLY = sequence_of(f"{_PHRASES}|{_BESIDE}")
_BEGINS = re.compile(rf"(?:(?:{_BESIDE})\s?)*(?:{_PHRASES})(?![a-z'])")


def orders_silence(text: str) -> bool:
    """Whether `text` begins with an order to stop, whatever follows: "stop", "等一下我想问…"."""
    return bool(_BEGINS.match(normalised(text)))


def is_only_stop(text: str) -> bool:
    """Whether `text` is such an order and nothing else: it asks for silence, not for an answer."""
    plain = normalised(text)
    return bool(_ONLY.fullmatch(plain) and _BEGINS.match(plain))
