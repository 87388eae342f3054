"""Stage directions and kaomoji: what a reply shows of its speaker, and no voice says. Pure functions.

A direction stands in brackets or between single stars, in a sentence of its own: "*leans back* Well.", （微微一笑）.
"""

from __future__ import annotations

import re
from pathlib import Path

from huiyin.configs.tables import read_table
from huiyin.services.common.text import HAN, is_chinese

_WORDS = {name: "|".join(words) for name, words in read_table(Path(__file__).with_name("directions.toml")).items()}

_EVENT = re.compile(
    rf"[\[【（(](?:softly |gently |warmly |轻轻|温柔地)?(?:{_WORDS['events']})(?: softly| gently| warmly)?[\]】）)]"
    rf"|(?<!\w)\*(?:{_WORDS['events']})(?: softly| gently| warmly)?\*(?!\w)"
    r"|[\[【](?:emotion|mood|tone|event|情绪|语气|心情|表情|事件)\s*[:：=][^\]】\n]{0,40}[\]】]",
    re.I,
)
_STARRED = re.compile(rf"(?<![\w*])\*([a-z{HAN}][a-z{HAN}' ,，、-]{{1,60}})\*(?!\*)")
_BRACKETED = re.compile(rf"[\[【（(]([a-zA-Z{HAN}][a-zA-Z{HAN}' ,，、-]{{1,40}})[\]】）)](?!\()")
_ACTION_EN = re.compile(
    rf"(?:(?:a|an|the|with a|with|in a|[a-z]+ly|soft|quiet|long|small|slow|deep|deliberate) ){{0,4}}"
    rf"(?:{_WORDS['actions_en']})(?:s|es|ing|ed)?\b",
    re.I,
)
_THIRD_PERSON = re.compile(r"(?:[a-z]+ly )?(?P<verb>[a-z]+s)\b")
_NOT_ACTION = frozenset(_WORDS["not_actions_en"].split("|"))
_ACTION_ZH = re.compile(_WORDS["actions_zh"])
_BEFORE = frozenset('.!?…。！？~～\n”"」*:：—]】)）')  # what a direction may follow; or nothing
_AFTER = frozenset(".!?…。！？，,~～\n")  # what may follow a direction behind a word; or nothing

# Faces. Between brackets: of nothing but these letters, with a sign that words do not have.
_IN_FACE = re.compile(r"[(（]([^()（）\n]{1,16})[)）]")
_FACE_LETTERS = frozenset("๑ﾟﾞoO0TtXxUuQqwWvVnmzZωдДヮツσᗜㅂㅅㅇ益皿ㅠㅜεЗヘへノﾉ゜ー人っづロﾛ口เ灬ಠಥᴥᴗʖฅงѡ")
_FACE_SIGNS = frozenset("・･´｀`▽﹏•◕°□ಥ╥￣∀≧≦｡ˊˋ◡˘ಠ‿๑゚⊙★☆♥✧◔ᴗ•̀́‵′╯╰╭╮ˇ■●○◎°¯ε☉⌒∇△ヮД╬")
_ASCII_FACE = re.compile(
    r"[\s。*;'\"=]{0,3}[\^><TOoXxUuQqn;=@.-][_.oOwWvuω-]{1,3}[\^><TOoXxUuQqn;=@.-][\s*;'\"=/]{0,3}"
)
_ARM = r"[\\/¯_ψ٩وง╯╰ヽ乁ﾉノへᕙᕗ✧︵┻━—┻彡☆★♪♡✿~づっ凸ᕦᕤ┬╮╭ε=]{0,9}"
_WORD_FACE = (
    r"(?<![A-Za-z])(?:QAQ|Q_Q|QwQ|QvQ|OwO|UwU|TAT|TwT|T_+T|T\.T|orz|Orz|OTZ|o_O|O_o|O_O|[xX]D)(?![A-Za-z])"
    r"|(?<!\w)(?:>_+<|>\.<|=_+=|-_+-|\^_*\^|;_+;)(?!\w)"
)
_FACES = re.compile(rf"{_ARM}[(（][^()（）\n]{{1,16}}[)）]{_ARM}|{_WORD_FACE}")
_MARK = "\x00"  # stands for a face until its neighbours are known
_REMOVED_FACES = re.compile(rf"(?<![ \t])[ \t]*{_MARK}[ \t{_MARK}]*")


def without_directions(text: str) -> str:
    """`text` without stage directions, and without what a recogniser writes of sounds: [laughs], 【情绪：开心】.

    >>> without_directions("*takes a deep breath* It is *very* good (I think)."), without_directions("（点了点头）好。")
    (' It is *very* good (I think).', '好。')
    """
    text = _EVENT.sub("", text)
    return _BRACKETED.sub(_unless_direction, _STARRED.sub(_unless_direction, text))


def _unless_direction(match: re.Match[str]) -> str:
    return "" if _stands_alone(match) and _is_action(match[1], starred=match[0][0] == "*") else match[0]


def _stands_alone(match: re.Match[str]) -> bool:
    """Whether it is a sentence of its own, or the end of one."""
    text = match.string
    before = text[max(0, match.start() - 3) : match.start()].rstrip(" ")[-1:]
    after = text[match.end() : match.end() + 3].lstrip(" ")[:1]
    if not after or after in _AFTER:
        return True
    return (not before or before in _BEFORE) and not after.islower()


def _is_action(words: str, *, starred: bool) -> bool:
    if is_chinese(words):
        return _ACTION_ZH.search(words) is not None
    if _ACTION_EN.match(words):
        return True
    third = _THIRD_PERSON.match(words)
    return starred and " " in words and third is not None and third["verb"] not in _NOT_ACTION


def without_kaomoji(text: str) -> str:
    """`text` without faces: a pause is left of one between two words.

    >>> without_kaomoji("太好了(^▽^)"), without_kaomoji("先走了QwQ 再见"), without_kaomoji("见(注1)")
    ('太好了', '先走了，再见', '见(注1)')
    """
    marked = _FACES.sub(_marked, text.replace(_MARK, ""))
    return _REMOVED_FACES.sub(_pause, marked) if _MARK in marked else marked


def _marked(match: re.Match[str]) -> str:
    bracketed = _IN_FACE.search(match[0])
    return match[0] if bracketed and not _is_face(bracketed[1]) else _MARK


def _pause(match: re.Match[str]) -> str:
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    if not (before.isalnum() and after.isalnum()):
        return " "
    return "，" if is_chinese(before + after) else " "


def _is_face(inside: str) -> bool:
    if inside in ("ツ",):
        return True
    letters = [c for c in inside if c.isalnum()]
    if any(c not in _FACE_LETTERS for c in letters):
        return False
    return not _FACE_SIGNS.isdisjoint(inside) or _ASCII_FACE.fullmatch(inside) is not None
