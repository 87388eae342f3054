"""A language in which nothing is written in plain letters: what a program still prints in them bypasses the tables.

Every word of the tables is written in wide letters, `Ｌｉｋｅ`, in place of the Chinese ones. Names, keys and code
that are put into a sentence keep their letters; `plain_words` leaves these out by their form, or by
`allowed_words.toml`.
"""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from huiyin.assistant.conversation import persona_files
from huiyin.assistant.faces.cli import language, options
from huiyin.assistant.scenario import metrics
from huiyin.assistant.scenario.agents.suite import families
from huiyin.assistant.scenario.moments import NAMES
from huiyin.configs import messages, reasons
from huiyin.configs.layers import profile_names
from huiyin.configs.settings import CONFIG_DIR, sections
from huiyin.configs.store.catalog import load_catalog
from huiyin.configs.tables import read_table

_WIDE = {code: code + 0xFEE0 for code in map(ord, string.ascii_letters)} | {ord("'"): "’", ord('"'): "＂"}
_NUMBER = re.compile(r"[<>]?\d*(?:\.\d+)?[fgd%]?")  # how a number is written: no words
_FACT = re.compile(r"%(?:\(\w+\))?[srd%]")  # of argparse
_ALLOWED = Path(__file__).with_name("allowed_words.toml")

_CODE = re.compile(
    r"""
      `[^`]*` | '[^'\n]*' | "[^"\n]*" | “[^”\n]*”   # quoted: a name, a value, what somebody said
    | \S*[/\\=_@|{}\[\]<>]\S*                        # a path, an address, key=value, [section]
    | (?<![\w-])--?[A-Za-z][\w-]*                    # an option
    | [\w-]+(?:[.:][\w*-]+)+                         # section.key, a file, HOST:PORT
    | (?<!\w)[A-Z][A-Z0-9-]+(?!\w)                   # HOST, SRT
    | [\w.-]*\d[\w.-]*(?:\ (?:ms|s|B|kB|MB|GB|Hz|dBFS|x)\b)?  # a number, with its unit; a version
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"[A-Za-z]{2,}")


def disguised(words: str) -> str:
    """A text in wide letters."""
    parts, end = [], 0
    for fact in _FACT.finditer(words):
        parts += [words[end : fact.start()].translate(_WIDE), fact[0]]
        end = fact.end()
    return "".join([*parts, words[end:].translate(_WIDE)])


def disguised_message(words: str) -> str:
    """The same for a text with facts in braces."""
    made = ""
    for literal, fact, form, conversion in string.Formatter().parse(words):
        made += literal.translate(_WIDE).replace("{", "{{").replace("}", "}}")
        if fact is not None:
            form = form if form is None or _NUMBER.fullmatch(form) else form.translate(_WIDE)
            made += "{" + fact + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "") + "}"
    return made


@pytest.fixture
def pseudo_language(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commands speak it in place of Chinese."""
    monkeypatch.setenv("HUIYIN_LANG", "zh")
    messages.speak("zh")
    monkeypatch.setattr(messages, "table", _messages)
    monkeypatch.setattr(options, "read_table", lambda path: _all_commands())
    options._spoken.cache_clear()
    monkeypatch.setattr(language, "_ARGPARSE_ZH", {text: disguised(text) for text in language._ARGPARSE_ZH})
    monkeypatch.setattr(reasons, "_chinese", _reasons)
    names = {name: disguised(text) for name, text in metrics.NAMES.items()}
    monkeypatch.setattr(metrics, "read_table", lambda path: names)
    yield
    messages.speak("en")
    options._spoken.cache_clear()


_table = messages.table


@cache
def _messages(room: str) -> dict[str, dict[str, str]]:
    return {name: _row(row) for name, row in _table(room).items()}


@cache
def _all_commands() -> dict[str, Any]:
    return _commands(read_table(Path(options.__file__).with_name("commands.toml")))


@cache
def _reasons() -> dict[str, dict[str, str]]:
    why: dict[str, dict[str, str]] = {"shared": {}}
    for name, kind in sections().items():
        why[name] = {key: disguised(text) for key, text in reasons.reasons(kind).items()}
    return why


def _row(row: Mapping[str, str]) -> dict[str, str]:
    """A message whose Chinese is its English in disguise."""
    english = {key: words for key, words in row.items() if key in ("en", "hint_en")}
    return {**english, **{key.replace("en", "zh"): disguised_message(words) for key, words in english.items()}}


def _commands(table: Mapping[str, Any]) -> dict[str, Any]:
    """The words of the table of commands, and nothing else of it."""
    said: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            said[key] = _commands(value)
        elif key in ("summary", "about", "help"):
            said[key] = disguised(value)
    return said


def plain_words(text: str) -> set[str]:
    """The words in plain letters that are neither code by their form nor allowed."""
    return {word for word in _WORD.findall(_CODE.sub(" ", text)) if word not in allowed_words()}


@cache
def allowed_words() -> frozenset[str]:
    """Names and terms that stand in Chinese text, too: those of the file, and what one types as it is."""
    listed = (word for row in read_table(_ALLOWED)["allowed"] for word in row["words"])
    return frozenset([*listed, *_typed_words()])


def _typed_words() -> Iterator[str]:
    """Commands, their actions and choices; settings, their names and choices; profiles, personas, model files; what a
    scenario is written with."""
    yield from ("true", "false", *persona_files.names(), *profile_names(CONFIG_DIR), *families())
    for file in load_catalog().files:
        yield from _WORD.findall(" ".join([file.name, file.licence, *file.profiles]))
    yield from _WORD.findall(" ".join([*NAMES, *metrics.NAMES]))
    yield from read_table(messages.FOLDER / "zh" / "tools.toml")
    bench = options.COMMANDS["bench"]
    measurements = {what: bench[what] for what in bench["arguments"]["what"]["choices"]}
    for name, command in (options.COMMANDS | measurements).items():
        yield from _WORD.findall(" ".join([name, *command.get("actions", ()), *command.get("arguments", ())]))
        for argument in command.get("arguments", {}).values():
            yield from _WORD.findall(" ".join(map(str, argument.get("choices", ()))))
    for name, kind in sections().items():
        yield name
        for setting in dataclasses.fields(kind):
            yield setting.name
            yield from _WORD.findall(" ".join(setting.metadata.get("choices") or ()))
