"""The embedded model: llama.cpp in a process of its own, asked over a loopback port like any other upstream.

So a client that leaves frees the model (llama.cpp's server watches its connections), loading does not block the service
(the package holds the interpreter's lock meanwhile: 5 s on a busy machine without an answer to /health), and a crash of
native code costs one reply: the model is started again. Its parameters, and what was measured: docs/llm.md.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huiyin.configs import messages
from huiyin.configs.settings import LlmSettings, Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.configs.upstream_settings import EMBEDDED
from huiyin.services.common.errors import ApiError, ModelError
from huiyin.services.common.upstreams.http_client import Exchange
from huiyin.services.common.upstreams.trouble import UpstreamError
from huiyin.services.common.watch import ClientLeft
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.engines.llama_child import Options
from huiyin.services.llm.engines.llama_process import LlamaProcess
from huiyin.services.llm.engines.tool_requests import shape_tools
from huiyin.services.llm.fair_queue import FairQueue, Ticket
from huiyin.services.llm.upstream import ALIASES, Caller, Request

log = logging.getLogger(__name__)

_BATCH_TOKENS = 64  # so the next request waits at most 1 s for a cancelled one that still reads its prompt
_HTTP_THREADS = 8  # one request at a time, and cancelled ones, which llama.cpp notices within a second
# The model card's own sampling values; llama.cpp's (0.8, 0.95, 40) let a small model ramble.
_TEMPERATURE = 0.7
_TOP_P = 0.8
_TOP_K = 20
# What repeats the last 128 tokens word for word becomes unlikely from the 40th token on: newlines or a sentence without
# end. llama.cpp calls it DRY; its default breakers would let newlines pass.
_AGAINST_LOOPS = {
    "dry_multiplier": 1.0,
    "dry_allowed_length": 40,
    "dry_penalty_last_n": 128,
    "dry_sequence_breakers": ["<|im_start|>"],
}
_CHAT = "/v1/chat/completions"
_TEMPLATE = Path(__file__).with_name("qwen_coder.jinja")
_TEMPLATE_FOR = "qwen2.5-coder"  # part of the file's name
_TEMPLATE_CALL = "```tool_call\n"  # how a call begins in it
_LOOK_S = 0.1  # how often a request that waits for its turn looks at its client


class Embedded:
    """Loads the model of the settings and keeps it running. Raises ModelError or StoreError when it cannot."""

    name = EMBEDDED
    section = "llm"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.llm
        self._path = ModelStore(settings.store).ensure(settings.llm.model)
        self.model = self._path.name
        self._own_template = _TEMPLATE_FOR in self.model.lower()
        self._can_call = False  # set when the model is warm
        self._queue = FairQueue()
        self._changed = threading.Condition()  # guards the queue, the process, and the session below
        self._in_slot = ""  # the session whose last prompt llama.cpp's slot holds, '' for none or a nameless one
        self._process = self._start()

    def target(self, model: str) -> str | None:
        """See `Upstream.target`: the file's name, with or without .gguf."""
        return self.model if model in ALIASES or model in {self.model, Path(self.model).stem, self.name} else None

    def models(self) -> list[JsonObject]:
        """See `Upstream.models`."""
        return [{"id": self.model, "object": "model", "created": 0, "owned_by": "huiyin"}]

    def shape(self, body: JsonObject) -> Request:
        """Bounds a reply that the caller left unbounded; refuses pictures, sounds and tools that cannot be called."""
        for message in body["messages"]:
            content = message.get("content")
            if isinstance(content, list) and any(part.get("type") != "text" for part in content):
                raise ApiError(400, "llm.unsupported_content")
        if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
            body = {**body, "max_tokens": self._settings.max_new_tokens}
        body = {**_AGAINST_LOOPS, **body}
        opening = _TEMPLATE_CALL if self._own_template else ""
        return Request(shape_tools(body, can_call=self._can_call, opening=opening))

    def reshape(self, request: Request, failure: UpstreamError) -> Request | None:
        """See `Upstream.reshape`: this server's requests are known to be right."""
        return None

    def remember(self, request: Request) -> None:
        """See `Upstream.remember`."""

    def post(self, request: Request, caller: Caller, wait_s: float) -> Exchange:
        """See `Upstream.post`; starts the model again if its process has ended. Raises UpstreamError if that fails."""
        ticket = Ticket(caller.session, caller.background)

        def check() -> None:
            if ticket.preempted:
                raise UpstreamError(503, "llm.preempted", elsewhere=False, retry_after_s=1)

        try:
            self._wait_for_turn(ticket, caller, wait_s)
            with self._changed:
                client = self._running().client
                body = self._in_its_slot(request.body, caller.session)
            return client.exchange(
                "POST", _CHAT, json.dumps(body).encode(), check=check, closed=lambda: self._leave(ticket)
            )
        except BaseException:
            self._leave(ticket)
            raise

    def suspend(self, seconds: float, session: str) -> bool:
        """See `Upstream.suspend`."""
        with self._changed:
            self._queue.hold(session, time.monotonic() + seconds)
            self._apply_holds()
        return True

    def _wait_for_turn(self, ticket: Ticket, caller: Caller, wait_s: float) -> None:
        until = time.monotonic() + wait_s
        with self._changed:
            self._queue.join(ticket)
            self._apply_holds()
            while self._queue.running is not ticket:
                self._changed.wait(_LOOK_S)
                if caller.left():
                    raise ClientLeft
                if time.monotonic() >= until:
                    raise UpstreamError(503, "llm.no_turn", code="busy", works=True, wait_s=wait_s, retry_after_s=1)

    def _leave(self, ticket: Ticket) -> None:
        with self._changed:
            self._queue.leave(ticket)
            self._apply_holds()
            self._changed.notify_all()

    def _apply_holds(self) -> None:
        now = time.monotonic()
        self._process.suspend(self._queue.suspended_until(now) - now)

    def _in_its_slot(self, body: JsonObject, session: str) -> JsonObject:
        """The request with a word to llama.cpp whether its slot holds the prompt of `session`.

        With an `id_slot` it goes on with what the slot holds. Without one it first saves that to the prompt cache, and
        takes from there what begins as this prompt does.
        """
        goes_on = bool(session) and session == self._in_slot
        self._in_slot = session
        return {**body, "id_slot": 0 if goes_on else -1}

    def _running(self) -> LlamaProcess:
        if (status := self._process.status) is not None:
            log.error("the embedded model's process has ended with status %s and is started again", status)
            try:
                self._process, self._in_slot = self._start(), ""
            except ModelError as error:
                raise UpstreamError(503, "llm.model_unavailable", why=error) from error
        return self._process

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
            "waiting": self._queue.waiting,
            **self._process.facts(),
        }

    def clean(self, text: str) -> str:
        """See `Upstream.clean`; this upstream never repeats its key."""
        return text

    def _start(self) -> LlamaProcess:
        """The model's process, loaded and warm. Raises ModelError."""
        return LlamaProcess(
            self._path,
            process_options(self._settings, _TEMPLATE.read_text("utf-8") if self._own_template else ""),
            connect_timeout_s=self._settings.connect_timeout_s,
            warm_up=self._warm_up,
            without="llm.without_embedded",
        )

    def _warm_up(self, process: LlamaProcess, until: float) -> None:
        process.ask(_CHAT, {"messages": [{"role": "user", "content": "你好"}], "max_tokens": 1}, until)
        template = process.ask("/props", None, until)["chat_template_caps"]
        self._can_call = bool(template["supports_tools"] and template["supports_tool_calls"])


def process_options(settings: LlmSettings, template: str) -> Options:
    """How the embedded model runs; `template` replaces its chat template, unless ''."""
    return {
        "threads": settings.threads,
        "niceness": settings.niceness,
        "http_threads": _HTTP_THREADS,
        "context_tokens": settings.context_tokens,
        "batch_tokens": _BATCH_TOKENS,
        "prompt_cache_mb": settings.prompt_cache_mb,
        "temperature": _TEMPERATURE,
        "top_p": _TOP_P,
        "top_k": _TOP_K,
        "chat_template": template,
    }
