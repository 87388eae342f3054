"""How long a pause must last before it is the end of the user's turn.

Three judges. The words, where a language model tells how likely a message ends with them: of 92 pauses and 64 ends of
turns it ranks an end above a pause in 83 of 100 cases, the sound (smart-turn) in 68, and the full stops that a
recogniser sets in 58; of 43 pauses and 40 ends of others in 87, 49 and 65. So where the words are judged, they decide.
Where they are not, a short wait needs the sound and the marks, or a sound that leaves no doubt, and where these differ
the wait is longer than most pauses within a sentence are. Words that go on ("because", "um", half a number) lengthen
any wait. (`python -m benchmarks.latency_judges`, `python -m benchmarks.latency --simulated`)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from huiyin.assistant.turns.backchannel import is_backchannel
from huiyin.assistant.turns.normalise import normalised, sequence_of, word_count

Vote = Literal["unfinished", "finished", "neither"]


@dataclass(frozen=True)
class EndpointPolicy:
    """Silence in seconds that ends a turn, and the probabilities it goes by."""

    fixed_s: float = 0.5  # nobody judged the sound
    sure_s: float = 0.25  # sound and words agree that it is complete
    doubtful_s: float = 0.85  # they do not: people pause for 0.2-0.7 s within a sentence, and it takes 0.1 s to hear
    unsure_s: float = 1.2  # it sounds incomplete, with `incomplete` or less
    longest_s: float = 2.0
    unfinished_s: float = 0.8  # added when the words go on
    agreed: float = 0.5  # enough when the words are complete, too
    certain: float = 0.97  # enough against words that a recogniser did not end with a mark
    likely: float = 0.9  # enough when the words say nothing
    incomplete: float = 0.1
    complete_words: float = 0.27  # enough where the words are judged: 62 of 104 ends, 3 of 48 long pauses have it ...
    complete_few: float = 0.02  # ... and where they are fewer than three: "play jazz" has 0.4, "my name" 0.000


@dataclass
class Evidence:
    """What is known of a pause."""

    sound: float | None = None  # probability 0..1 that the turn is complete, by the sound; None: not judged
    text: str = ""  # the turn's words, as far as they are known
    words: float | None = None  # probability by the words; None: not judged
    words_awaited: bool = False  # they are being judged
    sound_awaited: bool = False  # so is the sound
    stops_are_set: bool = True  # the recogniser is one that ends sentences with a mark


def wait_s(policy: EndpointPolicy, known: Evidence) -> float:
    """Silence after which a turn is over."""
    vote = words_vote(known.text)
    if known.words is not None:
        is_sure = not words_go_on(policy, known)
    elif known.sound is None:
        is_sure = vote == "finished"
    else:
        is_sure = known.sound >= _enough(policy, vote, known)
    if known.words_awaited or (known.sound_awaited and known.words is None):
        wait = policy.doubtful_s
    elif is_sure:
        wait = policy.sure_s
    elif known.words is None and known.sound is None:
        wait = policy.fixed_s
    else:
        wait = policy.doubtful_s + (policy.unsure_s - policy.doubtful_s) * _doubt(policy, known)
    if vote == "unfinished":
        wait += policy.unfinished_s
    return min(wait, policy.longest_s)


def words_go_on(policy: EndpointPolicy, known: Evidence) -> bool:
    """Whether the words were judged, and not believed to be all."""
    return known.words is not None and known.words < _enough_words(policy, known.text)


def _doubt(policy: EndpointPolicy, known: Evidence) -> float:
    """How much is to be said against an end, 0..1: as little as the milder judge finds."""
    doubts = [1.0]
    if known.sound is not None:
        doubts.append((policy.likely - known.sound) / (policy.likely - policy.incomplete))
    if known.words is not None:
        doubts.append(1 - known.words / _enough_words(policy, known.text))
    return max(0.0, min(doubts))


def _enough(policy: EndpointPolicy, vote: Vote, known: Evidence) -> float:
    """From which probability on the sound is believed."""
    is_alone = is_backchannel(known.text) or bool(_ALONE.fullmatch(normalised(known.text)))
    if vote == "finished" or (vote == "neither" and is_alone):
        return policy.agreed
    # A recogniser closes whatever it heard with a full stop; after one word that says nothing. Nor does the sound: one
    # and the same "one" has 0.44 to 0.97, with a little more or less silence around it.
    if known.text and not can_be_judged(known.text):
        return _NEVER_ENOUGH
    if vote == "neither" and has_full_stop(known.text):
        return policy.agreed
    return policy.certain if vote == "neither" and known.stops_are_set else policy.likely


def _enough_words(policy: EndpointPolicy, text: str) -> float:
    """From which probability on the words are believed: a model seldom ends a message after two."""
    return policy.complete_few if word_count(text) < _FEW_WORDS else policy.complete_words


def can_be_judged(text: str) -> bool:
    """Whether there are words enough to tell by them: "yes" or 北京 may end a turn or begin one."""
    return word_count(text) >= _FEWEST_WORDS


def has_full_stop(text: str) -> bool:
    """Whether a mark says that the last sentence of `text` is whole."""
    return bool(_FULL_STOP.search(text))


def has_marks(text: str) -> bool:
    """Whether the recogniser has set any mark in `text`."""
    return bool(_MARK.search(text))


# A recogniser that hears the voice stay up writes one of these.
_OPEN_MARK = re.compile(r"(?:[，,、：:—–-]|…|\.\.\.?)\s*$")
_FULL_STOP = re.compile(r"[.。!！?？][”\"』」》]?\s*$")
_MARK = re.compile(r"[.,。，!！?？;；、](?!\d)")
_FEWEST_WORDS, _FEW_WORDS = 2, 3
_NEVER_ENOUGH = 2.0  # more than any probability
_QUESTION_MARK = re.compile(r"[?？]\s*$")

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
# A number being told: digits one by one, in groups. Four in one group are a year; eleven are a mobile number in China,
# ten one in North America.
_ZH_DIGITS = re.compile(r"[零〇幺一二三四五六七八九]+$")
_EN_DIGITS = re.compile(r"(?:(?:^|\s)(?:zero|oh|one|two|three|four|five|six|seven|eight|nine))+$")
_GROUPS = re.compile(r"\d+(?:[\s-]+\d+)*$")
_NUMBER_IS = re.compile(r"(?:\bnumber is|\bnumber's|\bcode is|号码?是|电话是|手机是|密码是|编号是|验证码是)\s*\d+$")
_FEWEST_DIGITS, _YEAR_DIGITS, _LONGEST_UNFINISHED = 3, 4, {"zh": 10, "en": 9}


def words_vote(text: str) -> Vote:
    """What the words say about whether more will come."""
    plain = normalised(text)
    if not plain:
        return "neither"
    if _OPEN_MARK.search(text) or _ZH_UNFINISHED.search(plain) or _ZH_FILLER.search(text):
        return "unfinished"
    if _EN_UNFINISHED.search(plain) or (_EN_PREPOSITION.search(plain) and not _EN_MAY_END.search(plain)):
        return "unfinished"
    if _is_unfinished_number(plain):
        return "unfinished"
    if _QUESTION_MARK.search(text) or _ZH_FINISHED.search(plain) or _EN_FINISHED.search(plain):
        return "finished"
    return "neither"


def _is_unfinished_number(plain: str) -> bool:
    longest = _LONGEST_UNFINISHED["en"]
    if match := _ZH_DIGITS.search(plain):
        count, longest = len(match[0]), _LONGEST_UNFINISHED["zh"]
    elif match := _EN_DIGITS.search(plain):
        count = len(match[0].split())
    elif (match := _GROUPS.search(plain)) and (len(match[0].split()) > 1 or _NUMBER_IS.search(plain)):
        count = sum(letter.isdigit() for letter in match[0])
    else:
        return False
    return _FEWEST_DIGITS <= count <= longest and count != _YEAR_DIGITS
