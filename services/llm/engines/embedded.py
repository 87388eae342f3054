"""The embedded model: llama.cpp in a process of its own, asked over a loopback port like any other upstream.

That way a client that leaves frees the model (llama.cpp's server watches its connections), loading does not stop the
service (the package holds Python's lock for all of it: 5 s on a busy machine without an answer to /health), and a crash
of the native code costs one reply: the model is started again.

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

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huiyin.configs import messages
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.errors import ApiError, ModelError
from huiyin.services.llm.engines.llama_process import LlamaProcess
from huiyin.services.llm.http_client import Exchange
from huiyin.services.llm.trouble import UpstreamError
from huiyin.services.llm.upstream import ALIASES, JsonObject

log = logging.getLogger(__name__)

_BATCH_TOKENS = 64  # see above
_SPARE_HTTP_THREADS = 4  # beside one for each request of the service
# The model card's own sampling values; llama.cpp's (0.8, 0.95, 40) let a small model ramble.
_TEMPERATURE = 0.7
_TOP_P = 0.8
_TOP_K = 20
_CHAT = "/v1/chat/completions"


class Embedded:
    """Loads the model of the settings and keeps it running. Raises ModelError or StoreError when it cannot."""

    name = "embedded"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.llm
        self._path = ModelStore(settings.store).ensure(settings.llm.model)
        self._http_threads = settings.service.threads + _SPARE_HTTP_THREADS
        self.model = self._path.name
        self._lock = threading.Lock()
        self._process = self._start()

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
                raise ApiError(400, "llm.unsupported_content")
        if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
            body = {**body, "max_tokens": self._settings.max_new_tokens}
        return body

    def post(self, body: JsonObject) -> Exchange:
        """See `Upstream.post`; starts the model again if its process has ended. Raises UpstreamError if that fails."""
        with self._lock:
            if (status := self._process.status) is not None:
                log.error("the embedded model's process ended with status %s; it is started again", status)
                try:
                    self._process = self._start()
                except ModelError as error:
                    raise UpstreamError(503, "llm.model_unavailable", why=error) from error
            self._process.hold(0)  # whoever asks now is not kept waiting by what was held for another
            client = self._process.client
        return client.exchange("POST", _CHAT, json.dumps(body).encode())

    def hold(self, seconds: float) -> bool:
        """See `Upstream.hold`."""
        self._process.hold(seconds)
        return True

    def unreachable(self) -> str:
        """See `Upstream.unreachable`."""
        return "" if self._process.status is None else messages.text("llm.process_ended", {})

    def facts(self) -> Mapping[str, Any]:
        """See `Upstream.facts`."""
        return {
            "model": self.model,
            "device": "cpu",
            "threads": self._settings.threads,
            "context_tokens": self._settings.context_tokens,
            **self._process.facts(),
        }

    def clean(self, text: str) -> str:
        """See `Upstream.clean`; it never tells its key."""
        return text

    def _start(self) -> LlamaProcess:
        """The model's process, loaded and warm. Raises ModelError."""
        return LlamaProcess(
            self._path,
            {
                "threads": self._settings.threads,
                "niceness": self._settings.niceness,
                "http_threads": self._http_threads,
                "context_tokens": self._settings.context_tokens,
                "batch_tokens": _BATCH_TOKENS,
                "prompt_cache_mb": self._settings.prompt_cache_mb,
                "temperature": _TEMPERATURE,
                "top_p": _TOP_P,
                "top_k": _TOP_K,
            },
            connect_timeout_s=self._settings.connect_timeout_s,
            warm_up=_warm_up,
            without="llm.without_embedded",
        )


def _warm_up(process: LlamaProcess, until: float) -> None:
    process.ask(_CHAT, {"messages": [{"role": "user", "content": "你好"}], "max_tokens": 1}, until)
