"""Conversations on a disk that takes nothing more: told once, and nothing is promised that is not there."""

from __future__ import annotations

import sys

import pytest

from huiyin.assistant.conversation.session_store import SessionStore, SessionWriter
from tests.loop.test_sessions import TURNS, store, tell

__all__ = ["store"]  # a fixture

FULL = "/dev/full"
full_disk = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")


def test_a_disk_that_cannot_be_written_is_reported_once_and_the_turns_come_later(store: SessionStore) -> None:
    notices: list[str] = []
    writer = store.begin("huiyin", notices.append)
    writer.path.mkdir()
    tell(writer, *TURNS[:3])
    assert len(notices) == 1 and "cannot be kept" in notices[0]
    writer.path.rmdir()
    tell(writer, TURNS[3])
    assert store.get("last").turns == TURNS


@full_disk
def test_what_was_not_kept_is_not_offered(store: SessionStore) -> None:
    notices: list[str] = []
    writer = on_full_disk(store.begin("huiyin", notices.append))
    tell(writer, *TURNS[:2])
    assert len(notices) == 1 and "No space left" in notices[0]
    assert not writer.is_kept and store.paths() == [], "nor is an empty file left that is no session"


@full_disk
def test_the_turns_that_a_disk_takes_no_more_are_counted(store: SessionStore) -> None:
    writer = store.begin("huiyin", lambda notice: None)
    tell(writer, *TURNS[:2])
    kept = writer.path.rename(writer.path.with_suffix(".kept"))
    on_full_disk(writer)
    tell(writer, *TURNS[2:])
    assert (writer.is_kept, writer.turns_not_kept) == (True, 2)
    kept.replace(writer.path)  # there is room again
    tell(writer, TURNS[1])
    assert writer.turns_not_kept == 0 and store.get("last").turns == [*TURNS, TURNS[1]]


def on_full_disk(writer: SessionWriter) -> SessionWriter:
    """Its file is now one on which nothing can be written."""
    writer.path.symlink_to(FULL)
    return writer
