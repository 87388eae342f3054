"""Passes a request to the first upstream that answers, and its answer to the caller.

Nothing is sent to the caller before the first word of a reply: until then another upstream can be asked. After that a
failure ends the stream with an error.
"""

from __future__ import annotations

import http.client
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from huiyin.configs.settings import LlmSettings
from huiyin.services.common.errors import ApiError, shortened
from huiyin.services.common.model_names import ModelNames
from huiyin.services.common.upstreams import trouble
from huiyin.services.common.upstreams.chain import Chain
from huiyin.services.common.upstreams.server import head_of
from huiyin.services.common.upstreams.trouble import UpstreamError
from huiyin.services.llm.chunks import JsonObject, as_completion, choices_of, error_in
from huiyin.services.llm.stream import ReplyStream, documents, hide_thoughts
from huiyin.services.llm.upstream import ALIASES, CHAT, Caller, Request, Upstream

log = logging.getLogger(__name__)

_REPLY_LIMIT = 32 * 2**20  # bytes of a whole reply
_MOST_TRIES = 6  # of one request with one upstream: three paths, and some refusals
_LAST_PATIENCE = 2  # factor of the last upstream's time limit: no other can be asked
_LACKS_MODEL = "upstreams.upstream_has_no_model"
_WHOLE = "application/json"  # content type of a reply that is not streamed

T = TypeVar("T")


@dataclass(frozen=True)
class Completion:
    """A whole reply, and where it comes from."""

    body: JsonObject
    upstream: str
    model: str
    """As the upstream calls it; '' for one that was asked without a name."""

    @property
    def name(self) -> str:
        """Of the model, or of the upstream where it was asked without one."""
        return self.model or self.upstream


class Proxy:
    """Upstreams in the order in which they are asked. Safe to use from several threads."""

    def __init__(self, upstreams: Sequence[Upstream], settings: LlmSettings, names: ModelNames) -> None:
        """`names`: decides about models that no upstream has."""
        self.chain = Chain(upstreams, settings)
        self._settings, self._names = settings, names

    def stream(self, body: JsonObject, caller: Caller) -> ReplyStream:
        """A streamed reply, its first word received. `body` is a checked request with ``stream: true``.

        Raises ApiError when no upstream gave one, ClientLeft when the client has left.
        """
        return self._first(body, caller, lambda upstream, request: self._open(upstream, request, caller))

    def complete(self, body: JsonObject, caller: Caller) -> Completion:
        """A whole reply. Raises as `stream` does."""

        def ask(upstream: Upstream, request: Request) -> Completion:
            return Completion(self._whole(upstream, request, caller), upstream.name, request.body["model"])

        return self._first(body, caller, ask)

    def suspend(self, seconds: float, session: str) -> bool:
        """See `Upstream.suspend`."""
        suspended = [upstream.suspend(seconds, session) for upstream in self.chain.upstreams]
        return any(suspended)

    def models(self) -> tuple[list[JsonObject], list[JsonObject]]:
        """All models, each with its ``upstreams``; and the upstreams that could not be asked, with the error."""
        models: dict[str, JsonObject] = {}
        unreachable = []
        for upstream in self.chain.upstreams:
            breaker = self.chain.breaker(upstream)
            if breaker.wait_s and breaker.last:
                unreachable.append({"upstream": upstream.name, "error": breaker.last.message})
                continue
            try:
                for model in upstream.models():
                    entry = models.setdefault(str(model["id"]), {**model, "object": "model", "upstreams": []})
                    entry.setdefault("owned_by", upstream.name)
                    entry["upstreams"].append(upstream.name)
            except UpstreamError as error:
                unreachable.append({"upstream": upstream.name, "error": error.message})
        return list(models.values()), unreachable

    def _first(self, body: JsonObject, caller: Caller, ask: Callable[[Upstream, Request], T]) -> T:
        """The answer of the first upstream that has the model and gives one.

        Where no upstream does, those without it are asked in order for their own model, unless the caller forbids it.
        """
        failures: list[UpstreamError] = []
        lacking: list[Upstream] = []
        answer = self._first_of(self.chain.upstreams, body, ask, failures, lacking)
        named = body["model"]
        may_stand_in = bool(lacking) and named not in ALIASES and not caller.strict_model
        if answer is None and may_stand_in and self._names.accepts(named, lacking[0].name):
            answer = self._first_of(lacking, {**body, "model": ""}, ask, failures, [])
        if answer is not None:
            return answer
        if failures:
            raise trouble.all_failed(failures)
        raise self._unknown(named)

    def _first_of(
        self,
        upstreams: Iterable[Upstream],
        body: JsonObject,
        ask: Callable[[Upstream, Request], T],
        failures: list[UpstreamError],
        lacking: list[Upstream],
    ) -> T | None:
        """See `Chain.first`. Adds to `lacking` the upstreams that do not have the model."""

        def answer_of(upstream: Upstream) -> T | None:
            try:
                if (target := upstream.target(body["model"])) is not None:
                    return self._answer(upstream, {**body, "model": target}, ask)
                lacking.append(upstream)
            except UpstreamError as failure:
                if failure.key == _LACKS_MODEL:  # it has no list to tell by
                    lacking.append(upstream)
                raise
            return None

        return self.chain.first(answer_of, failures, upstreams)

    @staticmethod
    def _answer(upstream: Upstream, body: JsonObject, ask: Callable[[Upstream, Request], T]) -> T:
        """The answer of `upstream`, asked again in another form where it refuses and there is one."""
        request, first = upstream.shape(body), None
        tries = 0
        while True:
            tries += 1
            try:
                answer = ask(upstream, request)
            except UpstreamError as failure:
                first = first or failure
                following = upstream.reshape(request, failure) if tries < _MOST_TRIES else None
                if following is None:
                    raise (first if failure.misplaced else failure) from None
                log.info("%s: asked again (%s)", failure, following)
                request = following
            else:
                upstream.remember(request)
                return answer

    def _unknown(self, model: str) -> ApiError:
        names = [str(entry["id"]) for entry in self.models()[0][:10]]
        return ApiError(404, "llm.unknown_model", code="model_not_found", model=shortened(model), models=names)

    def _open(self, upstream: Upstream, request: Request, caller: Caller) -> ReplyStream:
        limit_s, setting = self._settings.first_token_timeout_s, "llm.first_token_timeout_s"
        if self.chain.is_last(upstream):
            limit_s *= _LAST_PATIENCE
            if request.body.get("max_tokens") == 1:  # a prompt is read ahead: no caller waits for it
                limit_s, setting = max(limit_s, self._settings.reply_timeout_s), "llm.reply_timeout_s"
        exchange = upstream.post(request, caller, limit_s)
        until = time.monotonic() + limit_s
        try:
            kind = head_of(upstream, exchange, until, caller.left, path=CHAT, placed=request.placed).headers.get(
                "content-type", ""
            )
            if kind.startswith(_WHOLE) and limit_s < self._settings.reply_timeout_s:  # no word comes before the last
                limit_s, setting = self._settings.reply_timeout_s, "llm.reply_timeout_s"
                until = time.monotonic() + limit_s
            stream = ReplyStream(
                upstream,
                exchange,
                caller.left,
                kind=kind,
                idle_s=self._settings.idle_timeout_s,
                hide_thinking=self._settings.hide_thinking,
                placed=request.placed,
                model=request.body["model"],
            )
            stream.wait(until)
            return stream
        except TimeoutError:
            exchange.close()
            raise trouble.too_slow(upstream, limit_s, setting) from None
        except BaseException:
            exchange.close()
            raise

    def _whole(self, upstream: Upstream, request: Request, caller: Caller) -> JsonObject:
        limit_s = self._settings.reply_timeout_s
        exchange = upstream.post(request, caller, limit_s)
        until = time.monotonic() + limit_s
        body = b""

        def look() -> None:
            exchange.look(until, caller.left)

        try:
            head_of(upstream, exchange, until, caller.left, path=CHAT, placed=request.placed)
            body = exchange.rest(until, caller.left, _REPLY_LIMIT)
            found, done = documents(body, look)
            failure = next(filter(None, map(error_in, found)), None)
            answer = None if failure else as_completion(found, look)
        except TimeoutError:
            raise trouble.too_slow(upstream, limit_s, "llm.reply_timeout_s") from None
        except (OSError, http.client.HTTPException) as error:
            raise trouble.broke_off(upstream, error) from error
        except ValueError:
            is_page = body.lstrip().startswith(b"<")
            raise trouble.bad_answer(upstream, "upstreams.not_json", misplaced=is_page) from None
        finally:
            exchange.close()
        if failure:
            raise trouble.failed_in_stream(upstream, failure, path=CHAT, placed=request.placed)
        if answer is None:
            raise trouble.bad_answer(upstream, "llm.not_a_completion")
        if not done and not all(choice.get("finish_reason") for choice in choices_of(answer)):
            raise trouble.broke_off(upstream)
        if self._settings.hide_thinking:
            hide_thoughts(answer)
        return answer
