"""What an error of an upstream says, in any of the forms that servers give it. Pure: a body in, words out."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from huiyin.services.common.strict_json import lenient

_MESSAGES = ("message", "detail", "msg", "error_msg", "error_description", "errmsg", "status_msg", "title", "reason")
_INNER = ("error", "errors", "base_resp", "fault", "issues", "choices")
_CODES = ("code", "type", "status", "error_code")
_DEEPEST = 6  # how far an error may be wrapped: Mistral's {"message": {"detail": [{"msg": …}]}}
_TITLE = re.compile(r"<(title|h1)\b[^<>]{0,200}>(.{1,300}?)</\1", re.I | re.S)
_TAGS = re.compile(r"<(script|style)\b.{0,20000}?</\1[^<>]{0,20}>|<[^<>]{0,2000}>", re.I | re.S)
_SHOWN = 2000  # characters of a body that is no JSON
_LONGEST = 10_000  # characters of one that is
_STATUS = re.compile(r"[45]\d\d", re.A)  # of an error
_STATUSES = range(400, 600)

# llama-server's code -> the one that OpenAI's clients know
_KNOWN_CODES = {"exceed_context_size_error": "context_length_exceeded"}


@dataclass(frozen=True)
class ErrorWords:
    """`text`: for a person. `code`: for programs. Each '' if absent. `all_text`: everything it names, too.

    `status`: the HTTP status that it names in its body, 0 where it names none.
    """

    text: str = ""
    code: str = ""
    all_text: str = ""
    status: int = 0


def read_error(body: bytes) -> ErrorWords:
    """The words of an error's body: JSON, a page, or plain text."""
    try:
        return words_of(lenient(body))
    except ValueError:
        text = body.decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        title = _TITLE.search(text)
        text = html.unescape(title[2] if title else _TAGS.sub(" ", text[: 10 * _SHOWN]))
    text = " ".join(text.split())[:_SHOWN]
    return ErrorWords(text, "", text)


def words_of(body: Any) -> ErrorWords:
    """The words of an error that is JSON: OpenAI's form, FastAPI's, Ollama's, Gemini's list, and others."""
    texts, codes, names = list[str](), list[str](), list[str]()
    _collect(body, texts, codes, names, _DEEPEST)
    text = "; ".join(dict.fromkeys(texts))[:_LONGEST]
    statuses = [int(code) for code in codes if _STATUS.fullmatch(code)]
    codes = [code for code in codes if code and not _STATUS.fullmatch(code)]
    code = codes[0] if codes else ""
    all_text = " ".join([*names, text, *codes])[:_LONGEST]
    return ErrorWords(text, _KNOWN_CODES.get(code, code), all_text, statuses[0] if statuses else 0)


def _collect(part: Any, texts: list[str], codes: list[str], names: list[str], deep: int) -> None:
    """Adds the messages, the codes, and the names of fields in `part`."""
    if isinstance(part, str) and part.strip():
        texts.append(part.strip())
    elif isinstance(part, list) and deep:
        for each in part:
            _collect(each, texts, codes, names, deep - 1)
    elif isinstance(part, dict) and deep:
        before = len(texts)
        for name in (*_INNER, *_MESSAGES):
            if name in _INNER or len(texts) == before:  # of several messages the first: the rest repeats it
                _collect(part.get(name), texts, codes, names, deep - 1)
        found = [part.get(name) for name in _CODES]
        codes += [str(each) for each in found if isinstance(each, str) or (each in _STATUSES and type(each) is int)]
        names += [str(name) for name in (part.get("param"), *_location(part.get("loc"))) if name]


def _location(loc: Any) -> list[str]:
    """pydantic's: ["body", "stream_options"]."""
    return [str(part) for part in loc if part != "body"] if isinstance(loc, list) else []
