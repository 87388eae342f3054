"""A process of ours that runs another: what it writes is followed, and nothing of it is left behind."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from huiyin.services.common.supervisor import Child, stop_all
from tests.support.limits import PATIENCE_S

SAYS_PID = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
IS_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SAYS_PID


def python(program: str, **options: object) -> Child:
    return Child([sys.executable, "-c", program], **options)  # type: ignore[arg-type]


def test_what_it_writes_is_shown_and_its_end_is_kept() -> None:
    shown: list[str] = []
    child = python(
        "import sys; [print(n) for n in range(40)]; sys.stdout.flush(); print('错', file=sys.stderr); sys.exit(3)",
        show=shown.append,
        defaults={"PYTHONIOENCODING": "utf-8"},
    )
    child.wait(PATIENCE_S)
    assert child.status == 3
    assert shown == [*map(str, range(40)), "错"]
    assert list(child.tail) == shown[-15:]


def test_its_own_standard_error_is_no_output() -> None:
    child = python("import sys; print('warning', file=sys.stderr); print('answer')", own_errors=True)
    assert child.first_line() == "answer"
    child.wait(PATIENCE_S)
    assert list(child.tail) == ["answer"]


def test_it_is_told_a_line_and_answers() -> None:
    child = python("print(input()[::-1]); input()")
    child.write("olleh")
    assert child.first_line() == "hello"
    assert child.status is None
    child.kill()
    assert child.status is not None
    child.write("nobody reads this")


def test_the_first_line_of_one_that_wrote_none_is_empty() -> None:
    child = python("")
    assert child.first_line() == ""
    child.wait(PATIENCE_S)
    assert child.status == 0


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_all_are_asked_to_end_and_the_stubborn_one_is_killed() -> None:
    children = [python(SAYS_PID), python(IS_STUBBORN)]
    assert [child.first_line() for child in children] == [str(child.pid) for child in children]
    stop_all(children, 0.5)
    assert [child.status for child in children] == [-15, -9]
    stop_all(children)


@pytest.mark.slow
def test_it_ends_with_its_parent_however_that_ends() -> None:
    program = (
        "import sys; from huiyin.services.common.supervisor import Child;"
        f"print(Child([sys.executable, '-c', {SAYS_PID!r}]).first_line(), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(PATIENCE_S)
