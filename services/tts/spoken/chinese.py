"""Digits and signs in Chinese text, as they are read aloud: 3.5% -> 百分之三点五, 10:05 -> 十点零五分, 2个 -> 两个.

The order of the rules matters (see `rules.apply`).
"""

from __future__ import annotations

import re

from huiyin.services.common.text import HAN
from huiyin.services.tts.spoken.numbers import cardinal_zh, digits_zh, number_zh
from huiyin.services.tts.spoken.rules import BOUND, NUMBER, TO, TO_SIGNS, Rules, has_digits, rule
from huiyin.services.tts.spoken.words import called, one_of

_MONEY: dict[str, str] = called("money", "zh")
_UNITS: dict[str, str] = called("units", "zh")
_UNIT = one_of(_UNITS)
# 2 is 两 before a measure word, 二 elsewhere; 二 too in 2年级, 2等奖, 2点五.
_COUNTED = re.compile(
    r"\s*(?:(?:小时|星期|公里|英里|公斤|美元|欧元|英镑|平方|立方|厘米|毫米|毫升|世代)"
    r"|[个只本次位张条件块天岁种家台杯份辆名双封间座棵朵首场遍倍斤秒周对句层口套批项片段头匹栋碗瓶盒包把部副小点"
    r"支夜晚人米元万千百亿吨亩升克里步款顿篇样边侧页局轮趟队组类处者行列枚颗滴笔声下道幅届架艘株根面门成折集盘圈]"
    r"|年(?![级纪])|分(?!之))"
)
_YEAR_FROM, _YEAR_TO = 1000, 2199
_OPERATORS: dict[str, str] = called("operators", "zh")
_SIGNS = {**_OPERATORS, "&": "和", "%": "百分号", "@": " at ", "~": "到"}
_DIGIT = "零一二三四五六七八九十"
_ROUND = {"100": "百", "1000": "千", "10000": "万"}
_IS = r"(?:(?:是|为|：|:)\s*)?"
_CODE_CUE = (
    r"(?:验证码|密码|订单号|订单|单号|卡号|编号|学号|工号|尾号|邮编|账号|号码|代码|口令|房号|QQ|PIN|ID)"
    rf"\s*(?:(?:号|码)\s*)?{_IS}"
)
_PHONE_CUE = r"(?:拨打|拨|打|电话|热线|致电|呼叫|手机号?|客服)(?:是|为|：|:)?\s*"
_RATIO_CUE = rf"(?:比分|比例|比率|赔率|配比|比|以|得分|大胜|战胜|战平|落后|领先)\s*{_IS}"


def read_chinese(text: str) -> str:
    """`text`, Chinese, with its digits and signs in Chinese words.

    >>> read_chinese("涨了3.5%，到2024年5月1日10:05")
    '涨了百分之三点五，到二零二四年五月一日十点零五分'
    """
    if has_digits(text):
        text = _NUMBERS.apply(text)
    return _BETWEEN_WORDS.apply(text)


def _count(number: str, following: str) -> str:
    """The number as it is said before `following`: 2个 -> 两."""
    return "两" if number == "2" and _COUNTED.match(following) else number_zh(number)


def _after(match: re.Match[str]) -> str:
    return match.string[match.end() : match.end() + 4]


def _date(match: re.Match[str]) -> str:
    words = f"{digits_zh(match['year'])}年{cardinal_zh(int(match['month']))}月"
    return words + f"{cardinal_zh(int(match['day']))}日"


def _time(match: re.Match[str]) -> str:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    words = ("两" if int(hour) == 2 else cardinal_zh(int(hour))) + "点"
    if int(minute) or second:
        words += ("零" if minute[0] == "0" and int(minute) else "") + cardinal_zh(int(minute)) + "分"
    if second:
        words += ("零" if second[0] == "0" and int(second) else "") + cardinal_zh(int(second)) + "秒"
    return words


def _year(match: re.Match[str]) -> str:
    return digits_zh(match[0]) if _YEAR_FROM <= int(match[0]) <= _YEAR_TO else number_zh(match[0])


def _range(match: re.Match[str]) -> str:
    percent = "百分之" if match["pa"] or match["pb"] else ""
    unit = _UNITS.get(match["unit"] or "", "")
    after = "" if match["pb"] else unit or _after(match)
    first, second = _count(match["a"], after), _count(match["b"], after)
    if match.string[: match.start()].endswith("第"):
        first = number_zh(match["a"])
    minus = ("零下" if "度" in unit else "负") if match["minus"] else ""
    return f"{percent}{minus}{first}到{percent}{second}{unit}"


def _money(match: re.Match[str]) -> str:
    number = _whole(match["n"])
    scale = match["scale"].strip()
    return _count(number, scale or "元") + scale + _MONEY[match["sign"]]


def _whole(number: str) -> str:
    """Money without the zeros at its end: 99.90 -> 99.9, 5.00 -> 5."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _unit(match: re.Match[str]) -> str:
    unit = _UNITS[match["unit"]]
    counted = "两" if match["n"] == "2" and match["unit"][0] != "°" else number_zh(match["n"])
    if match["minus"]:
        return ("零下" if match["unit"][0] == "°" else "负") + counted + unit
    return counted + unit


def _fraction(match: re.Match[str]) -> str:
    if float(match["a"]) >= int(match["b"]):  # 24/7, a score
        return f"{number_zh(match['a'])}、{number_zh(match['b'])}"
    whole = _ROUND.get(match["b"]) or number_zh(match["b"])
    return f"{whole}分之{number_zh(match['a'])}"


def _named(match: re.Match[str]) -> str:
    """A number that belongs to a name: A4, H264; after a hyphen small ones are numbers: COVID-19."""
    number = match["n"]
    small = bool(match["hyphen"]) and len(number) <= 2
    return number_zh(number) if small or "." in number else digits_zh(number)


def _version(match: re.Match[str]) -> str:
    first, *rest = match["n"].split(".")
    address = len(rest) == 3 and not match["v"]
    words = digits_zh(first) if address else number_zh(first)
    return (match["v"] or "").upper().strip() + "点".join([words, *map(digits_zh, rest)])


def _phone(match: re.Match[str]) -> str:
    """Digit by digit, 1 as 幺: telephones, rooms, trains."""
    return digits_zh(match[0], one="幺")


def _sign(match: re.Match[str]) -> str:
    return _SIGNS[match[0].strip()]


def _term(match: re.Match[str]) -> str:
    """A number and the operator after it, in a sum; known by its equals sign, as 10-3 alone may be a range."""
    return number_zh(match["a"]) + _OPERATORS[match["op"]]


_TIME = r"(?P<hour>[01]?\d|2[0-4])[:：](?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d))?(?![\d:：])"
_NUMBERS = Rules(
    rule(BOUND + r"(?P<year>[12]\d{3})(?P<by>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=by)"
         r"(?P<day>0?[1-9]|[12]\d|3[01])(?![\d.]*\d)", _date, "-/."),
    rule(r"(?<![\d.])(?P<v>[vV]\s?)?(?P<n>\d+(?:\.\d+){2,})(?!\d)", _version, "."),
    rule(r"(?<![\d.A-Za-z])(?P<v>[vV]\s?)(?P<n>\d+(?:\.\d+)*)(?!\d)", _version, "vV"),
    # Telephones: mobile, area code, service lines, short numbers after a word for calling.
    rule(BOUND + r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)", _phone),
    rule(BOUND + r"(?:0\d{2,3}-?\d{7,8}|[48]00-?\d{3,4}-?\d{3,4})(?!\d)", _phone),
    rule(rf"(?P<cue>{_PHONE_CUE})(?P<n>1\d{{2}}|1\d{{4}}|9\d{{4}}|\d{{7,8}})(?![\d.个次分块元%:：])",
         lambda m: m["cue"] + digits_zh(m["n"], one="幺"), "拨打电热致呼手客"),
    rule(rf"(?P<cue>{_CODE_CUE})(?P<n>\d{{3,}})(?![\d.])", lambda m: m["cue"] + digits_zh(m["n"]), "号码单编令QID"),
    rule(BOUND + r"\d{3,4}(?=\s*(?:房间|室|教室|号房|寝室|病房|路公交|路车))", _phone, "房室路"),
    rule(r"(?<=[GDCKTZ])\d{2,4}(?=次)", _phone, "次"),
    rule(rf"(?P<cue>{_RATIO_CUE})(?P<a>\d{{1,3}})[:：](?P<b>\d{{1,3}})(?![\d:：])",
         lambda m: f"{m['cue']}{number_zh(m['a'])}比{number_zh(m['b'])}", ":："),
    rule(BOUND + r"(?P<a>\d\d?[:：]\d\d)" + TO + r"(?=\d\d?[:：]\d\d)", lambda m: m["a"] + "到", TO_SIGNS),
    rule(BOUND + _TIME, _time, ":："),
    rule(BOUND + r"(?P<a>\d{1,3})[:：](?P<b>\d{1,3})(?!\d)",
         lambda m: f"{number_zh(m['a'])}比{number_zh(m['b'])}", ":："),
    # Years digit by digit; 2000年前 and 5000年历史 are amounts.
    rule(BOUND + r"(?P<n>\d000)(?=\s*(?:多|余)?年(?:前|来|间|之久|历史|以来|的历史))",
         lambda m: _count(m["n"], ""), "年"),
    rule(r"(?<=《)\d{4}(?=》)", lambda m: digits_zh(m[0]), "《"),
    rule(BOUND + r"(?P<a>(?:19|20)\d\d)" + TO + r"(?P<b>(?:19|20)\d\d)(?![\d.%-])",
         lambda m: f"{digits_zh(m['a'])}到{digits_zh(m['b'])}", TO_SIGNS),
    rule(r"(?<=\d米)\d\d?(?!\d)", lambda m: digits_zh(m[0]), "米"),
    rule(BOUND + r"[12]\d{3}(?=\s*年|" + TO + r"[12]\d{3}\s*年)", _year, "年"),
    rule(rf"(?<![A-Za-z\d.)\]~–—至-])(?P<minus>-)?(?P<n>{NUMBER})\s*(?P<unit>°[CF]?)(?![A-Za-z])", _unit, "°"),
    rule(BOUND + rf"(?P<a>{NUMBER})\s*(?P<op>[-+*/×x÷])\s*(?={NUMBER}\s*[-+*/×x÷=]\s*(?:{NUMBER}|[?？]))", _term,
         "-+*/×x÷"),
    rule(BOUND + rf"(?P<a>{NUMBER})\s*(?P<op>[-+*/×x÷])\s*(?P<b>{NUMBER})\s*=",
         lambda m: f"{_term(m)}{number_zh(m['b'])}等于", "="),
 
           rule(rf"{BOUND}(?P<minus>(?<![A-Za-z\d.)])-)?(?P<a>{NUMBER})(?P<pa>%?){TO}(?P<b>{NUMBER})(?P<pb>%?)(?:\s*(?P<unit>{_UNIT})(?![A-Za-z]))?(?![\d-])",
         _range, TO_SIGNS),
    # A minus, not a hyphen or a dash: at the start, after a mark, or after a word that a value follows.
    rule(r"(?:(?<![\w.)\]-])|(?<=[是为到度约温于至从长]))-(?=\d+(?:\.\d+)?%)", "负", "%"),
    rule(rf"(?P<minus>(?:(?<![\w.)\]-])|(?<=[是为到度约温于至从]))-)(?P<n>{NUMBER})\s*(?P<unit>{_UNIT})(?![A-Za-z])",
         _unit, "-"),
    rule(r"(?:(?<![\w.)\]-])|(?<=[是为到度约温于至从]))-(?=\d)", "负", "-"),
    rule(rf"(?<!\d)(?P<n>{NUMBER})\s*%", lambda m: "百分之" + number_zh(m["n"]), "%"),
    rule(rf"(?<!\d)(?P<n>{NUMBER})\s*‰", lambda m: "千分之" + number_zh(m["n"]), "‰"),
    rule(BOUND + r"(?<![A-Za-z] )(?P<a>\d{1,4}(?:\.\d+)?)/(?P<b>[1-9]\d{0,7})(?![\d/])", _fraction, "/"),
    rule(rf"(?P<sign>HK\$|US\$|[¥$€£₩₹])\s*(?P<n>{NUMBER})(?P<scale>\s*[百千万亿]*)", _money, "¥$€£₩₹"),
    rule(rf"{BOUND}(?P<n>{NUMBER})(?=\s*[百千万亿]*(?:美元|欧元|英镑|元|块钱?))",
         lambda m: _count(_whole(m["n"]), _after(m)),
         "元镑块"),
    rule(rf"{BOUND}(?P<minus>)(?P<n>{NUMBER})\s*(?P<unit>{_UNIT})(?![A-Za-z\d])", _unit),
    rule(rf"(?<=第)\s*(?P<n>{NUMBER})", lambda m: number_zh(m["n"]), "第"),
    rule(r"(?<=[A-Z]{2} )(?<!USD )(?<!RMB )(?<!CNY )(?<!GDP )(?P<hyphen>)(?P<n>\d{3,4})(?![\d.,])", _named, " "),
    rule(rf"(?<=[A-Za-z])(?P<hyphen>[-_]?)(?P<n>{NUMBER})", _named),
    rule(rf"{BOUND}(?P<n>{NUMBER})", lambda m: _count(m["n"], _after(m))),
    rule(NUMBER, lambda m: number_zh(m[0])),
)  # fmt: skip
# The digits are words by now.
_BETWEEN_WORDS = Rules(
    rule(r"(?<=[年月日号点分时秒一二三四五六七八九零十])\s*[-~–—]\s*(?=[一二三四五六七八九零十两])", "到", "-~–—"),
    rule(rf"(?<=[{_DIGIT}百千万亿])\+(?=[个人次种年天岁元块万亿台只家篇页项条本名位])", "多", "+"),
    rule(rf"(?<=[{_DIGIT}百千万亿])\+(?!\s*[{_DIGIT}两负A-Za-z(])", "以上", "+"),
    rule(r"(?<=\w)\s*=\s*(?=[?？]|$)", "等于", "="),
    rule(r"(?<=[\w)])\s*[≥≤≈≠±×÷=]\s*(?=[\w(])|(?<=[\w+)])\s+[<>+*]\s+(?=[\w(])|(?<=[\w)])[<>+*](?=[\w(])", _sign,
         "≥≤≈≠±×÷=<>+*"),
    rule(r"(?<=\w)\s*&\s*(?=\w)|(?<!\w)[±≈≥≤]\s*(?=\w)", _sign, "&±≈≥≤"),
    rule(r"~\s*(?=[一二三四五六七八九零十两百])", "约", "~"),
    rule(r"m²|㎡", "平方米", "²㎡"),
    rule(r"\s*²", "的平方", "²"),
    rule(r"\s*³", "的立方", "³"),
    rule(r"(?<=[万亿元块次个人台米里克斤升])/(?=小时|分钟?|秒|天|日|周|月|年|人|次|个|吨|公斤|斤|平方米|米)",
         "每", "/"),
    rule(rf"(?<=[{HAN}])/(?=[{HAN}])", "、", "/"),
)  # fmt: skip
