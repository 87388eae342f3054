"""The options of a request to transcribe, each read from its field and checked.

Fields come as a JSON object, a form, or the query of an address; in the last two all values are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from werkzeug.datastructures import MultiDict

from huiyin.configs.messages import Message
from huiyin.services.asr.recogniser import Hints
from huiyin.services.asr.report.media import MOST_PEAKS
from huiyin.services.asr.text.hotword_list import hotwords_of
from huiyin.services.common.errors import ApiError
from huiyin.services.common.openapi import any_case
from huiyin.services.common.text import whole_characters

LONGEST_DEADLINE_S = 86_400.0
MOST_CHARS = 4000
"""Characters of a prompt, and of every other text: far more than the recognisers use."""
MOST_LANGUAGE_CHARS = 500
"""Of `language`: all there are, with commas between."""
MOST_SPEAKERS = 50
"""Whose number a caller may name."""
AUTO = "auto"
"""As many speakers as sound different."""
CHANNELS: Literal["channels"] = "channels"
"""A speaker on each of two channels."""
MOST_PHRASES_CHARS = 8000
"""Of `phrases`: with all others at their longest it still fits into an address (`connection.LINE_BYTES`)."""
_LONGEST_NAME = 40  # characters of a speaker's name
_BETWEEN_NAMES = re.compile(r"[,，、;；\r\n]+")
_ONCE = (
    "format", "subtitles", "words", "stream", "deadline_s", "tags", "clean", "peaks", "title", "embed_audio", "itn",
    "language", "prompt", "temperature", "careful", "speakers", "speaker_names", "phrases", "model", "response_format",
)  # fmt: skip
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("", "0", "false", "no", "off")
FLAG_PATTERN = f"^({'|'.join(map(any_case, _TRUE + _FALSE))})$"
"""What a text for true or false may be, as a regular expression of JSON Schema."""
_MOST_DIGITS = 9  # isdecimal() alone would accept a number of a million digits
_FEW_LANGUAGES = 12  # are listed in the error


def hints_from(fields: Mapping[str, Any], languages: tuple[str, ...]) -> Hints:
    """The hints among the fields of any kind of request. Raises ApiError 400."""
    return Hints(
        itn=flag(fields, "itn", default=True),
        hotwords=hotwords_of(_several(fields, "hotwords")),
        languages=_languages(fields, languages),
        prompt=text(fields, "prompt"),
        temperature=number(fields, "temperature", 1.0),
    )


def hints_of_recording(fields: Mapping[str, Any], languages: tuple[str, ...], *, words: bool) -> Hints:
    """The hints of a request for a recording; `words`: times of single words are needed. Raises ApiError 400."""
    speakers = _speakers(fields)
    words = words or speakers is not None  # another speaker may begin within a segment
    careful = flag_or_none(fields, "careful")
    return replace(hints_from(fields, languages), words=words, careful=careful, speakers=speakers)


def check_once(fields: MultiDict[str, str]) -> None:
    """Raise ApiError 400 where a form or an address has an option twice, of which only one could count."""
    for name in _ONCE:
        if len(fields.getlist(name)) > 1:
            raise ApiError(400, "asr.twice", code=f"bad_{name}", name=name)


def check_numbers(body: Mapping[str, Any]) -> None:
    """Raise ApiError 400 where a JSON object has text for a number."""
    for name, most in (("temperature", 1.0), ("deadline_s", LONGEST_DEADLINE_S), ("peaks", MOST_PEAKS)):
        if isinstance(body.get(name), str):
            raise ApiError(400, "asr.not_a_number", code=f"bad_{name}", name=name, value=body[name], least=0, most=most)


def text(fields: Mapping[str, Any], name: str, most: int = MOST_CHARS) -> str:
    """A text of at most `most` characters; '' where it is missing. Raises ApiError 400."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise ApiError(400, "asr.not_text", code=f"bad_{name}", name=name, most=most)
    return whole_characters(value)


def flag(fields: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """True or false, `default` where it is missing. Raises ApiError 400."""
    value = fields.get(name)
    word = str(default if value is None else value).lower()
    if word not in _TRUE + _FALSE:
        raise ApiError(400, "asr.not_true_or_false", code=f"bad_{name}", name=name, word=word)
    return word in _TRUE


def flag_or_none(fields: Mapping[str, Any], name: str) -> bool | None:
    """True or false, None where it is missing. Raises ApiError 400."""
    return None if fields.get(name) is None else flag(fields, name)


def number(fields: Mapping[str, Any], name: str, most: float) -> float:
    """A number from 0 to `most`, 0 where it is missing or empty. Raises ApiError 400."""
    value = fields.get(name)
    try:
        found = 0.0 if value in (None, "") else float(cast(Any, value))
    except (TypeError, ValueError, OverflowError):
        found = -1.0
    if isinstance(value, bool) or not 0.0 <= found <= most:
        raise ApiError(400, "asr.not_a_number", code=f"bad_{name}", name=name, value=value, least=0, most=most)
    return found


def whole_number(fields: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    """From `least` to `most`; `default` where it is missing or empty. Raises ApiError 400."""
    value = fields.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number: 2.0 is 2
    digits = str(default if value in (None, "") else value)
    found = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS else -1
    if not (least <= found <= most or found == default):
        raise ApiError(
            400, "asr.not_a_whole_number", code=f"bad_{name}", name=name, value=digits[:20], least=least, most=most
        )
    return found


def language_pattern(known: tuple[str, ...], *, several: bool) -> str:
    """What `language` may be as a regular expression of JSON Schema; without `several` a single code."""
    code = f"({'|'.join(known)})([-_][A-Za-z]{{1,8}})?"
    return f"^(auto|{code}(,{code})*)?$" if several else f"^({code})?$"


def speaker_names(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Of ``speaker_names``, with commas between: of the first speaker, the second, ... Raises ApiError 400."""
    names = _BETWEEN_NAMES.split(text(fields, "speaker_names"))[:MOST_SPEAKERS]
    plain = ("".join(filter(str.isprintable, name)).strip()[:_LONGEST_NAME].rstrip() for name in names)
    return tuple(plain) if any(map(str.strip, names)) else ()


def _speakers(fields: Mapping[str, Any]) -> int | Literal["channels"] | None:
    """Of ``speakers``: a number, auto (0), channels, or nothing (None)."""
    value = fields.get("speakers")
    if value in (None, ""):
        return None
    if value == CHANNELS:
        return CHANNELS
    return 0 if value == AUTO else whole_number(fields, "speakers", 1, 1, MOST_SPEAKERS)


def _several(fields: Mapping[str, Any], name: str) -> object:
    """A field's value; where a form or query has it more than once, a line for each."""
    return "\n".join(fields.getlist(name)) if isinstance(fields, MultiDict) else fields.get(name)


def _languages(fields: Mapping[str, Any], known: tuple[str, ...]) -> tuple[str, ...]:
    """Of ``language``: a code, several with commas between, or auto. Of zh-CN counts zh."""
    parts = text(fields, "language", MOST_LANGUAGE_CHARS).strip().lower().replace("_", "-").split(",")
    codes = [part.strip().partition("-")[0] for part in parts]
    if codes in ([""], ["auto"]):
        return ()
    for code in codes:
        if code not in known:
            raise ApiError(400, "asr.unknown_language", language=code, known=_some(known))
    return tuple(dict.fromkeys(codes))


def _some(languages: tuple[str, ...]) -> list[str] | Message:
    return list(languages) if len(languages) <= _FEW_LANGUAGES else Message("asr.language_codes")
