"""The embedded model: llama.cpp in a process of its own, asked over a loopback port like any other upstream.

So a client that leaves frees the model (llama.cpp's server watches its connections), loading does not block the service
(the package holds the interpreter's lock meanwhile: 5 s on a busy machine without an answer to /health), and a crash of
native code costs one reply: the model is started again. Its parameters, and what was measured: docs/llm.md.
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

_BATCH_TOKENS = 64  # so the next request waits at most 1 s for a cancelled one that still reads its prompt
_SPARE_HTTP_THREADS = 4  # in addition to one for each request of the service
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
                log.error("the embedded model's process has ended with status %s and is started again", status)
                try:
                    self._process = self._start()
                except ModelError as error:
                    raise UpstreamError(503, "llm.model_unavailable", why=error) from error
            self._process.suspend(0)  # a request resumes a model that another caller has suspended
            client = self._process.client
        return client.exchange("POST", _CHAT, json.dumps(body).encode())

    def suspend(self, seconds: float) -> bool:
        """See `Upstream.suspend`."""
        self._process.suspend(seconds)
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
        """See `Upstream.clean`; this upstream never repeats its key."""
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
