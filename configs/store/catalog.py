"""The catalog of model files, ``models.toml``, as typed data. Reads one file; touches neither network nor store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from huiyin.configs.layers import SettingsError, read_toml
from huiyin.configs.nearest import nearest

CATALOG = Path(__file__).resolve().parent / "models.toml"
NEAREST = ", did you mean {!r}?"
"""How a message about names goes on where one comes close."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Letters that mean the same path on every system; no drive, no backslash, no leading dot (the store's own folder).
_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


class CatalogError(ValueError):
    """The catalog cannot be used, or does not have the name asked for; the message says what would be right."""


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
        """The files of a profile. Raises CatalogError with the nearest right name."""
        if name not in self.profiles:
            raise CatalogError(
                f"no profile {name!r}{nearest(name, self.profiles, NEAREST)} (there are: {', '.join(self.profiles)})"
            )
        return tuple(f for f in self.files if name in f.profiles)

    def under(self, name: str) -> tuple[ModelFile, ...]:
        """The file called `name`, or all files of that folder. Raises CatalogError with the nearest right name."""
        plain = name.replace("\\", "/").rstrip("/")
        found = tuple(f for f in self.files if f.name == plain or f.name.startswith(plain + "/"))
        if not found:
            folders = {f.name.rpartition("/")[0] for f in self.files} - {""}
            names = sorted({f.name for f in self.files} | folders)
            raise CatalogError(
                f"no model file {name!r} in the catalog{nearest(name, names, NEAREST)} (`huiyin models list` shows all)"
            )
        return found

    def find(self, name: str) -> tuple[ModelFile, ...]:
        """The files of a profile, a folder, or one file: whatever `name` is. Raises CatalogError."""
        if name in self.profiles:
            return self.profile(name)
        try:
            return self.under(name)
        except CatalogError:
            names = [*self.profiles, *(f.name for f in self.files)]
            raise CatalogError(
                f"no profile or model file {name!r}{nearest(name, names, NEAREST)} "
                f"(profiles: {', '.join(self.profiles)}; `huiyin models list` shows the files)"
            ) from None


def load_catalog(path: Path | None = None) -> Catalog:
    """The catalog at `path` (default: the project's own). Raises CatalogError naming the entry and what is wrong."""
    path = path or CATALOG
    try:
        rows = read_toml(path).get("file", [])
    except (OSError, SettingsError) as error:
        raise CatalogError(f"cannot read the catalog {path}: {error}") from error
    files: dict[str, ModelFile] = {}
    for row in rows:
        try:
            file = _file(dict(row))
        except (KeyError, TypeError, ValueError) as error:
            raise CatalogError(f"{path}: entry {row.get('name', '(no name)')!r}: {error}") from error
        if file.name in files:
            raise CatalogError(f"{path}: {file.name!r} stands there twice")
        files[file.name] = file
    return Catalog(tuple(files.values()))


def _file(row: dict[str, Any]) -> ModelFile:
    """One [[file]] table. Raises KeyError, TypeError or ValueError."""
    archives = [_archive("wheel", cells) for cells in row.pop("wheels", [])]
    if "npm" in row:
        archives.append(_archive("npm", row.pop("npm")))
    file = ModelFile(**{**row, "profiles": tuple(row.get("profiles", ())), "archives": tuple(archives)})
    _check_path("name", file.name)
    _check_sha256(file.sha256)
    if not isinstance(file.bytes, int) or file.bytes <= 0:
        raise ValueError(f"bytes = {file.bytes!r}: must be a whole number above 0")
    return file


def _archive(kind: Literal["wheel", "npm"], cells: list[str]) -> Archive:
    package, version, sha256, member = cells
    _check_sha256(sha256)
    _check_path("member", member)
    return Archive(kind, package, version, sha256, member)


def _check_sha256(text: str) -> None:
    if not _SHA256.fullmatch(text):
        raise ValueError(f"{text!r} is not a sha256 (64 hexadecimal digits, lower case)")


def _check_path(what: str, text: str) -> None:
    """Refuse whatever could lead out of a folder on any system."""
    if not text or not all(_SAFE_PART.fullmatch(part) for part in text.split("/")) or PurePosixPath(text).is_absolute():
        raise ValueError(f"{what} {text!r} is unsafe: write a relative path of plain names, with forward slashes")
