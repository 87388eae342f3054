"""What Huiyin consists of on this machine: packages, the libraries inside their wheels, model files; with licences.

A wheel may carry libraries that its own metadata do not name: as files (``av.libs/libx264-….so``), or linked into its
modules, which its own bills of materials name (PEP 770: ``….dist-info/sboms``), or nothing but `licences.toml` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from huiyin.configs.packages.extras import PROJECT
from huiyin.configs.store.catalog import Catalog
from huiyin.configs.tables import read_table

Kind = Literal["package", "library", "model"]

DEVELOPERS = "dev"
"""The extra for development: using Huiyin does not need it."""
_BESIDE = {"funasr": ("funasr",)}
"""Extra -> what setup.sh installs with it, and no metadata name."""

_CARRIED = re.compile(r"\.(libs|dylibs)$")
_NATIVE = re.compile(r"\.(so(\.[\d.]+)?|dylib|dll)$")
# What a tool that repairs wheels makes of a name: libx264-d6533a8d.so.165, libopenblas64_p-r0-32a4b2a6.so
_NAME = re.compile(r"^(?:lib)?(?P<name>.+?)(?:-[0-9a-f]{8})*(?:\.so[\d.]*|(?:[.-][\d.]+)?\.(?:dylib|dll))$")
_NOT_IN_THE_WHEEL = ("optional", "excluded")  # scopes of a bill of materials


@dataclass(frozen=True)
class Part:
    """One thing that somebody wrote."""

    kind: Kind
    name: str
    version: str
    licence: str
    """An SPDX expression; '' if unknown."""
    within: str = ""
    """The package that carries it, '' for one of its own."""
    extra: str = ""
    """The extra that brings it, '' where it is always there; of a model file its profiles."""
    sha256: str = ""
    """Of a model file."""
    origin: str = ""
    """Likewise."""

    @property
    def key(self) -> str:
        """How it is named in `licences.toml`: 'av', or 'av/x264'."""
        return f"{self.within}/{self.name}" if self.within else self.name


@cache
def table() -> Mapping[str, Any]:
    """`licences.toml`."""
    return read_table(Path(__file__).with_name("licences.toml"))


def row(section: str, name: str) -> str:
    """What `licences.toml` says of a name there; '' for nothing. A key may end with `*`."""
    rows = table()[section]
    return str(next((rows[key] for key in (name, *rows) if key in rows and fnmatchcase(name, key)), ""))


def all_parts(catalog: Catalog) -> list[Part]:
    """Everything, in a steady order."""
    parts: list[Part] = []
    for distribution, extra in installed():
        package = _package(distribution, extra)
        parts += [package, *_inside(distribution, package)]
    return [*parts, *_models(catalog)]


def installed() -> list[tuple[metadata.Distribution, str]]:
    """The packages that Huiyin and its extras need and that are installed, each with the extra that brings it."""
    found: dict[str, tuple[metadata.Distribution, str]] = {}
    extras = [str(extra) for extra in metadata.metadata(PROJECT).get_all("Provides-Extra") or ()]
    for extra in ["", *sorted(extras, key=lambda name: name == DEVELOPERS)]:
        roots = [(PROJECT, frozenset({extra} - {""})), *((name, frozenset[str]()) for name in _BESIDE.get(extra, ()))]
        seen: set[tuple[str, frozenset[str]]] = set()
        while roots:
            name, wanted = roots.pop()
            if (name, wanted) in seen:
                continue
            seen.add((name, wanted))
            try:
                distribution = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue  # for another platform, or an extra that was not installed
            found.setdefault(name, (distribution, extra))
            roots += _required(distribution, wanted)
    return sorted(found.values(), key=lambda item: (item[1] == DEVELOPERS, _name(item[0])))


def licence_of(texts: Iterable[str]) -> str:
    """The first of these that is, or is known as, an SPDX expression; ''."""
    for text in texts:
        text = table()["names"].get(text, text)
        try:
            return str(canonicalize_license_expression(text))
        except InvalidLicenseExpression:
            continue
    return ""


def _required(distribution: metadata.Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in distribution.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def _package(distribution: metadata.Distribution, extra: str) -> Part:
    name, about = _name(distribution), distribution.metadata
    classifiers = [text for text in about.get_all("Classifier") or () if text.startswith("License ::")]
    stated = [text for key in ("License-Expression", "License") for text in about.get_all(key) or ()]
    known = row("packages", name) or licence_of([*stated, *classifiers])
    return Part("package", name, distribution.version, known, extra=extra)


def _inside(distribution: metadata.Distribution, package: Part) -> Iterator[Part]:
    """The libraries that its wheel carries, each name once."""
    named: dict[str, Part] = {}
    files = distribution.files or ()  # read anew each time it is asked for, and some wheels have ten thousand
    for component in _bills(files):
        name, licence = str(component["name"]), licence_of(_stated(component))
        of_its_own = canonicalize_name(name) != package.name and component.get("type") != "file"
        if of_its_own and component.get("scope") not in _NOT_IN_THE_WHEEL:
            version = str(component.get("version") or "")
            key = library_name(name)
            named.setdefault(key, _library(key, package, licence or row("libraries", key), version))
    for name in [*filter(None, map(_carried, files)), *table()["inside"].get(package.name, ())]:
        named.setdefault(name, _library(name, package, row("libraries", name)))
    yield from named.values()


def _library(name: str, package: Part, licence: str, version: str = "") -> Part:
    return Part("library", name, version, licence, within=package.name, extra=package.extra)


def library_name(name: str) -> str:
    """A library's name without what files and packages put around it: 'libXau' and 'libXau-154567c4.so.6' are 'xau'."""
    match = _NAME.match(name)
    return (match["name"] if match else name.removeprefix("lib")).lower().strip("_-")


def _carried(path: PurePosixPath) -> str:
    """The name of the library that a file of a wheel is; '' for anything else."""
    if not _NATIVE.search(path.name) or ".cpython-" in path.name:
        return ""
    if not any(_CARRIED.search(folder) for folder in path.parts[:-1]) and not path.name.startswith("lib"):
        return ""
    name = library_name(path.name)
    return "" if name in table()["own"]["names"] else name


def _bills(files: Iterable[metadata.PackagePath]) -> Iterator[dict[str, Any]]:
    """The components of the CycloneDX files among those of a wheel."""
    for file in files:
        if "sboms" in file.parts and file.name.endswith(".json"):
            waiting = list(json.loads(Path(str(file.locate())).read_text(encoding="utf-8")).get("components", ()))
            while waiting:
                component = waiting.pop(0)
                waiting += component.get("components", ())
                yield component


def _stated(component: Mapping[str, Any]) -> list[str]:
    """Its licences as one expression."""
    stated = [
        each.get("expression") or each.get("license", {}).get("id") or each.get("license", {}).get("name") or ""
        for each in component.get("licenses", ())
    ]
    return [" AND ".join(stated)] if stated else []


def _models(catalog: Catalog) -> Iterator[Part]:
    for file in catalog.files:
        profiles, licence = ", ".join(file.profiles), licence_of([file.licence])
        yield Part("model", file.name, "", licence, extra=profiles, sha256=file.sha256, origin=file.origin)


def _name(distribution: metadata.Distribution) -> str:
    return canonicalize_name(distribution.metadata["Name"])
