"""Files: the user's folders, and writing so that a reader sees a file whole or not at all, whatever kills us."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def user_folder(mac: str, xdg_variable: str, xdg_default: str) -> Path:
    """A folder for this user's files, by the platform's own rule: `mac` is below ~/Library, `xdg_default` below ~."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / mac
    return Path(os.environ.get(xdg_variable) or home / xdg_default)


def cache_folder() -> Path:
    """Where we keep what may be deleted at any time."""
    return user_folder("Caches", "XDG_CACHE_HOME", ".cache") / "huiyin"


@contextmanager
def whole_file(path: Path, *, private: bool = False, durable: bool = False) -> Iterator[BinaryIO]:
    """A file to write that takes its name only when all of it is there; an error leaves nothing behind.

    `private`: only the user can read it; `durable`: it is whole even after a power cut. Raises OSError.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    mode = 0o600 if private else 0o666
    try:
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
        (into_place if durable else os.replace)(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it, or what was there before. Raises OSError."""
    with whole_file(path) as file:
        file.write(content)


def into_place(part: Path, path: Path) -> None:
    """Give a finished file its final name; it is there, whole, even after a power cut. Raises OSError."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    if os.name == "posix":  # elsewhere a folder cannot be opened, and needs not
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def one_at_a_time(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`; calls `waiting` first when another process or thread holds it.

    The system frees the lock of a process that dies.
    """
    from filelock import FileLock, Timeout  # brings asyncio with it, and few commands need a lock

    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
