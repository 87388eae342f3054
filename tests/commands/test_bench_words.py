"""What `huiyin bench` prints: "not measured" where there is no GPU, and all of it in Chinese, too."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator

import pytest

from benchmarks.echo.__main__ import _COLUMNS, CANCELLERS
from benchmarks.echo.scenes import CONDITIONS, SCENE_S
from benchmarks.output import in_words
from benchmarks.recogniser import gpu_memory, gpu_speed
from huiyin.assistant.faces.cli import main
from huiyin.assistant.faces.cli.options import COMMANDS
from huiyin.configs import messages

MISSING = "PyTorch 2.0 finds no GPU"
NAMES = {"huiyin", "stock", "fp", "GPU", "MB", "GB", "PyTorch", "ERLE", "STOI", "SI", "SDR"}


@pytest.fixture
def chinese() -> Iterator[None]:
    messages.speak("zh")
    yield
    messages.speak("en")


def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    for module in (gpu_speed, gpu_memory):
        monkeypatch.setattr(module, "why_not", lambda: MISSING)
        monkeypatch.setattr(module, "start", lambda *rest: pytest.fail("nothing can be measured"))
        module.run(Namespace(device="cuda", precision="auto", lengths=None, model=None, threads=[1], rounds=1))
    shown = capsys.readouterr()
    return [*shown.err.splitlines(), *(line for line in shown.out.splitlines() if line.startswith("| "))]


def test_what_is_missing_is_what_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench"]) == 2
    assert "required: WHAT;" in capsys.readouterr().err


def test_the_options_of_a_measurement_are_those_that_it_knows() -> None:
    options = COMMANDS["bench"]["echo"]["arguments"]
    assert tuple(options["--canceller"]["choices"]) == CANCELLERS
    assert tuple(options["--condition"]["choices"]) == CONDITIONS
    assert options["--seconds"]["default"] == SCENE_S


def test_without_a_gpu_the_tables_say_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(monkeypatch, capsys)
    assert lines.count(f"nothing is measured: {MISSING}") == 2
    tables = [line for line in lines if line.startswith("| ") and "---" not in line]
    assert "| seconds for | 15 s | 1 min | 3 min | 5 min | 10 min | 15 min |" in tables[0]
    assert sum("not measured" in line for line in tables) == 16 and len(tables) == 20


@pytest.mark.usefixtures("chinese")
def test_in_chinese_nothing_of_it_is_english(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [*printed(monkeypatch, capsys), *(in_words(head) for _, head, _ in _COLUMNS)]
    assert set(re.findall("[A-Za-z]{2,}", "\n".join(lines))) <= NAMES
    assert in_words("the 16 callers' p95, of the fair share").startswith("16 个调用者")
    assert in_words("no such sentence") == "no such sentence"
