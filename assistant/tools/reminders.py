"""Timers, reminders and alarms, kept on disk: they survive a restart, and a crash at any moment.

Each is one row of an SQLite database that only the user can read. `due` gives those whose time has come; `begin` is
written before one is handed to the loudspeaker, `finish` once it has been heard. One that has begun and not finished
when the program was killed may have been heard: it is said again, and said to be so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from huiyin.assistant.tools.database import Database, user_file

_SCHEMA = (
    "create table if not exists reminders"
    " (id integer primary key, due_s real not null, text text not null, begun_s real, finished_s real)",
)


@dataclass(frozen=True)
class Reminder:
    """`due`: with its zone. `has_begun`: it was handed to the loudspeaker before, perhaps heard."""

    id: int
    due: datetime
    text: str
    has_begun: bool = False


def reminders_file() -> Path:
    """Where they are kept."""
    return user_file("reminders.db")


class Reminders:
    """All calls from any thread."""

    def __init__(self, path: Path) -> None:
        """The file is made when the first reminder is set."""
        self._database = Database(path, _SCHEMA)
        self.changed: Callable[[], object] = lambda: None
        """Called after one was set, from the thread that set it."""

    def set(self, due: datetime, text: str) -> Reminder:
        """Keep one; it is on disk when this returns."""
        with self._database.written() as database:
            row = database.execute("insert into reminders (due_s, text) values (?, ?)", (due.timestamp(), text))
            reminder = Reminder(int(row.lastrowid or 0), due, text)
        self.changed()
        return reminder

    def waiting(self) -> list[Reminder]:
        """Those that were not heard yet, the next first."""
        rows: list[tuple[int, float, str, int]] = self._database.rows(  # type: ignore[assignment]
            "select id, due_s, text, begun_s is not null from reminders where finished_s is null order by due_s, id"
        )
        return [
            Reminder(number, datetime.fromtimestamp(due_s, timezone.utc).astimezone(), text, bool(begun))
            for number, due_s, text, begun in rows
        ]

    def due(self, now: datetime) -> list[Reminder]:
        """Those of them whose time has come."""
        return [reminder for reminder in self.waiting() if reminder.due <= now]

    def begin(self, number: int, now: datetime) -> None:
        """The one with this number is about to be heard."""
        self._mark("begun_s", number, now)

    def finish(self, number: int, now: datetime) -> None:
        """It was heard, or is not wanted any more."""
        self._mark("finished_s", number, now)

    def _mark(self, column: str, number: int, now: datetime) -> None:
        with self._database.written() as database:
            database.execute(f"update reminders set {column} = ? where id = ?", (now.timestamp(), number))
