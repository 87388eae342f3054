"""What can go wrong with an upstream: an error for each case."""

from __future__ import annotations

import http.client
import json
import math
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from huiyin.configs import messages
from huiyin.services.common.errors import ApiError

_SHOWN = 500  # characters of an upstream's own words
_ASK_ANOTHER = {402, 404, 408, 429}  # no balance, no such model, too slow, too busy: the request is not at fault
_WITH_RETRY_AFTER = {429, 503}  # statuses whose Retry-After is followed


class UpstreamError(ApiError):
    """An upstream did not answer as it should. `elsewhere`: another one may answer the same request.

    `works`: the upstream is not at fault, and its circuit stays closed.
    """

    def __init__(self, status: int, key: str, /, *, elsewhere: bool = True, works: bool = False, **more: Any) -> None:
        """`more` is ApiError's: `code`, `retry_after_s`, and the facts."""
        super().__init__(status, key, **more)
        self.elsewhere, self.works = elsewhere, works


def reason(error: Exception) -> str:
    """What went wrong with the connection to an upstream, as a sentence without its subject."""
    for kind, key in _REASONS.items():
        if isinstance(error, kind):
            return messages.text(key, {})
    return str(error) or type(error).__name__


_REASONS: dict[type[Exception], str] = {
    ConnectionRefusedError: "llm.reason_refused",
    socket.gaierror: "llm.reason_no_name",
    TimeoutError: "llm.reason_too_late",
    http.client.RemoteDisconnected: "llm.reason_closed",
    http.client.IncompleteRead: "llm.reason_broke_off",
}


def unreachable(name: str, error: Exception) -> UpstreamError:
    """No connection, or none that lasted until its answer."""
    return UpstreamError(502, "llm.upstream_unreachable", who=_who(name), why=reason(error))


def too_slow(name: str, limit_s: float, setting: str) -> UpstreamError:
    """No answer within `limit_s`, the value of `setting`."""
    return UpstreamError(504, "llm.upstream_timeout", who=_who(name), limit_s=limit_s, setting=setting)


def circuit_open(name: str, wait_s: float, last: UpstreamError | None) -> UpstreamError:
    """It is skipped: it has failed too often, or has asked for a pause (`last`), or another request is its trial."""
    return UpstreamError(
        429 if last and last.status == 429 else 503,
        "llm.circuit_open",
        code="upstream_resting",
        who=_who(name),
        wait_s=max(1, math.ceil(wait_s)),
        why=last.message if last else messages.text("llm.reason_trial", {}),
        retry_after_s=max(1, wait_s),
    )


def no_turn(name: str, wait_s: float) -> UpstreamError:
    """It worked on other requests for `wait_s`."""
    return UpstreamError(503, "llm.no_turn", code="busy", works=True, who=_who(name), wait_s=wait_s, retry_after_s=1)


def preempted() -> UpstreamError:
    """A background request was ended for one that is waited for."""
    return UpstreamError(503, "llm.preempted", elsewhere=False, retry_after_s=1)


def stalled(name: str, limit_s: float) -> UpstreamError:
    """It fell silent in the middle of a reply."""
    return UpstreamError(504, "llm.upstream_stalled", who=_who(name), limit_s=limit_s)


def broke_off(name: str, error: Exception | None = None) -> UpstreamError:
    """The reply ended before its end."""
    why = f": {reason(error)}" if error else ""
    return UpstreamError(502, "llm.upstream_broke_off", who=_who(name), why=why)


def bad_answer(name: str, key: str, **facts: object) -> UpstreamError:
    """It answered what the message of `key` says, which is not a chat completion."""
    return UpstreamError(502, "llm.upstream_bad_answer", who=_who(name), what=messages.text(key, facts))


def refused(name: str, head: http.client.HTTPResponse, body: bytes, clean: Callable[[str], str]) -> UpstreamError:
    """It answered with an error status; `clean` removes our key from its words."""
    try:
        words, code = _words(json.loads(body))
    except ValueError:
        words, code = "", ""
    words = clean(words)[:_SHOWN]
    status = head.status
    if status in (401, 403):
        return UpstreamError(502, "llm.upstream_refused_key", who=_who(name), status=status, elsewhere=False)
    if not words and (status < 400 or status == 404):
        return bad_answer(name, "llm.only_a_status", status=status)
    wait_s = _wait_s(head.headers.get("retry-after", "")) if status in _WITH_RETRY_AFTER else None
    words = words or messages.text("llm.reason_none", {})
    facts: dict[str, Any] = {"who": _who(name), "answer": status, "words": words}
    if status >= 500:
        return UpstreamError(502, "llm.upstream_failed", retry_after_s=wait_s, **facts)
    elsewhere = status in _ASK_ANOTHER
    code = code or ("model_not_found" if status == 404 else "upstream_refused")
    return UpstreamError(
        status,
        _KEYS.get(code) or ("llm.upstream_refused_now" if elsewhere else "llm.upstream_refused"),
        code=code,
        elsewhere=elsewhere,
        retry_after_s=wait_s,
        **facts,
    )


def failed_in_stream(name: str, error: Any, clean: Callable[[str], str]) -> UpstreamError:
    """It sent `error` inside a stream."""
    words, code = _words({"error": error})
    return UpstreamError(
        502, "llm.failed_in_stream", code=code or "upstream_failed", who=_who(name), words=clean(words)[:_SHOWN]
    )


def all_failed(failures: Sequence[UpstreamError]) -> UpstreamError:
    """The answer when all upstreams (at least one) have failed."""
    if len(failures) == 1:
        return failures[0]
    waits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
    status = failures[0].status if len({failure.status for failure in failures}) == 1 else 502
    whys = "; ".join(failure.message for failure in failures)
    hint = next((failure.hint for failure in failures if failure.hint), "")
    return UpstreamError(status, "llm.no_upstream", whys=whys, advice=hint, retry_after_s=min(waits, default=None))


def _who(name: str) -> str:
    return messages.text("llm.embedded" if name == "embedded" else "llm.upstream", {"name": name})


_KEYS = {"context_length_exceeded": "llm.context_length_exceeded", "model_not_found": "llm.upstream_has_no_model"}

# llama-server's code -> the one that OpenAI's clients know
_CODES = {"exceed_context_size_error": "context_length_exceeded"}


def _words(body: Any) -> tuple[str, str]:
    """Message and code of an error body: OpenAI's shape, Ollama's, FastAPI's."""
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error", body)
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    message = error.get("message") or error.get("detail") or ""
    code = next((word for word in (error.get("code"), error.get("type")) if isinstance(word, str)), "")
    return str(message), _CODES.get(code, code)


def _wait_s(retry_after: str) -> float | None:
    """Seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3); None for anything else.

    0 for a date that is past by our clock.
    """
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
