"""The embedded model: llama.cpp in a process of its own, asked over a loopback port like any other upstream.

That way a client that leaves frees the model (llama.cpp's server watches its connections), loading does not stop the
service (the package holds Python's lock for all of it: 5 s on a busy machine without an answer to /health), and a crash
of the native code costs one reply: the model is started again. The port is the system's choice and wants a random key,
so that no other user of the machine can use it.

Measured on 2 cores of an EPYC with Qwen2.5-Coder-1.5B Q4_K_M (the end of it by benchmarks/llm.py):

- Weights repacked for the CPU at load, and read rather than mapped: 20 tokens/s, and 0.28 s for 11 tokens of prompt, in
  1.29 GB. Not repacked: 17 tokens/s and 0.35 s in the same resident memory; repacked *and* mapped: 1.88 GB.
- One slot. A second one shares the cores, and a request that comes while a cancelled one still reads its prompt finds
  the other slot cold: 4.3 s to the first token instead of 0.7 s. What the one slot forgets for another caller is kept
  in memory and brought back: 0.46 s instead of 3.9 s.
- Prompts are read 64 tokens at a time (4 % more CPU than 512): the next request waits at most a second for a cancelled
  one; with 512 it waited 20 s.
- OpenMP must not spin while it waits. Spinning makes 29 tokens/s of 20 on an idle machine, but 1-7 of 9-13 when two
  other threads compute, and in a conversation they do.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import psutil

from configs.settings import Settings
from configs.store import ModelStore
from services.common.errors import ApiError
from services.llm.engines.llama_child import Start
from services.llm.trouble import UpstreamError
from services.llm.upstream import ALIASES, JsonObject
from services.llm.wire import Exchange, Wire

log = logging.getLogger(__name__)

_BATCH_TOKENS = 64  # see above
_SPARE_HTTP_THREADS = 4  # beside one for each request of the service
# The model card's own sampling values; llama.cpp's (0.8, 0.95, 40) let a small model ramble.
_TEMPERATURE, _TOP_P, _TOP_K = 0.7, 0.8, 20
_WARM_UP_S = 60.0
_STILL = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


class Embedded:
    """Loads the model of the settings and keeps it running. Raises RuntimeError or StoreError when it cannot."""

    name = "embedded"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.llm
        self._path = ModelStore(settings.store).ensure(settings.llm.model)
        self._http_threads = settings.service.threads + _SPARE_HTTP_THREADS
        self.model = self._path.name
        self._lock = threading.Lock()
        self._process, self._wire = self._start()

    def target(self, model: str) -> str | None:
        """See `Upstream.target`: the file's name, with or without .gguf."""
        return self.model if model in ALIASES or model in {self.model, Path(self.model).stem, self.name} else None

    def models(self) -> list[JsonObject]:
        """See `Upstream.models`."""
        return [{"id": self.model, "object": "model", "created": 0, "owned_by": "huiyin"}]

    def shape(self, body: JsonObject) -> JsonObject:
        """Bounds a reply that the caller left unbounded; refuses pictures and sounds."""
        for message in body["messages"]:
            content = message.get("content")
            if isinstance(content, list) and any(part.get("type") != "text" for part in content):
                said = "the embedded model reads text only"
                raise ApiError(400, "unsupported_content", said, "send text, or name another upstream")
        if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
            body = {**body, "max_tokens": self._settings.max_new_tokens}
        return body

    def post(self, body: JsonObject) -> Exchange:
        """See `Upstream.post`; starts the model again if its process has ended. Raises UpstreamError if that fails."""
        with self._lock:
            if (status := self._process.poll()) is not None:
                log.error("the embedded model's process ended with status %s; it is started again", status)
                try:
                    self._process, self._wire = self._start()
                except RuntimeError as error:
                    raise UpstreamError(503, "model_unavailable", str(error), "see `huiyin doctor`") from error
            wire = self._wire
        return _post(wire, body)

    def unreachable(self) -> str:
        """See `Upstream.unreachable`."""
        return "" if self._process.poll() is None else "its process has ended; the next request starts it again"

    def facts(self) -> Mapping[str, Any]:
        """See `Upstream.facts`."""
        return {
            "model": self.model,
            "device": "cpu",
            "threads": self._settings.threads,
            "context_tokens": self._settings.context_tokens,
            "engine": f"xllamacpp {importlib.metadata.version('xllamacpp')}",
            "rss_mb": _rss_mb(self._process.pid),
        }

    def clean(self, text: str) -> str:
        """See `Upstream.clean`; it never tells its key."""
        return text

    def _start(self) -> tuple[subprocess.Popen[str], Wire]:
        """The model's process, loaded and warm. Raises RuntimeError."""
        start: Start = {
            "model": str(self._path),
            "name": self.model,
            "key": secrets.token_urlsafe(32),
            "threads": self._settings.threads,
            "niceness": self._settings.niceness,
            "http_threads": self._http_threads,
            "context_tokens": self._settings.context_tokens,
            "batch_tokens": _BATCH_TOKENS,
            "prompt_cache_mb": self._settings.prompt_cache_mb,
            "temperature": _TEMPERATURE,
            "top_p": _TOP_P,
            "top_k": _TOP_K,
        }
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("llama_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**_STILL, **os.environ},
        )
        try:
            wire = self._connect(process, start)
            _warm_up(wire, self.model)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process, wire

    def _connect(self, process: subprocess.Popen[str], start: Start) -> Wire:
        said = _talk(process, json.dumps(start))
        if "address" not in said:
            raise RuntimeError(_why(said.get("error") or f"it ended with status {process.wait()}", self._path))
        return Wire(
            f"{said['address']}/v1",
            {"Authorization": f"Bearer {start['key']}"},
            connect_timeout_s=self._settings.connect_timeout_s,
        )


def _talk(process: subprocess.Popen[str], line: str) -> dict[str, str]:
    """Says `line` to the child and waits for its line; {} when it ended without one."""
    stdin: IO[str] | None = process.stdin
    stdout: IO[str] | None = process.stdout
    assert stdin is not None and stdout is not None
    try:
        print(line, file=stdin, flush=True)
        return dict(json.loads(stdout.readline()))
    except (OSError, ValueError):
        return {}


def _why(error: str, path: Path) -> str:
    if "ImportError" in error or "ModuleNotFoundError" in error:
        return (
            f"the embedded model needs the package xllamacpp ({error}); install huiyin[embedded], or name another "
            "server in llm.upstreams"
        )
    return f"llama.cpp cannot load {path} ({error}); is it a whole GGUF file, and is there memory for it?"


def _post(wire: Wire, body: JsonObject) -> Exchange:
    return wire.exchange("POST", "/chat/completions", json.dumps(body).encode())


def _warm_up(wire: Wire, model: str) -> None:
    """One token: the first real request must not pay for memory that was never touched."""
    exchange = _post(wire, {"messages": [{"role": "user", "content": "你好"}], "max_tokens": 1})
    try:
        status = exchange.head(time.monotonic() + _WARM_UP_S, lambda: False).status
    except (OSError, TimeoutError) as error:
        raise RuntimeError(f"{model} loads but does not answer ({error or 'no answer in time'})") from error
    finally:
        exchange.close()
    if status != 200:
        raise RuntimeError(f"{model} loads but does not answer (status {status})")


def _rss_mb(pid: int) -> float | None:
    try:
        return round(psutil.Process(pid).memory_info().rss / 2**20, 1)
    except psutil.Error:
        return None
