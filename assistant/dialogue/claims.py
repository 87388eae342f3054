"""Cuts what the model claims to have done, or agrees to do, though it cannot: before the voice says it.

Likewise figures of today that it cannot know, a wrong date, and that it is human. Only where the user has asked for
such a thing, and no tool is there to do it: a story may say "I turned on the lamp". The clause that claims is replaced
with a plain sentence; what would follow builds on it, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

from huiyin.assistant.dialogue.dates import DateCheck
from huiyin.assistant.dialogue.language import language_of

# What the user asks for: an act on the world outside, of the kinds that assistants with tools do. The first lines are
# devices and their settings, the second reminders and notes, then messages and orders, then music, the web and the way.
_ACTS = {
    "zh": re.compile(
        r"打开|[开关](?:一?下|个)?(?:灯|空调|电视|音响|窗|风扇|暖气|热水器|蓝牙)|关[上掉闭]|[开关](?:一?下|个)门|(?:^|请|我|能)开门|锁[上门]|调[到高低亮暗成大小]"
        r"|音量[调开放加减大小]|静音|截[个张]?[图屏]|拍[个张]照|录[个段][音像]"
        r"|提醒我|闹钟|叫我起|叫醒我|倒计时|定个?时|计时器|记一?下|记下来|备忘|购物清单|待办|日程"
        r"|打(?:个|一个|通)?电话|拨打|[发寄回](?:条|个|一条|一封|封)?(?:短信|微信|消息|信息|邮件)|转账|付款|充值|挂号"
        r"|[订买](?:一?[张个份束间]|票|餐|酒店|外卖)|预[订约]|下单|网购|叫(?:个|一?辆)?(?:车|出租车|外卖)|打[个辆]?车"
        r"|放(?:一?[首点个段])?.{0,8}(?:歌|音乐|曲)|播放|下一首|切歌|上网|联网|网上|搜索|搜一?[下搜]|查一?[下查]|导航"
    ),
    "en": re.compile(
        r"\b(?:turn (?:on|off|up|down|it|the)|switch (?:on|off|the)|dim the"
        r"|(?:set|start|stop|cancel|create|make) (?:an?|the|my) (?:\w+ )*(?:alarm|timer|countdown|reminder|heating"
        r"|thermostat|temperature|note|appointment)|remind me|wake me"
        r"|(?<!my )(?<!the )(?<!your )(?<!a )(?:call|phone|ring|dial)"
        r" (?!you\b|me\b|it\b|this\b|that\b|a\b(?! (?:taxi|cab)))"
        r"|(?:send|text|e-?mail) (?!me\b)"
        r"|(?:order|buy|book|reserve) (?:me |us )?(?:an?|the|some|two|tickets?)|get me a (?:taxi|cab|ride)"
        r"|play (?:some|the|a song|music|jazz|my)|look (?:it|things|that|this|something) up|look up|online"
        r"|the (?:web|internet))"
        # words with other senses: only where something is asked for with them
        r"|(?:^|[,.!?;] ?|\b(?:please|you|and|then|just|hey|okay|to) )"
        r"(?:(?:open|close|lock|unlock|raise|lower|mute|print) (?:the|my|this)|message (?!me\b)|transfer|next song"
        r"|(?:turn|put) the volume|take a (?:photo|picture|selfie|screenshot)|download|install|record|google|search"
        r"|navigate|(?:write|note) (?:that|this|it) down|(?:add|put) .{1,40} (?:to|on|in) (?:my|the|our) "
        r"|check (?:my|the)|pay (?:the|my|for))",
        re.I,
    ),
}
# How a model claims one: done, being done, about to be, or agreed to.
_CLAIMS = {
    "zh": re.compile(
        r"已(?:经)?(?:为|帮|给)?[^，。]{0,8}(?:了|好|成功|完成|打开|关|调|设|提醒|发|拨|打|订|买|播|放|查|找|记|加|定)"
        r"|(?:打开|关闭|关上|设置|设定|设|调|调整|订|定|发送|发|拨通|播放|放|下单|安排|记|记录|添加|加入|预约|叫)"
        r"(?:好了|好|完成|成功|了)(?:[，。！!～~]|$)"
        r"|正在|马上|这就|现在就|立刻|立即|记下(?:来)?了|开始(?:计时|倒计时)|计时开始"
        r"|我(?:会|来|将|去|就)?(?:准时|按时|为|帮|给|提醒|叫|通知|告诉)(?:你|您|他|她|妈)"
        r"|我(?:会|来|将|去|可以|能|能够)[^，。不]{0,8}(?:上网|查|搜|打开|关|调|控制|打|拨|发|订|定|设|播|放|提醒|叫|记|加|买)"
        r"|^(?:好的|好|好嘞|当然|当然可以|当然能|可以|可以的|能|会|是的|没问题|行|搞定|完成了|收到|明白)[，。！!～~]*$"
    ),
    "en": re.compile(
        r"\bI(?:['’]ve|['’]ll|['’]m| have| will| am| just| can)(?: (?:just|now|already|going to|gladly|help you))* "
        r"(?:turn|switch|dim|set|remind|wak|call|phon|ring|send|sent|text|messag|e-?mail|order|buy|bought|book|reserv|play"
        r"|look|search|check|open|clos|lock|start|stop|put|do|take|took|add|not(?:e|ing)|writ|wrote|creat|schedul|record"
        r"|rais|lower|mut|adjust|pay|paid|transfer|get|got|mak|made)\w*"
        r"|\b(?:is|are|has been|have been)(?: now)?"
        r" (?:on|off|open|closed|locked|set|sent|ordered|booked|playing|added|noted|started|running|scheduled|saved)\b"
        r"|^(?:turning|switching|setting|calling|sending|ordering|playing|searching|booking|starting|adding|opening|checking"
        r"|turned|sent|ordered|added|noted|booked|started|opened)\b"
        r"|^(?:done|got it|ok|okay|sure|sure thing|yes|certainly|of course|absolutely|no problem|alright|right away)"
        r"(?:, i can)?[,.!]*$",
        re.I,
    ),
}
_DENIES = re.compile(
    r"不能|无法|没法|没办法|做不到|不会|不了|不知道|没有|还没|如果|吗[？?]?$|[？?]$"
    r"|n['’]t\b|cannot|not\b|unable|sorry|if you",
    re.I,
)
_INSTEAD = {"zh": "抱歉，这个我做不到。", "en": "Sorry, I can't do that."}

# The same for figures and results that only a look outside could tell.
_ASKS_LIVE = {
    "zh": re.compile(
        r"气温|(?:[今明后昨]天|现在|外面|室外|这会儿).{0,8}(?:多少|几)度|^(?:多少|几)度|[金油房股]价|股[票市]|汇率"
        r"|(?:[今昨]|刚|[球比]赛).{0,12}(?:谁赢|比分|赢了)|比分"
    ),
    "en": re.compile(
        r"\bhow (?:warm|cold|hot) (?:is it|will it)|\btemperature (?:in|outside|today|now|right now|tomorrow)\b"
        r"|\b(?:outside|today['’]s|current) temperature|\bthe temperature[?.]?$|\bprice of|\bstocks?\b|\bexchange rate"
        r"|\bscore\b|\bwho (?:won|is winning)\b(?=.*\b(?:game|match|last night|yesterday|today|tonight)\b)",
        re.I,
    ),
}
_LIVE = {
    "zh": re.compile(r"多少度|几度|气温|[金油房股]价|股票|汇率|[球比]赛|比分|谁赢"),
    "en": re.compile(
        r"\b(?:how (?:warm|cold|hot)|temperature|price of|stocks?|exchange rate|score|who won|game)\b", re.I
    ),
}
_LIVE = {
    "zh": re.compile(r"[\d一二三四五六七八九十]\s*(?:度|℃|美?元|块|比)|赢了|获胜|平局"),
    "en": re.compile(r"\d\s*(?:°|degrees|dollars|points)|[$€£]\s*\d|\bwon\b|\bbeat\b|\d ?(?:-|to) ?\d", re.I),
}
_LOOK = {"zh": "抱歉，这个我现在查不到。", "en": "Sorry, I can't look that up."}

# The same for what it is.
_ASKS_WHO = {
    "zh": re.compile(r"你(?:到底|究竟)?是(?:不是)?(?:真|人|机器|AI)"),
    "en": re.compile(
        r"\b(?:are you|am i (?:talking|speaking) (?:to|with))\b.*\b(?:human|person|real|robot|machine|ai)\b", re.I
    ),
}
_HUMAN = {
    "zh": re.compile(r"我是(?:个|一个|一名)?(?:真人|人类|真实的人)|^(?:是的|当然|对)[，。！!]*$"),
    "en": re.compile(
        r"\bI(?:['’]m| am) (?:indeed )?(?:an? )?(?:real )?(?:human|person)|^(?:yes|of course|sure)[,.!]*$", re.I
    ),
}
_WHO = {"zh": "我是人工智能，不是人。", "en": "I'm an AI, not a human."}


class ClaimGuard:
    """Of one reply. Pure: clauses in, clauses to be spoken out."""

    def __init__(self, user: str, language: str, today: date) -> None:
        """`user`: the words that are answered, in `language` ('zh' or 'en')."""
        kinds = (_ACTS, _CLAIMS, _INSTEAD), (_ASKS_LIVE, _LIVE, _LOOK), (_ASKS_WHO, _HUMAN, _WHO)
        dates = DateCheck(user, language, today)
        self._watched: list[tuple[Callable[[str], bool], str]] = [(dates.is_false, dates.instead)]
        for asks, claims, instead in kinds:
            if asks[language].search(user):
                self._watched.append((partial(_claims, claims), instead[language]))
        self._is_cut = False

    def speak(self, clause: str) -> list[str]:
        """What is said of the next clause: it, a sentence in its place, or nothing behind such a one."""
        if self._is_cut:
            return []
        for is_false, instead in self._watched:
            if is_false(clause):
                self._is_cut = True
                return [instead]
        return [clause]


def _claims(claims: Mapping[str, re.Pattern[str]], clause: str) -> bool:
    return bool(claims[language_of(clause)].search(clause) and not _DENIES.search(clause))
