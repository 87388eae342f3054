"""What a listener says to show that they listen: it takes no turn, so the assistant goes on."""

from __future__ import annotations

from huiyin.assistant.turns.normalise import normalised, sequence_of

# Alone, and as repeated as people repeat them: 对对对, 嗯嗯, yeah yeah.
_PHRASES = sequence_of(
    "嗯|恩|唔|呣|哼|对|对呀|对啊|好|好的|好吧|好呀|行|是|是的|是啊|是吗|哦|噢|喔|啊|呀|这样|这样啊|原来如此|没错|明白|知道了|懂了|真的|真的吗"
    r"|uh huh|uhhuh|uh|mm hmm|mmhmm|mhm+|m+|hm+|mm+|yeah|yep|yup|yes|right|ok|okay|sure|oh|ah|aha|i see|got it|really"
    "|all right|alright|wow|cool|nice|exactly"
)


def is_backchannel(text: str) -> bool:
    """Whether `text` is nothing but words of listening, in Chinese or English. '' is not."""
    return bool(_PHRASES.fullmatch(normalised(text)))
