"""A folder of this machine as an object store that speaks as much of S3 as reading takes."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """Each folder in `folder` is a bucket; gives HOST:PORT."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """It says nothing."""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            bucket, _, key = unquote(address.path).lstrip("/").partition("/")
            path = folder / bucket / key
            if not key and path.is_dir():
                self._answer(200, _listing(path, parse_qs(address.query, keep_blank_values=True)), {})
            elif not path.is_file() or key.endswith("/"):
                self._answer(404, b"", {})
            else:
                facts = {"Last-Modified": formatdate(path.stat().st_mtime, usegmt=True), "Accept-Ranges": "bytes"}
                content, wanted = path.read_bytes(), _RANGE.match(self.headers.get("Range") or "")
                if wanted:
                    first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
                    facts["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
                    content = content[first : last + 1]
                self._answer(206 if wanted else 200, content, facts)

        def _answer(self, status: int, body: bytes, facts: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"ETag": '"x"', "Content-Length": str(len(body)), **facts}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _listing(bucket: Path, asked: dict[str, list[str]]) -> bytes:
    """The answer of ListObjectsV2."""
    prefix, delimiter = (asked.get(name, [""])[0] for name in ("prefix", "delimiter"))
    files, folders = [], set()
    for path in sorted(path for path in bucket.rglob("*") if path.is_file()):
        key = path.relative_to(bucket).as_posix()
        rest = key[len(prefix) :]
        if not key.startswith(prefix):
            continue
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
        else:
            files.append((key, path.stat()))
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{facts.st_size}</Size>"
        f"<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        for key, facts in files
    )
    common = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders))
    return (
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket.name}</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>"
        f"<KeyCount>{len(files) + len(folders)}</KeyCount>{contents}{common}</ListBucketResult>"
    ).encode()
