"""Conversations kept on disk, so that one can be read again and taken up where it ended.

A session is a file of JSON lines in a folder that only the user can read: a line that says what it is, then one for
each turn, written when the turn is over. A crash at any byte costs at most the line that was being written: a torn last
line is left out when reading, and cut off before anything is added.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from huiyin.assistant.conversation.performer import TurnCommitted
from huiyin.assistant.conversation.trimming import TurnsForgotten
from huiyin.assistant.dialogue.history import History, Turn
from huiyin.assistant.dialogue.mood import Mood
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import TalkSettings

_VERSION = 1  # of the file's form
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that look alike
_ID_LENGTH = 5
_LAST = "last"  # stands for the newest session


class SessionError(HuiyinError):
    """A kept conversation that cannot be read, written or deleted."""


class UnknownSessionError(SessionError):
    """No session has that name, or more than one."""

    exit_status = 2


@dataclass(frozen=True)
class SavedSession:
    """A conversation read from disk. `sound_bytes` is how much of the file is whole lines."""

    id: str
    path: Path
    started: datetime
    persona: str
    turns: list[Turn] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)  # when each turn was over
    start: int = 0  # turns before this one are not sent to the model any more ...
    summary: str = ""  # ... but this
    sound_bytes: int = 0

    @property
    def last(self) -> datetime:
        """When something was last said."""
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
    return Path(settings.sessions_dir).expanduser() if settings.sessions_dir else _data_root() / "huiyin" / "sessions"


def _data_root() -> Path:
    """The user's data folder by the platform's own rule."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")


class SessionStore:
    """The sessions in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[SavedSession]:
        """Every session that can be read, the one spoken in last first."""
        found = []
        for path in self.folder.glob("*.jsonl"):
            with contextlib.suppress(SessionError):
                found.append(_read(path))
        return sorted(found, key=lambda session: session.last, reverse=True)

    def get(self, name: str) -> SavedSession:
        """The session with this id, or the beginning of one; 'last' is the newest. Raises SessionError."""
        if name == _LAST:
            sessions = self.all()
            if not sessions:
                raise UnknownSessionError("session.none_yet")
            return sessions[0]
        return _read(self.path(name))

    def path(self, name: str) -> Path:
        """The file of the session whose id is, or begins with, `name`. Raises UnknownSessionError."""
        ids = sorted(path.stem for path in self.folder.glob("*.jsonl"))
        fitting = [name] if name in ids else [i for i in ids if name and i.startswith(name)]
        if len(fitting) > 1:
            raise UnknownSessionError("session.several", name=name, count=len(fitting), ids=fitting)
        if not fitting:
            raise UnknownSessionError("session.unknown", name=name)
        return self.folder / f"{fitting[0]}.jsonl"

    def delete(self, path: Path) -> None:
        """Remove a session for good. Raises SessionError."""
        try:
            path.unlink()
        except OSError as error:
            raise SessionError("session.not_deleted", path=path, why=error.strerror or error) from error

    def begin(self, persona: str, tell: Callable[[str], None]) -> SessionWriter:
        """A new session; its file appears with its first turn. Raises SessionError where none can be written."""
        self._make_folder()
        while (path := self.folder / f"{_new_id()}.jsonl").exists():
            pass
        head = {"huiyin_session": _VERSION, "started": _now(), "persona": persona}
        return SessionWriter(path, tell, head)

    def go_on(self, session: SavedSession, tell: Callable[[str], None]) -> SessionWriter:
        """Add to an old session; a torn last line is cut off first. Raises SessionError."""
        try:
            if session.path.stat().st_size > session.sound_bytes:
                os.truncate(session.path, session.sound_bytes)
        except OSError as error:
            raise SessionError("session.not_written", path=session.path, why=error.strerror or error) from error
        return SessionWriter(session.path, tell)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # a folder that is there stays as it is
        except OSError as error:
            why = error.strerror or error
            raise SessionError("session.folder_not_made", folder=self.folder, why=why) from error


class SessionWriter:
    """Writes turns as they are committed: an observer of a conversation."""

    def __init__(self, path: Path, tell: Callable[[str], None], head: dict[str, Any] | None = None) -> None:
        """`tell` is told once where it cannot be written; `head`: the first line of a new file."""
        self.path = path
        self._tell = tell
        self._begun = head is None
        self._waiting = [head] if head else []  # lines that are written with the user's first turn
        self._has_failed = False

    @property
    def is_kept(self) -> bool:
        """Whether there is anything to go on from."""
        return self.path.exists()

    def __call__(self, at_s: float, what: object) -> None:
        match what:
            case TurnCommitted(turn=turn):
                self._waiting.append({"at": _now(), **_as_data(turn)})
                if self._begun or turn.user:  # a greeting alone is not worth keeping
                    self._write()
            case TurnsForgotten(turns=turns, summary=summary):
                self._waiting.append({"forgotten": turns, "summary": summary})
                self._write()

    def _write(self) -> None:
        if self._begun and not self.path.exists():
            return  # deleted meanwhile: it stays so
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
    sound_bytes = data.rfind(b"\n") + 1
    lines = list(_lines(data[:sound_bytes]))
    try:
        head = lines[0]
        if head["huiyin_session"] != _VERSION:
            raise SessionError("session.other_version", path=path, form=head["huiyin_session"])
        session = SavedSession(path.stem, path, datetime.fromisoformat(head["started"]), str(head["persona"]))
        start, summary = 0, ""
        for line in lines[1:]:
            if "forgotten" in line:
                start, summary = start + int(line["forgotten"]), str(line["summary"])
            elif "user" in line:
                session.turns.append(_as_turn(line))
                session.times.append(datetime.fromisoformat(line["at"]))
    except (LookupError, TypeError, ValueError) as error:
        raise SessionError("session.not_a_session", path=path) from error
    start = min(start, len(session.turns))
    return SavedSession(
        session.id, path, session.started, session.persona, session.turns, session.times, start, summary, sound_bytes
    )
