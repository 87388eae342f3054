"""What pytest collects from folders named `conversations`: scenarios that say so, and nothing of anybody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from huiyin.assistant.scenario.mark import is_marked, looks_like_scenario
from tests.support import CONVERSATIONS

pytest_plugins = ["pytester"]

SCENARIO = "turns: [{user: hello, expect: {event: reply ends}}]\n"
MARK = "huiyin: scenario\n"
FOREIGN = {
    "intents.yaml": "version: 3.1\nturns:\n  - user: hi\n",
    "list.yaml": "- turns: 1\n",
    "broken.yaml": "turns: [unclosed\n  'quote\nspeakers: x\n",
    "bytes.yml": b"\xff\xfe\x00turns",
    "huge_alias.yaml": "a: &a [x]\nb: [*a, *a]\n",
}


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    """A folder of conversations in a project of its own."""
    return pytester.mkdir("conversations")


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (MARK, True),
        (SCENARIO + MARK, True),
        ("\ufeff" + MARK + SCENARIO, True),
        ('about: x\r\nhuiyin:  "scenario"   # ours\r\n', True),
        ("turns: [unclosed\n" + MARK, True),
        (SCENARIO, False),
        ("huiyin: scenarios\n", False),
        ("# huiyin: scenario\n", False),
        ("data:\n  huiyin: scenario\n", False),
    ],
)
def test_the_mark_is_a_line_at_the_left_margin(text: str, marked: bool) -> None:
    assert is_marked(text.encode()) is marked


def test_every_shipped_conversation_has_the_mark_and_looks_like_one_without() -> None:
    for path in CONVERSATIONS.glob("*.yaml"):
        content = path.read_bytes()
        assert is_marked(content), path.name
        assert looks_like_scenario(content.replace(MARK.encode(), b"")), path.name


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_neither_has_the_mark_nor_looks_like_a_scenario(name: str) -> None:
    content = FOREIGN[name]
    content = content.encode() if isinstance(content, str) else content
    assert not is_marked(content) and not looks_like_scenario(content)


@pytest.mark.slow
def test_files_without_the_mark_are_not_collected_and_counted_once(pytester: pytest.Pytester, folder: Path) -> None:
    for name, content in FOREIGN.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "old.yaml").write_text(SCENARIO)
    (folder / "old_and_wrong.yml").write_text("turns: [{usr: hello}]\n")
    (folder / "ours.yaml").write_text(SCENARIO + MARK)
    outcome = pytester.runpytest_subprocess()
    outcome.assert_outcomes(passed=1)
    (line,) = (line for line in outcome.outlines if "huiyin:" in line)
    assert "were not collected: 2;" in line and "add the line `huiyin: scenario`" in line


@pytest.mark.slow
def test_workers_of_xdist_hand_their_count_on(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "old.yaml").write_text(SCENARIO)
    pytester.makepyfile("def test_own(): pass")
    outcome = pytester.runpytest_subprocess("-n2")
    outcome.assert_outcomes(passed=1)
    outcome.stdout.fnmatch_lines(["huiyin: *were not collected: 1;*"])


def test_a_project_without_scenarios_hears_nothing_of_huiyin(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "intents.yaml").write_bytes(str(FOREIGN["intents.yaml"]).encode())
    pytester.makepyfile("def test_own(): pass")
    outcome = pytester.runpytest_inprocess()
    outcome.assert_outcomes(passed=1)
    assert "huiyin:" not in outcome.stdout.str()


def test_a_faulty_file_is_one_failing_test_beside_the_others(pytester: pytest.Pytester, folder: Path) -> None:
    (folder / "grammar.yaml").write_text("turns: [{usr: hello}]\n" + MARK)
    (folder / "yaml.yaml").write_text("turns: [unclosed\n" + MARK)
    (folder / "bytes.yaml").write_bytes(b"about: \xff\xfe\nturns: []\n" + MARK.encode())
    (folder / "key.yaml").write_text("{}: 1\nturns: 3\n" + MARK)
    (folder / "good.yaml").write_text(SCENARIO + MARK)
    outcome = pytester.runpytest_inprocess()
    outcome.assert_outcomes(passed=1, failed=4)
    outcome.stdout.fnmatch_lines(["*grammar.yaml:1: a turn has no key 'usr'*"])
    outcome.stdout.fnmatch_lines(["*yaml.yaml:2: this is not YAML*"])
    outcome.stdout.fnmatch_lines(["*bytes.yaml is not UTF-8 text*"])
    outcome.stdout.fnmatch_lines(["*key.yaml:1: a scenario has no key *"])
