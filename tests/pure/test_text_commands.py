"""The commands about texts, and what a Chinese character is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from huiyin.services.common.text import HAN, HANGUL, KANA, WIDE, count_han, is_chinese
from huiyin.services.tts import g2p_zh
from huiyin.services.tts.spoken.__main__ import main as speech_text


def table(folder: Path, *rows: str) -> str:
    path = folder / "texts.tsv"
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return str(path)


def test_speech_text_of_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, "id\ttext", "a\t**2个**苹果", r"b	- one\n- two", "c\t😀", "d\t3:30")
    assert speech_text(["--tsv", path, "--voice", "zh"]) == 0
    assert capsys.readouterr().out == "a\t两个苹果。\nb\tone. two.\nc\t\nd\t三点三十分。\n"


def test_speech_text_of_one_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert speech_text(["It", "costs", "$5"]) == 0
    assert speech_text(["😀"]) == 1
    assert capsys.readouterr().out == "It costs five dollars.\n(nothing)\n"


def test_readings_of_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, "a\t你好，world", "b\t银行的行长", "c\tnothing")
    assert g2p_zh.main(["--tsv", path]) == 0
    assert capsys.readouterr().out == "a\t你ni2 好hao3\nb\t银yin2 行hang2 的de5 行hang2 长zhang3\nc\t\n"


def test_characters_without_a_reading_keep_their_places() -> None:
    assert list(g2p_zh.readings("𪜀𪜁你好")) == [("𪜀", "𪜀"), ("𪜁", "𪜁"), ("你", "ni2"), ("好", "hao3")]


@pytest.mark.parametrize(("row", "message"), [("no tab", "line 1"), (None, "No such file")])
def test_a_table_that_cannot_be_read_is_explained(
    row: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path, row) if row else str(tmp_path / "missing.tsv")
    with pytest.raises(SystemExit) as ended:
        speech_text(["--tsv", path])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_chinese_characters() -> None:
    assert is_chinese("abc 中")
    assert not is_chinese("abc，。 ひらがな カタカナ 한글 ䷀ Ａ")
    assert count_han("㐀一鿿豈𠮷 a1") == 5
    assert re.fullmatch(f"[{KANA}]+", "ひカー")
    assert re.fullmatch(f"[{HANGUL}]+", "한글")
    assert re.fullmatch(f"[{WIDE}]+", "中ひ，。「」Ａ１𠮷豈")
    assert not re.search(f"[{HAN}{WIDE}]", "aé1,한 ")
