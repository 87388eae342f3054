"""What the user wants remembered: facts, kept on this machine alone, found again by their words.

An SQLite database that only the user can read, with its full-text index (FTS5, BM25). Chinese is indexed by characters
and pairs of them, as the index itself would take a whole sentence for one word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from huiyin.assistant.tools.database import Database, user_file
from huiyin.assistant.tools.words import is_character, telling_words, words_of

_SCHEMA = (
    "create table if not exists facts"
    " (id integer primary key, persona text not null, at_s real not null, text text not null)",
    "create virtual table if not exists words using fts5 (text)",
)
LONGEST = 300  # characters of a fact
_VAGUE = 5  # facts with one and the same character, of which it tells nothing any more


@dataclass(frozen=True)
class Fact:
    """`at`: when it was last said."""

    id: int
    text: str
    at: datetime


def memory_file() -> Path:
    """Where facts are kept."""
    return user_file("memory.db")


class Memory:
    """The facts of one persona. All calls from any thread."""

    def __init__(self, path: Path, persona: str) -> None:
        """The file is made when the first fact is kept."""
        self._database, self._persona = Database(path, _SCHEMA), persona

    def keep(self, text: str) -> Fact:
        """Remember a fact, once; it is on disk when this returns."""
        text = " ".join(text.split())[:LONGEST]
        at = datetime.now(timezone.utc)
        with self._database.written() as database:
            known = database.execute(
                "select id from facts where persona = ? and lower(text) = lower(?)", (self._persona, text)
            ).fetchone()
            if known:
                number = int(known[0])
                database.execute("update facts set at_s = ? where id = ?", (at.timestamp(), number))
            else:
                row = database.execute(
                    "insert into facts (persona, at_s, text) values (?, ?, ?)", (self._persona, at.timestamp(), text)
                )
                number = int(row.lastrowid or 0)
                database.execute("insert into words (rowid, text) values (?, ?)", (number, " ".join(words_of(text))))
        return Fact(number, text, at)

    def all(self) -> list[Fact]:
        """Every fact, the oldest first."""
        return self._select("select id, text, at_s from facts where persona = ? order by id", self._persona)

    def find(self, words: str, most: int = 5) -> list[Fact]:
        """The facts that share telling words with these, best first."""
        tokens = [word for word in telling_words(words) if not self._is_vague(word)]
        if not tokens:
            return []
        query = " OR ".join(f'"{token}"' for token in tokens)
        return self._select(
            "select facts.id, facts.text, at_s from words join facts on facts.id = words.rowid"
            " where words match ? and persona = ? order by bm25(words), facts.id desc limit ?",
            query, self._persona, most,
        )  # fmt: skip

    def forget(self, number: int) -> None:
        """Remove a fact."""
        with self._database.written() as database:
            database.execute("delete from facts where id = ? and persona = ?", (number, self._persona))
            database.execute("delete from words where rowid = ?", (number,))
            database.execute("insert into words (words) values ('optimize')")  # its index keeps what was deleted, else
        self._database.compact()

    def _is_vague(self, word: str) -> bool:
        """Whether it is one character, of Chinese, and in many facts: 火山 has little to do with 爬山."""
        having = "select 1 from words where words match ? limit ?"
        return is_character(word) and len(self._database.rows(having, f'"{word}"', _VAGUE + 1)) > _VAGUE

    def _select(self, query: str, *values: object) -> list[Fact]:
        rows: list[tuple[int, str, float]] = self._database.rows(query, *values)  # type: ignore[assignment]
        return [Fact(number, text, datetime.fromtimestamp(at_s, timezone.utc)) for number, text, at_s in rows]
