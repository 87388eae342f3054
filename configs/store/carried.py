"""Model files in a folder that is carried to another machine: `huiyin models export`, `huiyin models fetch --from`.

For machines that have no network, or that must not depend on what hubs and registries keep. The files lie below the
folder under their catalog names, beside `SHA256SUMS` (``sha256sum -c SHA256SUMS``) and a `README.txt` that names each
file's origin and licence.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from huiyin.configs.files import into_place, write_whole
from huiyin.configs.messages import said
from huiyin.configs.store.catalog import Catalog, ModelFile
from huiyin.configs.store.download import sha256_of, size_of
from huiyin.configs.store.errors import DiskFullError, StoreError
from huiyin.configs.store.progress import Progress, megabytes

SUMS = "SHA256SUMS"
README = "README.txt"
SPARE_BYTES = 64_000_000
"""Left free beside the files themselves: a small archive, notes, other programs."""

_COPY_BYTES = 1 << 20
_ABOUT = """\
Model files of Huiyin, each with its sha256 in {sums}. On a machine without a network:

    huiyin models fetch --from FOLDER

They are other people's work. If you pass them on, keep to their licences:

"""


def write_folder(files: Sequence[ModelFile], store: Path, folder: Path, progress: Progress) -> None:
    """Copy `files` of the store's folder to `folder`, each checked and whole; those that are there already stay.

    The list of sums is written last. Raises StoreError for a file that is not what the catalog says, DiskFullError
    before anything is begun that does not fit, and OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [file for file in files if not _is_right(folder / file.name, file)]
    need, free = sum(file.bytes for file in wanted) + SPARE_BYTES, free_bytes(folder)
    if wanted and free < need:
        raise DiskFullError("store.no_room_to_export", need=megabytes(need), folder=folder, free=megabytes(free))
    for file in wanted:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_checked(file, store / file.name, target, progress, target.with_name(f".{target.name}.part"))
    rows = [f"  {file.name} ({file.licence}): {file.origin}" for file in files]
    write_whole(folder / README, (_ABOUT.format(sums=SUMS) + "\n".join(rows) + "\n").encode())
    write_whole(folder / SUMS, "".join(f"{file.sha256}  {file.name}\n" for file in files).encode())


def carried_files(catalog: Catalog, folder: Path) -> tuple[ModelFile, ...]:
    """The files of the catalog that lie in such a folder. Raises StoreError where none does."""
    if not folder.is_dir():
        raise StoreError("store.no_folder", folder=folder)
    files = tuple(file for file in catalog.files if (folder / file.name).is_file())
    if not files:
        raise StoreError("store.nothing_carried", folder=folder)
    return files


def copy_checked(file: ModelFile, source: Path, target: Path, progress: Progress, part: Path) -> None:
    """Make `target` the file, by way of `part`, from `source`. Raises StoreError where that is another, and OSError."""
    if not source.is_file():
        raise StoreError("store.not_there", path=source)
    progress.start(file.name, str(source.parent), file.bytes)
    problem = said("store.stopped")
    try:
        digest = hashlib.sha256()
        with source.open("rb") as stream, part.open("wb") as out:
            while block := stream.read(_COPY_BYTES):
                digest.update(block)
                out.write(block)
                progress.at(out.tell())
        if digest.hexdigest() != file.sha256:
            part.unlink()
            problem = said("store.other_content_there")
            raise StoreError("store.other_file", path=source, sha256=digest.hexdigest(), wanted=file.sha256)
        into_place(part, target)
        problem = ""
    finally:
        progress.finish(problem)


def free_bytes(folder: Path) -> int:
    """How much fits where `folder` is, or will be."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


def _is_right(path: Path, file: ModelFile) -> bool:
    return size_of(path) == file.bytes and sha256_of(path) == file.sha256
