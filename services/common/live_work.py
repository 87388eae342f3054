"""Who works for somebody who waits, on this machine: files that are transcribed give way to it.

Conversations, replies and speech mark themselves for as long as they last; the recogniser looks before each piece of a
file whether anybody has. A mark is a shared lock on a file (`flock`): it is gone when its process is, however that
ends. The file is empty, and in memory where the system has a place for that. One for each port of the recogniser, and
user: who asks another one shares no cores with this one's files. The last who held it removes it; what killed processes
have left is removed when the next one starts. Elsewhere than on POSIX systems nothing is marked.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_IN_MEMORY = Path("/dev/shm")  # Linux

LINGER_S = 15.0
"""After the last sign of life of a conversation: so long may somebody listen, or think before they answer."""


class LiveWork:
    """The marks of one process. Thread-safe."""

    def __init__(self, port: int, folder: Path | None = None) -> None:
        """`port`: that of the recogniser; 0 (any free port): nothing is marked."""
        self._path: Path | None = None
        if port and os.name == "posix":
            folder, name = folder or _folder(), f"huiyin-{os.getuid()}-live-"
            self._path = folder / f"{name}{port}"
            for left in folder.glob(f"{name}*"):
                _is_held(left, remove=True)
        self._lock = threading.Lock()
        self._holders = 0
        self._file: int | None = None

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Files wait meanwhile."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    def during(self, items: Iterator[T]) -> Iterator[T]:
        """`items`; files wait from the first that is asked for to the end."""
        with self.going_on():
            yield from items

    def anywhere(self) -> bool:
        """Whether any process of this machine has live work."""
        return self._path is not None and _is_held(self._path)

    def _begin(self) -> None:
        with self._lock:
            self._holders += 1
            if self._holders == 1 and self._path is not None:
                self._file = self._marked(self._path)

    def _end(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._file is not None and self._path is not None:
                os.close(self._file)
                self._file = None
                _is_held(self._path, remove=True)

    @staticmethod
    def _marked(path: Path) -> int | None:
        import fcntl

        file: int | None = None
        try:
            while True:
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
                fcntl.flock(file, fcntl.LOCK_SH)  # a look at it takes microseconds
                if os.fstat(file).st_nlink:
                    return file
                os.close(file)  # it was removed in between: no other process would see this mark
                file = None
        except OSError as error:
            if file is not None:
                os.close(file)
            log.info("live work cannot be marked in %s: %s", path, error.strerror)
            return None


def _is_held(path: Path, *, remove: bool = False) -> bool:
    """Whether a process holds this mark. `remove`: it is removed where no process does."""
    import fcntl

    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if os.fstat(file).st_uid != os.getuid():
            return False
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if remove and os.fstat(file).st_nlink:  # else it is gone, and a file of that name is another process's
            path.unlink()
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _folder() -> Path:
    return _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


class Presence:
    """Live work for some time after each sign of life. Thread-safe; it has a thread while it lasts."""

    def __init__(self, work: LiveWork, linger_s: float = LINGER_S) -> None:
        self._work, self._linger_s = work, linger_s
        self._changed = threading.Condition()
        self._until_s = 0.0
        self._runs = False

    def renew(self) -> None:
        """A sign of life."""
        with self._changed:
            self._until_s = time.monotonic() + self._linger_s
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._last, name="presence", daemon=True).start()

    def end(self) -> None:
        """It is over."""
        with self._changed:
            self._until_s = 0.0
            self._changed.notify_all()

    def _last(self) -> None:
        with self._work.going_on(), self._changed:
            while (left_s := self._until_s - time.monotonic()) > 0:
                self._changed.wait(left_s)
            self._runs = False
