"""Errors in the answers of a service: ``{"error": {"code", "message", "hint", "type"}}``.

The shape is a superset of OpenAI's, so the `openai` SDK raises its own exceptions with our message. These show nothing
but the message: it ends with the hint.
"""

from __future__ import annotations

import difflib
import errno
import logging
import math
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from huiyin.configs import messages
from huiyin.configs.errors import HuiyinError
from huiyin.configs.packages.extras import missing
from huiyin.services.common import reader_language
from huiyin.services.common.text import whole_characters
from huiyin.services.common.watch import ClientLeft

log = logging.getLogger(__name__)


class ApiError(HuiyinError):
    """An error for the caller.

    `status` is the HTTP status, `code` a stable snake_case word for programs (default: the last part of `key`),
    `retry_after_s` the Retry-After header, `allow` the methods that the address has.
    """

    def __init__(
        self, status: int, key: str, /, *, code: str = "", retry_after_s: float | None = None,
        allow: Iterable[str] = (), **facts: object,
    ) -> None:  # fmt: skip
        super().__init__(key, **facts)
        self.status = status
        self.code = code or key.rpartition(".")[2]
        self.retry_after_s = retry_after_s
        self.allow = sorted(set(allow))

    def body(self) -> dict[str, Any]:
        """The JSON body, in the language of the one who reads it."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        language = reader_language.current()
        hint = messages.hint(self.key, self.facts, language)
        message = whole_characters(messages.with_hint(self.key, self.facts, language))  # it may quote
        return {"error": {"code": self.code, "message": message, "hint": hint, "type": kind, "param": None}}

    def headers(self) -> dict[str, str]:
        """The HTTP headers that it needs."""
        after = {} if self.retry_after_s is None else {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}
        return after | ({"Allow": ", ".join(self.allow)} if self.allow else {})

    def response(self) -> Response:
        """The HTTP response of a Flask view."""
        answer = jsonify(self.body())
        answer.status_code = self.status
        answer.headers.update(self.headers())
        return answer


class ModelError(HuiyinError):
    """A model that cannot be loaded, or does not work."""


CLIENT_LEFT_STATUS = 499
"""nginx's status for it; only metrics and the access log see it."""
_PATH_SHOWN = 100  # characters
_LIKE = 0.85  # of 0..1 as difflib counts it: a typing mistake, not another word
ADDRESSES = "huiyin.addresses"
"""Where an app's extensions list the addresses that are not Flask's."""
_HTTP_KEYS = {
    413: "services.too_large",
    415: "services.unsupported_media_type",
}


def shortened(value: object, most: int = 80) -> str:
    """A caller's value as Python writes it, of at most `most` characters."""
    return repr(value)[:most]


def of_status(status: int, message: str) -> ApiError:
    """The error for an HTTP status that a web library raised, in its words."""
    return ApiError(
        status,
        _HTTP_KEYS.get(status) or ("services.bad_request" if status < 500 else "services.server_error"),
        message=message,
    )


_NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)
_RETRY_S = 5.0


def of_system(error: OSError) -> ApiError | None:
    """The error for a machine that has no room, or no more files that may be open; None for all other reasons."""
    if error.errno in _NO_ROOM:
        return ApiError(507, "services.disk_full", why=error.strerror)
    if error.errno in _NO_MORE_FILES:
        return ApiError(503, "services.too_many_files", why=error.strerror, retry_after_s=_RETRY_S)
    return None


def no_such_address(path: str, known: list[str]) -> ApiError:
    """404, with the address that was probably meant: often /v1 is missing, or there twice."""
    shown, end = path[:_PATH_SHOWN], path.rstrip("/").removeprefix("/v1")
    same_end = [each for each in known if end and each.endswith(end)]
    near = same_end or difflib.get_close_matches(shown, known, n=1, cutoff=_LIKE)
    return ApiError(
        404, "services.not_found_but" if near else "services.not_found", code="not_found", path=shown, near=near
    )


def wrong_method(method: str, path: str, methods: list[str]) -> ApiError:
    """405, with the methods of the address."""
    shown = sorted(set(methods) - {"HEAD", "OPTIONS"})
    return ApiError(
        405, "services.method_not_allowed", allow=methods, path=path[:_PATH_SHOWN], method=method, methods=shown
    )


def install(app: Flask) -> None:
    """Answer every exception of `app` in the JSON shape; a bug as 500, with its details in the log only."""

    @app.errorhandler(ApiError)
    def api_error(error: ApiError) -> Response:
        return error.response()

    @app.errorhandler(ClientLeft)
    def client_left(_: ClientLeft) -> tuple[str, int]:
        return "", CLIENT_LEFT_STATUS

    @app.errorhandler(NotFound)
    def not_found(_: NotFound) -> Response:
        known = {*(rule.rule for rule in app.url_map.iter_rules()), *app.extensions.get(ADDRESSES, ())}
        return no_such_address(request.path, sorted(known)).response()

    @app.errorhandler(MethodNotAllowed)
    def not_allowed(error: MethodNotAllowed) -> Response:
        return wrong_method(request.method, request.path, list(error.valid_methods or ())).response()

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return of_status(error.code or 500, error.description or error.name).response()

    @app.errorhandler(OSError)
    def system_error(error: OSError) -> Response:
        known = of_system(error)
        return known.response() if known else unexpected(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        if isinstance(error, ImportError):
            return ApiError(501, "services.library_missing", error=missing(error)).response()
        return ApiError(500, "services.internal_error").response()
