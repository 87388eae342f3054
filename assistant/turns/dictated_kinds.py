"""What people dictate, as a table: the words that name it, and the forms that it has when it is whole, or only begun.

Lengths are those of numbering plans and standards: E.164 and the national plans of China, North America and Britain for
telephones, GB 11643 for identity numbers, ISO/IEC 7812 for cards, GA 36 for number plates, ICAO 9303 for passports,
IATA for flights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from huiyin.assistant.turns.spelt import NUMBER_WORDS, PROVINCES, UNITS

Written = Literal["digits", "letters", "words"]
"""Digits alone; digits and letters; or any words, in lower case and without marks, "@" and "." as "at" and "dot"."""


@dataclass(frozen=True)
class Kind:
    """Something that is dictated. `names`: how the user calls it, just before it; of what is spelt it reaches to the
    end of the text before it ("card number is"). `asks`: how a question asks for it.

    The first of these patterns that matches all of what was dictated decides: `whole`: nothing can follow; `open`: it
    may be all, and may go on; `part`: more must come.
    """

    names: re.Pattern[str]
    asks: re.Pattern[str]
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
LINK = rf"(?:{_IS}|\b(?:goes|starts|with|back|under|the|number|code)\b|号码?)*"
"""... or between the name and digits."""
_NEVER = r"(?!)"


def _kind(
    names: str, written: Written, *, asks: str = "", whole: str = _NEVER, open: str = _NEVER, part: str = _NEVER
) -> Kind:
    """`asks`: "": a question that has one of the names asks for it."""
    named = names if written == "words" else f"(?:{names}){LINK}$"
    patterns = (re.compile(pattern) for pattern in (whole, open, part))
    return Kind(re.compile(named), re.compile(asks or names), written, *patterns)


# -- what is spelt

_MOBILE_ZH = r"(?:\+?86)?1[3-9]\d{9}"
_TELEPHONE_ZH = (
    rf"{_MOBILE_ZH}"
    r"|0(?:10|2\d)\d{8}|0[3-9]\d{2}[2-9]\d{7}|(?!400|800)[2-8]\d{7}"  # landline, with its area and without
    r"|[48]00\d{7}"
)
_TELEPHONE_ZH_OPEN = r"[2-8]\d{6}|0[3-9]\d{9}|1[0-2]\d{1,3}|9[56]\d{3}"  # landlines of 7 digits; hotlines
_TELEPHONE = r"(?:\+?1)?[2-9]\d{9}|0\d{10}|\+44\d{10}|\+61\d{9}"  # North America, Britain, Australia
_TELEPHONE_OPEN = r"[2-9]\d{6,7}|0\d{9}|911|999|112|\+\d{8,14}"
_CARD = r"3[47]\d{13}|(?!62)[2-6]\d{15}|62\d{17}"
_PLATE = f"[{PROVINCES}]?[a-z]"
_FLIGHT = r"(?:[a-z]{2}|[a-z]\d|\d[a-z])"

# A question of something that has more than its number ("what phone do you have?") asks for the number itself.
_END = r"\W*(?:please\W*)?$"
_END_ZH = r"(?:号码?|是|为|多少|什么|几号|呢|吗|给我|告诉我|报一下|说一下|留一下|[,，、])*\W*$"
_WHAT_IS_YOUR = r"(?:what(?:'s| is)|\b(?:have|get|give me|tell me|confirm|enter)|^\W*(?:and )?)(?: ?your| ?the)"
_OF_YOURS_ZH = "[您你的家报留供下入写填个](?:联系)?"
_CALLING = r"\b(?:call|reach|contact|text|ring|phone)\b"

SPELT = (
    _kind(r"\bcv[vc]2?\b|security code|安全码", "digits", whole=r"\d{3}", part=r"\d{1,2}"),
    _kind(r"\bzip(?: ?code)?\b", "digits", whole=r"\d{5}|\d{9}", part=r"\d{1,4}|\d{6,8}"),
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
        asks=rf"\bpin (?:code|number)|\bpin\b{_END}|password{_END}|密码{_END_ZH}|口令{_END_ZH}",
        whole=r"\d{6}",
        open=r"[a-z\d]{4,}",
        part=r"[a-z\d]{1,3}",
    ),
    _kind(r"身份证", "letters", asks=rf"身份证号|身份证{_END_ZH}", whole=r"[1-9]\d{16}[\dx]", part=r"[\dx]{1,17}"),
    _kind(r"social security", "digits", whole=r"\d{9}", part=r"\d{1,8}"),
    _kind(
        r"passport|护照",
        "letters",
        asks=rf"passport number|{_WHAT_IS_YOUR} passport{_END}|护照号|护照{_END_ZH}",
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
    _kind(
        r"(?:licen[cs]e|number) plate|registration",
        "letters",
        asks=r"(?:licen[cs]e|number) plate|registration (?:number|plate)",
        open=r"[a-z\d]{3,8}",
        part=r"[a-z\d]{1,2}",
    ),
    _kind(
        r"车次|高铁|动车|火车|[坐乘]",
        "letters",
        asks=r"车次|几次列?车|哪[一个]?[趟次班]",
        whole=r"[cdgkltyz]\d{4}",
        open=r"[cdgkltyz]\d{1,3}",
        part=r"[cdgkltyz]",
    ),
    _kind(
        r"flight|航班",
        "letters",
        asks=rf"flight (?:number|code)|(?:what|which) flight (?:is|are|was|were)\b"
        rf"|航班号|哪[一个]?[趟次班个]航班|(?<!点的)航班{_END_ZH}",
        whole=rf"{_FLIGHT}\d{{4}}",
        open=rf"{_FLIGHT}\d{{3}}|\d{{3,4}}",
        part=r"[a-z\d]{1,4}",
    ),
    _kind(
        r"(?:订单|快递|运单|流水|序列|合同|发票|会员|取件|案件)编?单?[号码]|[单编账帐学工]号"
        r"|(?:order|tracking|reference|booking|confirmation|account|serial|policy|member(?:ship)?|invoice|ticket|case"
        r"|customer|student|employee|model|routing) (?:number|code|id)\b|\bid number",
        "letters",
        open=r"[a-z\d]{2,}",
    ),
    _kind(
        r"(?<!error )(?<!status )(?<!exit )(?<!area )\bcode(?: (?:is|was)|'s)\b|兑换码|优惠码|邀请码|激活码|取件码",
        "letters",
        asks=rf"{_WHAT_IS_YOUR}(?: \S+)? code{_END}|\b(?:enter|read|say|provide)\b(?: \S+){{0,4}} code\b"
        r"|\bcode (?:from|in the|on the|you|we|that|i)\b|兑换码|优惠码|邀请码|激活码|取件码",
        whole=r"\d{6}",
        open=r"[a-z\d]{2,}",
    ),
    _kind(r"\bextension\b|分机", "digits", open=r"\d{1,5}"),
    _kind(r"\b(?:room|suite|apartment|flat) number|房间号|房号", "letters", open=r"[a-z\d]{1,2}"),
    _kind(
        r"\bcard\b|卡的?号|银行卡|信用卡",
        "digits",
        asks=rf"card number|number (?:on|of) .*card|{_WHAT_IS_YOUR} card{_END}|卡的?号|[银信][行用]卡{_END_ZH}",
        whole=_CARD,
        open=r"62\d{14}",
        part=r"\d{1,18}",
    ),
    _kind(
        r"spel[lt](?:ed|s|ing)?\b|\bletters?\b|怎么拼|拼写|字母",
        "letters",
        asks=r"(?<!do i )(?<!should i )\bspel[lt]|letter by letter|\bletters? (?:of|in)\b|怎么拼|拼写|字母",
        open=r"[a-z0]{2,}",  # "O" may be a 0
    ),
    _kind(
        r"手机",
        "digits",
        asks=rf"手机号|{_OF_YOURS_ZH}手机{_END_ZH}",
        whole=_MOBILE_ZH,
        open=_TELEPHONE_ZH_OPEN,
        part=r"\+?\d{1,12}",
    ),
    _kind(
        r"电话|座机|固话|联系方式|号码",
        "digits",
        asks=rf"(?:电话|座机|固话)号|{_OF_YOURS_ZH}(?:电话|座机|固话){_END_ZH}|^\W*(?:联系)?电话{_END_ZH}"
        rf"|联系方式|(?<!多大)(?<!什么)号码{_END_ZH}|(?<!多大)(?<!什么)号码[,，、]",
        whole=_TELEPHONE_ZH,
        open=_TELEPHONE_ZH_OPEN,
        part=r"\+?\d{1,12}",
    ),
    _kind(
        r"\b(?:tele)?phone|\bmobile|\bcell\b"
        r"|\b(?:call|contact|reach|text|ring) (?:me|you)(?: back)? (?:at|on)\b",
        "digits",
        asks=rf"\b(?:(?:tele)?phone|mobile|cell|contact|callback) number|\bnumber\b.*{_CALLING}|{_CALLING}.*\bnumber"
        rf"|{_WHAT_IS_YOUR}(?: (?:tele)?phone| mobile| cell| number){_END}",
        whole=_TELEPHONE,
        open=_TELEPHONE_OPEN,
        part=r"\+?\d{1,10}",
    ),
    _kind(r"\bmy number", "digits", asks=_NEVER, whole=_TELEPHONE, open=r"\+?\d{3,}"),
)
"""In this order: what "the card's security code" asks for is not the card's number."""

NAME = _kind(r"\bname\b|名字", "letters", open=r"[a-z0]{2,}")
"""Most are said, not spelt."""
NUMBER_ZH = re.compile(r"\+?(?:\d{3}|\d{5,}|0\d{3})")
NUMBER = re.compile(r"\+?\d{3,}")
"""A number of which nothing is known but its digits: it may always go on. (一九八五 is a year.)"""


# -- what is said in words

_ORDINAL = (
    r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|[a-z]+t(?:een|ie)th)"
)
_CARDINAL = rf"(?:\d+[a-z]?|{NUMBER_WORDS})"
_NUM = rf"(?:{_CARDINAL}|{_ORDINAL})"
_NUM_ZH = "[\\d零〇一二两三四五六七八九十]"
_MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_UNIT = f"(?:{'|'.join(UNITS)})"
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
_TIMES = "(?:thousand|million|billion)"
_SUM = rf"(?:\S+ ){{0,5}}{_NUM}(?: \S+){{0,5}} {_TIMES}(?: {_NUM} hundred)?"
"""From a thousand on: who stops after a hundred has mostly said all."""

_MAIL = r"\be[- ]?mail"
_MAIL_WHOLE = rf"(?:(?!{_AT}).)+{_AT}.+{_DOT} (?!(?:co|ac|edu|gov)$)[a-z]{{2,4}}"
_MAIL_OPEN = (
    rf"(?:(?!{_AT}).)+{_AT}.+{_DOT} (?:co|ac|edu|gov)|.+{_AT} ?(?:gmail|hotmail|outlook|yahoo|icloud|qq|foxmail)"
    rf"|.+{_DOT} (?:com|net|org|cn)"  # the "at" was misheard
)
_MAIL_WORD = "[!-&(-~零〇一二三四五六七八九]{1,12}"
# What is said about e-mail, and begins no address of it.
_NO_ADDRESS = (
    r"a|an|the|this|that|these|my|your|our|his|their|same|one|ones|all|i|i'm|i'll|im|ill|you|he|she|it|we|they|me"
    r"|him|us|them|is|are|am|was|be|have|has|had|do|does|did|can|will|would|should|isn't|isnt|not|no|never|yes"
    r"|please|thanks|thank|on|in|of|for|from|to|with|about|by|and|or|but|because|since|if|so|too|very|really|just"
    r"|only|also|still|always|already|again|now|later|soon|here|there|back|up|down|out|off|away|today|tomorrow"
    r"|ready|full|empty|slow|late|fast|gone|lost|broken|stuck|dead|new|old|long|short|great|good|bad|fine|okay"
    r"|wrong|right|important|urgent|private|public|secret|huge|big|small|weird|strange|online|offline|gmail|outlook"
    r"|hotmail|yahoo|icloud|open|spam|junk|fake|safe|easy|hello|hi|go|ahead|read|write|like|what|when|why|how|who"
    r"|where|[a-z]{3,}(?:ing|ed|ly|able|ible|ful|less|ous|ive|ated|ial|ual)"
)
_BIRTH_EN = rf"{_FEW}{_DAY}.* {_YEAR}"
_BIRTH_ZH = "[^年]*年[^月]*月[^日号]*[日号]"
_BIRTH_WHOLE = rf"{_BIRTH_EN}|(?:19|20)\d\d \d\d? \d\d?|{_BIRTH_ZH}"
_BIRTH_PART = (
    rf"(?!in ){_FEW}(?:of|the|and)|(?![在于])[^ a-z\d]{{0,3}}(?:[零〇一二三四五六七八九]{{2,4}}年?|\d{{2,4}}年)"
    rf"|[^年]*年{_NUM_ZH}{{1,2}}月?"
)
_MONEY = r"\b(?:cost|pay|spend|owe|earn|charge|transfer|budget|invest|worth)"

SAID = (
    _kind(
        rf"{_MAIL}(?: address)?(?: is|'s)\b|邮箱(?:地址|账?号)?[是为]|邮件地址[是为]",
        "words",
        asks=rf"{_MAIL} address|{_WHAT_IS_YOUR}(?: \S+)? e[- ]?mail{_END}|\bspell .*{_MAIL}"
        rf"|\b(?:what|which|best) e[- ]?mail\b.*\b(?:use|reach|contact|under|have|registered|send|account)\b"
        rf"|邮[箱件]地址|电邮地址|邮箱{_END_ZH}",
        whole=_MAIL_WHOLE,
        open=_MAIL_OPEN,
        part=rf"(?:(?=.*{_DOT})|(?!.*\b(?:{_NO_ADDRESS})(?: |$))){_MAIL_WORD}(?: {_MAIL_WORD}){{0,4}}",
    ),
    _kind(rf"{_MAIL}|邮箱|邮件|电邮", "words", asks=_NEVER, whole=_MAIL_WHOLE, open=_MAIL_OPEN),
    _kind(
        r"\baddress|\blives? at\b|(?:send|deliver|ship|post|mail|bring) (?:(?:it|them|this|that) )?to\b"
        r"|地址|[送寄]到|收货",
        "words",
        asks=r"\baddress\b(?! (?:book|list|bar))|\bwhere\b.*\b(?:live|send|deliver|ship|post|mail|bring)"
        r"|地址|住在?(?:哪|什么地方)|[送寄]到(?:哪|什么)|收货",
        whole=rf".* [a-z]{{1,2}}\d[a-z\d]? ?\d[a-z]{{2}}|.*{_NUM_ZH}[室房]",  # ends in a post code, a room
        open=rf"(?!{_UNIT}$|\d$){_CARDINAL}(?: (?:hundred|and|{_CARDINAL}|[a-z])){{0,7}}"
        rf"|.*\b{_CARDINAL} (?:\S+ ){{1,3}}{_STREET}(?: \S+){{0,4}}|.* {_STREET}|.*{_PLACE_ZH}{_NUM_ZH}{{0,6}}",
    ),
    _kind(
        r"birth ?date|date of birth|出生日期",
        "words",
        asks=r"when .*\bborn\b|birth ?date|date of birth|出生日期|出生年月|什么时候出生|哪天出?生",
        whole=_BIRTH_WHOLE,
        open=rf"(?!(?:.* )?in |{_YEAR}$|\d{{4}}$){_FEW}(?:{_DAY}|{_NUM})|[^月]*月[^日号]*[日号]",
        part=rf"{_BIRTH_PART}|{_MONTH}",
    ),
    _kind(
        r"birthday|\bi was born on|生日|我出生", "words", asks="birthday|生日", whole=_BIRTH_WHOLE, part=_BIRTH_PART
    ),  # most have no year
    _kind(
        r"\b(?:price|budget|amount|costs?|total|comes? to|pay|transfer)\b"
        r"|金额|价[格钱]|预算|[一总]共|总价|转账?",
        "words",
        asks=rf"how much (?:money|is|was)\b|how much .*{_MONEY}|\b(?:price|budget|amount|total|salary)\b"
        "|多少钱|金额|价[格钱]|预算|总价|工资|租金|押金",
        open=rf"{_SUM}|(?:\S+ ){{0,5}}\d[\d ]*\d00"
        rf"|(?!.*[到至])[^ ]{{0,4}}(?:{_NUM_ZH}[^ ]*[千万亿](?:[^ ]*百)?|\d+\d00)",
        part=rf"{_SUM} and",
    ),
)

BEGUN = re.compile(
    rf"\b(?:in|since|year|from|until|till) (?:nineteen|eighteen)$|\b{_NUM} of$|\b(?!one\b){_NUM} point$"
    r"|\bhalf past$|(?<!a )\bquarter past$"
)
"""A year, date, figure or time of which more must come, whatever is before it."""
