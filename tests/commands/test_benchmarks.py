"""What `python -m benchmarks.…` says where it is asked for wrongly: one line, before anything is measured."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.command import (
    WrongOption,
    above_zero,
    as_command,
    existing_file,
    existing_folder,
    language_model,
    one_or_more,
    writable,
    zero_or_more,
)
from tests.support import ROOT

PROGRAMS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): source
    for path in sorted((ROOT / "benchmarks").rglob("*.py"))
    if "ArgumentParser(" in (source := path.read_text("utf-8"))
}
WITH_SETTINGS = [name for name, source in PROGRAMS.items() if '"--set"' in source and "args.set" in source]


def test_all_end_the_same_way() -> None:
    assert len(PROGRAMS) > 40
    assert [name for name, source in PROGRAMS.items() if not source.endswith("\n    as_command(main)\n")] == []


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_a_wrong_setting_is_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--set", "asr.treads=1"])
    with pytest.raises(SystemExit) as end:
        as_command(importlib.import_module(name).main)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("no setting asr.treads (did you mean 'asr.threads'?)")


def test_a_status_is_passed_on_and_a_fault_is_not_hidden() -> None:
    for status in (None, 0, 1):
        with pytest.raises(SystemExit) as end:
            as_command(lambda status=status: status)
        assert end.value.code == status
    with pytest.raises(SystemExit) as end:
        as_command(lambda: 1 if above_zero("0") else 0)
    assert end.value.code == 2
    with pytest.raises(ZeroDivisionError):
        as_command(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (one_or_more, "0", "0: must be at least 1"),
        (one_or_more, "many", "'many' is not a whole number"),
        (zero_or_more, "-1", "-1: must be at least 0"),
        (above_zero, "0", "0: must be more than 0"),
        (above_zero, "inf", "inf: must be more than 0"),
        (above_zero, "nan", "nan: must be at least 0"),
        (existing_file, ".", "there is no file ."),
        (existing_folder, "no/where", "there is no folder no/where"),
        (language_model, "nonesuch.gguf", "no model file 'nonesuch.gguf' in the catalog"),
        (writable, "no/where", "no/where cannot be written"),
    ],
)
def test_a_wrong_value_is_refused(kind: Callable[[str], object], wrong: str, said: str) -> None:
    with pytest.raises(WrongOption, match=f"^{said}"):
        kind(wrong)


def test_a_right_value_is_taken(tmp_path: Path) -> None:
    assert (one_or_more("1"), zero_or_more("0"), above_zero("0.5")) == (1, 0, 0.5)
    assert existing_folder(str(tmp_path)) == tmp_path and writable(str(tmp_path / "new.json")) == tmp_path / "new.json"
