"""Upstreams: what the proxy asks. Each is an OpenAI-compatible HTTP server, also the embedded model.

One file an engine in `engines/`, one line in `_ENGINES`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from huiyin.configs.settings import Settings, SettingsError
from huiyin.services.common.registry import import_object
from huiyin.services.common.shown_url import shown_url
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.credentials import per_url, read_keys
from huiyin.services.llm.http_client import Exchange, Watch
from huiyin.services.llm.refusals import Changes
from huiyin.services.llm.trouble import UpstreamError

log = logging.getLogger(__name__)

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


class Upstream(Protocol):
    """A server of language models."""

    name: str
    """'embedded', or the base URL."""

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

    def unreachable(self) -> str:
        """Why it cannot be reached, '' where it can. Takes well under a second; may be some seconds old."""

    def facts(self) -> Mapping[str, Any]:
        """For /system."""

    def clean(self, text: str) -> str:
        """`text` from this upstream without our key, for messages and logs."""


def open_upstream(spec: str, settings: Settings, key: str, model: str) -> Upstream:
    """The upstream that an entry of ``llm.upstreams`` names. Raises SettingsError, or what its engine raises."""
    upstream: Upstream
    if spec == "embedded":
        upstream = import_object(_ENGINES["embedded"])(settings)
    elif spec.lower().startswith(("http://", "https://")):
        upstream = import_object(_ENGINES["remote"])(spec, settings.llm, key, model)
    else:
        raise SettingsError("llm.bad_upstream", spec=shown_url(spec))
    return upstream


def open_upstreams(settings: Settings, environ: Mapping[str, str] | None = None) -> list[Upstream]:
    """All of ``llm.upstreams``, in order, each with its key (see `read_keys`) and its ``llm.upstream_model``.

    An upstream that cannot be opened is left out with a warning. Raises the first error where none can be.
    """
    urls = [spec for spec in settings.llm.upstreams if spec != "embedded"]
    keys = read_keys(urls, settings.llm.key_file, os.environ if environ is None else environ)
    models = per_url("llm.upstream_model", settings.llm.upstream_model, urls)
    upstreams: list[Upstream] = []
    failures: list[Exception] = []
    for spec in settings.llm.upstreams:
        try:
            upstreams.append(open_upstream(spec, settings, keys.get(spec, ""), models.get(spec, "")))
        except Exception as error:
            log.warning("%s is left out: %s", shown_url(spec), str(error))
            failures.append(error)
    if not upstreams:
        raise failures[0]
    return upstreams
