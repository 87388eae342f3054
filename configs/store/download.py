"""One file over HTTP: resumed where it stopped, checked by its sha256, in few words when it cannot be had."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

_CHUNK_BYTES = 1 << 16  # of a cut transfer, at most this much has to come again
_HASH_BYTES = 1 << 20
_IDLE_RETRIES = 3  # tries in a row that bring no new byte; a try that brings some begins the count anew
_PAUSE_S = 0.5  # before the second such try, twice that before the third
_BUSY = {429, 500, 502, 503, 504}  # the server may do better in a moment
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class SourceError(Exception):
    """A source cannot give the file; the text says why, in few words."""


class _Cut(Exception):
    """The transfer stopped early and may be taken up again."""


def sha256_of(path: Path) -> str:
    """The file's sha256 in lower-case hexadecimal (about 1 GB a second where the CPU knows SHA)."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()


def host_of(url: str) -> str:
    """Host and port, never the user and password a URL may carry."""
    return urlsplit(url).netloc.rpartition("@")[2]


def size_of(path: Path) -> int:
    """Its size in bytes, 0 when it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Downloader:
    """HTTP for the store. A host that cannot be reached is remembered and not waited for again."""

    def __init__(self, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._timeout_s = (connect_timeout_s, read_timeout_s)
        self._session = requests.Session()
        # Compressed on the way, a file could not be resumed by its byte count.
        self._session.headers.update({"User-Agent": "huiyin", "Accept-Encoding": "identity"})
        self._unreachable: dict[str, str] = {}

    def unreachable(self, url: str) -> str:
        """Why the address's host was found unreachable earlier, or ''."""
        host = host_of(url)
        return f"{host}: {self._unreachable[host]}" if host in self._unreachable else ""

    def page(self, url: str, *, accept: str, verify: str | bool = True) -> requests.Response:
        """A small document, read whole. Raises SourceError."""
        try:
            with self._open(url, {"Accept": accept}, verify) as response:
                _ = response.content
        except (_Cut, requests.RequestException) as error:
            raise SourceError(f"{host_of(url)}: {error}") from error
        if response.status_code != requests.codes.ok:
            raise SourceError(f"{host_of(url)}: HTTP {response.status_code} {response.reason}")
        return response

    def fetch_checked(
        self,
        url: str,
        part: Path,
        *,
        sha256: str,
        size: int | None = None,
        at: Callable[[int], None] = lambda position: None,
        verify: str | bool = True,
    ) -> None:
        """Bring `part` to the whole content of `url` and check it; what is already in `part` is not sent again.

        `size` in bytes when it is known beforehand, `at` is told how many bytes are here. Raises SourceError;
        then `part` holds the beginning for the next try, or is gone when its content was wrong.
        """
        resumed = size_of(part) > 0
        while True:
            self._fetch(url, part, size, at, verify)
            found = sha256_of(part)
            if found == sha256:
                return
            part.unlink()
            if not resumed:
                raise SourceError(f"{host_of(url)}: sent other content (sha256 {found[:12]}…, wanted {sha256[:12]}…)")
            resumed = False  # the beginning may have been another content's: once more, from nothing

    def _fetch(self, url: str, part: Path, size: int | None, at: Callable[[int], None], verify: str | bool) -> None:
        idle = 0
        while True:
            before = size_of(part)
            try:
                return self._transfer(url, part, size, at, verify)
            except _Cut as cut:
                idle = 0 if size_of(part) > before else idle + 1
                if idle >= _IDLE_RETRIES:
                    raise SourceError(f"{host_of(url)}: {cut}") from cut
                time.sleep(_PAUSE_S * idle)

    def _transfer(self, url: str, part: Path, size: int | None, at: Callable[[int], None], verify: str | bool) -> None:
        offset = size_of(part)
        if size is not None and offset > size:
            part.unlink()
            offset = 0
        if offset and offset == size:
            return
        with self._open(url, {"Range": f"bytes={offset}-"} if offset else {}, verify) as response:
            status = response.status_code
            if status in _BUSY:
                raise _Cut(f"HTTP {status} {response.reason}")
            if status == requests.codes.requested_range_not_satisfiable and offset:
                part.unlink()
                raise _Cut("the file there is shorter than what is already here")
            if status not in (requests.codes.ok, requests.codes.partial_content):
                raise SourceError(f"{host_of(url)}: HTTP {status} {response.reason}")
            start, total = _extent(response)
            if start not in (0, offset):
                part.unlink()
                raise _Cut("the server sent another range than it was asked for")
            if size is not None and total is not None and total != size:
                raise SourceError(f"{host_of(url)}: offers {total} bytes where the catalog says {size}")
            end = self._write(response, part, start, size, at)
        wanted = size if size is not None else total
        if wanted is not None and end < wanted:
            raise _Cut(f"the connection was cut after {end} of {wanted} bytes")

    @staticmethod
    def _write(
        response: requests.Response, part: Path, start: int, limit: int | None, at: Callable[[int], None]
    ) -> int:
        """Stream the body into `part` from byte `start` on; returns where it ends. Errors of the disk pass through."""
        position = start
        chunks = response.iter_content(_CHUNK_BYTES)
        # A server that ignores the range sends from byte 0: begin anew, never append.
        with part.open("ab" if start else "wb") as file:
            while True:
                at(position)
                try:
                    block = next(chunks, b"")
                except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                    raise _Cut(f"the connection was cut after {position} bytes") from error
                if not block:
                    return position
                file.write(block)
                position += len(block)
                if limit is not None and position > limit:
                    file.truncate(0)
                    raise SourceError(f"{host_of(response.url)}: sends more than the catalog's {limit} bytes")

    def _open(self, url: str, headers: Mapping[str, str], verify: str | bool) -> requests.Response:
        host = host_of(url)
        if known := self.unreachable(url):
            raise SourceError(known)
        try:
            return self._session.get(url, headers=dict(headers), stream=True, timeout=self._timeout_s, verify=verify)
        except (requests.ConnectionError, requests.Timeout) as error:
            cause = error.args[0] if error.args else None
            if isinstance(cause, urllib3.exceptions.ProtocolError):
                raise _Cut("the connection was closed without an answer") from error
            self._unreachable[host] = self._why(error)
            raise SourceError(f"{host}: {self._unreachable[host]}") from error
        except requests.RequestException as error:
            raise SourceError(f"{host}: {type(error).__name__}") from error

    def _why(self, error: requests.RequestException) -> str:
        """Why a host cannot be reached, for people."""
        if isinstance(error, requests.exceptions.ProxyError):
            return "the proxy does not let it through"
        if isinstance(error, requests.exceptions.SSLError):
            return "its certificate is not trusted (behind a company proxy, name its CA file in REQUESTS_CA_BUNDLE)"
        if isinstance(error, requests.ConnectTimeout):
            return f"no answer within {self._timeout_s[0]:g} s"
        if isinstance(error, requests.ReadTimeout):
            return f"silent for {self._timeout_s[1]:g} s"
        cause = error.args[0] if error.args else error
        text = str(getattr(cause, "reason", cause))  # not of `error` itself, which quotes the address
        if "resolve" in text or "getaddrinfo" in text:
            return "its name cannot be resolved (no network?)"
        return "connection refused" if "refused" in text else "cannot be reached"


def _extent(response: requests.Response) -> tuple[int, int | None]:
    """(first byte the body carries, size of the whole content if the server tells)."""
    if response.status_code == requests.codes.partial_content:
        match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if match:
            return int(match[1]), None if match[2] == "*" else int(match[2])
        return -1, None
    length = response.headers.get("Content-Length", "")
    plain = response.headers.get("Content-Encoding", "identity") == "identity"
    return 0, int(length) if plain and length.isdigit() else None
