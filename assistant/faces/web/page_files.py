"""The files of the page, read once: small, compressed ahead, and never more than asked for."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

FOLDER = Path(__file__).with_name("page")

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".wav": "audio/wav",
    ".onnx": "application/octet-stream",
}
"""Content types by suffix. By hand: what the system knows differs, and on Windows programs change it."""

_FIRST_COMPRESSED = 512  # bytes; a smaller file gains nothing

# Everything comes from this server, and no script, style or frame that was injected into the page would run.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "microphone=(self), speaker-selection=(self), screen-wake-lock=(self), camera=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send the login form with "Origin: null"
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class _File:
    kind: str
    plain: bytes
    compressed: bytes | None
    version: str


class PageFiles:
    """The files of a folder, by their paths in it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        paths = [path for path in folder.rglob("*") if path.suffix in TYPES and path.is_file()]
        self._files = {path.relative_to(folder).as_posix(): _read(path) for path in paths}

    def response(self, name: str) -> Response:
        """The answer to the current request for a file; 304 where the browser has it. Raises NotFound."""
        file = self._files.get(name)
        if file is None:
            raise NotFound
        compressed = file.compressed if request.accept_encodings.quality("gzip") else None
        response = Response(compressed or file.plain, content_type=file.kind)
        response.headers["Cache-Control"] = "no-cache"  # kept, and asked for again: after an update all files match
        response.vary.add("Accept-Encoding")
        if compressed:
            response.content_encoding = "gzip"
        response.set_etag(f"{file.version}-gzip" if compressed else file.version)
        response.make_conditional(request)
        return response


def add_page(app: Flask, page: PageFiles) -> None:
    """Add ``/page/…``, and to all answers of `app` what keeps foreign content out of the page."""

    @app.get("/page/<path:name>")
    def page_file(name: str) -> Response:
        """A file of the page."""
        return page.response(name)

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    smaller = gzip.compress(plain, mtime=0) if len(plain) >= _FIRST_COMPRESSED else plain
    compressed = smaller if len(smaller) < len(plain) else None
    return _File(TYPES[path.suffix], plain, compressed, hashlib.sha256(plain).hexdigest()[:16])
