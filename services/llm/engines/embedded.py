"""The embedded model: llama.cpp inside this process, asked over a loopback port like any other upstream.

That way a client that leaves frees the model (llama-server watches its connections), no Python lock is held while
tokens are made, and the proxy has one way to talk. The port is the system's choice and wants a random key, so that no
other user of the machine can use it.

Measured on 2 cores of an EPYC with Qwen2.5-Coder-1.5B Q4_K_M (benchmarks/llm.py):

- Weights repacked for the CPU at load, and read rather than mapped: 20 tokens/s and 53 ms CPU a prompt token, in
  1.29 GB. Without repacking 17 tokens/s and 67 ms in the same resident memory; repacked *and* mapped 1.88 GB.
- One slot. A second one shares the cores, and a request that comes while a cancelled one still reads its prompt finds
  the other slot cold: 4.3 s to the first token instead of 0.7 s. What the one slot forgets for another caller is kept
  in memory and brought back: 0.46 s instead of 3.9 s.
- Prompts are read 64 tokens at a time (4 % more CPU than 512): a cancelled prompt ends within a second, not after 20.
- Spinning while waiting (OMP_WAIT_POLICY) is switched off in services/__main__.py: 29 tokens/s would become 20 on an
  idle machine, but 1-7 become 9-13 on a busy one, and in a conversation it is busy.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.settings import LlmSettings, Settings
from configs.store import ModelStore
from services.common.errors import ApiError
from services.llm.upstream import ALIASES, JsonObject
from services.llm.wire import Exchange, Wire

log = logging.getLogger(__name__)

_PROMPT_BATCH = 64  # tokens; see above
_SPARE_HTTP_THREADS = 4  # beside one for each request of the service
# The model card's own sampling values; llama.cpp's (0.8, 0.95, 40) make a small model ramble.
_TEMPERATURE, _TOP_P, _TOP_K = 0.7, 0.8, 20
_WARM_UP_S = 60.0


class Embedded:
    """Loads the model of the settings and serves it. Raises RuntimeError or StoreError when it cannot."""

    name = "embedded"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.llm
        path = ModelStore(settings.store).ensure(settings.llm.model)
        self.model = path.name
        key = secrets.token_urlsafe(32)
        self._server = _start(path, settings.llm, key, settings.service.threads + _SPARE_HTTP_THREADS)
        self._wire = Wire(
            f"{self._server.listening_address}/v1",
            {"Authorization": f"Bearer {key}"},
            connect_timeout_s=settings.llm.connect_timeout_s,
            silence_s=max(settings.llm.reply_timeout_s, settings.llm.first_token_timeout_s),
        )
        self._warm_up()

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
                raise ApiError(
                    400,
                    "unsupported_content",
                    "the embedded model reads text only",
                    "send text, or name another upstream",
                )
        if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
            body = {**body, "max_tokens": self._settings.max_new_tokens}
        return body

    def post(self, body: JsonObject) -> Exchange:
        """See `Upstream.post`."""
        return self._wire.exchange("POST", "/chat/completions", json.dumps(body).encode())

    def unreachable(self) -> str:
        """Always ''. It lives here."""
        return ""

    def facts(self) -> Mapping[str, Any]:
        """See `Upstream.facts`."""
        import xllamacpp

        return {
            "model": self.model,
            "device": "cpu",
            "threads": self._settings.threads,
            "context_tokens": self._settings.context_tokens,
            "xllamacpp": xllamacpp.__version__,
        }

    def clean(self, text: str) -> str:
        """See `Upstream.clean`; it never tells its key."""
        return text

    def _warm_up(self) -> None:
        """One token: the first real request must not pay for memory that was never touched."""
        body = {"messages": [{"role": "user", "content": "你好"}], "max_tokens": 1}
        exchange = self.post(body)
        try:
            head = exchange.head(time.monotonic() + _WARM_UP_S, lambda: False)
            if head.status != 200:
                raise RuntimeError(f"{self.model} loads but does not answer (status {head.status})")
        finally:
            exchange.close()


def _start(path: Path, settings: LlmSettings, key: str, http_threads: int) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise RuntimeError(
            f"the embedded model needs the package xllamacpp ({error}); install huiyin[embedded], or name another "
            "server in llm.upstreams"
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.n_gpu_layers = 0
    params.fit_params = False  # sizes are ours to choose; probing the memory costs a second load
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.n_ctx = settings.context_tokens
    params.n_batch = params.n_ubatch = _PROMPT_BATCH
    params.n_parallel = 1
    params.n_ctx_checkpoints = 0  # only models with recurrent layers need them
    params.cache_prompt = True
    params.cache_ram_mib = settings.prompt_cache_mb
    params.sampling.temp, params.sampling.top_p, params.sampling.top_k = _TEMPERATURE, _TOP_P, _TOP_K
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_threads_http = http_threads
    params.model_alias = {path.name}
    params.offline = True
    params.ui = params.endpoint_slots = False
    params.verbosity = 0  # prompts are private
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise RuntimeError(
            f"llama.cpp cannot load {path} ({error}); is it a GGUF file, whole, and is there memory for it?"
        ) from error
