"""Timers, reminders and alarms, kept on disk: they survive a restart, and a crash at any moment.

Each is one row of an SQLite database that only the user can read. `due` gives those whose time has come; `begin` is
written before one is handed to the loudspeaker, `finish` once it has been heard. One that has begun and not finished
when the program was killed may have been heard: it is said again, and said to be so.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from huiyin.configs.files import user_folder

_SCHEMA = """
create table if not exists reminders (
    id integer primary key, due_s real not null, text text not null, begun_s real, finished_s real
)
"""
_BUSY_S = 5.0  # another conversation may be writing


@dataclass(frozen=True)
class Reminder:
    """`due`: with its zone. `has_begun`: it was handed to the loudspeaker before, perhaps heard."""

    id: int
    due: datetime
    text: str
    has_begun: bool = False


def reminders_file() -> Path:
    """Where they are kept."""
    return user_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "huiyin" / "reminders.db"


class Reminders:
    """All calls from any thread."""

    def __init__(self, path: Path) -> None:
        """The file is made when the first reminder is set."""
        self._path = path
        self._lock = threading.Lock()
        self.changed: Callable[[], object] = lambda: None
        """Called after one was set, from the thread that set it."""

    def set(self, due: datetime, text: str) -> Reminder:
        """Keep one; it is on disk when this returns."""
        with self._database(create=True) as database:
            row = database.execute("insert into reminders (due_s, text) values (?, ?)", (due.timestamp(), text))
            reminder = Reminder(int(row.lastrowid or 0), due, text)
        self.changed()
        return reminder

    def waiting(self) -> list[Reminder]:
        """Those that were not heard yet, the next first."""
        if not self._path.is_file():
            return []
        with self._database() as database:
            rows = database.execute(
                "select id, due_s, text, begun_s is not null from reminders where finished_s is null order by due_s, id"
            ).fetchall()
        return [
            Reminder(number, datetime.fromtimestamp(due_s, timezone.utc).astimezone(), text, bool(begun))
            for number, due_s, text, begun in rows
        ]

    def due(self, now: datetime) -> list[Reminder]:
        """Those of them whose time has come."""
        return [reminder for reminder in self.waiting() if reminder.due <= now]

    def begin(self, reminder: Reminder, now: datetime) -> None:
        """It is about to be heard."""
        self._mark("begun_s", reminder, now)

    def finish(self, reminder: Reminder, now: datetime) -> None:
        """It was heard, or is not wanted any more."""
        self._mark("finished_s", reminder, now)

    def _mark(self, column: str, reminder: Reminder, now: datetime) -> None:
        with self._database() as database:
            database.execute(f"update reminders set {column} = ? where id = ?", (now.timestamp(), reminder.id))

    @contextlib.contextmanager
    def _database(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if create and not self._path.is_file():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            connection = sqlite3.connect(self._path, timeout=_BUSY_S)
            try:
                with connection:
                    connection.execute("pragma synchronous = full")
                    connection.execute(_SCHEMA)
                    yield connection
            finally:
                connection.close()
