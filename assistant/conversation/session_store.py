"""Conversations kept on disk, so that one can be read again and resumed.

A session is a file of JSON lines in a folder that only the user can read: a line that says what it is, then one for
each turn, written when the turn is over. A crash at any byte costs at most the line that was being written: a torn last
line is skipped when reading, and cut off before anything is added.

    {"huiyin_session": 2, "started": "2026-11-28T20:14:50+00:00", "persona": "huiyin"}
    {"at": "…", "items": [{"type": "user", "id": "item_1", "text": "Hi.", "mood": {"emotion": null, "events": []}},
                          {"type": "assistant", "id": "item_2", "text": "Hello!", "interrupted": false}]}
    … "mood": {…}, "other_voice": true}         (of a user's item) another person said it
    {"forgotten": 1, "summary": "…"}            so many of the oldest turns are no longer sent to the model
    {"edited": "item_2", "item": {…}}           this item was truncated; or added: behind "after", where that is given
    {"edited": "item_2", "item": null}          this item was deleted

In form 1 a turn was {"at": "…", "user": "Hi.", "heard": "Hello!", "interrupted": false}. Such lines are read in files
of both forms: when a file of form 1 is resumed, its form number is changed, and its lines stay as they are.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from huiyin.assistant.conversation.events import HistoryEdited, Public, TurnCommitted, TurnsForgotten
from huiyin.assistant.dialogue.history import History, HistoryError
from huiyin.assistant.dialogue.items import KINDS, AssistantItem, Item, Turn, UserItem, turns_of
from huiyin.assistant.dialogue.mood import Mood, Source
from huiyin.configs.errors import HuiyinError
from huiyin.configs.files import user_folder
from huiyin.configs.messages import said
from huiyin.configs.settings import TalkSettings

_FORM = 2  # of new files
_FORM_NUMBER = re.compile(rb'"huiyin_session":\s*(\d)')
# What a damaged line raises.
_DAMAGE = (LookupError, TypeError, ValueError, OverflowError, RecursionError, HistoryError)
_NAMES = {kind: name for name, kind in KINDS.items()}
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that look alike
_ID_LENGTH = 5
_ID = re.compile(f"[{_LETTERS}]{{{_ID_LENGTH}}}")
_SUFFIX = ".jsonl"
_HEAD_BYTES = 200  # of the first line; what matters stands at its beginning
_DO_NOT_WAIT = getattr(os, "O_NONBLOCK", 0)  # for somebody to write into a pipe that lies among the sessions
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
    last: datetime  # when the last turn was over
    items: list[Item]
    start: int  # items before this one are not sent to the model any more ...
    summary: str  # ... but this
    whole_bytes: int

    @property
    def turns(self) -> list[Turn]:
        """What was said, turn by turn."""
        return turns_of(self.items)

    @property
    def title(self) -> str:
        """The user's first words."""
        return next((item.text for item in self.items if isinstance(item, UserItem)), "")

    def history(self) -> History:
        """What was said, to go on from."""
        return History(self.items, self.start, self.summary)


def sessions_folder(settings: TalkSettings) -> Path:
    """Where sessions are kept (may not exist yet)."""
    if settings.sessions_dir:
        return Path(settings.sessions_dir).expanduser()
    return user_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "huiyin" / "sessions"


def is_session(path: Path) -> bool:
    """Whether a regular file is a session, or what is left of one: by its beginning, or its name where it has none."""
    if path.suffix != _SUFFIX:
        return False
    try:
        with path.open("rb") as file:
            beginning = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return _FORM_NUMBER.search(beginning) is not None if beginning.strip() else _ID.fullmatch(path.stem) is not None


class SessionStore:
    """The sessions in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def paths(self) -> list[Path]:
        """The files of all sessions, by id."""
        return sorted(self.folder.glob(f"*{_SUFFIX}"))

    def all(self, skipped: Callable[[SessionError], None] = lambda error: None) -> list[SavedSession]:
        """Every session that can be read, the one with the newest turn first. `skipped` hears of the others."""
        sessions = []
        for path in self.paths():
            try:
                sessions.append(_read(path))
            except SessionError as error:
                skipped(error)
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
        while (path := self.folder / f"{_new_id()}{_SUFFIX}").exists():
            pass
        head = {"huiyin_session": _FORM, "started": _now(), "persona": persona}
        return SessionWriter(path, tell, head)

    def go_on(self, session: SavedSession, tell: Callable[[str], None]) -> SessionWriter:
        """Add to an old session; a torn last line is cut off first. Raises SessionError."""
        try:
            with open(session.path, "r+b") as file:
                file.truncate(session.whole_bytes)
                if form := _FORM_NUMBER.search(file.read()):
                    file.seek(form.start(1))
                    file.write(b"%d" % _FORM)
        except OSError as error:
            raise SessionError("session.not_written", path=session.path, why=error.strerror or error) from error
        return SessionWriter(session.path, tell, written=[item.id for item in session.items])


class SessionWriter:
    """Writes turns as they are committed: an observer of a conversation."""

    def __init__(
        self, path: Path, tell: Callable[[str], None], head: dict[str, Any] | None = None, written: Iterable[str] = ()
    ) -> None:
        """`tell` is called once when the file cannot be written; `head`: the first line of a new file; `written`: the
        ids of the items in an old one."""
        self.path = path
        self._tell = tell
        self._begun = head is None
        self._waiting = [head] if head else []  # lines not yet written: until the user's first turn, or the disk works
        self._written = set(written)
        self._has_failed = False

    @property
    def is_kept(self) -> bool:
        """Whether there is anything to go on from."""
        return self._begun and self.path.exists()

    @property
    def turns_not_kept(self) -> int:
        """How many of the last turns could not be written."""
        return sum("items" in line for line in self._waiting) if self._has_failed else 0

    def __call__(self, at_s: float, event: Public) -> None:
        match event:
            case TurnCommitted(turn=turn):
                items = [item for item in turn.items if item.id not in self._written]
                self._written.update(item.id for item in items)
                self._waiting.append({"at": _now(), "items": [_as_data(item) for item in items]})
                if self._begun or turn.user:  # a greeting alone is not worth keeping
                    self._write()
            case HistoryEdited(item_id=item_id, item=item, after=after):
                self._written.add(item_id)
                data = item and _as_data(item)
                self._waiting.append({"edited": item_id, "item": data} | ({} if after is None else {"after": after}))
                if self._begun:
                    self._write()
            case TurnsForgotten(turns=turns, summary=summary):
                self._waiting.append({"forgotten": turns, "summary": summary})
                self._write()

    def _write(self) -> None:
        if self._begun and not self.path.exists():
            return  # the user has deleted it
        data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self._waiting).encode(errors="replace")
        if self._has_failed:
            data = b"\n" + data  # what was written in part stays a line of its own
        try:
            with open(self.path, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(data)
            self._begun = True
            self._waiting.clear()
        except OSError as error:  # a full disk must not end the conversation
            if not self._begun:  # an empty file would be no session
                with contextlib.suppress(OSError):
                    self.path.unlink(missing_ok=True)
            if not self._has_failed:
                self._tell(said("notices.not_kept", path=self.path, why=error.strerror or error))
            self._has_failed = True


def _new_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _as_data(item: Item) -> dict[str, Any]:
    data = {"type": _NAMES[type(item)], **vars(item)}
    if not isinstance(item, UserItem):
        return data
    if not item.other_voice:  # lines are as they were before there was such a mark
        del data["other_voice"]
    return {**data, "mood": _mood_as_data(item.mood)}


def _as_item(data: dict[str, Any]) -> Item:
    values = {name: _as_mood(value) if name == "mood" else value for name, value in data.items() if name != "type"}
    if not all(isinstance(value, (str, bool, Mood)) for value in values.values()):
        raise TypeError
    return KINDS[data["type"]](**values)


def _mood_as_data(mood: Mood) -> dict[str, Any]:
    data: dict[str, Any] = {"emotion": mood.emotion, "events": mood.events}
    return {**data, "source": mood.source} if mood.source == "words" else data


def _as_mood(data: dict[str, Any]) -> Mood:
    label_and_confidence = data.get("emotion")
    emotion = (str(label_and_confidence[0]), float(label_and_confidence[1])) if label_and_confidence else None
    source: Source = "words" if data.get("source") == "words" else "voice"
    return Mood(emotion, tuple(map(str, data.get("events") or ())), source)


def _items_of_turn(line: dict[str, Any]) -> list[Item]:
    """The items of a line, which may be one of form 1: those have no ids."""
    if "items" in line:
        return [_as_item(data) for data in line["items"]]
    user = [UserItem(str(line["user"]), _as_mood(line))] if line["user"] else []
    return [*user, AssistantItem(str(line["heard"]), bool(line.get("interrupted")))]


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The lines that are whole; one that cannot be read (a full disk, a damaged one) does not hide those after it."""
    for raw in data.split(b"\n"):
        with contextlib.suppress(*_DAMAGE):
            line = json.loads(raw)
            if isinstance(line, dict):
                yield line


def _read(path: Path) -> SavedSession:
    """A session from its file. Raises SessionError when it is not one."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _DO_NOT_WAIT)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SessionError("session.not_a_session", path=path)
            data = file.read()
    except OSError as error:
        raise SessionError("session.unreadable", path=path, why=error.strerror or error) from error
    whole_bytes = data.rfind(b"\n") + 1
    lines = _lines(data[:whole_bytes])
    try:
        head = next(lines)
        if head["huiyin_session"] not in (1, _FORM):
            raise SessionError("session.other_version", path=path, form=head["huiyin_session"])
        started, persona = _moment(head["started"]), str(head["persona"])
    except (StopIteration, *_DAMAGE) as error:
        raise SessionError("session.not_a_session", path=path) from error
    last, history = started, History()
    for line in lines:
        with contextlib.suppress(*_DAMAGE):
            if "forgotten" in line:
                history.forget(int(line["forgotten"]), str(line["summary"]))
                continue
            if "edited" in line:
                _edit(history, line)
                continue
            at, items = _moment(line["at"]), _items_of_turn(line)
            for item in items:
                try:
                    history.add(item)
                except HistoryError:  # two programs went on with this session at the same time
                    history.add(replace(item, id=""))
            last = at
    items, start, summary = history.items, history.start, history.summary
    return SavedSession(path.stem, path, started, persona, last, items, start, summary, whole_bytes)


def _edit(history: History, line: dict[str, Any]) -> None:
    """Carry out an edit. Raises HistoryError for one that fits nothing."""
    if line["item"] is None:
        history.delete(line["edited"])
    elif any(item.id == line["edited"] for item in history.items):
        history.truncate(line["edited"], str(line["item"]["text"]))
    else:
        history.add(_as_item(line["item"]), line.get("after"))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()
