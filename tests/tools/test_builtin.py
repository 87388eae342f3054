"""The tools that come with Huiyin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from huiyin.assistant.tools.assemble import builtin_tools
from huiyin.assistant.tools.builtin.arithmetic import calculate
from huiyin.assistant.tools.memory import Memory
from huiyin.assistant.tools.own import ToolError
from huiyin.assistant.tools.reminders import Reminders

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Thursday


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def call(folder: Path, name: str, **arguments: Any) -> str:
    own = builtin_tools(Reminders(folder / "r.db"), Memory(folder / "m.db", "P"), now=lambda: NOW)
    (tool,) = [each for each in own if each.tool.name == name]
    return tool.call(arguments).one()


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("", "Thursday 2026-01-15 09:00"),
        ("东京", "10:00"),
        ("New York", "Wednesday 2026-01-14 20:00"),
        ("北京市", "09:00"),
        ("utc", "01:00"),
    ],
)
def test_the_time_here_and_elsewhere(folder: Path, place: str, shown: str) -> None:
    assert shown in call(folder, "get_time", place=place)


def test_a_place_without_a_zone_is_an_error(folder: Path) -> None:
    with pytest.raises(ToolError, match="Atlantis"):
        call(folder, "get_time", place="Atlantis")


def test_days_until_a_date(folder: Path) -> None:
    assert call(folder, "days_until", date="2026-02-01") == "Sunday 2026-02-01: in 17 days"
    assert call(folder, "days_until", date="2026-01-14").endswith("1 days ago")
    assert call(folder, "days_until", date="2026-01-15").endswith("today")
    with pytest.raises(ToolError, match="2026-01-31"):
        call(folder, "days_until", date="tomorrow")


@pytest.mark.parametrize(
    ("expression", "value"),
    [("0.15*80", 12), ("(3+4)/2", 3.5), ("2^10", 1024), ("3×4÷6", 2), ("sqrt(16) + abs(-2)", 6), ("7 // 2 % 2 =", 1)],
)
def test_sums(expression: str, value: float) -> None:
    assert calculate(expression) == pytest.approx(value)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "two plus two",
        "1/0",
        "9**9**9",
        "__import__('os').system('ls')",
        "(1).__class__",
        "'a'*9",
        "1e400",
        "a" * 300,
        "(-8)**0.5",
        "[1]*9",
        "(" * 150,
        "round(1, 2, 3)",
    ],
)
def test_what_is_no_sum_is_an_error(folder: Path, expression: str) -> None:
    with pytest.raises(ToolError):
        call(folder, "calculate", expression=expression)


@pytest.mark.parametrize(
    ("amount", "unit", "into", "shown"),
    [
        (100, "华氏度", "摄氏度", "37.77777778 摄氏度"),
        (3, "斤", "公斤", "1.5 公斤"),
        (10, "mile", "km", "16.09344 km"),
        (1, "亩", "平方米", "666.6666667 平方米"),
        (20, "celsius", "fahrenheit", "68 fahrenheit"),
        (100, "km/h", "mph", "62.13711922 mph"),
    ],
)
def test_units(folder: Path, amount: float, unit: str, into: str, shown: str) -> None:
    pytest.importorskip("pint")
    assert call(folder, "convert_units", amount=amount, from_unit=unit, to_unit=into) == shown


def test_units_that_do_not_fit_are_an_error(folder: Path) -> None:
    pytest.importorskip("pint")
    for unit, into in (("kg", "m"), ("dollar", "euro"), ("", "km"), ("quux", "km")):
        with pytest.raises(ToolError):
            call(folder, "convert_units", amount=1, from_unit=unit, to_unit=into)


def test_an_argument_that_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(ToolError, match="expression"):
        call(folder, "calculate")


@pytest.mark.parametrize(
    ("arguments", "due"),
    [
        ({"in_minutes": 5}, "09:05"),
        ({"in_minutes": "0.5"}, "09:00:30"),
        ({"at": "17:30"}, "17:30"),
        ({"at": "7点"}, "Friday 2026-01-16 07:00"),
        ({"at": "2026-02-01 10:00"}, "Sunday 2026-02-01 10:00"),
    ],
)
def test_reminders_are_set_listed_and_cancelled(folder: Path, arguments: Mapping[str, Any], due: str) -> None:
    assert due in call(folder, "set_reminder", text="tea", **arguments)
    assert "tea" in call(folder, "list_reminders")
    assert call(folder, "cancel_reminder", which="TEA") == "cancelled: tea"
    assert call(folder, "list_reminders") == "no reminders"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"in_minutes": -1},
        {"in_minutes": "soon"},
        {"in_minutes": 1e12},
        {"in_minutes": float("nan")},
        {"at": "25:00"},
        {"at": "2020-01-01 10:00"},
        {"at": "tomorrow"},
    ],
)
def test_a_reminder_at_no_time_is_an_error(folder: Path, arguments: Mapping[str, Any]) -> None:
    with pytest.raises(ToolError):
        call(folder, "set_reminder", text="tea", **arguments)
    assert call(folder, "list_reminders") == "no reminders"


def test_a_reminder_that_a_model_sets_twice_in_a_row_is_one(folder: Path) -> None:
    for minutes in (5, 5.1):
        assert call(folder, "set_reminder", text="tea", in_minutes=minutes).startswith("set: 1:")
    assert call(folder, "set_reminder", text="cake", in_minutes=5).startswith("set: 2:")
    assert call(folder, "set_reminder", text="tea", in_minutes=6).startswith("set: 3:")


def test_a_timer_set_while_the_last_one_is_spoken_is_another(folder: Path) -> None:
    for number in (1, 2):
        assert call(folder, "set_reminder", text="tea", in_minutes=0.1).startswith(f"set: {number}:")
        Reminders(folder / "r.db").begin(number, NOW)


def test_the_last_of_as_many_reminders_as_there_may_be_can_be_set_twice(folder: Path) -> None:
    reminders = Reminders(folder / "r.db")
    for number in range(99):
        reminders.set(NOW + timedelta(hours=2), f"{number}")
    for _ in range(2):
        assert call(folder, "set_reminder", text="tea", in_minutes=5).startswith("set: 100:")
    with pytest.raises(ToolError):
        call(folder, "set_reminder", text="cake", in_minutes=5)


def test_which_reminder_is_asked_where_that_is_not_clear(folder: Path) -> None:
    for text in ("tea", "cake"):
        call(folder, "set_reminder", text=text, in_minutes=5)
    with pytest.raises(ToolError, match=r"tea.*cake"):
        call(folder, "cancel_reminder")
    with pytest.raises(ToolError, match="which"):
        call(folder, "cancel_reminder", which="bread")


def test_facts_are_remembered_and_forgotten(folder: Path) -> None:
    call(folder, "remember", fact="My sister is called Ann.")
    assert "Ann" in call(folder, "recall", about="sister")
    assert call(folder, "forget", about="my sister") == "forgotten: My sister is called Ann."
    assert call(folder, "recall") == "nothing is remembered of that"
    with pytest.raises(ToolError):
        call(folder, "forget", about="my sister")
