"""Reminders are spoken at their time, also after a restart, and at any crash never lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.reminding import Reminding
from huiyin.assistant.tools.reminders import Reminders
from tests.support.talk import Talk


def talk_with(path: Path) -> tuple[Talk, Reminders]:
    """A conversation that begins on 15 January 2026 at 9:00, in this machine's zone, with what is kept in `path`."""
    talk, store = Talk(), Reminders(path)
    Reminding(talk.world, talk.session, store)
    return talk, store


def due_in(talk: Talk, **span: float) -> datetime:
    return talk.world.date_time.astimezone() + timedelta(**span)


def test_a_reminder_is_spoken_within_a_second_of_its_time(tmp_path: Path) -> None:
    talk, store = talk_with(tmp_path / "r.db")
    store.set(due_in(talk, minutes=1), "tea")
    talk.listen(59)
    assert talk.spoken == []
    (begun,) = talk.wait(on.ClauseStarted)
    assert 60 <= talk.now <= 61 and talk.spoken == ["A reminder: tea."] and begun.clause == 0
    talk.committed(1)
    assert store.waiting() == []


def test_one_set_earlier_for_a_nearer_time_goes_first(tmp_path: Path) -> None:
    talk, store = talk_with(tmp_path / "r.db")
    store.set(due_in(talk, seconds=30), "tea")
    store.set(due_in(talk, seconds=10), "蛋")
    talk.committed(2)
    assert talk.spoken == ["提醒你：蛋。", "A reminder: tea."]


def test_it_waits_until_nobody_speaks(tmp_path: Path) -> None:
    talk, store = talk_with(tmp_path / "r.db")
    store.set(due_in(talk, seconds=1), "tea")
    talk.user_speaks(3.0)
    talk.committed(2)
    assert talk.spoken == ["All right.", "A reminder: tea."]


def test_one_that_came_due_while_nobody_was_there_says_how_late_it_is(tmp_path: Path) -> None:
    store = Reminders(tmp_path / "r.db")
    store.set(Talk().world.date_time.astimezone() - timedelta(hours=2), "tea")
    talk, store = talk_with(tmp_path / "r.db")
    talk.committed(1)
    assert talk.spoken == ["This reminder was due 2 hours ago: tea."] and store.waiting() == []


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [i * 0.05 for i in range(50)])
def test_killed_at_any_moment_it_is_never_lost_and_said_twice_only_with_a_word_of_that(
    tmp_path: Path, after_s: float
) -> None:
    path = tmp_path / "r.db"
    talk, store = talk_with(path)
    store.set(due_in(talk, seconds=1), "tea")
    talk.listen(0.9 + after_s)  # then the process is killed: nothing of it goes on
    was_heard = bool(talk.all(on.ClauseStarted))
    is_marked = bool(talk.all(on.TurnCommitted))
    again, store = talk_with(path)
    again.listen(70)
    said = "".join(again.spoken)
    assert store.waiting() == []
    if is_marked:
        assert said == ""
    elif was_heard:
        assert said == "I may have told you this already: tea."
    else:
        assert "tea." in said


def test_one_that_was_stopped_before_its_first_word_is_said_again(tmp_path: Path) -> None:
    talk, store = talk_with(tmp_path / "r.db")
    store.set(due_in(talk, seconds=1), "tea")
    talk.wait(on.SpeechAsked)
    talk.session.interrupt()
    talk.listen(40)
    assert len(talk.spoken) == 2 and store.waiting() == []
