"""What can go wrong with an upstream: an error for each case."""

from __future__ import annotations

import http.client
import math
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from huiyin.configs import messages
from huiyin.services.common.breaker import MAX_COOLDOWN_S
from huiyin.services.common.errors import ApiError
from huiyin.services.llm.encodings import EncodingError
from huiyin.services.llm.error_words import ErrorWords, read_error, words_of

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
    ConnectionRefusedError: "llm.reason_refused",
    socket.gaierror: "llm.reason_no_name",
    TimeoutError: "llm.reason_too_late",
    http.client.RemoteDisconnected: "llm.reason_closed",
    http.client.IncompleteRead: "llm.reason_broke_off",
    http.client.BadStatusLine: "llm.reason_no_http",
    EncodingError: "llm.reason_encoding",
    ssl.SSLCertVerificationError: "llm.reason_certificate",
    ssl.SSLError: "llm.reason_no_tls",
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


def bad_answer(name: str, key: str, *, misplaced: bool = False, **facts: object) -> UpstreamError:
    """It answered what the message of `key` says, which is not a chat completion."""
    what = messages.text(key, facts)
    return UpstreamError(502, "llm.upstream_bad_answer", misplaced=misplaced, who=_who(name), what=what)


def refused(
    name: str, head: http.client.HTTPResponse, body: bytes, clean: Callable[[str], str], *, placed: bool
) -> UpstreamError:
    """It answered with an error status; `clean` removes our key from its words. `placed`: its path is right."""
    found, status = read_error(body), head.status
    words, code = clean(found.text)[:_SHOWN], found.code
    if status < 400:
        moved = clean(head.headers.get("location", ""))[:_SHOWN]
        key = "llm.moved" if moved else "llm.only_a_status"
        return bad_answer(name, key, misplaced=True, status=status, address=moved)
    if status in (401, 403):
        why = f": {words}" if words else ""
        return UpstreamError(502, "llm.upstream_refused_key", who=_who(name), status=status, words=why, elsewhere=False)
    if not placed and _is_of_place(status, found):
        return no_such_place(name, status, words)
    wait_s = _wait_s(head.headers) if status >= 500 or status == _BUSY else None
    if wait_s is not None:
        wait_s = min(wait_s, MAX_COOLDOWN_S)  # then it is tried again
    words = words or messages.text("llm.reason_none", {})
    facts: dict[str, Any] = {"who": _who(name), "answer": status, "words": words, "refusal": _refusal(status, found)}
    if status >= 500:
        return UpstreamError(502, "llm.upstream_failed", retry_after_s=wait_s, **facts)
    elsewhere = status in _ASK_ANOTHER
    code = "model_not_found" if status == 404 and _OF_MODELS.search(found.all_text) else code or "upstream_refused"
    return UpstreamError(
        status,
        _KEYS.get(code) or ("llm.upstream_refused_now" if elsewhere else "llm.upstream_refused"),
        code=code,
        elsewhere=elsewhere,
        retry_after_s=wait_s,
        **facts,
    )


def failed_in_stream(name: str, error: Any, clean: Callable[[str], str], *, placed: bool) -> UpstreamError:
    """It sent `error`, a JSON object, instead of a reply or in the middle of one. The rest as in `refused`."""
    found = words_of(error)
    words = clean(found.text)[:_SHOWN] or messages.text("llm.reason_none", {})
    if not placed and _is_of_place(200, found):
        return no_such_place(name, 200, words)
    code, refusal = found.code or "upstream_failed", _refusal(_REFUSALS[0], found)
    return UpstreamError(502, "llm.failed_in_stream", code=code, refusal=refusal, who=_who(name), words=words)


def no_such_place(name: str, status: int, words: str) -> UpstreamError:
    """Its address seems to be wrong: there are no chat completions."""
    what = messages.text("llm.status_and_words" if words else "llm.only_a_status", {"status": status, "words": words})
    return UpstreamError(502, "llm.upstream_no_endpoint", misplaced=True, who=_who(name), what=what)


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
    return UpstreamError(status, "llm.no_upstream", whys=whys, advice=hint, retry_after_s=min(waits, default=None))


def _who(name: str) -> str:
    return messages.text("llm.embedded" if name == "embedded" else "llm.upstream", {"name": name})


_KEYS = {"context_length_exceeded": "llm.context_length_exceeded", "model_not_found": "llm.upstream_has_no_model"}


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
