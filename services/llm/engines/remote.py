"""Any OpenAI-compatible server by its URL: OpenAI, DashScope, DeepSeek, vLLM, Ollama, LM Studio, llama-server."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

from huiyin.configs import messages
from huiyin.configs.settings import LlmSettings
from huiyin.services.common.model_servers import key_headers, models_in, read_address
from huiyin.services.common.shown_url import HIDDEN, shown_url
from huiyin.services.llm.chunks import JsonObject, parsed
from huiyin.services.llm.http_client import Exchange, HttpClient
from huiyin.services.llm.refusals import RefusalMemory, changed, next_change
from huiyin.services.llm.trouble import UpstreamError, reason, unreachable
from huiyin.services.llm.upstream import ALIASES, Caller, Request

_LIST_TIMEOUT_S = 5.0
_LIST_LIMIT = 8 * 2**20  # bytes; the longest public list has some hundred models
_LIST_FRESH_S = 600.0  # of a list that has the model: each request for it costs a round trip before the first word
_LIST_STALE_S = 5.0  # of a list that lacks it: the model may just have been installed
_PROBE_TIMEOUT_S = 1.0
_PROBE_FRESH_S = 5.0
_PROBE_WAIT_S = 0.3  # then /ready answers with the result before


class Remote:
    """An upstream at `url`. `key` ('' for none) is sent there and nowhere else. `model` is used where the request names
    none; '': the first that the server lists."""

    def __init__(self, url: str, settings: LlmSettings, key: str, model: str = "") -> None:
        self.name = shown_url(url.rstrip("/"))
        self._key, self._model = key, model
        address = read_address(url)
        self._paths, self._query = address.paths, address.query
        self._path = self._paths[0]  # the likeliest
        self._placed = False  # it has answered there
        self._memory = RefusalMemory()
        headers, timeout_s = key_headers(key, address.origin), settings.connect_timeout_s
        self._client = HttpClient(address.origin, headers, connect_timeout_s=timeout_s)
        self._listed: list[JsonObject] | None = None
        self._listed_at = -_LIST_FRESH_S
        self._probe = _Probe(self._client)

    def target(self, model: str) -> str | None:
        """See `Upstream.target`. From a server without a list of models any may be requested."""
        name = self._model if model in ALIASES else model
        if name and name == self._model:
            return name
        listed = self._list(_LIST_FRESH_S)
        if listed is not None and name and name not in listed:
            listed = self._list(_LIST_STALE_S)
        if listed is None:
            return name
        if not name:
            return listed[0] if listed else ""
        return name if name in listed else None

    def models(self) -> list[JsonObject]:
        """See `Upstream.models`; always asks."""
        self._list(0.0)
        configured = [{"id": self._model, "object": "model"}] if self._model else []
        return self._listed or configured

    def shape(self, body: JsonObject) -> Request:
        """See `Upstream.shape`: with what it has refused before done otherwise; the rest it checks itself."""
        changes = self._memory.changes(body["model"])
        return Request(changed(body, changes), self._path, self._placed, changes)

    def reshape(self, request: Request, failure: UpstreamError) -> Request | None:
        """See `Upstream.reshape`: at another path of its address, or without what it refuses."""
        if change := next_change(request.body, failure.refusal, request.changes):
            body, changes = changed(request.body, change), {**request.changes, **change}
            return dataclasses.replace(request, body=body, changes=changes, learnt={**request.learnt, **change})
        if request.placed or not failure.misplaced:
            return None
        following = self._paths[(self._paths.index(request.path) + 1) % len(self._paths)]
        return None if following == self._path else dataclasses.replace(request, path=following)

    def remember(self, request: Request) -> None:
        """See `Upstream.remember`."""
        self._path, self._placed = request.path, True
        if request.learnt:
            self._memory.learn(request.body["model"], request.learnt)

    def post(self, request: Request, caller: Caller, wait_s: float) -> Exchange:
        """See `Upstream.post`."""
        path = f"{request.path}/chat/completions{self._query}"
        return self._client.exchange("POST", path, json.dumps(request.body).encode())

    def suspend(self, seconds: float, session: str) -> bool:
        """See `Upstream.suspend`: it does not run here."""
        return False

    def unreachable(self) -> str:
        """See `Upstream.unreachable`: whether a connection can be made, not whether the key or the model is right."""
        return self._probe.look()

    def facts(self) -> Mapping[str, Any]:
        """See `Upstream.facts`."""
        key = "set" if self._key else "none"
        return {"key": key, "model": self._model or None, "refused": self._memory.names()}

    def clean(self, text: str) -> str:
        """See `Upstream.clean`."""
        return text.replace(self._key, HIDDEN) if self._key else text

    def _list(self, fresh_s: float) -> list[str] | None:
        """Model names, requested again when older than `fresh_s`; None: the server has no list."""
        if time.monotonic() - self._listed_at >= fresh_s:
            self._listed = self._ask_list()
            self._listed_at = time.monotonic()
        return None if self._listed is None else [str(model["id"]) for model in self._listed]

    def _ask_list(self) -> list[JsonObject] | None:
        """Of the first path that has one, where chat completions are, too."""
        paths = [self._path, *(path for path in self._paths if path != self._path)]
        for path in paths:
            if (listed := self._list_at(path)) is not None:
                self._path = path
                return listed
        return None

    def _list_at(self, path: str) -> list[JsonObject] | None:
        until = time.monotonic() + _LIST_TIMEOUT_S
        try:
            with contextlib.closing(self._client.exchange("GET", f"{path}/models{self._query}")) as exchange:
                head = exchange.head(until, lambda: False)
                body = exchange.rest(until, lambda: False, _LIST_LIMIT)
            found = parsed(body) if head.status == http.client.OK else None
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self.name, error) from error
        except ValueError:
            return None
        return models_in(found)


class _Probe:
    """Whether a connection can be made. Tried in a thread: a silent name server must not delay /ready."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._why = messages.text("llm.reason_not_tried", {})
        self._tried_at = -_PROBE_FRESH_S
        self._running: threading.Thread | None = None
        self._lock = threading.Lock()

    def look(self) -> str:
        """Why not, '' where it can; at most some seconds old."""
        with self._lock:
            if self._running is None and time.monotonic() - self._tried_at >= _PROBE_FRESH_S:
                self._running = threading.Thread(target=self._run, name="probe", daemon=True)
                self._running.start()
            running = self._running
        if running:
            running.join(_PROBE_WAIT_S)
        return self._why

    def _run(self) -> None:
        try:
            socket.create_connection(self._client.address, timeout=_PROBE_TIMEOUT_S).close()
            why = ""
        except Exception as error:
            why = reason(error)
        with self._lock:
            self._why, self._tried_at, self._running = why, time.monotonic(), None
