"""Everything that the commands say is there in Chinese, too, with the same places for facts."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from huiyin.assistant.faces.cli import main, options
from huiyin.configs import messages
from huiyin.configs.tables import read_table

_WORDS = ("summary", "about", "help")


def _places(words: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(words) if name is not None)


@pytest.mark.parametrize("room", messages.rooms())
def test_every_message_has_chinese_words_with_the_same_facts(room: str) -> None:
    for name, row in messages.table(room).items():
        for english, chinese in (("en", "zh"), ("hint_en", "hint_zh")):
            if english in row:
                assert chinese in row, f"{room}.{name} has no {chinese}"
                assert _places(row[chinese]) == _places(row[english]), f"{room}.{name}"


def _said(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _said(value, (*path, key))
        elif key in _WORDS:
            yield (*path, key)


def test_every_command_and_option_is_described_in_chinese() -> None:
    folder = Path(options.__file__).parent
    english, chinese = (set(_said(read_table(folder / f"commands{name}.toml"))) for name in ("", ".zh"))
    assert chinese == english


@pytest.mark.parametrize(
    ("environment", "arguments", "begins"),
    [
        ({"LANG": "zh_CN.UTF-8"}, [], "回音"),
        ({"LANG": "de_DE.UTF-8"}, [], "Huiyin"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, [], "Huiyin"),
        ({"HUIYIN_LANG": "zh", "LANG": "C"}, [], "回音"),
        ({"LANG": "zh_CN.UTF-8"}, ["--lang", "en"], "Huiyin"),
        ({"LANG": "C"}, ["--lang=zh"], "回音"),
    ],
)
def test_the_language_is_that_of_the_option_the_variable_or_the_system(
    environment: dict[str, str],
    arguments: list[str],
    begins: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "HUIYIN_LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        assert main.main([*arguments, "--help"]) == 0
        assert capsys.readouterr().out.startswith(begins)
        assert main.main([*arguments, "talk", "--nothing"]) == 2
        assert ("没有选项" in capsys.readouterr().err) == (begins == "回音")
    finally:
        messages.speak("en")


def test_an_error_within_an_error_and_a_list_speak_the_same_language() -> None:
    inner = messages.Message("cli.stdin_empty")
    outer = messages.Message("cli.nothing_playable", reasons=[inner, inner])
    assert outer.text("zh") == "标准输入是空的：没有文字；标准输入是空的：没有文字"
    assert outer.text("en").startswith("standard input is empty")
