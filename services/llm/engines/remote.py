"""Any OpenAI-compatible server by its URL: OpenAI, DashScope, DeepSeek, vLLM, Ollama, LM Studio, llama-server."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import time
from collections.abc import Mapping
from typing import Any

from huiyin.configs.settings import LlmSettings
from huiyin.services.common.model_servers import models_in
from huiyin.services.common.strict_json import lenient
from huiyin.services.common.upstreams.http_client import Exchange
from huiyin.services.common.upstreams.server import Server
from huiyin.services.common.upstreams.trouble import UpstreamError, unreachable
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.refusals import RefusalMemory, changed, next_change
from huiyin.services.llm.upstream import ALIASES, CHAT, Caller, Request

_LIST_TIMEOUT_S = 5.0
_LIST_LIMIT = 8 * 2**20  # bytes; the longest public list has some hundred models
_LIST_FRESH_S = 600.0  # of a list that has the model: each request for it costs a round trip before the first word
_LIST_STALE_S = 5.0  # of a list that lacks it: the model may just have been installed


class Remote(Server):
    """An upstream at `url`. `key` ('' for none) is sent there and nowhere else. `model` is used where the request names
    none; '': the first that the server lists."""

    def __init__(self, url: str, settings: LlmSettings, key: str, model: str = "") -> None:
        super().__init__("llm", url, key, settings.connect_timeout_s)
        self._model = model
        self._memory = RefusalMemory()
        self._listed: list[JsonObject] | None = None
        self._listed_at = -_LIST_FRESH_S

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
        return Request(changed(body, changes), self.path, self.placed, changes)

    def reshape(self, request: Request, failure: UpstreamError) -> Request | None:
        """See `Upstream.reshape`: at another path of its address, or without what it refuses."""
        if change := next_change(request.body, failure.refusal, request.changes):
            body, changes = changed(request.body, change), {**request.changes, **change}
            return dataclasses.replace(request, body=body, changes=changes, learnt={**request.learnt, **change})
        if request.placed or not failure.misplaced:
            return None
        following = self.paths[(self.paths.index(request.path) + 1) % len(self.paths)]
        return None if following == self.path else dataclasses.replace(request, path=following)

    def remember(self, request: Request) -> None:
        """See `Upstream.remember`."""
        self.path, self.placed = request.path, True
        if request.learnt:
            self._memory.learn(request.body["model"], request.learnt)

    def post(self, request: Request, caller: Caller, wait_s: float) -> Exchange:
        """See `Upstream.post`."""
        path = f"{request.path}{CHAT}{self.query}"
        return self.client.exchange("POST", path, json.dumps(request.body).encode())

    def suspend(self, seconds: float, session: str) -> bool:
        """See `Upstream.suspend`: it does not run here."""
        return False

    def facts(self) -> Mapping[str, Any]:
        """See `Upstream.facts`."""
        key = "set" if self.key else "none"
        return {"key": key, "model": self._model or None, "refused": self._memory.names()}

    def _list(self, fresh_s: float) -> list[str] | None:
        """Model names, requested again when older than `fresh_s`; None: the server has no list."""
        if time.monotonic() - self._listed_at >= fresh_s:
            self._listed = self._ask_list()
            self._listed_at = time.monotonic()
        return None if self._listed is None else [str(model["id"]) for model in self._listed]

    def _ask_list(self) -> list[JsonObject] | None:
        """Of the first path that has one, where chat completions are, too."""
        paths = [self.path, *(path for path in self.paths if path != self.path)]
        for path in paths:
            if (listed := self._list_at(path)) is not None:
                self.path = path
                return listed
        return None

    def _list_at(self, path: str) -> list[JsonObject] | None:
        until = time.monotonic() + _LIST_TIMEOUT_S
        try:
            with contextlib.closing(self.client.exchange("GET", f"{path}/models{self.query}")) as exchange:
                head = exchange.head(until, lambda: False)
                body = exchange.rest(until, lambda: False, _LIST_LIMIT)
            found = lenient(body) if head.status == http.client.OK else None
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self, error) from error
        except ValueError:
            return None
        return models_in(found)
