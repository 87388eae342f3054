"""A server of models whose every word and failure a test decides: a real HTTP server on a loopback port."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.limits import PATIENCE_S


@dataclass
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    port: int  # of the client's end: the same for two requests on one connection
    left: threading.Event = field(default_factory=threading.Event)


class Answer:
    """What a behaviour uses to answer."""

    def __init__(self, handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        self._handler, self.seen = handler, seen

    def start(self, kind: str = "text/event-stream", status: int = 200, **headers: str) -> None:
        """Head of a chunked answer."""
        self._handler.send_response(status)
        for name, value in {"Content-Type": kind, "Transfer-Encoding": "chunked", **headers}.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        """One transfer chunk."""
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self._handler.wfile.flush()

    def end(self) -> None:
        """The proper end of the transfer."""
        self._handler.wfile.write(b"0\r\n\r\n")

    def say(self, *texts: str, done: bool = True) -> None:
        """Events that carry `texts`, then, if `done`, the end."""
        for text in texts:
            self.event(delta(content=text))
        if done:
            self.event(delta(finish="stop"))
            self.write(b"data: [DONE]\n\n")
            self.end()

    def event(self, body: Any) -> None:
        """One event."""
        self.write(b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n")

    def whole(self, body: Any, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """A complete answer, `body` as it is if bytes, else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def wait_for_leaving(self) -> None:
        """Say nothing more until the other end closes."""
        sock = self._handler.connection
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            readable, _, _ = select.select([sock], [], [], 0.02)
            if readable and not _peek(sock):
                self.seen.left.set()
                break
        self.drop()

    def drip(self, data: bytes) -> None:
        """Write `data` again and again, well within 0.1 s each, until the other end closes."""
        sock = self._handler.connection
        deadline = time.monotonic() + PATIENCE_S
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline and not select.select([sock], [], [], 0.01)[0]:
                self.write(data)
        self.seen.left.set()
        self.drop()

    def drop(self) -> None:
        """Close without the end of the transfer."""
        self._handler.close_connection = True


def _peek(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1, socket.MSG_PEEK)
    except OSError:
        return b""


def delta(content: str | None = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chunk of a streamed chat completion."""
    part = {**({} if content is None else {"content": content}), **more}
    return {"object": "chat.completion.chunk", "choices": [{"index": index, "delta": part, "finish_reason": finish}]}


def completion(content: str, **more: Any) -> dict[str, Any]:
    """A whole chat completion."""
    message = {"role": "assistant", "content": content, **more}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def friendly(answer: Answer) -> None:
    """Says "hello there", streamed or whole."""
    if answer.seen.body.get("stream"):
        answer.start()
        answer.event(delta(role="assistant", content=""))
        answer.say("hello", " there")
    else:
        answer.whole(completion("hello there"))


def not_there(answer: Answer) -> None:
    """Nothing is at this path."""
    answer.whole(b"404 page not found", 404, "text/plain")


class Stub:
    """Use as a context manager. `behave` is called for each POST; `models` is its list, None for a 404, `voices`
    likewise that of its voices.

    Paths that do not begin with `at` are answered by `elsewhere`.
    """

    def __init__(self, *models: str) -> None:
        self.models: tuple[str, ...] | None = models
        self.voices: list[str] | None = None
        self.behave: Callable[[Answer], None] = friendly
        self.at, self.elsewhere = "", not_there
        self.seen: list[Seen] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                seen = stub._note(self, {})
                if not seen.path.startswith(stub.at):
                    stub.elsewhere(Answer(self, seen))
                elif seen.path.endswith("/audio/voices"):
                    Answer(self, seen).whole({"voices": stub.voices}, 404 if stub.voices is None else 200)
                elif stub.models is None:
                    Answer(self, seen).whole({"error": "no such page"}, 404)
                else:
                    Answer(self, seen).whole({"data": [{"id": name, "object": "model"} for name in stub.models]})

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(data) if "json" in self.headers["Content-Type"] else {"form": data}
                answer = Answer(self, stub._note(self, body))
                (stub.behave if answer.seen.path.startswith(stub.at) else stub.elsewhere)(answer)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *args: Any) -> None:
                pass  # the proxy hanging up is part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def _note(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> Seen:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        seen = Seen(handler.path, headers, body, handler.client_address[1])
        self.seen.append(seen)
        return seen

    @property
    def asked(self) -> list[Seen]:
        """The chat completions asked for."""
        return [seen for seen in self.seen if seen.path.endswith("/chat/completions")]

    def reset(self) -> None:
        """As new."""
        self.behave, self.at, self.elsewhere = friendly, "", not_there
        self.seen.clear()

    def __enter__(self) -> Stub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
