"""Words that silence the assistant at once, without waiting to hear whether more follows."""

from __future__ import annotations

from functools import lru_cache

from huiyin.assistant.turns.backchannel import LISTENING, is_backchannel
from huiyin.assistant.turns.normalise import normalised
from huiyin.assistant.turns.phrase_rules import PhraseRules

_TIME = "(?:moment|minute|min|second|sec|tick|while|bit)s?"
_SPAN = f"(?:(?:just )?(?:a|one|two|five|another|half a) )?(?:little )?{_TIME}"
_WHAT = "(?:the|this|your) (?:story|reading|talking|music|song|playback|list)"
_STOP_EN = (
    "stop (?:talking|reading|speaking|playing)"
    f"|stop(?: (?:for {_SPAN}|telling me|telling {_WHAT}|{_WHAT}|it|that|this|there|here|now|right there))?"
    "|(?:just |only )?(?:a|one|half a) (?:moment|minute|min|second|sec)"
    f"|(?:wait(?: up)?|hold on|hang on|hold up|hold it|hold that thought)(?: (?:for )?{_SPAN})?"
    f"|(?:give me|gimme) {_SPAN}|bear with me|hold(?: please)?|pause(?: (?:it|that|there|for {_SPAN}|{_WHAT}))?"
    "|halt|abort(?: (?:it|that))?|freeze|time out|timeout|cancel(?: (?:it|that|this))?"
    "|never ?mind(?: (?:that|it))?|forget (?:it|that|about it|about that)|leave it|drop it|cut it out"
    "|knock it off|zip it|shut it|shut up|pipe down|quiet(?: down)?|be (?:quiet|silent)|stay quiet|keep quiet"
    "|silence|hush|shush|shh+|sh|enough(?: (?:already|now|of (?:that|this|it)))?|that's (?:enough|all|plenty)"
    "|that is enough|that'll do|that will do|(?:i've )?(?:had|heard) enough"
    "|i don't want to hear (?:it|this|that|more|any ?more)|don't bother|don't worry(?: about it)?|no more"
    "|not (?:right )?now|(?:maybe )?later|mute(?: yourself)?|i'm done|we're done|i'm good"
    "|don't (?:talk|speak|go on|continue|say any ?(?:more|thing(?: more| else)?))"
    "|no need(?: to (?:go on|continue))?"
)
_STOP_ZH = (
    "停一停|停一下|停一会儿?|停下来?|停止(?:播放|朗读|讲话|说话)?|停|暂停(?:播放|一会儿?)?|打住|住口|住嘴|闭嘴"
    "|(?:够|可以|好|行|得|算|罢)[了啦]|取消|撤销|退出|结束|(?:让我|我想)(?:安静|静静|静一静|静一下|安静一下)"
    "|(?:能|可以|能不能|可不可以)?先?停(?:一下|一停|下来|一会儿?)?(?:好吗|好不好|行吗|行不行|吗)"
    "|(?:讲|说)?到这儿?就(?:行|够|可以|好)了|没兴趣听?了|没事儿?了?|没什么[了事]?|慢着|且慢"
    "|(?:别|不要|不用|不必|甭|休)(?:再|往下|继续)*(?:说话|讲话|出声|说|讲|念|读|吵|唠叨|啰嗦|继续|播)[了啦]?"
    "|不说[了啦]|不(?:想|要)?再?听[了啦]?|不用继续了?|不用再?往下(?:说|讲)了?|等一?等|等一?下下?"
    "|等(?:一小?)?会儿?|等我(?:一下|一?会儿?)?|稍等(?:一下|片刻|一会儿?)?|稍候|安静|(?:消停|歇)(?:一?会儿?|歇)?"
    "|(?:先)?休息(?:一下|一?会儿?)|嘘+|(?:今天|就|先)*(?:到|说到|讲到)(?:这里|这儿|此)(?:为止)?|(?:就|先)+这样"
    "|到此为止"
)
_STOP = PhraseRules((_STOP_ZH,), (_STOP_EN,))
# What may stand beside one without making it a question: "ok stop please", 你先停, and all that listeners say.
_BESIDE = (
    "喂|先|请|吧|一下|一会儿|一点|点|些|你|那|快|快点|赶快|赶紧|马上|给我|麻烦你?|求你|拜托|稍微|真的|我",
    "no|hey|please|just|now|sorry|excuse me|you can|can you|could you|would you|will you|i said"
    "|for now|for a moment|there|but|let's|let me|actually",
)
_BEFORE = PhraseRules(*((words,) for words in _BESIDE), beside=[LISTENING])
_ONLY = PhraseRules(beside=[_STOP, _BEFORE])
_REMEMBERED = 64  # texts, as in `backchannel`
_LONGEST_BEFORE = 60  # letters: an order that comes later does not begin the text


@lru_cache(_REMEMBERED)
def orders_silence(text: str) -> bool:
    """Whether `text` begins with an order to stop, whatever follows: "stop", "等一下我想问…"."""
    plain = normalised(text)[:_LONGEST_BEFORE]
    return not is_backchannel(text) and _STOP.follow(plain, _BEFORE.reached(plain))


def is_only_stop(text: str) -> bool:
    """Whether `text` is such an order and nothing else: it asks for silence, not for an answer."""
    return orders_silence(text) and _ONLY.make_up(normalised(text))
