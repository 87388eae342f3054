"""A web server on this machine that plays the hubs and registries, and misbehaves on request."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huiyin.configs.settings import StoreSettings
from huiyin.configs.store.model_store import ModelStore
from tests.support.limits import PATIENCE_S


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Page:
    """What one address serves."""

    body: bytes
    kind: str = "application/octet-stream"
    status: int = 200
    cuts: list[int] = field(default_factory=list)
    """For each coming request: the connection is closed after that many bytes of its answer."""
    ranges: bool = True
    gate: threading.Event | None = None
    """The second half is sent only after this is set."""
    told_length: bool = True


@dataclass
class Request:
    path: str
    range: str
    sent: int = 0


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that leaves in the middle is no fault here."""


class Hub:
    """`pages` by path; `requests` in the order they came."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[Request] = []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub._answer(self)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked(self, word: str) -> list[Request]:
        """The requests whose path contains `word`."""
        return [r for r in self.requests if word in r.path]

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        request = Request(handler.path, handler.headers.get("Range", ""))
        self.requests.append(request)
        page = self.pages.get(handler.path, Page(b"no such page", status=404))
        start = int(request.range.removeprefix("bytes=").rstrip("-")) if request.range and page.ranges else 0
        status, body = page.status, page.body[start:]
        if start and status == 200:
            status = 206 if start < len(page.body) else 416
        handler.send_response(status)
        handler.send_header("Content-Type", page.kind)
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
        if page.told_length:
            handler.send_header("Content-Length", str(len(body)))
        else:
            handler.send_header("Connection", "close")
        handler.end_headers()
        end = page.cuts.pop(0) if page.cuts else len(body)
        half = min(end, len(body) // 2) if page.gate else end
        try:
            handler.wfile.write(body[:half])
            handler.wfile.flush()
            if page.gate:
                page.gate.wait(PATIENCE_S)
                handler.wfile.write(body[half:end])
        except OSError:
            pass  # the client is gone: killed, as some tests want it
        request.sent = min(end, len(body))
        if end < len(body) or not page.told_length:
            handler.close_connection = True


class Told:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.positions: list[int] = []

    def start(self, name: str, source: str, total: int) -> None:
        self.lines.append(f"{name} from {source}")

    def at(self, position: int) -> None:
        self.positions.append(position)

    def finish(self, problem: str = "") -> None:
        self.lines.append(problem or "done")

    def say(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class Bench:
    """A hub, an empty folder, and a catalog to fill."""

    hub: Hub
    root: Path
    told: Told = field(default_factory=Told)

    @property
    def catalog(self) -> Path:
        return self.root / "models.toml"

    @property
    def dir(self) -> Path:
        return self.root / "store"

    def describe(self, name: str, body: bytes, profile: str = "small", **more: Any) -> None:
        """Add a file to the catalog; `more` are further keys, as TOML text."""
        lines = [f'name = "{name}"', f"bytes = {len(body)}", f'sha256 = "{sha256(body)}"', 'licence = "MIT"']
        lines += ['origin = "here"', f'profiles = ["{profile}"]', *(f"{key} = {value}" for key, value in more.items())]
        with self.catalog.open("a", encoding="utf-8") as out:
            out.write("[[file]]\n" + "\n".join(lines) + "\n")

    def on_hubs(self, name: str, body: bytes, **more: Any) -> tuple[Page, Page]:
        """A file that both hubs have. Returns ModelScope's page and Hugging Face's."""
        self.describe(name, body, modelscope=f'"me/repo/{name}"', huggingface=f'"me/repo/{name}"', **more)
        first = self.hub.pages[f"/ms/models/me/repo/resolve/master/{name}"] = Page(body)
        second = self.hub.pages[f"/hf/me/repo/resolve/main/{name}"] = Page(body)
        return first, second

    def serve_github(self, path: str, body: bytes) -> Page:
        """A file at GitHub's address `path`."""
        page = self.hub.pages[f"/gh/{path}"] = Page(body)
        return page

    def settings(self, **change: Any) -> StoreSettings:
        urls = {
            "modelscope_url": f"{self.hub.url}/ms",
            "huggingface_url": f"{self.hub.url}/hf",
            "github_url": f"{self.hub.url}/gh",
        }
        return StoreSettings(
            **{"dir": str(self.dir), "connect_timeout_s": PATIENCE_S, "read_timeout_s": PATIENCE_S, **urls, **change}
        )

    def store(self, **change: Any) -> ModelStore:
        """A store as a new process would make it."""
        return ModelStore(self.settings(**change), catalog=self.catalog, progress=self.told)

    def files(self) -> set[str]:
        """What lies under final names."""
        paths = (p for p in self.dir.rglob("*") if p.is_file())
        return {p.relative_to(self.dir).as_posix() for p in paths if ".state" not in p.parts}

    def unfinished(self) -> set[str]:
        """What is left of downloads."""
        kinds = {".part", ".joined", ".journal", ".archive"}
        return {p.name for p in self.dir.rglob("*") if p.suffix in kinds}


@contextmanager
def open_bench(root: Path) -> Iterator[Bench]:
    """A bench whose hub runs until the end of the block."""
    hub = Hub()
    try:
        yield Bench(hub, root)
    finally:
        hub.close()
