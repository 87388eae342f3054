"""Errors as the callers of a service see them: ``{"error": {"code", "message", "hint", "type"}}``.

The shape is a superset of OpenAI's, so that the `openai` SDK raises its own exceptions with our message.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An error meant for the caller.

    `status` is the HTTP status, `code` a stable snake_case word for programs, `message` a sentence for
    people, `hint` what to do about it. `retry_after_s` is sent as the Retry-After header.
    """

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint, "type": kind, "param": None}}

    def response(self) -> Response:
        """The HTTP response."""
        answer = jsonify(self.body())
        answer.status_code = self.status
        if self.retry_after_s is not None:
            answer.headers["Retry-After"] = str(max(1, round(self.retry_after_s)))
        return answer


_HTTP_HINTS = {
    404: ("not_found", "GET /openapi.json lists the addresses of this service"),
    405: ("method_not_allowed", "GET /openapi.json lists the methods of each address"),
    413: ("too_large", "send a shorter file, or raise the limit in the settings"),
    415: ("unsupported_media_type", "send JSON with Content-Type: application/json"),
}


def install(app: Flask) -> None:
    """Turn every exception of `app` into the JSON shape; a bug is logged and answered with 500, without its details."""

    @app.errorhandler(ApiError)
    def api_error(error: ApiError) -> Response:
        return error.response()

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code, hint = _HTTP_HINTS.get(status, ("bad_request" if status < 500 else "server_error", ""))
        return ApiError(status, code, error.description or error.name, hint).response()

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return ApiError(
            500, "internal_error", "the service made a mistake with this request", "its log has the details"
        ).response()
