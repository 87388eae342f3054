"""docs/conversation.md: its example runs and prints what it says, and its table has the events that there are."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys

import pytest

from huiyin.assistant.conversation import events
from tests.support import ROOT
from tests.support.limits import PATIENCE_S

PAGE = (ROOT / "docs" / "conversation.md").read_text(encoding="utf-8")


def blocks(language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S))


def rows() -> list[str]:
    """Of the table, from the headings, classes, fields and docstrings of the file."""
    made = []
    source = (ROOT / "assistant" / "conversation" / "events.py").read_text(encoding="utf-8")
    for heading, name in re.findall(r"^# -- (.+)$|^class (\w+)\(Public\)", source, re.M):
        if heading:
            made.append(f"| **{heading}** | | |")
            continue
        kind = getattr(events, name)
        fields = ", ".join(f"`{field.name}`" for field in dataclasses.fields(kind) if field.name != "generation")
        made.append(f"| `{name}` | {fields} | {' '.join(kind.__doc__.split())} |")
    return made


@pytest.mark.slow  # a program is started
def test_the_example_prints_what_the_page_says() -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")], capture_output=True, encoding="utf-8", timeout=PATIENCE_S, check=False
    )
    assert (done.returncode, done.stdout) == (0, blocks("text")), done.stderr


def test_its_events_are_those_that_observers_get() -> None:
    table = PAGE.rpartition("| event | fields | when |\n|---|---|---|\n")[2].splitlines()
    assert table == rows(), "\n".join(rows())
