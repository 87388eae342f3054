"""Files that travel inside packages of the ordinary registries: Python wheels and npm tarballs.

Packages are downloaded and read as archives, never installed and never run. Which registry to ask is the machine's
own business: the same one that its pip and npm use, mirrors and company indexes included.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import IO
from urllib.parse import quote, urljoin, urlsplit

from huiyin.configs.store.catalog import Archive
from huiyin.configs.store.download import Downloader, host_of
from huiyin.configs.store.errors import SourceError

_SIMPLE = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"  # PEP 691, else PEP 503
_TOOL_TIMEOUT_S = 30  # pip and npm answer in about a second
_NO_MODULES = sys.prefix  # to run Python in: in the current folder it would import a user's own pip.py


@dataclass(frozen=True)
class Location:
    """Where an archive can be downloaded, and how to check the server's certificate."""

    url: str
    verify: str | bool = True


@dataclass(frozen=True)
class PipConfig:
    """pip's configuration on this machine."""

    indexes: tuple[str, ...]
    verify: str | bool


class Registries:
    """Finds archives in the registries this machine is set up for. What pip and npm say is asked once."""

    def __init__(self, http: Downloader, environ: Mapping[str, str] | None = None) -> None:
        self._http = http
        self._environ = os.environ if environ is None else environ

    def locate(self, archive: Archive) -> Location:
        """The archive's download address. Raises SourceError."""
        return self._wheel(archive) if archive.kind == "wheel" else self._tarball(archive)

    def _wheel(self, archive: Archive) -> Location:
        project = re.sub(r"[-_.]+", "-", archive.package).lower()
        stem = f"{project.replace('-', '_')}-{archive.version}-"
        problems: list[SourceError] = []
        for index in self._pip.indexes:
            try:
                response = self._http.page(f"{index.rstrip('/')}/{project}/", accept=_SIMPLE, verify=self._pip.verify)
                if "json" in response.headers.get("Content-Type", ""):
                    links = [(f["url"], f.get("hashes", {}).get("sha256", "")) for f in response.json()["files"]]
                else:
                    links = _links(response.text)
            except SourceError as error:
                problems.append(error)
                continue
            except (ValueError, KeyError, TypeError, AttributeError):
                problems.append(SourceError("store.not_an_index", host=host_of(index), project=project))
                continue
            for href, sha256 in links:
                name = urlsplit(href).path.rpartition("/")[2].lower()
                # An index without sha256 is believed by file name: the download is checked in any case.
                if sha256 == archive.sha256 or (not sha256 and name.startswith(stem) and name.endswith(".whl")):
                    return Location(urljoin(response.url, href), self._pip.verify)
            problems.append(SourceError("store.no_wheel", host=host_of(index), archive=archive))
        raise SourceError("store.no_index_has", problems=problems)

    def _tarball(self, archive: Archive) -> Location:
        url = f"{self._npm_registry.rstrip('/')}/{quote(archive.package, safe='@')}/{archive.version}"
        response = self._http.page(url, accept="application/json")
        try:
            return Location(str(response.json()["dist"]["tarball"]))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError("store.no_tarball", host=host_of(url), archive=archive) from error

    @cached_property
    def _pip(self) -> PipConfig:
        """Index addresses and CA file: pip's environment variables, else its configuration, else its default."""
        told: dict[str, str] = {}
        listing = _ask([sys.executable, "-m", "pip", "config", "list"], _NO_MODULES)
        # Lines like global.index-url='https://…'; [global] first, so that what is more special wins, as in pip.
        for line in sorted(listing.splitlines(), key=lambda line: not line.startswith("global.")):
            key, _, text = line.partition("=")
            try:
                told[key.rpartition(".")[2]] = str(ast.literal_eval(text))
            except (ValueError, SyntaxError):
                continue
        for key in ("index-url", "extra-index-url", "cert"):
            if value := self._environ.get(f"PIP_{key.upper().replace('-', '_')}"):
                told[key] = value
        main = told.get("index-url") or _ask(
            [sys.executable, "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"], _NO_MODULES
        )
        extra = told.get("extra-index-url", "").split()
        indexes = tuple(url for url in (main, *extra) if url.startswith(("https://", "http://")))
        if not indexes:
            raise SourceError("store.no_pip")
        return PipConfig(indexes, told.get("cert") or True)

    @cached_property
    def _npm_registry(self) -> str:
        """The registry's address: npm's environment variable, else npm itself, else .npmrc."""
        for name, value in self._environ.items():
            if name.lower() == "npm_config_registry" and value:
                return value
        npm = shutil.which("npm")
        if npm and (answer := _ask([npm, "config", "get", "registry"])).startswith(("https://", "http://")):
            return answer
        try:
            npmrc = (Path.home() / ".npmrc").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            npmrc = ""
        if match := re.search(r"^\s*registry\s*=\s*(https?://\S+)", npmrc, re.MULTILINE):
            return match[1]
        raise SourceError("store.no_npm")


def _ask(command: list[str], folder: str | None = None) -> str:
    """What a tool prints in `folder`, or '' when it cannot answer."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TOOL_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


class _LinkParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        if href:
            url, _, fragment = href.partition("#")
            self.links.append((url, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""))


def _links(page: str) -> list[tuple[str, str]]:
    """(address, sha256 or '') of every file on a PEP 503 page."""
    parser = _LinkParser()
    parser.feed(page)
    return parser.links


@contextmanager
def open_member(path: Path, archive: Archive) -> Iterator[IO[bytes]]:
    """The member of a downloaded archive, as a stream. Nothing is unpacked by name, so no member can land elsewhere.

    Raises SourceError when it is not there, is not a regular file, or the archive is broken; also while it is read.
    """
    try:
        if archive.kind == "wheel":
            with zipfile.ZipFile(path) as wheel, wheel.open(archive.member) as stream:
                yield stream
        else:
            with tarfile.open(path, "r:gz") as tarball:
                info = tarball.getmember(archive.member)
                inner = tarball.extractfile(info) if info.isfile() else None
                if inner is None:
                    raise SourceError("store.not_a_file", archive=archive, member=archive.member)
                with inner:
                    yield inner
    except KeyError as error:
        raise SourceError("store.no_member", archive=archive, member=archive.member) from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError("store.not_unpacked", archive=archive, error=error) from error
