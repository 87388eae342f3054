"""A small SQLite database that only the user can read, and that several conversations may use at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from huiyin.configs.files import user_folder

_BUSY_S = 5.0  # another conversation may be writing


def user_file(name: str) -> Path:
    """A file among the user's data."""
    return user_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "huiyin" / name


class Database:
    """All calls from any thread."""

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        """The file is made, by the statements of `schema`, when something is first written."""
        self.path, self._schema = path, schema
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def written(self) -> Iterator[sqlite3.Connection]:
        """A connection to change it; what was changed is on disk afterwards, or nothing is. Raises sqlite3.Error."""
        with self._lock:
            if not self.path.is_file():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY_S)) as connection, connection:
                connection.execute("pragma synchronous = full")
                connection.execute("pragma secure_delete = on")  # what is deleted is overwritten
                for statement in self._schema:
                    connection.execute(statement)
                yield connection

    def compact(self) -> None:
        """Leave nothing on disk of what was deleted. Raises sqlite3.Error."""
        with self._lock, contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY_S)) as connection:
            connection.execute("vacuum")

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What a query gives; nothing while there is no file. Raises sqlite3.Error."""
        if not self.path.is_file():
            return []
        with self.written() as connection:
            return connection.execute(query, values).fetchall()
