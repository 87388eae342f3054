"""Conversations kept on disk, so that one can be read again and resumed.

A session is a file of JSON lines in a folder that only the user can read: a line that says what it is, then one for
each turn, written when the turn is over. A crash at any byte costs at most the line that was being written: a torn last
line is skipped when reading, and cut off before anything is added.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from huiyin.assistant.conversation.events import Public, TurnCommitted, TurnsForgotten
from huiyin.assistant.dialogue.history import History, Turn
from huiyin.assistant.dialogue.mood import Mood
from huiyin.configs.errors import HuiyinError
from huiyin.configs.files import user_folder
from huiyin.configs.settings import TalkSettings

_VERSION = 1  # of the file's form
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that look alike
_ID_LENGTH = 5
_LAST = "last"  # stands for the newest session


class SessionError(HuiyinError):
    """A session that cannot be read, written or deleted."""


class UnknownSessionError(SessionError):
    """No session has that name, or more than one."""

    exit_status = 2


@dataclass(frozen=True)
class SavedSession:
    """A conversation read from disk. `whole_bytes` is how much of the file is whole lines."""

    id: str
    path: Path
    started: datetime
    persona: str
    turns: list[Turn]
    times: list[datetime]  # when each turn was over
    start: int  # turns before this one are not sent to the model any more ...
    summary: str  # ... but this
    whole_bytes: int

    @property
    def last(self) -> datetime:
        """When the last turn was over."""
        return self.times[-1] if self.times else self.started

    @property
    def title(self) -> str:
        """The user's first words."""
        return next((turn.user for turn in self.turns if turn.user), "")

    def history(self) -> History:
        """What was said, to go on from."""
        return History(list(self.turns), self.start, self.summary)


def sessions_folder(settings: TalkSettings) -> Path:
    """Where sessions are kept (may not exist yet)."""
    if settings.sessions_dir:
        return Path(settings.sessions_dir).expanduser()
    return user_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "huiyin" / "sessions"


class SessionStore:
    """The sessions in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def paths(self) -> list[Path]:
        """The files of all sessions, by id."""
        return sorted(self.folder.glob("*.jsonl"))

    def all(self) -> list[SavedSession]:
        """Every session that can be read, the one with the newest turn first."""
        sessions = []
        for path in self.paths():
            with contextlib.suppress(SessionError):
                sessions.append(_read(path))
        return sorted(sessions, key=lambda session: session.last, reverse=True)

    def get(self, name: str) -> SavedSession:
        """The session that `name` means, as in `path`. Raises SessionError."""
        return _read(self.path(name))

    def path(self, name: str) -> Path:
        """The file of the session whose id is, or begins with, `name`; 'last' is the newest.

        Raises UnknownSessionError.
        """
        if name == _LAST:
            sessions = self.all()
            if not sessions:
                raise UnknownSessionError("session.none_yet")
            return sessions[0].path
        paths = self.paths()
        matches = [path for path in paths if path.stem == name] or [
            path for path in paths if path.stem.startswith(name)
        ]
        if not matches or not name:
            raise UnknownSessionError("session.unknown", name=name)
        if len(matches) > 1:
            ids = [path.stem for path in matches]
            raise UnknownSessionError("session.several", name=name, count=len(ids), ids=ids)
        return matches[0]

    def delete(self, path: Path) -> None:
        """Remove a session for good. Raises SessionError."""
        try:
            path.unlink()
        except OSError as error:
            raise SessionError("session.not_deleted", path=path, why=error.strerror or error) from error

    def begin(self, persona: str, tell: Callable[[str], None]) -> SessionWriter:
        """A new session; its file appears with its first turn. Raises SessionError where none can be written."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the mode of an existing folder stays
        except OSError as error:
            why = error.strerror or error
            raise SessionError("session.folder_not_made", folder=self.folder, why=why) from error
        while (path := self.folder / f"{_new_id()}.jsonl").exists():
            pass
        head = {"huiyin_session": _VERSION, "started": _now(), "persona": persona}
        return SessionWriter(path, tell, head)

    def go_on(self, session: SavedSession, tell: Callable[[str], None]) -> SessionWriter:
        """Add to an old session; a torn last line is cut off first. Raises SessionError."""
        try:
            os.truncate(session.path, session.whole_bytes)
        except OSError as error:
            raise SessionError("session.not_written", path=session.path, why=error.strerror or error) from error
        return SessionWriter(session.path, tell)


class SessionWriter:
    """Writes turns as they are committed: an observer of a conversation."""

    def __init__(self, path: Path, tell: Callable[[str], None], head: dict[str, Any] | None = None) -> None:
        """`tell` is called once when the file cannot be written; `head`: the first line of a new file."""
        self.path = path
        self._tell = tell
        self._begun = head is None
        self._waiting = [head] if head else []  # lines not yet written: until the user's first turn, or the disk works
        self._has_failed = False

    @property
    def is_kept(self) -> bool:
        """Whether there is anything to go on from."""
        return self.path.exists()

    def __call__(self, at_s: float, event: Public) -> None:
        match event:
            case TurnCommitted(turn=turn):
                self._waiting.append({"at": _now(), **_as_data(turn)})
                if self._begun or turn.user:  # a greeting alone is not worth keeping
                    self._write()
            case TurnsForgotten(turns=turns, summary=summary):
                self._waiting.append({"forgotten": turns, "summary": summary})
                self._write()

    def _write(self) -> None:
        if self._begun and not self.path.exists():
            return  # the user has deleted it
        data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self._waiting).encode()
        if self._has_failed:
            data = b"\n" + data  # what was written in part stays a line of its own
        try:
            with open(self.path, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(data)
            self._begun = True
            self._waiting.clear()
        except OSError as error:  # a full disk must not end the conversation
            if not self._has_failed:
                self._tell(f"this conversation cannot be kept: {self.path}: {error.strerror or error}")
            self._has_failed = True


def _new_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _as_data(turn: Turn) -> dict[str, Any]:
    data: dict[str, Any] = {"user": turn.user, "heard": turn.heard, "interrupted": turn.interrupted}
    if turn.mood.emotion:
        data["emotion"] = list(turn.mood.emotion)
    if turn.mood.events:
        data["events"] = list(turn.mood.events)
    return data


def _as_turn(data: dict[str, Any]) -> Turn:
    label_and_confidence = data.get("emotion")
    emotion = (str(label_and_confidence[0]), float(label_and_confidence[1])) if label_and_confidence else None
    mood = Mood(emotion, tuple(map(str, data.get("events") or ())))
    return Turn(str(data["user"]), str(data["heard"]), bool(data.get("interrupted")), mood)


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The lines that are whole; one that cannot be read (a full disk, a damaged one) does not hide those after it."""
    for raw in data.split(b"\n"):
        with contextlib.suppress(ValueError):
            line = json.loads(raw)
            if isinstance(line, dict):
                yield line


def _read(path: Path) -> SavedSession:
    """A session from its file. Raises SessionError when it is not one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SessionError("session.unreadable", path=path, why=error.strerror or error) from error
    whole_bytes = data.rfind(b"\n") + 1
    lines = list(_lines(data[:whole_bytes]))
    try:
        head = lines[0]
        if head["huiyin_session"] != _VERSION:
            raise SessionError("session.other_version", path=path, form=head["huiyin_session"])
        started = datetime.fromisoformat(head["started"])
        persona = str(head["persona"])
        start = 0
        summary = ""
        turns: list[Turn] = []
        times: list[datetime] = []
        for line in lines[1:]:
            if "forgotten" in line:
                start += int(line["forgotten"])
                summary = str(line["summary"])
            elif "user" in line:
                turns.append(_as_turn(line))
                times.append(datetime.fromisoformat(line["at"]))
    except (LookupError, TypeError, ValueError) as error:
        raise SessionError("session.not_a_session", path=path) from error
    return SavedSession(path.stem, path, started, persona, turns, times, min(start, len(turns)), summary, whole_bytes)
