"""Cuts what the model claims to have done, or agrees to do, though it cannot: before the voice says it.

Likewise figures of today that it cannot know, and that it is human. Only where the user has asked for such a thing,
and no tool is there to do it: a story may say "I turned on the lamp". The clause that claims is replaced with a plain
sentence; what would follow builds on it, and is left out.
"""

from __future__ import annotations

import re

from huiyin.assistant.dialogue.language import language_of

# What the user asks for: an act on the world outside.
_ACTS = {
    "zh": re.compile(
        r"打开|[开关](?:一下)?(?:灯|空调|电视|音响|窗|门)|关[上掉闭]|调[到高低亮暗成]|提醒我|闹钟|叫我起|叫醒我"
        r"|打(?:个|一个|通)?电话|拨打|[发寄](?:条|个|一条|一封|封)?(?:短信|微信|消息|信息|邮件)"
        r"|[订买](?:一?[张个份束间]|票|餐|酒店|外卖)|下单|叫(?:个|一辆)?(?:车|外卖)|放(?:一?[首点个段])?.{0,8}(?:歌|音乐|曲)|播放"
        r"|上网|联网|网上"
    ),
    "en": re.compile(
        r"\b(?:turn (?:on|off|up|down|it|the)|switch (?:on|off|the)|dim the|set (?:an?|the|my) (?:alarm|timer|reminder"
        r"|heating|thermostat|temperature)|remind me|wake me|(?:call|phone|ring) (?!you\b|me\b|it\b|this\b|that\b|a\b)"
        r"|(?:send|text|e-?mail) (?!me\b)|(?:order|buy|book|reserve) (?:me |us )?(?:an?|the|some|two|tickets?)"
        r"|play (?:some|the|a song|music|jazz|my)|look (?:it|things|that|this|something) up|look up|online"
        r"|the (?:web|internet)"
        r"|(?:open|close|lock) the (?:door|window|garage|blinds))",
        re.I,
    ),
}
# How a model claims one: done, being done, about to be, or agreed to.
_CLAIMS = {
    "zh": re.compile(
        r"已(?:经)?[^，。]{0,6}(?:打开|开了|关|调|设|提醒|发|拨|打|订|买|播|放|查|找)"
        r"|(?:打开|关闭|关上|设置|设定|设|调|调整|订|发送|发|拨通|播放|放|下单|安排)(?:好了|好|完成|成功|了)(?:[，。！!～~]|$)"
        r"|正在|(?:马上|这就|现在就|立刻|立即)|我(?:会|来|将|去|就)?(?:准时|按时|为|帮|给|提醒|叫)(?:你|您|他|她|妈)"
        r"|我(?:会|来|将|去|可以|能|能够)[^，。不]{0,8}(?:上网|查|搜|打开|关|调|控制|打|拨|发|订|设|播|放|提醒|叫)"
        r"|^(?:好的|好|当然|当然可以|当然能|可以|可以的|能|是的|没问题|行|搞定|完成了)[，。！!～~]*$"
    ),
    "en": re.compile(
        r"\bI(?:['’]ve|['’]ll|['’]m| have| will| am| just| can)(?: (?:just|now|already|going to|gladly|help you))* "
        r"(?:turn|switch|dim|set|remind|wak|call|phon|ring|send|sent|text|e-?mail|order|buy|bought|book|reserv|play"
        r"|look|search|check|open|clos|lock|start|put|do|take)\w*"
        r"|\b(?:is|are|has been|have been)(?: now)? (?:on|off|set|sent|ordered|booked|playing)\b"
        r"|^(?:turning|switching|setting|calling|sending|ordering|playing|searching|booking|turned|sent|ordered)\b"
        r"|^(?:done|ok|okay|sure|sure thing|yes|certainly|of course|absolutely|no problem|alright)(?:, i can)?[,.!]*$",
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

    def __init__(self, user: str, language: str) -> None:
        """`user`: the words that are answered, in `language` ('zh' or 'en')."""
        kinds = (_ACTS, _CLAIMS, _INSTEAD), (_ASKS_LIVE, _LIVE, _LOOK), (_ASKS_WHO, _HUMAN, _WHO)
        self._watched = [(claims, instead[language]) for asks, claims, instead in kinds if asks[language].search(user)]
        self._is_cut = False

    def speak(self, clause: str) -> list[str]:
        """What is said of the next clause: it, a sentence in its place, or nothing behind such a one."""
        if self._is_cut:
            return []
        language = language_of(clause)
        for claims, instead in self._watched:
            if claims[language].search(clause) and not _DENIES.search(clause):
                self._is_cut = True
                return [instead]
        return [clause]
