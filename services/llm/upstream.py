"""Upstreams: what the proxy asks. Each is an OpenAI-compatible HTTP server, also the embedded model.

One file an engine in `engines/`, one line in `_ENGINES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from huiyin.configs.settings import Settings
from huiyin.services.common.registry import import_object
from huiyin.services.common.upstreams.chain import Link, open_upstreams
from huiyin.services.common.upstreams.http_client import Exchange, Watch
from huiyin.services.common.upstreams.trouble import UpstreamError
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.refusals import Changes

CHAT = "/chat/completions"
"""What is asked for below the path of a server."""

ALIASES = frozenset({"", "default", "huiyin"})
"""Model names that mean: as the settings say."""

_ENGINES = {
    "embedded": "huiyin.services.llm.engines.embedded:Embedded",
    "remote": "huiyin.services.llm.engines.remote:Remote",
}


@dataclass(frozen=True)
class Caller:
    """Who asks. Only the embedded model knows sessions; nothing of this is passed on to a server elsewhere."""

    left: Watch
    """Whether the client has left."""
    session: str = ""
    """The conversation that the request belongs to, '' for none: turns and the prompt cache go by it."""
    background: bool = False
    """No user waits for the answer."""
    strict_model: bool = False
    """An unknown name in the request is an error; no other model answers in its place."""


@dataclass(frozen=True)
class Request:
    """A chat completion request in the form that an upstream expects."""

    body: JsonObject
    path: str = ""
    """Below the server's origin, such as "/v1"; '' for an upstream that has one address only."""
    placed: bool = True
    """The path has answered before: whatever is wrong now, the address is right."""
    changes: Changes = field(default_factory=dict)
    """What was made of the caller's request: see `refusals`."""
    learnt: Changes = field(default_factory=dict)
    """Those of them that answers to this very request have called for."""

    def __str__(self) -> str:
        return f"at {self.path or '/'}, with {', '.join(self.changes) or 'nothing'} changed"


class Upstream(Link, Protocol):
    """A server of language models."""

    def target(self, model: str) -> str | None:
        """Its own name of the model that a request calls `model`; one of ALIASES means any.

        None: it has no such model. Raises UpstreamError when it cannot be reached.
        """

    def models(self) -> list[JsonObject]:
        """Its models as its /models lists them, each with an "id". Raises UpstreamError."""

    def shape(self, body: JsonObject) -> Request:
        """The request in the form that this upstream expects. Raises ApiError 400 for what it cannot do."""

    def reshape(self, request: Request, failure: UpstreamError) -> Request | None:
        """`request` in a form that may avoid `failure`. None: there is no other."""

    def remember(self, request: Request) -> None:
        """`request` has been answered: `shape` gives the next ones the same form."""

    def post(self, request: Request, caller: Caller, wait_s: float) -> Exchange:
        """Send a chat completion request. A model that runs here answers one at a time: the call waits for its turn.

        Raises UpstreamError when that takes longer than `wait_s`, ClientLeft when the client has left meanwhile.
        """

    def suspend(self, seconds: float, session: str) -> bool:
        """`session` wants the model suspended for `seconds` (0: resumed). False: it does not run here."""


def open_all(settings: Settings, environ: Mapping[str, str] | None = None) -> list[Upstream]:
    """All of ``llm.upstreams``, in order. Raises what `open_upstreams` raises."""

    def embedded() -> Upstream:
        upstream: Upstream = import_object(_ENGINES["embedded"])(settings)
        return upstream

    def remote(url: str, key: str, model: str) -> Upstream:
        upstream: Upstream = import_object(_ENGINES["remote"])(url, settings.llm, key, model)
        return upstream

    return open_upstreams("llm", settings.llm, embedded, remote, environ)
