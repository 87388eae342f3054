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

from huiyin.configs.store.errors import SourceError

_CHUNK_BYTES = 1 << 16  # of a cut transfer, at most this much has to come again
_HASH_BYTES = 1 << 20
_IDLE_RETRIES = 3  # tries in a row that bring no new byte; a try that brings some begins the count anew
_PAUSE_S = 0.5  # before the second such try, twice that before the third
_BUSY = {429, 500, 502, 503, 504}  # the server may do better in a moment
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _Cut(SourceError):
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
        self._unreachable: dict[str, SourceError] = {}

    def unreachable(self, url: str) -> SourceError | None:
        """Why the address's host could not be reached earlier, if so."""
        return self._unreachable.get(host_of(url))

    def page(self, url: str, *, accept: str, verify: str | bool = True) -> requests.Response:
        """A small document, read whole. Raises SourceError."""
        try:
            with self._open(url, {"Accept": accept}, verify) as response:
                _ = response.content
        except requests.RequestException as error:
            raise SourceError("store.request_failed", host=host_of(url), error=error) from error
        if response.status_code != requests.codes.ok:
            status, reason = response.status_code, response.reason
            raise SourceError("store.http_status", host=host_of(url), status=status, reason=reason)
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

        `size` in bytes when it is known beforehand, `at` is called with the bytes that are here. Raises SourceError;
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
                raise SourceError("store.other_content", host=host_of(url), sha256=found, wanted=sha256)
            resumed = False  # the beginning may have been another content's: once more, from nothing

    def _fetch(self, url: str, part: Path, size: int | None, at: Callable[[int], None], verify: str | bool) -> None:
        idle = 0
        while True:
            before = size_of(part)
            try:
                return self._transfer(url, part, size, at, verify)
            except _Cut:
                idle = 0 if size_of(part) > before else idle + 1
                if idle >= _IDLE_RETRIES:
                    raise
                time.sleep(_PAUSE_S * idle)

    def _transfer(self, url: str, part: Path, size: int | None, at: Callable[[int], None], verify: str | bool) -> None:
        host, offset = host_of(url), size_of(part)
        if size is not None and offset > size:
            part.unlink()
            offset = 0
        if offset and offset == size:
            return
        with self._open(url, {"Range": f"bytes={offset}-"} if offset else {}, verify) as response:
            status, reason = response.status_code, response.reason
            if status in _BUSY:
                raise _Cut("store.http_status", host=host, status=status, reason=reason)
            if status == requests.codes.requested_range_not_satisfiable and offset:
                part.unlink()
                raise _Cut("store.shorter_there", host=host)
            if status not in (requests.codes.ok, requests.codes.partial_content):
                raise SourceError("store.http_status", host=host, status=status, reason=reason)
            start, total = _extent(response)
            if start not in (0, offset):
                part.unlink()
                raise _Cut("store.other_range", host=host)
            if size is not None and total is not None and total != size:
                raise SourceError("store.other_size", host=host, offered=total, size=size)
            end = self._write(response, host, part, start, size, at)
        wanted = size if size is not None else total
        if wanted is not None and end < wanted:
            raise _Cut("store.cut_short", host=host, position=end, size=wanted)

    @staticmethod
    def _write(
        response: requests.Response, host: str, part: Path, start: int, limit: int | None, at: Callable[[int], None]
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
                    raise _Cut("store.cut", host=host, position=position) from error
                if not block:
                    return position
                file.write(block)
                position += len(block)
                if limit is not None and position > limit:
                    file.truncate(0)
                    raise SourceError("store.too_long", host=host, size=limit)

    def _open(self, url: str, headers: Mapping[str, str], verify: str | bool) -> requests.Response:
        host = host_of(url)
        if known := self.unreachable(url):
            raise known
        try:
            return self._session.get(url, headers=dict(headers), stream=True, timeout=self._timeout_s, verify=verify)
        except (requests.ConnectionError, requests.Timeout) as error:
            cause = error.args[0] if error.args else None
            if isinstance(cause, urllib3.exceptions.ProtocolError):
                raise _Cut("store.closed", host=host) from error
            self._unreachable[host] = self._why(host, error)
            raise self._unreachable[host] from error
        except requests.RequestException as error:
            raise SourceError("store.request_failed", host=host, error=type(error).__name__) from error

    def _why(self, host: str, error: requests.RequestException) -> SourceError:
        """Why a host cannot be reached."""
        if isinstance(error, requests.exceptions.ProxyError):
            return SourceError("store.proxy", host=host)
        if isinstance(error, requests.exceptions.SSLError):
            return SourceError("store.certificate", host=host)
        if isinstance(error, requests.ConnectTimeout):
            return SourceError("store.no_answer", host=host, wait_s=self._timeout_s[0])
        if isinstance(error, requests.ReadTimeout):
            return SourceError("store.silent", host=host, wait_s=self._timeout_s[1])
        cause = error.args[0] if error.args else error
        text = str(getattr(cause, "reason", cause))  # not of `error` itself, which quotes the address
        if "resolve" in text or "getaddrinfo" in text:
            return SourceError("store.name_not_resolved", host=host)
        return SourceError("store.connection_refused" if "refused" in text else "store.unreachable", host=host)


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
