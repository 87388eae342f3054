"""What can go wrong with an upstream: an error for each case."""

from __future__ import annotations

import http.client
import math
import re
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime, timezone
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from huiyin.configs import messages
from huiyin.configs.upstream_settings import EMBEDDED
from huiyin.services.common.breaker import MAX_COOLDOWN_S
from huiyin.services.common.errors import ApiError
from huiyin.services.common.upstreams.credentials import key_variable
from huiyin.services.common.upstreams.encodings import EncodingError
from huiyin.services.common.upstreams.error_words import ErrorWords, read_error, words_of

_SHOWN = 500  # characters of an upstream's own words
_ASK_ANOTHER = {402, 404, 408, 429}  # no balance, no such model, too slow, too busy: the request is not at fault
_BUSY = 429  # too many requests; its Retry-After is followed, as that of 500 and above
_NO_SUCH_PLACE = (404, 405)  # statuses of a path that is not there, or takes no POST
_OF_PLACES = re.compile(  # with another status; a picture, a file or a tool of the request has an address, too
    r"\b(?:unexpected|unknown|unsupported|no such) (?:endpoint|route)\b|\bno route (?:for|matche[sd])\b|\bcannot post /"
    r"|\b(?:page|route|endpoint) (?:was )?not found\b|\binvalid url \((?:post|get)\b|\burl error, please check url"
    r"|\bmethod not allowed\b|\bhttp request (?:was sent )?to (?:an )?https",
    re.I,
)
_REFUSALS = (400, 404, 422)  # what is wrong with a request for good: any other failure passes, however it is worded
_PASSES = re.compile(
    r"rate.?limit|too many requests|overload|temporar|try again (?:later|in|soon)|unavailable|exhausted|server_error",
    re.I,
)
_NUMBER = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:(m)?s(?:ec(?:onds?)?)?)?\s*", re.I | re.A)
_OF_MODELS = re.compile(r"\b(?:model|deployment|engine)s?\b|no endpoints found|模型", re.I)


class Named(Protocol):
    """An upstream, as far as its failures tell of it."""

    name: str
    """'embedded', or the base URL."""
    section: str
    """Of the settings that name it: 'asr', 'llm' or 'tts'."""

    def clean(self, text: str) -> str:
        """`text` from this upstream without our key, for messages and logs."""


class UpstreamError(ApiError):
    """An upstream did not answer as it should. `elsewhere`: another one may answer the same request.

    `works`: the upstream is not at fault, and its circuit stays closed. `refusal`: the words of its refusal, '' where
    it did not refuse. `misplaced`: there may be nothing at the path that was asked.
    """

    def __init__(
        self,
        status: int,
        key: str,
        /,
        *,
        elsewhere: bool = True,
        works: bool = False,
        refusal: str = "",
        misplaced: bool = False,
        **more: Any,
    ) -> None:
        """`more` is ApiError's: `code`, `retry_after_s`, and the facts."""
        super().__init__(status, key, **more)
        self.elsewhere, self.works = elsewhere, works
        self.refusal, self.misplaced = refusal, misplaced


def reason(error: Exception) -> str:
    """What went wrong with the connection to an upstream, as a sentence without its subject."""
    for kind, key in _REASONS.items():
        if isinstance(error, kind):
            return messages.text(key, {})
    return str(error) or type(error).__name__


_REASONS: dict[type[Exception], str] = {
    ConnectionRefusedError: "upstreams.reason_refused",
    socket.gaierror: "upstreams.reason_no_name",
    TimeoutError: "upstreams.reason_too_late",
    http.client.RemoteDisconnected: "upstreams.reason_closed",
    http.client.IncompleteRead: "upstreams.reason_broke_off",
    http.client.BadStatusLine: "upstreams.reason_no_http",
    EncodingError: "upstreams.reason_encoding",
    ssl.SSLCertVerificationError: "upstreams.reason_certificate",
    ssl.SSLError: "upstreams.reason_no_tls",
}


def unreachable(upstream: Named, error: Exception) -> UpstreamError:
    """No connection, or none that lasted until its answer."""
    return UpstreamError(502, "upstreams.upstream_unreachable", **_who(upstream), why=reason(error))


def too_slow(upstream: Named, limit_s: float, setting: str) -> UpstreamError:
    """No answer within `limit_s`, the value of `setting`."""
    return UpstreamError(504, "upstreams.upstream_timeout", **_who(upstream), limit_s=limit_s, setting=setting)


def circuit_open(upstream: Named, wait_s: float, last: UpstreamError | None) -> UpstreamError:
    """It is skipped: it has failed too often, or has asked for a pause (`last`), or another request is its trial."""
    return UpstreamError(
        429 if last and last.status == 429 else 503,
        "upstreams.circuit_open",
        code="upstream_resting",
        **_who(upstream),
        wait_s=max(1, math.ceil(wait_s)),
        why=last.message if last else messages.text("upstreams.reason_trial", {}),
        retry_after_s=max(1, wait_s),
    )


def stalled(upstream: Named, limit_s: float, setting: str) -> UpstreamError:
    """It fell silent in the middle of a reply."""
    return UpstreamError(504, "upstreams.upstream_stalled", **_who(upstream), limit_s=limit_s, setting=setting)


def broke_off(upstream: Named, error: Exception | None = None) -> UpstreamError:
    """The reply ended before its end."""
    why = f": {reason(error)}" if error else ""
    return UpstreamError(502, "upstreams.upstream_broke_off", **_who(upstream), why=why)


def bad_answer(upstream: Named, key: str, *, misplaced: bool = False, **facts: object) -> UpstreamError:
    """It answered what the message of `key` says, which is not a chat completion."""
    what = messages.text(key, facts)
    return UpstreamError(502, "upstreams.upstream_bad_answer", misplaced=misplaced, **_who(upstream), what=what)


def refused(upstream: Named, head: http.client.HTTPResponse, body: bytes, *, path: str, placed: bool) -> UpstreamError:
    """It answered with an error status. `path`: what was asked for there. `placed`: its path is right."""
    found, status = read_error(body), head.status
    words, code = upstream.clean(found.text)[:_SHOWN], found.code
    if status < 400:
        moved = upstream.clean(head.headers.get("location", ""))[:_SHOWN]
        key = "upstreams.moved" if moved else "upstreams.only_a_status"
        return bad_answer(upstream, key, misplaced=True, status=status, address=moved)
    if status in (401, 403):
        why = f": {words}" if words else ""
        return UpstreamError(
            502, "upstreams.upstream_refused_key", **_who(upstream), status=status, words=why, elsewhere=False
        )
    if not placed and _is_of_place(status, found):
        return no_such_place(upstream, path, status, words)
    wait_s = _wait_s(head.headers) if status >= 500 or status == _BUSY else None
    if wait_s is not None:
        wait_s = min(wait_s, MAX_COOLDOWN_S)  # then it is tried again
    words = words or messages.text("upstreams.reason_none", {})
    facts: dict[str, Any] = {**_who(upstream), "answer": status, "words": words, "refusal": _refusal(status, found)}
    if status >= 500:
        return UpstreamError(502, "upstreams.upstream_failed", retry_after_s=wait_s, **facts)
    elsewhere = status in _ASK_ANOTHER
    code = "model_not_found" if status == 404 and _OF_MODELS.search(found.all_text) else code or "upstream_refused"
    return UpstreamError(
        status,
        _KEYS.get(code) or ("upstreams.upstream_refused_now" if elsewhere else "upstreams.upstream_refused"),
        code=code,
        elsewhere=elsewhere,
        retry_after_s=wait_s,
        **facts,
    )


def failed_in_stream(upstream: Named, error: Any, *, path: str, placed: bool) -> UpstreamError:
    """It sent `error`, a JSON object, instead of a reply or in the middle of one. The rest as in `refused`."""
    found = words_of(error)
    words = upstream.clean(found.text)[:_SHOWN] or messages.text("upstreams.reason_none", {})
    if not placed and _is_of_place(200, found):
        return no_such_place(upstream, path, 200, words)
    code, refusal = found.code or "upstream_failed", _refusal(_REFUSALS[0], found)
    return UpstreamError(502, "upstreams.failed_in_stream", code=code, refusal=refusal, **_who(upstream), words=words)


def no_such_place(upstream: Named, path: str, status: int, words: str) -> UpstreamError:
    """Its address seems to be wrong: there is no `path`."""
    what = messages.text(
        "upstreams.status_and_words" if words else "upstreams.only_a_status", {"status": status, "words": words}
    )
    return UpstreamError(502, "upstreams.upstream_no_endpoint", misplaced=True, path=path, **_who(upstream), what=what)


def _refusal(status: int, found: ErrorWords) -> str:
    """What it says that it will not do, '' where the same request may be answered another time."""
    lasts = status in _REFUSALS and (found.status or status) in _REFUSALS and not _PASSES.search(found.all_text)
    return found.all_text if lasts else ""


def _is_of_place(status: int, found: ErrorWords) -> bool:
    if _OF_MODELS.search(found.all_text):
        return False
    return status in _NO_SUCH_PLACE or (status < 500 and _OF_PLACES.search(found.text) is not None)


def all_failed(failures: Sequence[UpstreamError]) -> UpstreamError:
    """The answer when all upstreams (at least one) have failed."""
    if len(failures) == 1:
        return failures[0]
    waits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
    status = failures[0].status if len({failure.status for failure in failures}) == 1 else 502
    whys = "; ".join(failure.message for failure in failures)
    hint = next((failure.hint for failure in failures if failure.hint), "")
    return UpstreamError(
        status, "upstreams.no_upstream", whys=whys, advice=hint, retry_after_s=min(waits, default=None)
    )


def _who(upstream: Named) -> dict[str, Any]:
    """How messages name it, and where its settings are."""
    key = _SERVERS[upstream.section] if upstream.name != EMBEDDED else "upstreams.llm_embedded"
    who = messages.text(key, {"name": upstream.name})
    return {"who": who, "section": upstream.section, "variable": key_variable(upstream.section)}


_SERVERS = {"asr": "upstreams.asr", "llm": "upstreams.llm", "tts": "upstreams.tts"}
_KEYS = {
    "context_length_exceeded": "upstreams.context_length_exceeded",
    "model_not_found": "upstreams.upstream_has_no_model",
}


def _wait_s(headers: Message) -> float | None:
    """Seconds that a refusal asks for, None where it asks for none, or in an unknown form.

    Retry-After is a number or a date (RFC 9110, 10.2.3): 0 for one that is past by our clock. Some write "1.5" or "5s";
    OpenAI has retry-after-ms, too.
    """
    if milliseconds := _NUMBER.fullmatch(headers.get("retry-after-ms", "")):
        return float(milliseconds[1]) / 1000
    retry_after = headers.get("retry-after", "")
    if seconds := _NUMBER.fullmatch(retry_after):
        return float(seconds[1]) / (1000 if seconds[2] else 1)
    try:
        when = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
