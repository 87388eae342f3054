"""Words that silence the assistant at once, without waiting to hear whether more follows.

An order may be put politely (安静一会儿好吗, "can you be quiet for a minute?"), and its reason may follow ("hold on, my
phone is ringing"): it is an order for silence still. What else follows it is answered.
"""

from __future__ import annotations

from functools import lru_cache

from huiyin.assistant.turns.backchannel import LISTENING, is_backchannel
from huiyin.assistant.turns.normalise import normalised
from huiyin.assistant.turns.phrase_rules import PhraseRules

_TIME = "(?:moment|minute|min|second|sec|tick|while|bit)s?"
_SPAN = f"(?:(?:just )?(?:a|one|two|three|five|ten|another|half a|a few|a couple of) )?(?:little )?{_TIME}"
_WHAT = "(?:the|this|your) (?:story|reading|talking|music|song|playback|list)"
# Orders to be silent, which may be put as a question: "can you ...?"
_SILENT_EN = (
    "stop (?:talking|reading|speaking|playing)"
    f"|stop(?: (?:telling me|telling {_WHAT}|{_WHAT}|you (?:right )?(?:there|here)|it|that|this|there|here|now"
    "|right there))?"
    "|wait(?: up)?|hold on|hang on|hold up|hold it|hold that thought|bear with me|hold(?: please)?"
    f"|(?:give me|gimme) {_SPAN}|pause(?: (?:it|that|there|{_WHAT}))?|halt|freeze|cut it out|knock it off|zip it"
    "|shut it|shut up|pipe down|quiet(?: down)?|(?:be|stay|keep|remain) (?:quiet|silent)|silence|hush|shush|shh+|sh"
    "|mute(?: yourself)?"
)
_STOP_EN = (
    "(?:just |only )?(?:a|one|half a) (?:moment|minute|min|second|sec)|abort(?: (?:it|that))?|time out|timeout"
    "|cancel(?: (?:it|that|this))?|never ?mind(?: (?:that|it))?|forget (?:it|that|about it|about that)|leave it"
    "|drop it|enough(?: (?:already|now|of (?:that|this|it)))?"
    "|(?:that's|that is) (?:enough|all|plenty|everything)"
    "(?: (?:that )?i (?:need|needed|want|wanted|asked for)(?: to (?:know|hear))?)?"
    "|that'll do|that will do|(?:i've )?(?:had|heard) enough"
    "|i don't want to hear (?:it|this|that|more|any ?more)|don't bother|don't worry(?: about it)?|no more"
    "|not (?:right )?now|(?:maybe )?later|i'm done|we're done|i'm good"
    "|don't (?:talk|speak|go on|continue|say any ?(?:more|thing(?: more| else)?))"
    "|no need(?: to (?:go on|continue))?"
)
_ASKED_EN = "can you|could you|would you|will you|can we|could we"
_MIND_EN = "do you mind|would you mind|mind"
_BEING_SILENT_EN = "(?:being|staying|keeping) (?:quiet|silent)|(?:stopping|pausing|waiting|holding on)(?: there| here)?"
_NOT_TALK_EN = "(?:please )?not (?:talk|speak|go on|continue|say anything)"
_TAIL_EN = f"for {_SPAN}|for now|for today|for the moment|for the time being|will you|would you"
_SILENT_ZH = (
    "停一停|停一下|停一会儿?|停下来?|停止(?:播放|朗读|讲话|说话)?|停|暂停(?:播放|一会儿?)?|打住|住口|住嘴|闭嘴|闭上嘴"
    "|(?:让我|我想)(?:安静|静静|静一静|静一下|安静一下)"
    "|(?:别|不要|不用|不必|甭|休)(?:再|往下|继续)*(?:说话|讲话|出声|说|讲|念|读|吵|唠叨|啰嗦|继续|播)"
    "(?:[那这]么(?:多|详细))?[了啦]?"
    "|等一?等|等一?下下?|等(?:一小?)?会儿?|等我(?:一下|一?会儿?)?|稍等(?:一下|片刻|一会儿?)?|稍候|安静(?:下来)?"
    "|(?:消停|歇)(?:一?会儿?|歇)?|(?:先)?休息(?:一下|一?会儿?)|嘘+"
)
_STOP_ZH = (
    "(?:够|可以|好|行|得|算|罢)[了啦]|取消|撤销|退出|结束"
    "|(?:讲|说)?到这儿?就(?:行|够|可以|好)了|没兴趣听?了|没事儿?了?(?!吧)|没什么[了事]?|慢着(?!点)|且慢"
    "|不说[了啦]|不(?:想|要)?再?听[了啦]?|不用继续了?|不用再?往下(?:说|讲)了?"
    "|(?:今天|就|先)*(?:到|说到|讲到)(?:这里|这儿|此)(?:为止)?|(?:就|先)+这样|到此为止"
)
_ASKED_ZH = "能|可以|能不能|可不可以|能否|可否"
_SPAN_ZH = "一下下?|一小?会儿?|一点儿?|点儿?|些|片刻|(?:[一二两三五十半几]|\\d+)个?(?:分钟|秒钟?|小时)"
_POLITE_ZH = "好吗|好么|好不好|行吗|行么|行不行|可以吗|可以么|可不可以|成吗|好吧|行吧|吧"
# Why the user wants silence: it needs no answer.
_I_MUST = "let me|i have to|i need to|i must|i've got to|i gotta|i'll|i will|to"
_ERRAND_EN = (
    "(?:just )?(?:(?:take|answer|get) (?:this|that|the|a|my)(?: phone)? (?:call|phone|door|doorbell)"
    "|be (?:right )?back|think|check|write (?:that|this|it) down|go|(?:get|grab|find|fetch) (?:a|my|some) [a-z]+)"
)
_REASON_EN = (
    "(?:(?:the|my) )?(?:phone|doorbell|bell|door|baby|kettle|dog|alarm)(?:'s| is)? (?:ringing|crying|boiling|barking)"
    "|(?:there's |there is )?(?:someone|somebody)(?:'s| is)? (?:at the door|here|calling(?: me)?|knocking|coming)"
    f"|be right back|brb|back in {_SPAN}|(?:i'm|i am) (?:busy|thinking|on (?:the|a|another) (?:phone|call))"
    "|(?:i have|i've got|i got|i'm getting) (?:a|another) (?:phone )?call"
)
_REASON_ZH = (
    "我?(?:先|要|得|去|来)*接(?:个|一下|一个)?(?:电话|手机)|有人(?:在?敲门|来了?|找我|按门铃|叫我|打电话)"
    "|(?:电话|手机|门铃)响了?|来电话了?|有(?:个|我的)?电话|我这?边?有(?:点|个)?事儿?|我(?:先)?忙(?:一下|着|点事儿?)?"
    "|我(?:先|要|得)*去(?:一下|一趟|去就来|看看|看一下|开个?门|关个?[火门窗]|上?个?(?:厕所|洗手间|卫生间)|倒杯水"
    "|拿个?(?:东西|笔|纸|快递)|取个?快递)|我?(?:马上|很快|这就)(?:就)?(?:回来|来)"
    ""
    "|(?:让?我)(?:先|要|得|再|来)*(?:想想|想一想|想一下|考虑一下|记一下|记下来|找一?找|找一下|看一下|看看|喝口水|喝点水)"
)
_STOP = PhraseRules(
    (_SILENT_ZH, "?" + _SPAN_ZH, "?" + _POLITE_ZH),
    (_STOP_ZH, "?" + _POLITE_ZH),
    ("?你", _ASKED_ZH, "?你", "?先|请", f"{_SILENT_ZH}|不(?:说话|出声|说|讲|念)[了啦]?", "?" + _SPAN_ZH, "?吗|么|嘛"),
    (_SILENT_EN, "?" + _SPAN),
    (_STOP_EN,),
    (_ASKED_EN, _NOT_TALK_EN),
    (_MIND_EN, _BEING_SILENT_EN, "?" + _SPAN),
)
# What may stand beside one without making it a question: "ok stop please", 你先停, and all that listeners say.
_BESIDE = (
    "喂|先|请|吧|一下|一会儿|一点|点|些|你|那|快|快点|赶快|赶紧|马上|给我|麻烦你?|求你|拜托|稍微|真的|我",
    f"no|hey|please|just|now|sorry|excuse me|you can|{_ASKED_EN}|i said|{_TAIL_EN}|there|but|let's|let me"
    "|actually|i'll have to",
)
_BEFORE = PhraseRules(*((words,) for words in _BESIDE), beside=[LISTENING])
_REASONS = PhraseRules((_REASON_ZH, "?了|啊|哈|呢"), (_REASON_EN,), (_I_MUST, _ERRAND_EN, "?first"))
_ONLY = PhraseRules(beside=[_STOP, _BEFORE])
_BESIDE_REASON = PhraseRules(beside=[_REASONS, _BEFORE])
_REMEMBERED = 64  # texts, as in `backchannel`
_LONGEST_BEFORE = 60  # letters: an order that comes later does not begin the text


@lru_cache(_REMEMBERED)
def orders_silence(text: str) -> bool:
    """Whether `text` begins with an order to stop, whatever follows: "stop", "等一下我想问…"."""
    plain = normalised(text)[:_LONGEST_BEFORE]
    return not is_backchannel(text) and _STOP.follow(plain, _BEFORE.reached(plain))


def is_only_stop(text: str) -> bool:
    """Whether `text` is such an order and nothing else, or its reason: it asks for silence, not for an answer."""
    plain = normalised(text)
    return orders_silence(text) and (_ONLY.make_up(plain) or _ends_with_reason(plain))


def _ends_with_reason(plain: str) -> bool:
    """Whether it is an order and then why: "hold on, my phone is ringing"."""
    return any(_BESIDE_REASON.make_up(plain[start:]) for start in _ONLY.reached(plain) if start)
