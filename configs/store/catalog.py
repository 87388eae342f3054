"""The catalog of model files, ``models.toml``, as typed data. Reads one file; touches neither network nor store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from huiyin.configs.layers import SettingsError, read_toml
from huiyin.configs.nearest import nearest
from huiyin.configs.store.errors import CatalogError, UnknownNameError

CATALOG = Path(__file__).resolve().parent / "models.toml"
NEAREST = "store.near"
"""How a message about names goes on where one comes close."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Letters that mean the same path on every system; no drive, no backslash, no leading dot (the store's own folder).
_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Archive:
    """A package of a registry that carries a file, or a piece of one."""

    kind: Literal["wheel", "npm"]
    package: str
    version: str
    sha256: str
    """Of the archive, not of the member."""
    member: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


@dataclass(frozen=True)
class ModelFile:
    """One file of the store."""

    name: str
    """Path below the store's folder, with forward slashes."""
    bytes: int
    sha256: str
    licence: str
    origin: str
    profiles: tuple[str, ...]
    modelscope: str = ""
    """owner/repository/path, or empty when it is not there."""
    huggingface: str = ""
    github: str = ""
    """The rest of its address there: owner/repository/releases/download/tag/name, or …/raw/commit/path."""
    archives: tuple[Archive, ...] = ()
    """Their members, joined in this order, are the file."""


@dataclass(frozen=True)
class Catalog:
    """All files, in the catalog's order."""

    files: tuple[ModelFile, ...]

    @property
    def profiles(self) -> tuple[str, ...]:
        """Names of the profiles, in order of appearance."""
        return tuple(dict.fromkeys(p for f in self.files for p in f.profiles))

    def profile(self, name: str) -> tuple[ModelFile, ...]:
        """The files of a profile. Raises UnknownNameError with the nearest right name."""
        if name not in self.profiles:
            near = nearest(name, self.profiles, NEAREST)
            raise UnknownNameError("store.no_profile", name=name, near=near, profiles=self.profiles)
        return tuple(f for f in self.files if name in f.profiles)

    def under(self, name: str) -> tuple[ModelFile, ...]:
        """The file called `name`, or all files of that folder. Raises UnknownNameError with the nearest right one."""
        plain = name.replace("\\", "/").rstrip("/")
        found = tuple(f for f in self.files if f.name == plain or f.name.startswith(plain + "/"))
        if not found:
            folders = {f.name.rpartition("/")[0] for f in self.files} - {""}
            names = sorted({f.name for f in self.files} | folders)
            raise UnknownNameError("store.no_file", name=name, near=nearest(name, names, NEAREST))
        return found

    def find(self, name: str) -> tuple[ModelFile, ...]:
        """The files of a profile, a folder, or one file: whatever `name` is. Raises UnknownNameError."""
        if name in self.profiles:
            return self.profile(name)
        try:
            return self.under(name)
        except UnknownNameError:
            near = nearest(name, [*self.profiles, *(f.name for f in self.files)], NEAREST)
            raise UnknownNameError("store.no_profile_or_file", name=name, near=near, profiles=self.profiles) from None


def load_catalog(path: Path | None = None) -> Catalog:
    """The catalog at `path` (default: the project's own). Raises CatalogError naming the entry and what is wrong."""
    path = path or CATALOG
    try:
        rows = read_toml(path).get("file", [])
    except (OSError, SettingsError) as error:
        raise CatalogError("store.unreadable_catalog", path=path, error=error) from error
    files: dict[str, ModelFile] = {}
    for row in rows:
        try:
            file = _file(dict(row))
        except (KeyError, TypeError, ValueError, CatalogError) as error:
            name = row.get("name", "?")
            raise CatalogError("store.bad_entry", path=path, name=name, error=error) from error
        if file.name in files:
            raise CatalogError("store.same_entry_twice", path=path, name=file.name)
        files[file.name] = file
    return Catalog(tuple(files.values()))


def _file(row: dict[str, Any]) -> ModelFile:
    """One [[file]] table. Raises KeyError, TypeError, ValueError or CatalogError."""
    archives = [_archive("wheel", cells) for cells in row.pop("wheels", [])]
    if "npm" in row:
        archives.append(_archive("npm", row.pop("npm")))
    file = ModelFile(**{**row, "profiles": tuple(row.get("profiles", ())), "archives": tuple(archives)})
    _check_path("name", file.name)
    _check_sha256(file.sha256)
    if not isinstance(file.bytes, int) or file.bytes <= 0:
        raise CatalogError("store.bad_size", bytes=file.bytes)
    return file


def _archive(kind: Literal["wheel", "npm"], cells: list[str]) -> Archive:
    package, version, sha256, member = cells
    _check_sha256(sha256)
    _check_path("member", member)
    return Archive(kind, package, version, sha256, member)


def _check_sha256(text: str) -> None:
    if not _SHA256.fullmatch(text):
        raise CatalogError("store.bad_sha256", text=text)


def _check_path(what: str, text: str) -> None:
    """Refuse whatever could lead out of a folder on any system."""
    if not text or not all(_SAFE_PART.fullmatch(part) for part in text.split("/")) or PurePosixPath(text).is_absolute():
        raise CatalogError("store.unsafe_path", what=what, text=text)
