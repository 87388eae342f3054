"""Everything that the commands say is there in Chinese, too, with the same places for facts."""

from __future__ import annotations

import errno
import os
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from huiyin.assistant.conversation import persona_files
from huiyin.assistant.faces.cli import main, options
from huiyin.assistant.faces.cli.terminal import columns
from huiyin.assistant.scenario import metrics
from huiyin.configs import messages
from huiyin.configs.choice.ladder import LADDERS
from huiyin.configs.reasons import reasons
from huiyin.configs.settings import sections
from huiyin.configs.tables import read_table
from huiyin.services import __main__ as services
from tests.support import ROOT
from tests.support.pseudo_language import plain_words

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


def test_the_examples_of_a_command_are_the_same_in_chinese() -> None:
    folder = Path(options.__file__).parent
    english, chinese = (dict(_examples(read_table(folder / f"commands{name}.toml"))) for name in ("", ".zh"))
    assert {name: [*map(_shape, lines)] for name, lines in english.items()} == {
        name: [*map(_shape, lines)] for name, lines in chinese.items()
    }


def _examples(table: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, list[str]]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _examples(value, f"{name} {key}")
        elif key == "about":
            yield name, [line.strip() for line in value.splitlines() if line.startswith("  huiyin ")]


def _shape(example: str) -> list[str]:
    """Command and options of an example, without its values and its explanation."""
    command = re.split(r"\s{3,}|  #", example)[0]
    return [command.split()[1], *re.findall(r"(?<!\S)--?[a-z][\w-]*", command)]


def test_the_help_of_a_command_fits_the_terminal_and_has_the_marks_of_its_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    try:
        assert main.main(["--lang", "zh", "models", "prune", "--help"]) == 0
    finally:
        messages.speak("en")
    _, about, *groups = capsys.readouterr().out.split("\n\n")
    assert about.endswith("先问一声。")
    assert [group.splitlines()[0] for group in groups] == ["参数：", "选项：", "每条命令都有的选项："]
    assert max(columns(line) for line in "\n".join(groups).splitlines()) <= 80
    assert main.main(["models", "prune", "--help"]) == 0
    assert "asks first.\n\npositional arguments:\n" in capsys.readouterr().out


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


def test_a_service_complains_in_the_language_of_the_command_that_started_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environ: dict[str, str] = {}

    def become(program: str, command: list[str], given: dict[str, str]) -> None:
        environ.update(given)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", become)
    monkeypatch.setenv("HUIYIN_LANG", "en")
    try:
        assert main.main(["--lang", "zh", "serve", "asr"]) == 0
    finally:
        messages.speak("en")
    assert environ["HUIYIN_LANG"] == "zh"
    for language, begins in (("zh", "huiyin：'0.0.0.0' 可以从"), ("en", "huiyin: '0.0.0.0' can be reached")):
        monkeypatch.setenv("HUIYIN_LANG", language)
        assert services.main(["asr", "--host", "0.0.0.0"]) == 2
        assert capsys.readouterr().err.startswith(begins)
        assert services.main(["asr", "--port", "99999"]) == 2
        assert ("客户端知道的端口" in capsys.readouterr().err) == (language == "zh")


def test_an_error_within_an_error_and_a_list_speak_the_same_language() -> None:
    inner = messages.Message("cli.stdin_empty")
    outer = messages.Message("cli.nothing_playable", reasons=[inner, inner])
    assert outer.text("zh") == "标准输入是空的：没有文字；标准输入是空的：没有文字"
    assert outer.text("en").startswith("standard input is empty")


def test_every_setting_has_its_reason_in_chinese() -> None:
    chinese = read_table(messages.FOLDER / "zh" / "settings.toml")
    shared = chinese.pop("shared")
    assert chinese.keys() == sections().keys()
    for name, kind in sections().items():
        known = reasons(kind).keys()
        assert chinese[name].keys() <= known, name
        assert known - chinese[name].keys() <= shared.keys(), f"{name}: a reason is missing in zh/settings.toml"


def test_figures_personas_and_models_are_described_in_chinese() -> None:
    assert read_table(messages.FOLDER / "zh" / "metrics.toml").keys() == metrics.NAMES.keys()
    for name in persona_files.names():
        assert "zh" in persona_files.load_persona(name).about, name
    rungs = [row for part, rows in read_table(LADDERS).items() if part != "proofs" for row in rows]
    assert [row["name"] for row in rungs if "worth_zh" not in row] == []


def test_the_system_s_own_words_are_told_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a.wav")
    message = messages.Message("cli.system", path="a.wav", why=missing.strerror)
    assert message.text("zh") == "a.wav：没有这个文件或目录"
    assert message.text("en") == "a.wav: No such file or directory"
    broken = messages.Message("ports.file_unreadable", path="a.wav", why="Invalid data found when processing input")
    assert broken.text("zh") == "a.wav：内容不是声音，或者已损坏"


def _chinese_texts() -> Iterator[tuple[str, str]]:
    """(where, text) of everything that stands in Chinese tables."""
    for room in messages.rooms():
        for name, row in messages.table(room).items():
            yield from ((f"{room}.{name}", row[key]) for key in ("zh", "hint_zh") if key in row)
    for file in ("settings", "metrics", "system"):
        yield from _texts(file, read_table(messages.FOLDER / "zh" / f"{file}.toml"))
    report = read_table(ROOT / "services" / "asr" / "report" / "words.toml")
    for kind, words in report.items():
        yield from ((f"{kind}.{name}", pair[1]) for name, pair in words.items() if isinstance(pair, list))
    page = (ROOT / "assistant" / "faces" / "web" / "page" / "i18n.js").read_text(encoding="utf-8")
    for key, _, chinese in re.findall(r'^  "?([\w.]+)"?: \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\]', page, re.M):
        yield key, chinese


def _texts(where: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _texts(f"{where}.{key}", value)
        else:
            yield f"{where}.{key}", value


_COMMAND = re.compile(r"\b(?:huiyin|pip|curl|openssl|brew|apt-get|python|modelscope) [^，；。：、（）]*")
_ENGLISH = re.compile(r"[A-Za-z]{2,}(?: [a-z]{2,}){2,}")  # three words in a row


def test_chinese_words_are_chinese() -> None:
    """But for commands, keys, names and terms, which are no sentences."""
    texts = ((where, _COMMAND.sub("", text)) for where, text in _chinese_texts())
    assert {where: found[0] for where, text in texts if (found := _ENGLISH.search(text))} == {}


def test_the_page_s_elements_have_no_words_of_their_own() -> None:
    folder = ROOT / "assistant" / "faces" / "web"
    for file in (folder / "page" / "index.html", folder / "login.html"):
        body = re.sub(r"\{%.*?%\}", "", file.read_text(encoding="utf-8")).partition("<body>")[2]
        shown = re.sub(r"<[^>]*>", " ", body)
        attributes = re.findall(r'\s(?:title|placeholder|aria-label|alt)="([^"]*)"', body)
        assert plain_words(" ".join([shown, *attributes])) - {"Esc"} == set(), file.name


_JS_TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_SENTENCE = re.compile(r"(?<![\w.$#/-])[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")


def test_the_page_s_modules_have_no_sentences_of_their_own() -> None:
    page, found = ROOT / "assistant" / "faces" / "web" / "page", {}
    for file in sorted(page.glob("*.js")):
        if file.name in ("i18n.js", "errors.js"):
            continue
        code = re.sub(r"^\s*(?://|/?\*).*$|\s// .*$", "", file.read_text(encoding="utf-8"), flags=re.M)
        texts = ["".join(pair) for pair in _JS_TEXT.findall(code)]
        if wrong := [text for text in texts if _SENTENCE.search(re.sub(r"\$\{[^}]*\}", "", text))]:
            found[file.name] = wrong
    assert found == {}


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("您", "你"),
        ("模型站", "模型社区"),
        ("话音到话音", "端到端延迟"),
        ("体检", "环境检查"),
        ("角色", "人设"),
        ("内嵌", "内置"),
    ],
)
def test_chinese_has_one_word_for_a_thing(word: str, right: str) -> None:
    pages = [ROOT / "README.zh-CN.md", *(ROOT / "docs" / "zh").glob("*.md")]
    texts = [*_chinese_texts(), *((page.name, page.read_text(encoding="utf-8")) for page in pages)]
    assert [where for where, text in texts if word in text] == [], f"say {right}"
