"""Servers of language models that refuse what others take, or fail, each in its own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.stub_upstream import Answer, friendly

Request = dict[str, Any]
ASKED: Request = {
    "max_tokens": 9,
    "temperature": 0.3,
    "top_p": 0.5,
    "stop": ["\n"],
    "seed": 7,
    "stream_options": {"include_usage": True},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
}


@dataclass(frozen=True)
class Refusing:
    """Refuses each request for which `refuses` holds, with `error`."""

    name: str
    refuses: Callable[[Request], object]
    error: Any
    status: int = 400
    keeps: str = "temperature"
    """A parameter that it must still get."""

    def __call__(self, answer: Answer) -> None:
        """Answers a request."""
        if self.refuses(answer.seen.body):
            answer.whole(self.error, self.status)
        else:
            friendly(answer)


def _unsupported(name: str, more: str = "") -> dict[str, Any]:
    message = f"Unsupported parameter: '{name}' is not supported with this model.{more}"
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": name, "code": "unsupported_parameter"}
    }


def _has(*names: str) -> Callable[[Request], bool]:
    return lambda body: any(name in body for name in names)


def _roles(body: Request) -> list[str]:
    return [message["role"] for message in body["messages"]]


def _extra(*names: str) -> dict[str, Any]:
    return {
        "detail": [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
            for name in names
        ]
    }


REFUSING = [
    Refusing("max_tokens", _has("max_tokens"), _unsupported("max_tokens", " Use 'max_completion_tokens'.")),
    Refusing(
        "both lengths",
        _has("max_tokens", "max_completion_tokens"),
        _unsupported("max_completion_tokens' or 'max_tokens"),
    ),
    Refusing(
        "another temperature than 1",
        lambda body: body.get("temperature", 1) != 1,
        {
            "error": {
                "message": "Unsupported value: 'temperature' does not support 0.3 with this model. "
                "Only the default (1) value is supported.",
                "param": "temperature",
                "code": "unsupported_value",
            }
        },
        keeps="top_p",
    ),
    Refusing(
        "temperature, as Kimi",
        _has("temperature"),
        {"error": {"message": "invalid temperature: only 1 is allowed for this model"}},
        keeps="top_p",
    ),
    Refusing("stream_options, as FastAPI", _has("stream_options"), _extra("stream_options"), 422),
    Refusing(
        "stream_options, as Mistral",
        _has("stream_options"),
        {"object": "error", "message": _extra("stream_options")},
        422,
    ),
    Refusing(
        "seed, as vLLM",
        _has("seed"),
        {
            "object": "error",
            "code": 400,
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), "
            "'msg': 'Extra inputs are not permitted'}]",
        },
    ),
    Refusing(
        "seed, as Gemini",
        _has("seed"),
        [
            {
                "error": {
                    "code": 400,
                    "status": "INVALID_ARGUMENT",
                    "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
                }
            }
        ],
    ),
    Refusing(
        "stop, as Grok",
        _has("stop"),
        {"code": "Client specified an invalid argument", "error": "Argument not supported on this model: stop"},
    ),
    Refusing("stop, in plain text", _has("stop"), b"create() got an unexpected keyword argument 'stop'"),
    Refusing(
        "several, one after the other",
        lambda body: [name for name in ("seed", "stop", "top_p") if name in body],
        b"seed, stop and top_p are not supported",
        422,
    ),
    Refusing(
        "tools, as Ollama", _has("tools"), {"error": "registry.ollama.ai/library/gemma:2b does not support tools"}
    ),
    Refusing(
        "tools, as llama-server",
        _has("tools"),
        {"error": {"code": 400, "message": "tools param requires --jinja flag"}},
    ),
    Refusing(
        "tools, as vLLM",
        _has("tools"),
        {
            "object": "error",
            "message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        },
    ),
    Refusing(
        "tools, as OpenRouter",
        _has("tools"),
        {"error": {"message": "No endpoints found that support tool use.", "code": 404}},
        404,
    ),
    Refusing(
        "a stream", lambda body: body["stream"], {"error": {"message": "Streaming is not supported for this model"}}
    ),
    Refusing(
        "anything but a stream",
        lambda body: not body["stream"],
        {"error": {"message": "This model only support stream mode, please enable the stream parameter"}},
    ),
    Refusing(
        "the system",
        lambda body: "system" in _roles(body),
        {"error": {"code": 400, "message": "System role not supported"}},
    ),
    Refusing(
        "two of one role in a row",
        lambda body: (
            any(a == b for a, b in zip(_roles(body), _roles(body)[1:], strict=False)) or "system" in _roles(body)
        ),
        {"error": {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}},
    ),
    Refusing(
        "the developer",
        lambda body: "developer" in _roles(body),
        {"error": {"message": "messages[0].role: unknown variant 'developer', expected 'user'"}},
        422,
    ),
]

ERRORS: list[tuple[Any, str]] = [
    ({"error": {"message": "no luck", "code": "bad_luck"}}, "no luck"),
    ({"error": "no luck"}, "no luck"),
    ({"error": True, "message": "no luck"}, "no luck"),
    ({"message": "no luck"}, "no luck"),
    ({"object": "error", "message": "no luck", "code": 40}, "no luck"),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "no luck"}}, "no luck"),
    ({"detail": "no luck"}, "no luck"),
    ({"detail": [{"loc": ["body", "x"], "msg": "no luck"}, {"msg": "none at all"}]}, "no luck; none at all"),
    ({"errors": [{"message": "no luck"}]}, "no luck"),
    ({"error_code": 17, "error_msg": "no luck"}, "no luck"),
    ({"base_resp": {"status_code": 1004, "status_msg": "no luck"}}, "no luck"),
    ([{"error": {"code": 400, "message": "no luck"}}], "no luck"),
    ({"choices": [{"index": 0, "delta": {}, "error": {"message": "no luck"}, "finish_reason": "error"}]}, "no luck"),
]

PAGES = [
    (b"no luck\n", "no luck"),
    (b"<html><head><title>502 Bad Gateway</title></head><body>no luck</body></html>", "502 Bad Gateway"),
    (b"<p>no <b>luck</b> &amp; none</p>", "no luck & none"),
]

NOT_THERE: list[tuple[int, Any]] = [
    (404, b""),
    (404, b"404 page not found"),
    (
        404,
        b"<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center></body></html>",
    ),
    (405, b"<html><head><title>405 Not Allowed</title></head></html>"),
    (404, {"detail": "Not Found"}),
    (405, {"detail": "Method Not Allowed"}),
    (404, {"timestamp": "2026", "status": 404, "error": "Not Found", "path": "/chat/completions"}),
    (404, {"error": {"message": "Invalid URL (POST /chat/completions)", "type": "invalid_request_error"}}),
    (404, {"message": "no Route matched with those values"}),
    (404, b"Cannot POST /chat/completions"),
    (404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}),
    (404, {"code": 5, "error": "url.not_found", "message": "没找到对象", "method": "POST"}),
    (404, {"success": False, "errors": [{"code": 7000, "message": "No route for that URI"}]}),
    (404, {"message": "no luck"}),
    (400, {"code": "InvalidParameter", "message": "url error, please check url！"}),
    (400, b"Client sent an HTTP request to an HTTPS server.\n"),
    (200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
    (200, b"<!DOCTYPE html><html><title>My server</title></html>"),
    (302, b""),
]
"""How servers say that nothing is at a path: status and body."""
