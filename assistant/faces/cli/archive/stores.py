"""Recordings that have a URL: in an object store, on a web server, in whatever fsspec or pyarrow can read.

fsspec is asked first, with its own configuration and credentials. Where its package for a scheme is missing, pyarrow's
own client does: for ``s3``, ``gs``, ``abfs`` and ``hdfs`` it needs no package.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from huiyin.assistant.faces.cli.shared import CommandError, UsageError
from huiyin.assistant.faces.cli.transcribe_files import Named, is_recording
from huiyin.services.common.shown_url import shown_url

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")
_MODIFIED = ("mtime", "LastModified", "last_modified", "updated")  # as the file systems call it
_END = 2  # of `seek`


@dataclass(frozen=True)
class Stored(Named):
    """A recording with a URL. Its label shows no secrets of that, its `path` is its name alone."""

    url: str = ""
    size: int | None = None
    """Bytes; None: not known yet."""
    modified_s: float | None = None
    """Since 1970; None: not known, and a result that is there counts as newer."""

    @property
    def is_done(self) -> bool:
        """Whether its result is there, and not older than the recording."""
        if self.target is None or not self.target.is_file():
            return False
        return self.modified_s is None or self.target.stat().st_mtime >= self.modified_s


def is_url(name: str) -> bool:
    """Whether `name` is no path."""
    return _SCHEME.match(name) is not None


def find_stored(url: str, *, recursive: bool) -> list[Stored]:
    """The recordings that `url` stands for: one, a pattern with ``*``, and with `recursive` all below a folder.

    Raises UsageError for a scheme that cannot be read, and for a pattern or folder without any. One that is not there
    is left to the code that opens it.
    """
    store = _Store(url)
    with _in_words(url):
        if "*" in url:
            found = {path: facts for path, facts in store.fs.glob(store.path, detail=True).items() if _is_file(facts)}
            if not found:
                raise UsageError("cli.pattern_without_recordings", pattern=_label(url))
            return [store.recording(path, facts) for path, facts in sorted(found.items())]
        if recursive and store.fs.isdir(store.path):
            found = store.fs.find(store.path, detail=True)
            stored = [store.recording(path, facts) for path, facts in sorted(found.items())]
            stored = [one for one in stored if is_recording(one.path)]
            if not stored:
                raise UsageError("cli.folder_without_recordings", folder=_label(url))
            return stored
    facts: Mapping[str, Any] = {}
    with contextlib.suppress(Exception):  # whatever it is, the one who opens it meets it again
        facts = store.fs.info(store.path)
    return [_stored(url, Path(), facts)]


@contextlib.contextmanager
def opened(source: str) -> Iterator[tuple[BinaryIO, int]]:
    """(a recording, its bytes), by its path or URL, read as it is needed. Raises what the file system does."""
    if not is_url(source):
        path = Path(source)
        with path.open("rb") as file:
            yield file, path.stat().st_size
        return
    store = _Store(source)
    with store.fs.open(store.path, "rb") as file:
        if (size := _size(file)) is not None:
            yield file, size
            return
        with tempfile.TemporaryFile() as copy:  # a server that does not say how long it is
            shutil.copyfileobj(file, copy)
            size = copy.tell()
            copy.seek(0)
            yield copy, size


class _Store:
    """The file system of a URL, and the URL's path in it."""

    def __init__(self, url: str) -> None:
        import fsspec

        scheme, self._query = url.partition("://")[0], ""
        try:
            self.fs, self.path = fsspec.core.url_to_fs(url)
        except ImportError as error:
            from fsspec.implementations.arrow import ArrowFSWrapper
            from pyarrow.fs import FileSystem

            try:
                fs, self.path = FileSystem.from_uri(url)
            except Exception:
                raise UsageError("cli.store_not_installed", scheme=scheme, why=error) from error
            self.fs = ArrowFSWrapper(fs)
            url, mark, options = url.partition("?")
            self._query = mark + options
        except ValueError as error:
            raise UsageError("cli.store_unknown", scheme=scheme, why=error) from error
        self._url, self._folder = (_folder_of(text) for text in (url, self.path))

    def recording(self, path: str, facts: Mapping[str, Any]) -> Stored:
        """One that the file system has listed, at `path`."""
        below = path[len(self._folder) :].lstrip("/")
        return _stored(f"{self._url}/{below}{self._query}", Path(below).parent, facts)


@contextlib.contextmanager
def _in_words(url: str) -> Iterator[None]:
    """What a file system says, whatever its library raises, becomes a CommandError."""
    try:
        yield
    except CommandError:
        raise
    except Exception as error:
        raise CommandError("cli.store_unreadable", url=_label(url), kind=type(error).__name__, why=error) from error


def _stored(url: str, folder: Path, facts: Mapping[str, Any]) -> Stored:
    label = _label(url)
    path = Path(PurePosixPath(label).name)
    return Stored(label, path, folder, url=url, size=facts.get("size"), modified_s=_modified_s(facts))


def _label(url: str) -> str:
    """What is shown of it: no key, and nothing of what is asked of a server."""
    return shown_url(url).partition("?")[0]


def _folder_of(text: str) -> str:
    """A URL or path up to where a pattern begins."""
    before, star, _ = text.partition("*")
    return (before.rpartition("/")[0] if star else before).rstrip("/")


def _is_file(facts: Mapping[str, Any]) -> bool:
    return facts.get("type") != "directory"


def _modified_s(facts: Mapping[str, Any]) -> float | None:
    value = next((facts[name] for name in _MODIFIED if facts.get(name)), None)
    with contextlib.suppress(ValueError):
        value = datetime.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, (int, float)) else None


def _size(file: Any) -> int | None:
    """Bytes of an open file; None if unknown."""
    if isinstance(size := getattr(file, "size", None), int):
        return size
    if not file.seekable():
        return None
    size = file.seek(0, _END)
    file.seek(0)
    return int(size)
