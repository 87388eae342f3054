"""The model store: every model file is fetched once, checked by its sha256 before first use, and then only looked at.

    store = ModelStore(settings.store)
    folder = store.ensure("whisper-base")          # downloads what is missing; raises StoreError

Below the store's folder, files lie under their catalog names. ``.state/`` holds what is not a model: unfinished
downloads, locks, and one small note per verified file, so that a start does not hash gigabytes again.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huiyin.configs.files import into_place, one_at_a_time, write_whole
from huiyin.configs.messages import colon, said
from huiyin.configs.nearest import nearest
from huiyin.configs.settings import StoreSettings
from huiyin.configs.store.archives import Joiner
from huiyin.configs.store.carried import SPARE_BYTES, carried_files, copy_checked, free_bytes, write_folder
from huiyin.configs.store.catalog import NEAREST, ModelFile, load_catalog
from huiyin.configs.store.download import Downloader, sha256_of, size_of
from huiyin.configs.store.errors import DiskFullError, SourceError, StoreError
from huiyin.configs.store.hub_addresses import hub_url
from huiyin.configs.store.hub_caches import cached_files, link
from huiyin.configs.store.progress import Progress, megabytes
from huiyin.configs.store.registry import Registries

SOURCES = ("modelscope", "huggingface", "github", "registry")

_KINDS = ("ok", "part", "joined", "journal")  # of the store's own files beside a model file; its lock stays
_FULL = {errno.ENOSPC, errno.EDQUOT}

State = Literal["here", "missing", "damaged", "unchecked"]


@dataclass(frozen=True)
class FileState:
    """A file of the catalog and how it stands in the store."""

    file: ModelFile
    path: Path
    state: State
    """'unchecked': of the right size, its content not yet compared with its sha256."""

    @property
    def is_here(self) -> bool:
        """'here' or 'unchecked'."""
        return self.state in ("here", "unchecked")


class ModelStore:
    """Model files on disk and the ways to get them. Safe to use from several threads and processes at once.

    `catalog` is another models.toml than the project's; `progress` reports what happens (default: standard error).
    Raises StoreError for an unusable catalog or an unknown source name in the settings.
    """

    def __init__(self, settings: StoreSettings, catalog: Path | None = None, progress: Progress | None = None) -> None:
        for source in settings.sources:
            if source not in SOURCES:
                near = nearest(source, SOURCES, NEAREST)
                raise StoreError("store.no_source", name=source, near=near, sources=SOURCES)
        own = Path(settings.catalog).expanduser() if settings.catalog else None
        self.catalog = load_catalog(catalog or own)
        self.dir = settings.path
        self._settings = settings
        self._progress = progress or Progress()
        self._http = Downloader(settings.connect_timeout_s, settings.read_timeout_s)
        self._state_dir = self.dir / ".state"
        self._busy = threading.Lock()  # threads of one process take turns, as they share one progress bar
        self._joiner = Joiner(self._state_dir, self._http, Registries(self._http), self._progress)

    # --- what callers use -------------------------------------------------------------------------------------

    def ensure(self, name: str) -> Path:
        """The verified path of a file ("silero_vad_16k.onnx") or folder ("whisper-base"); downloads what is missing.

        The path of a file or folder outside the store is given back as it is. Raises StoreError.
        """
        outside = Path(name).expanduser()
        if outside.is_absolute() and outside.exists():
            return outside
        self._get(self.catalog.under(name))
        return self.dir / name.replace("\\", "/").rstrip("/")

    def fetch(self, name: str, carried: Path | None = None) -> list[Path]:
        """Have every file of a profile (or folder, or one file) on disk, verified. Raises StoreError.

        `carried`: a folder that `export` made; nothing but it is asked then. With `name` '' all that it holds.
        """
        files = self._find(name) if name else ()
        if carried:
            files = files or carried_files(self.catalog, carried)
        self._get(files, carried)
        return [self.dir / file.name for file in files]

    def export(self, folder: Path, name: str | None = None) -> list[ModelFile]:
        """Copy the files of a profile, folder or name (default: all that are here) to a folder to be carried.

        Raises StoreError where one of them is not here, is damaged, or does not fit; OSError as `write_folder` does.
        """
        states = self.look(name)
        absent = [state.file.name for state in states if state.state in ("missing", "damaged")]
        if name and absent:
            raise StoreError("store.not_here", names=absent, name=name)
        files = [state.file for state in states if state.file.name not in absent]
        if not files:
            raise StoreError("store.nothing_here", folder=self.dir)
        write_folder(files, self.dir, folder, self._progress)
        return files

    def verify(self, name: str | None = None, full: bool = True) -> list[FileState]:
        """How the files of a profile (default: all) stand; `full` reads every byte, else earlier checks count."""
        return [self._state(file, "always" if full else "unless known") for file in self._find(name)]

    def look(self, name: str | None = None) -> list[FileState]:
        """How the files of a profile, folder or name (default: all) stand, without reading any."""
        return [self._state(file, "never") for file in self._find(name)]

    def held(self, name: str | None = None) -> list[Path]:
        """What is on disk of a profile, folder or name (default: all): its files, what was begun of them, and what was
        made of a folder of which no file remains. Links lead to what other programs keep: that stays."""
        files = self._find(name)
        paths = [self.dir / file.name for file in files]
        paths += [self._beside(file, kind) for file in files for kind in _KINDS]
        folders = {file.name.partition("/")[0] for file in files if "/" in file.name}
        rest = {file.name.partition("/")[0] for file in self.catalog.files if file not in files}
        for folder in folders - rest:  # quick forms: `services/asr/sensevoice/export.py`
            paths += [*(self.dir / folder / "onnx").rglob("*"), *(self.dir / "exports" / folder).rglob("*")]
        if name is None:
            paths += [path for kind in ("archive", "part") for path in self._state_dir.glob(f"*.{kind}")]
        return sorted({path for path in paths if path.is_symlink() or path.is_file()})

    def prune(self, name: str | None = None) -> None:
        """Delete what `held` names, and folders that are empty then. Raises StoreError."""
        with self._busy:
            for path in self.held(name):
                try:
                    path.unlink(missing_ok=True)
                    for folder in path.parents:
                        if folder == self.dir or any(folder.iterdir()):
                            break
                        folder.rmdir()
                except OSError as error:
                    raise StoreError("store.not_deleted", path=path, why=error.strerror or error) from error

    # --- how a file stands ------------------------------------------------------------------------------------

    def _find(self, name: str | None) -> tuple[ModelFile, ...]:
        return self.catalog.find(name) if name else self.catalog.files

    def _state(self, file: ModelFile, read: Literal["always", "unless known", "never"] = "unless known") -> FileState:
        path = self.dir / file.name
        state: State
        try:
            if path.stat().st_size != file.bytes:
                state = "damaged"
            elif read != "always" and self._noted(file) == self._fingerprint(path):
                state = "here"
            elif read == "never":
                state = "unchecked"
            else:
                before = self._fingerprint(path)
                state = "here" if sha256_of(path) == file.sha256 else "damaged"
                if state == "here":
                    self._note(file, before)
        except FileNotFoundError:
            state = "missing"
        except OSError as error:
            raise StoreError("store.unreadable", path=path, why=error.strerror or error) from error
        return FileState(file, path, state)

    @staticmethod
    def _fingerprint(path: Path) -> tuple[int, ...]:
        """Differs when the file is another one or was written to; the change time catches a restored mtime."""
        stat = path.stat()
        return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)

    def _noted(self, file: ModelFile) -> tuple[int, ...] | None:
        """The fingerprint under which this very content was verified before."""
        try:
            note = json.loads(self._beside(file, "ok").read_text(encoding="utf-8"))
            return tuple(note["fingerprint"]) if note["sha256"] == file.sha256 else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _note(self, file: ModelFile, fingerprint: Sequence[int]) -> None:
        with suppress(OSError):  # a store that may only be read is hashed at each start, which still works
            self._state_dir.mkdir(parents=True, exist_ok=True)
            note = {"sha256": file.sha256, "fingerprint": fingerprint}
            write_whole(self._beside(file, "ok"), json.dumps(note).encode())

    def _beside(self, file: ModelFile, kind: str) -> Path:
        """The store's own file of this kind for a model file."""
        return self._state_dir / f"{file.name.replace('/', '--')}.{kind}"

    # --- getting files ----------------------------------------------------------------------------------------

    def _get(self, files: Sequence[ModelFile], carried: Path | None = None) -> None:
        wanted = [file for file in files if self._state(file).state != "here"]
        if not wanted:
            return
        if carried or not self._settings.offline:
            self._check_room(wanted)
        problems: list[StoreError] = []
        kept: set[str] = set()
        with self._busy:
            try:
                for position, file in enumerate(wanted):
                    # Some files share an archive: it is kept until the last of them has been taken out.
                    later = {archive.sha256 for other in wanted[position + 1 :] for archive in other.archives}
                    kept |= later
                    try:
                        self._get_one(file, later, carried)
                    except DiskFullError:
                        raise
                    except StoreError as error:
                        problems.append(error)
            finally:
                self._joiner.tidy(kept)
        if problems and carried:
            raise StoreError("store.not_carried", problems=problems, folder=carried)
        if problems:
            profiles = dict.fromkeys(file.profiles[0] for file in wanted if file.profiles)
            commands = [f"huiyin models fetch {name}" for name in profiles] or ["huiyin models fetch"]
            folder = f"{self.dir}{os.sep}"
            raise StoreError("store.not_fetched", problems=problems, commands=commands, folder=folder)

    def _get_one(self, file: ModelFile, later: Collection[str], carried: Path | None) -> None:
        path = self.dir / file.name

        def waiting() -> None:
            self._progress.say(said("store.another_process", name=file.name))

        cached = next(cached_files(file), None)
        if self._settings.offline and not cached and not carried:
            raise StoreError("store.damaged_offline" if path.exists() else "store.missing_offline", path=path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._state_dir.mkdir(exist_ok=True)
            with one_at_a_time(self._beside(file, "lock"), waiting):
                state = self._state(file).state
                if state == "here":
                    return  # another process brought it while this one waited
                if state == "damaged":
                    self._progress.say(said("store.getting_again", path=path))
                    path.unlink()
                if carried:
                    copy_checked(file, carried / file.name, path, self._progress, self._beside(file, "part"))
                    self._note(file, self._fingerprint(path))
                elif not self._link_cached(file, path):
                    self._download(file, path, later)
        except OSError as error:
            if error.errno in _FULL:
                size = megabytes(file.bytes)
                raise DiskFullError("store.disk_full", name=file.name, size=size, folder=self.dir) from error
            raise StoreError("store.not_written", path=error.filename or path, why=error.strerror or error) from error

    def _link_cached(self, file: ModelFile, path: Path) -> bool:
        """Whether a cache of another program has the file; then it is at `path`, without a copy."""
        for cached in cached_files(file):
            if sha256_of(cached) == file.sha256:
                with suppress(OSError):
                    link(cached, path)
                    self._note(file, self._fingerprint(path))
                    self._progress.say(said("store.here_already", name=file.name, path=cached))
                    return True
        return False

    def _download(self, file: ModelFile, path: Path, later: Collection[str]) -> None:
        """Try the sources in order until one gives the file; then it is at `path`. Raises StoreError, OSError."""
        problems = []
        for source in self._settings.sources:
            url = hub_url(self._settings, file, source)
            if not (file.archives if source == "registry" else url):
                continue  # the catalog knows it nowhere there
            if url and (known := self._http.unreachable(url)):
                problems.append(f"  {source}{colon()}{known}")
                continue
            self._progress.start(file.name, source, file.bytes)
            problem = said("store.stopped")
            try:
                if source == "registry":
                    part = self._beside(file, "joined")
                    self._joiner.join(file, part, later)
                else:
                    part = self._beside(file, "part")
                    self._http.fetch_checked(url, part, sha256=file.sha256, size=file.bytes, at=self._progress.at)
                problem = ""
            except SourceError as error:
                problem = str(error)
                problems.append(f"  {source}{colon()}{problem}")
                continue
            finally:
                self._progress.finish(problem)
            into_place(part, path)
            self._note(file, self._fingerprint(path))
            for kind in _KINDS[1:]:  # what another source had begun
                self._beside(file, kind).unlink(missing_ok=True)
            return
        size = megabytes(file.bytes)
        if problems:
            raise StoreError("store.no_source_gives", name=file.name, size=size, problems=problems)
        raise StoreError("store.no_source_has", name=file.name, size=size, sources=self._settings.sources)

    def _check_room(self, wanted: Sequence[ModelFile]) -> None:
        """Raise DiskFullError before anything is begun that cannot fit."""
        begun = sum(max(size_of(self._beside(f, "part")), size_of(self._beside(f, "joined"))) for f in wanted)
        need = max(sum(f.bytes for f in wanted) - begun, 0) + SPARE_BYTES
        free = free_bytes(self.dir)
        if free < need:
            raise DiskFullError(
                "store.no_room" if len(wanted) == 1 else "store.no_room_for_several",
                name=wanted[0].name, count=len(wanted), need=megabytes(need), folder=self.dir, free=megabytes(free),
            )  # fmt: skip
