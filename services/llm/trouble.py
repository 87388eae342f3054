"""What can go wrong with an upstream, each as an error in words for a person: what happened, and what to do."""

from __future__ import annotations

import http.client
import json
import math
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from huiyin.services.common.errors import ApiError
from huiyin.services.llm.http1 import Head

_SHOWN = 500  # characters of an upstream's own words
_ASK_ANOTHER = {402, 404, 408, 429}  # no balance, no such model, too slow, too busy: not the request's fault
_SAYS_WHEN = {429, 503}  # statuses whose Retry-After is kept to


class UpstreamError(ApiError):
    """An upstream did not answer as it should. `elsewhere`: another one may be asked the same."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        elsewhere: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(status, code, message, hint, retry_after_s=retry_after_s)
        self.elsewhere = elsewhere


def reason(error: Exception) -> str:
    """What went wrong on the way to an upstream."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, http.client.IncompleteRead):
        return "it broke off in the middle of its answer"
    return str(error) or type(error).__name__


def unreachable(name: str, error: Exception) -> UpstreamError:
    """It could not be spoken to."""
    return UpstreamError(
        502,
        "upstream_unreachable",
        f"{_who(name)} cannot be reached: {reason(error)}",
        "start that server, correct llm.upstreams, or add 'embedded' to it",
    )


def too_slow(name: str, limit_s: float, setting: str) -> UpstreamError:
    """It took the request and did not answer within `limit_s`, which `setting` gives."""
    return UpstreamError(
        504,
        "upstream_timeout",
        f"{_who(name)} gave no answer within {limit_s:g} s",
        f"it may be busy or still reading a long prompt; try again, or raise {setting}",
    )


def resting(name: str, wait_s: float, last: UpstreamError | None) -> UpstreamError:
    """Its breaker is open: it has failed too often, or has asked to be left alone."""
    return UpstreamError(
        429 if last and last.status == 429 else 503,
        "upstream_resting",
        f"{_who(name)} is left alone for {max(1, math.ceil(wait_s))} s more, because of this: "
        f"{last.message if last else 'it is being tried'}",
        "try again later; GET /ready tells how each upstream stands",
        retry_after_s=max(1, wait_s),
    )


def stalled(name: str, limit_s: float) -> UpstreamError:
    """It fell silent in the middle of a reply."""
    return UpstreamError(
        504,
        "upstream_stalled",
        f"{_who(name)} fell silent for {limit_s:g} s in the middle of its reply",
        "ask again, or raise llm.idle_timeout_s",
    )


def broke_off(name: str, error: Exception | None = None) -> UpstreamError:
    """The reply ended before its end."""
    why = f": {reason(error)}" if error else ""
    return UpstreamError(
        502,
        "upstream_broke_off",
        f"{_who(name)} broke off in the middle of its reply{why}",
        "ask again",
    )


def bad_answer(name: str, what: str) -> UpstreamError:
    """It answered something that is no chat completion."""
    return UpstreamError(
        502,
        "upstream_bad_answer",
        f"{_who(name)} answered {what}",
        "is it an OpenAI-compatible server, and does its address end as its manual says (often in /v1)?",
    )


def refused(name: str, head: Head, body: bytes, clean: Callable[[str], str]) -> UpstreamError:
    """It answered with an error status; `clean` takes our key out of its words."""
    try:
        said, code = _words(json.loads(body))
    except ValueError:
        said, code = "", ""
    said = clean(said)[:_SHOWN]
    status = head.status
    if status in (401, 403):
        return UpstreamError(
            502,
            "upstream_refused_key",
            f"{_who(name)} refused our key (status {status})",
            "put the right key into the environment variable HUIYIN_LLM_API_KEY, or the file llm.key_file; start again",
            elsewhere=False,
        )
    if not said and (status < 400 or status == 404):
        return bad_answer(name, f"with status {status}")
    message = f"{_who(name)} answered {status}: {said or 'without a reason'}"
    wait_s = _wait_s(head.headers.get("retry-after", "")) if status in _SAYS_WHEN else None
    if status >= 500:
        hint = "try again; its own log may say more"
        return UpstreamError(502, "upstream_failed", message, hint, retry_after_s=wait_s)
    code = code or ("model_not_found" if status == 404 else "upstream_refused")
    hint = _HINTS.get(code) or ("try again later" if status in _ASK_ANOTHER else "change the request")
    return UpstreamError(
        status,
        code,
        message,
        hint,
        elsewhere=status in _ASK_ANOTHER,
        retry_after_s=wait_s,
    )


def said_error(name: str, error: Any, clean: Callable[[str], str]) -> UpstreamError:
    """It sent an error inside a stream that had begun well."""
    said, code = _words({"error": error})
    return UpstreamError(502, code or "upstream_failed", f"{_who(name)} failed: {clean(said)[:_SHOWN]}")


def nobody(failures: Sequence[UpstreamError]) -> UpstreamError:
    """What to tell when every upstream that could be asked has failed (at least one)."""
    if len(failures) == 1:
        return failures[0]
    waits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
    return UpstreamError(
        failures[0].status if len({failure.status for failure in failures}) == 1 else 502,
        "no_upstream",
        "no language model answered: " + "; ".join(failure.message for failure in failures),
        next((failure.hint for failure in failures if failure.hint), ""),
        retry_after_s=min(waits) if waits else None,
    )


def _who(name: str) -> str:
    return "the embedded language model" if name == "embedded" else f"the language model at {name}"


_HINTS = {
    "context_length_exceeded": "shorten the conversation, or ask a model with a larger context",
    "model_not_found": "GET /v1/models lists the models; llm.upstream_model is asked for when a request names none",
}

# llama-server's word, and the one that OpenAI's clients know
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
    said = error.get("message") or error.get("detail") or ""
    code = next((word for word in (error.get("code"), error.get("type")) if isinstance(word, str)), "")
    return str(said), _CODES.get(code, code)


def _wait_s(retry_after: str) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date (RFC 9110, 10.2.3); None: it says nothing.

    A date is compared with our clock: one that is past, or a clock that is wrong, gives 0.
    """
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
