"""Marks of live work are seen by other processes, as long as the process that has set them lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from huiyin.services.common.live_work import LiveWork, Presence
from tests.support.limits import until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no marks there")


def test_work_is_live_from_its_first_holder_to_its_last(tmp_path: Path) -> None:
    one, other = LiveWork(7, tmp_path), LiveWork(7, tmp_path)
    assert not other.anywhere()
    with one.going_on(), one.going_on(), other.going_on():
        assert one.anywhere() and other.anywhere()
        assert not LiveWork(8, tmp_path).anywhere(), "another recogniser's"
    assert not other.anywhere()
    assert list(other.during(iter([other.anywhere]))) and not other.anywhere()


def test_a_mark_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from huiyin.services.common.live_work import LiveWork\n"
        "with LiveWork(7, Path(sys.argv[1])).going_on():\n    print('marked', flush=True)\n    input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline() == b"marked\n"
        work = LiveWork(7, tmp_path)
        assert work.anywhere()
        LiveWork(8, tmp_path)
        assert [*tmp_path.iterdir()], "a start removes no mark that is held"
        child.kill()
    assert not work.anywhere()
    assert [*tmp_path.iterdir()], "it could not remove it itself"
    LiveWork(8, tmp_path)
    assert not [*tmp_path.iterdir()], "the next that starts does, whatever its port"


def test_who_marks_while_a_mark_is_removed_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    one, other, lock = LiveWork(7, tmp_path), LiveWork(7, tmp_path), fcntl.flock

    def just_too_late(file: int, how: int) -> None:
        monkeypatch.undo()
        next(tmp_path.iterdir()).unlink()  # as `other` does when it ends
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", just_too_late)
    with one.going_on():
        assert other.anywhere()
    assert not [*tmp_path.iterdir()]


def test_a_presence_lasts_for_a_while_after_each_sign_of_life(tmp_path: Path) -> None:
    work = LiveWork(7, tmp_path)
    presence = Presence(work, linger_s=0.2)
    for _ in range(2):
        presence.renew()
        until(work.anywhere)
        until(lambda: not work.anywhere())
    presence = Presence(work, linger_s=3600)
    presence.renew()
    until(work.anywhere)
    presence.end()
    until(lambda: not work.anywhere())


def test_where_nothing_can_be_marked_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for work in (LiveWork(0, tmp_path), LiveWork(7, tmp_path / "file")):
        with work.going_on():
            assert not work.anywhere()
