"""In which language the commands speak: Chinese or English."""

from __future__ import annotations

import argparse
import locale
import os
import sys
from collections.abc import Mapping, Sequence

from huiyin.configs.messages import speak

LANGUAGES = ("en", "zh")
_OPTION = "--lang"
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts, as POSIX has it

# What Python's own parser of arguments says.
_ARGPARSE_ZH = {
    "usage: ": "用法：",
    "options": "选项",
    "positional arguments": "参数",
    "show this help message and exit": "显示这份说明",
    "the following arguments are required: %s": "缺少参数：%s",
    "one of the arguments %s is required": "%s 中必须给一个",
    "argument %(argument_name)s: %(message)s": "参数 %(argument_name)s：%(message)s",
    "invalid choice: %(value)r (choose from %(choices)s)": "不能是 %(value)r；可以是 %(choices)s",
    "invalid %(type)s value: %(value)r": "%(value)r 不是 %(type)s",
    "expected one argument": "需要一个值",
    "expected at most one argument": "最多一个值",
    "expected at least one argument": "至少要一个值",
    "not allowed with argument %s": "不能与 %s 同用",
    "ignored explicit argument %r": "不带值，却给了 %r",
    "unrecognized arguments: %s": "不认识的参数：%s",
    "%(prog)s: error: %(message)s\n": "%(prog)s：%(message)s\n",
}


def use_language(arguments: Sequence[str]) -> None:
    """From here on all words are in the language that the command line, HUIYIN_LANG or the system asks for."""
    language = _asked(arguments) or os.environ.get("HUIYIN_LANG", "") or system_language(os.environ)
    speak("zh" if language == "zh" else "en")
    table = _ARGPARSE_ZH if language == "zh" else {}
    argparse._ = lambda text: table.get(text, text)  # type: ignore[attr-defined]  # else gettext, without a catalog


def system_language(environ: Mapping[str, str]) -> str:
    """'zh' where the user's system speaks Chinese, else 'en'."""
    named = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    if not named and sys.platform in ("win32", "darwin"):
        named = locale.getlocale()[0] or ""
    return "zh" if named.lower().startswith(("zh", "chinese")) else "en"


def _asked(arguments: Sequence[str]) -> str:
    """What ``--lang`` names, wherever it stands; a wrong one is the parser's to complain of."""
    for number, word in enumerate(arguments):
        if word == "--":
            break
        value = word.removeprefix(f"{_OPTION}=") if word.startswith(f"{_OPTION}=") else ""
        if word == _OPTION and number + 1 < len(arguments):
            value = arguments[number + 1]
        if value in LANGUAGES:
            return value
    return ""
