"""What people dictate, as a table: the words that name it, and the forms that it has when it is whole, or only begun.

Lengths are those of numbering plans and standards: E.164 and the national plans of China, North America and Britain for
telephones, GB 11643 for identity numbers, ISO/IEC 7812 for cards, GA 36 for number plates, ICAO 9303 for passports,
IATA for flights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from huiyin.assistant.turns.spelt import NUMBER_WORDS, PROVINCES

Written = Literal["digits", "letters", "words"]
"""Digits alone; digits and letters; or any words, in lower case and without marks, "@" and "." as "at" and "dot"."""


@dataclass(frozen=True)
class Kind:
    """Something that is dictated. `names`: how the assistant's question, or the user just before it, calls it.

    The first of these patterns that matches all of what was dictated decides: `whole`: nothing can follow; `open`: it
    may be all, and may go on; `part`: more must come.
    """

    names: re.Pattern[str]
    announces: re.Pattern[str]  # a name at the end, with what may follow it: "card number is"
    written: Written
    whole: re.Pattern[str]
    open: re.Pattern[str]
    part: re.Pattern[str]


_IS = (
    r"[^\w+']|'s\b|\b(?:is|it's|its|that's|was|would|be|my|um+|uh+|er|well|okay|ok|sure|yes|yeah)\b"
    "|就?是|为|呢|嗯|呃|那个|好的?|您|你|叫|吧"
)
IS = f"(?:{_IS})*"
"""What may stand before what is dictated, besides its name."""
LINK = rf"(?:{_IS}|\b(?:goes|starts|with|at|on|back|to|under|the|number|code)\b|号码?)*"
"""... or between the name and digits."""
_NEVER = r"(?!)"


def _kind(names: str, written: Written, *, whole: str = _NEVER, open: str = _NEVER, part: str = _NEVER) -> Kind:
    patterns = (re.compile(pattern) for pattern in (whole, open, part))
    return Kind(re.compile(names), re.compile(f"(?:{names}){LINK}$"), written, *patterns)


# -- what is spelt

_TELEPHONE_ZH = (
    r"(?:\+?86)?1[3-9]\d{9}"  # mobile
    r"|0(?:10|2\d)\d{8}|0[3-9]\d{2}[2-9]\d{7}|(?!400|800)[2-8]\d{7}"  # landline, with its area and without
    r"|[48]00\d{7}"
)
_TELEPHONE_ZH_OPEN = r"[2-8]\d{6}|0[3-9]\d{9}|1[0-2]\d{1,3}|9[56]\d{3}"  # landlines of 7 digits; hotlines
_TELEPHONE = r"(?:\+?1)?[2-9]\d{9}|0\d{10}|\+44\d{10}|\+61\d{9}"  # North America, Britain, Australia
_TELEPHONE_OPEN = r"[2-9]\d{6,7}|0\d{9}|911|999|112|\+\d{8,14}"
_CARD = r"3[47]\d{13}|(?!62)[2-6]\d{15}|62\d{17}"
_IDENTITY = r"[1-9]\d{5}(?:19|20)\d{9}[\dx]"
_PLATE = f"[{PROVINCES}]?[a-z]"
_FLIGHT = r"(?:[a-z]{2}|[a-z]\d|\d[a-z])"

SPELT = (
    _kind(r"\bcv[vc]2?\b|security code|安全码", "digits", whole=r"\d{3}", part=r"\d{1,2}"),
    _kind(r"\bzip(?: ?code)?", "digits", whole=r"\d{5}|\d{9}", part=r"\d{1,4}|\d{6,8}"),
    _kind(
        r"post(?:al)? ?codes?|邮政编码|邮编",
        "letters",
        whole=r"[a-z]{1,2}\d[a-z\d]?\d[a-z]{2}|[a-z]\d[a-z]\d[a-z]\d|\d{6}",
        open=r"\d{5}",
        part=r"[a-z\d]{1,6}",
    ),
    _kind(
        r"(?:verification|access|authentication|one[- ]time) (?:pass)?codes?|passcode|\botp\b|验证码|校验码|动态码",
        "digits",
        whole=r"\d{6}",
        open=r"\d{4,5}|\d{7,}",
        part=r"\d{1,3}",
    ),
    _kind(
        r"\bpin\b(?: ?code| number)?|password|密码|口令",
        "letters",
        whole=r"\d{6}",
        open=r"[a-z\d]{4,}",
        part=r"[a-z\d]{1,3}",
    ),
    _kind(r"身份证", "letters", whole=r"[1-9]\d{16}[\dx]", part=r"[\dx]{1,17}"),
    _kind(r"social security", "digits", whole=r"\d{9}", part=r"\d{1,8}"),
    _kind(
        r"passport|护照",
        "letters",
        whole=r"[a-z]\d{8}|[a-z]{2}\d{7}|\d{9}",
        open=r"[a-z]\d{7}",
        part=r"[a-z\d]{1,8}",
    ),
    _kind(
        r"车牌|牌照",
        "letters",
        whole=rf"{_PLATE}(?![a-hjk])[a-z\d]{{5}}|{_PLATE}[a-z\d]{{6}}",
        open=rf"{_PLATE}[a-z\d]{{5}}",  # an eighth sign, of electric cars
        part=rf"[{PROVINCES}]?[a-z\d]{{0,5}}",
    ),
    _kind(r"(?:licen[cs]e|number) plate|registration", "letters", open=r"[a-z\d]{5,8}", part=r"[a-z\d]{1,4}"),
    _kind(
        r"车次|高铁|动车|火车|[坐乘]",
        "letters",
        whole=r"[cdgkltyz]\d{4}",
        open=r"[cdgkltyz]\d{1,3}|\d{4}",
        part=r"[cdgkltyz]|\d{1,3}",
    ),
    _kind(
        r"flight|航班", "letters", whole=rf"{_FLIGHT}\d{{4}}", open=rf"{_FLIGHT}\d{{3}}|\d{{3,4}}", part=r"[a-z\d]{1,4}"
    ),
    _kind(
        r"(?:订单|快递|运单|流水|序列|合同|发票|会员|取件|案件)编?单?[号码]|[单编账帐学工]号"
        r"|(?:order|tracking|reference|booking|confirmation|account|serial|policy|member(?:ship)?|invoice|ticket|case"
        r"|customer|student|employee|model|routing) (?:number|code|id)|\bid number",
        "letters",
        open=r"[a-z\d]{2,}",
        part=r"[a-z\d]",
    ),
    _kind(r"\bcode\b|兑换码|优惠码|邀请码|激活码|取件码", "letters", whole=r"\d{6}", open=r"[a-z\d]+"),
    _kind(r"\bextension\b|分机", "digits", open=r"\d{1,5}"),
    _kind(r"\b(?:room|suite|apartment|flat)\b|房间|房号", "letters", open=r"[a-z\d]{1,2}"),
    _kind(r"\bcard\b|卡的?号|银行卡|信用卡", "digits", whole=_CARD, open=r"62\d{14}", part=r"\d{1,18}"),
    _kind(r"spel[lt]|\bletters?\b|怎么拼|拼写|字母", "letters", open=r"[a-z0]{2,}"),  # "O" may be a 0
    _kind(
        r"电话|手机|座机|固话|联系方式|号码",
        "digits",
        whole=_TELEPHONE_ZH,
        open=_TELEPHONE_ZH_OPEN,
        part=r"\+?\d{1,12}",
    ),
    _kind(
        r"\b(?:tele)?phone|\bmobile|\bcell\b|\b(?:call|contact|reach|text|ring) (?:me|you)",
        "digits",
        whole=_TELEPHONE,
        open=_TELEPHONE_OPEN,
        part=r"\+?\d{1,10}",
    ),
)
"""In this order: what "the card's security code" asks for is not the card's number."""

NAME = _kind(r"\bname\b|名字", "letters", open=r"[a-z0]{2,}")
"""Most are said, not spelt."""
NUMBER_ZH = _kind("号", "digits", whole=rf"{_TELEPHONE_ZH}|{_IDENTITY}", open=r"\+?(?:\d{3}|\d{5,}|0\d{3})")
NUMBER = _kind("number", "digits", whole=_TELEPHONE, open=r"\+?\d{3,}")
"""A number of which nothing is known but its digits; that it may be a telephone's. (一九八五 is a year.)"""


# -- what is said in words

_ORDINAL = (
    r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|[a-z]+t(?:een|ie)th)"
)
_NUM = rf"(?:\d+[a-z]?|{NUMBER_WORDS}|{_ORDINAL})"
_NUM_ZH = "[\\d零〇一二两三四五六七八九十]"
_MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_UNIT = "(?:one|two|three|four|five|six|seven|eight|nine)"
_TEEN = "(?:ten|eleven|twelve|[a-z]+teen)"
_YEAR = (
    r"(?:(?:19|20)(?:\d[1-9]|[01]0)"  # 1970 may be a "nineteen seventy" that goes on
    rf"|(?:nineteen|twenty) (?:{_TEEN}|oh {_UNIT}|[a-z]+ty {_UNIT})|two thousand (?:and )?{_UNIT})"
)
_FEW = r"(?:\S+ ){0,4}"
_DAY = rf"(?:{_NUM}.*\b{_MONTH}|{_MONTH}.*\b{_NUM})"
_AT, _DOT = "(?<![a-z])at(?![a-z])", "(?<![a-z])dot(?![a-z])"
_STREET = "(?:street|road|avenue|lane|drive|boulevard|square|court|close|crescent|terrace|parkway|highway)"
_PLACE_ZH = "(?:[省市区县镇乡村路街巷弄号栋幢楼院]|大道|单元|小区|花园|广场|大厦)"
_TIMES = "(?:hundred|thousand|million|billion)"
_SUM = rf"(?:\S+ ){{0,5}}{_NUM}(?: \S+){{0,5}} {_TIMES}"

SAID = (
    _kind(
        r"\be[- ]?mail|邮箱|电子邮|邮件地址|电邮",
        "words",
        whole=rf".+{_AT}.+{_DOT} (?!(?:co|ac|edu|gov)$)[a-z]{{2,4}}",
        open=rf".+{_AT}.+{_DOT} (?:co|ac|edu|gov)|.+{_AT} ?(?:gmail|hotmail|outlook|yahoo|icloud|qq|foxmail)"
        rf"|.+{_DOT} (?:com|net|org|cn)",  # the "at" was misheard
        part=r"(?!.*\b(?:the|on|in|you|your|have|isn't)\b)(?:[!-~零〇一二三四五六七八九]{1,12} ?){1,5}",
    ),
    _kind(
        r"\baddress|\blives? (?:at|on)\b|(?:send|deliver|ship|post|mail|bring) (?:(?:it|them|this|that) )?to\b"
        r"|地址|住在?哪?里?|[送寄]到|收货",
        "words",
        whole=rf".* [a-z]{{1,2}}\d[a-z\d]? ?\d[a-z]{{2}}|.*{_NUM_ZH}[室房]",  # ends in a post code, a room
        open=rf"(?:\S+ )?{_NUM}(?: \S+){{0,7}}|.* {_STREET}|.*{_PLACE_ZH}{_NUM_ZH}{{0,6}}",
    ),
    _kind(
        r"\bborn\b|birthday|birth ?date|date of birth|生日|出生|哪天生",
        "words",
        whole=rf"{_FEW}{_DAY}.* {_YEAR}|(?:19|20)\d\d \d\d? \d\d?|.*年.*月.*[日号]",
        open=rf"(?!in ){_FEW}(?:{_DAY}|{_NUM})|.*月.*[日号]",
        part=rf"(?!in ){_FEW}(?:of|the|and|{_MONTH})|(?![在于]).{{0,3}}{_NUM_ZH}{{2,4}}年?|.*年{_NUM_ZH}{{1,2}}月?",
    ),
    _kind(
        r"how much|\b(?:price|budget|amount|costs?|total|comes? to|pay|paid|charged?|spen[dt]|worth|balance|owe"
        r"|transfer|salary|earn)\b|多少钱|金额|价[格钱]|预算|[一总]共|总价|[花付转欠赚]了?|工资|租金|押金",
        "words",
        open=rf"{_SUM}|(?:\S+ ){{0,5}}\d[\d ]*00|[^ ]{{0,4}}(?:{_NUM_ZH}[^ ]*[百千万亿]|\d+00)",
        part=rf"{_SUM} and",
    ),
)

BEGUN = re.compile(
    rf"\b(?:in|since|year|from|until|till) (?:nineteen|eighteen)$|\b{_NUM} (?:of|point)$|\b(?:half|quarter) past$"
)
"""A year, date, figure or time of which more must come, whatever is before it."""
MAY_GO_ON = re.compile(
    rf"\b{_NUM} (?:\S+ ){{1,3}}{_STREET}$|\bon the (?:[a-z]+ty )?{_ORDINAL}$"
    rf"|(?<![在于到]){_NUM_ZH}{{4}}年$|{_NUM_ZH}月$"
)
"""An address or a date that may be all: "twelve baker street", "on the third"."""
