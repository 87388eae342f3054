"""The three services with stated answers and delays, over real HTTP, for tests of the loop."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import numpy as np

from huiyin.configs.settings import Settings, load

RATE = 16_000
_ROUTES = {"/asr": "_asr", "/v1/chat/completions": "_llm", "/hold": "_hold", "/v1/audio/speech": "_tts"}


@dataclass
class Stub:
    """What the services answer. `fail` names those that break off; `asked` is what the model was asked; `calls` are
    what it answers first, once each: lists of pieces of tool calls."""

    heard: list[str] = field(default_factory=lambda: ["where is the sun"])
    reply: str = "It is noon. The sun is high above the old lighthouse now."
    asr_s: float = 0.05
    llm_s: float = 0.1
    tts_s: float = 0.1
    tts_s_per_char: float = 0.03  # of sound, not of waiting
    fail: set[str] = field(default_factory=set)
    asked: list[dict[str, Any]] = field(default_factory=list)
    calls: list[list[dict[str, Any]]] = field(default_factory=list)
    tags: dict[str, Any] = field(default_factory=lambda: {"emotion": None, "events": []})
    transcribed_s: list[float] = field(default_factory=list)
    synthesised: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Stub:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the loop cancelled
                    getattr(stub, _ROUTES[self.path.partition("?")[0]])(self, body)

            def answer(self, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()

            def chunk(self, data: bytes) -> None:
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self, *overrides: str) -> Settings:
        """Settings that point at this stub."""
        port = self._server.server_address[1]
        settings = load(overrides=overrides, environ={})
        return replace(
            settings,
            asr=replace(settings.asr, port=port),
            llm=replace(settings.llm, port=port),
            tts=replace(settings.tts, port=port),
        )

    def _asr(self, handler: Any, body: bytes) -> None:
        self.transcribed_s.append(len(body) / 2 / RATE)
        time.sleep(self.asr_s)
        if "asr" in self.fail:
            handler.close_connection = True
            return
        text = self.heard[0] if len(self.heard) == 1 else self.heard.pop(0)
        handler.answer("application/json")
        handler.chunk(json.dumps({"text": text, "language": "en", **self.tags}).encode())
        handler.chunk(b"")

    def _llm(self, handler: Any, body: bytes) -> None:
        deltas: list[dict[str, Any]] = [{"content": f"{word} "} for word in self.reply.split(" ")]
        if json.loads(body)["max_tokens"] > 1:  # else it only warms its prompt cache
            self.asked.append(json.loads(body))
            if self.calls:
                deltas = [{"content": None, "tool_calls": [part]} for part in self.calls.pop(0)]
        handler.answer("text/event-stream")
        time.sleep(self.llm_s)
        for delta in deltas:
            if "llm" in self.fail:
                handler.close_connection = True
                return
            piece = {"choices": [{"delta": delta}]}
            handler.chunk(b"data: " + json.dumps(piece).encode() + b"\n\n")
        handler.chunk(b"data: [DONE]\n\n")
        handler.chunk(b"")

    def _hold(self, handler: Any, body: bytes) -> None:
        handler.answer("application/json")
        handler.chunk(b'{"held": true}')
        handler.chunk(b"")

    def _tts(self, handler: Any, body: bytes) -> None:
        self.synthesised.append(json.loads(body))
        time.sleep(self.tts_s)
        if "tts" in self.fail:
            handler.close_connection = True
            return
        handler.answer("application/octet-stream")
        count = round(len(json.loads(body)["input"]) * self.tts_s_per_char * RATE)
        tone = 0.2 * np.sin(2 * np.pi * 330 * np.arange(count) / RATE)
        handler.chunk((tone * 32767).astype("<i2").tobytes())
        handler.chunk(b"")
