"""Upstreams in the order in which they are asked, each behind a circuit breaker."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from huiyin.configs.settings import SettingsError
from huiyin.configs.upstream_settings import EMBEDDED, UpstreamSettings
from huiyin.services.common.breaker import CircuitBreaker
from huiyin.services.common.shown_url import shown_url
from huiyin.services.common.upstreams import trouble
from huiyin.services.common.upstreams.credentials import per_url, read_keys
from huiyin.services.common.upstreams.trouble import Named, UpstreamError

log = logging.getLogger(__name__)

_NOT_THERE = 404  # status of an upstream that lacks the requested model


class Link(Named, Protocol):
    """An upstream."""

    def unreachable(self) -> str:
        """Why it cannot be reached, '' where it can. Takes well under a second; may be some seconds old."""

    def facts(self) -> Mapping[str, Any]:
        """For /system."""


U = TypeVar("U", bound=Link)
T = TypeVar("T")


class Chain(Generic[U]):
    """Upstreams and their breakers. Safe to use from several threads."""

    def __init__(self, upstreams: Sequence[U], settings: UpstreamSettings) -> None:
        self.upstreams = tuple(upstreams)
        self._breakers: dict[str, CircuitBreaker[UpstreamError]] = {
            up.name: CircuitBreaker(settings.breaker_failures, settings.breaker_rest_s) for up in upstreams
        }

    def breaker(self, upstream: U) -> CircuitBreaker[UpstreamError]:
        """That of one of the upstreams."""
        return self._breakers[upstream.name]

    def first(
        self, ask: Callable[[U], T | None], failures: list[UpstreamError], among: Iterable[U] | None = None
    ) -> T | None:
        """The first answer of the upstreams (`among`: of some of them); None without an answer.

        `ask` raises UpstreamError, which is added to `failures`, or returns None where an upstream is not the right
        one for this request. Raises an error that no other upstream can mend, and what else `ask` raises.
        """
        for upstream in self.upstreams if among is None else among:
            breaker = self._breakers[upstream.name]
            if not breaker.admit():
                failures.append(trouble.circuit_open(upstream, breaker.wait_s, breaker.last))
                continue
            try:
                answer = ask(upstream)
                if answer is not None:
                    breaker.succeeded()
                    return answer
            except UpstreamError as failure:
                log.warning("%s", failure)
                if failure.works or not failure.elsewhere or failure.status == _NOT_THERE:
                    breaker.succeeded()  # the upstream works; the request is at fault
                else:
                    breaker.failed(failure, failure.retry_after_s)
                if not failure.elsewhere:
                    raise
                failures.append(failure)
            finally:
                breaker.abandoned()  # no effect after the calls above
        return None

    def is_last(self, upstream: U) -> bool:
        """Whether no other can be asked after it."""
        return upstream is self.upstreams[-1]

    def reachable(self) -> list[Mapping[str, Any]]:
        """For /ready: which upstreams can be connected to, and their breakers. Takes well under a second."""
        states = [(up.name, up.unreachable()) for up in self.upstreams]
        return [
            {"name": name, "reachable": not why, "error": why or None, **self._breakers[name].facts()}
            for name, why in states
        ]

    def facts(self) -> list[Mapping[str, Any]]:
        """For /system."""
        return [{"name": up.name, **up.facts(), **self._breakers[up.name].facts()} for up in self.upstreams]


def open_upstreams(
    section: str,
    settings: UpstreamSettings,
    embedded: Callable[[], U] | None,
    remote: Callable[[str, str, str], U],
    environ: Mapping[str, str] | None = None,
) -> list[U]:
    """All upstreams of a section, in order.

    `embedded` opens what runs here, None: the caller does that; `remote` is given a URL, its key, and its
    ``upstream_model``.

    One that cannot be opened is left out with a warning. Raises the first error where none can be.
    """
    keys = read_keys(section, settings.urls, settings.key_file, os.environ if environ is None else environ)
    models = per_url(section, f"{section}.upstream_model", settings.upstream_model, settings.urls)
    upstreams: list[U] = []
    failures: list[Exception] = []
    for spec in settings.upstreams:
        try:
            if spec == EMBEDDED:
                upstreams += [embedded()] if embedded else []
            elif spec.lower().startswith(("http://", "https://")):
                upstreams.append(remote(spec, keys[spec], models[spec]))
            else:
                raise SettingsError("upstreams.bad_upstream", section=section, spec=shown_url(spec))
        except Exception as error:
            log.warning("%s is left out: %s", shown_url(spec), str(error))
            failures.append(error)
    if not upstreams:
        raise failures[0]
    return upstreams
