"""What an upstream refuses of requests that others take, and the same request without it. Pure but for a lock.

Servers differ in the parameters that they know; a voice that answers 400 to every turn is worse than one without a
parameter. What the reply is for is never left out: a tool that must be called, a reply that must be JSON.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from huiyin.services.llm.chunks import JsonObject

Changes = Mapping[str, str]
"""Name of a parameter -> what is done with it, in order: LEFT_OUT, STREAMED or WHOLE, MERGED, or its new name."""

LEFT_OUT = ""
STREAMED, WHOLE = "streamed", "whole"  # `stream`, whatever the caller wants
MERGED = "merged"  # `messages`: without a system message, user and assistant in turn

_FRESH_S = 3600.0  # a server may be updated, or have meant something else: then it is asked for everything again

_REFUSES = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|extraneous|extra_forbidden|incompatible|obsolete"
    r"|deprecated|disabled|no longer|removed|instead|cannot find field|can only be|alternat(?:e|ing)|successive"
    r"|extra (?:inputs?|fields?|param\w*)|(?:invalid|illegal) (?:param|argument|field|option|request argument)"
    r"|(?:not|n't) (?:\w+ )?(?:support|permit|allow|accept|implement|recogni[sz]|available|compatible|enabled)"
    r"|not applicable"
    r"|not (?:a )?valid (?:for|with|param|argument|field|option)|cannot (?:both )?be (?:specified|used|set)"
    r"|\bonly [^.]{0,60}(?:support|allow|accept|permit)|\bno (?:\w+ ){1,4}support|\brequires?\b"
    r"|\bmust be (?:1|true|false|set|omitted|empty|unset)\b|不支持|仅支持|只支持|未知|不允许|废弃|弃用|请使用",
    re.I,
)
_CALLS = r"tools?|tool[ _-](?:use|usage|call\w*)|function[ _-]?call\w*"
_ALSO_CALLED = {"tools": _CALLS, "stream": r"stream(?:ing|ed)?"}
_NEW_NAMES = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_NEVER_LEFT_OUT = frozenset(("model", "messages", "response_format"))
_OF_ROLES = re.compile(
    r"\bsystem['\"`]? (?:role|message|prompt|instruction)|\brole['\"`:]* ?(?:of )?['\"`]?(?:system|developer)"
    r"|developer instruction|['\"`](?:system|developer)['\"`]|\broles? .{0,40}alternat|alternat\w+ .{0,20}(?:user|role)"
    r"|successive (?:user|assistant)",
    re.I,
)


def next_change(body: JsonObject, refusal: str, changes: Changes) -> Changes | None:
    """What to change in `body`, made by `changes`, for what `refusal` says. None: nothing helps."""
    if not _REFUSES.search(refusal):
        return None
    if _OF_ROLES.search(refusal) and "messages" not in changes:
        return {"messages": MERGED}
    name = _named_in(refusal, (name for name in body if name not in _NEVER_LEFT_OUT))
    if name is None or (name == "stream" and name in changes):
        return None
    if name == "stream":
        return {name: WHOLE if body[name] else STREAMED}
    if name in ("tools", "tool_choice"):
        must_call = body.get("tool_choice", "auto") not in ("auto", "none")
        left_out = _OF_TOOLS if name == "tools" else (name,)
        return None if must_call else dict.fromkeys(left_out, LEFT_OUT)
    new_name = _NEW_NAMES.get(name, LEFT_OUT)
    return {name: LEFT_OUT if new_name in changes else new_name}


def _named_in(refusal: str, names: Iterable[str]) -> str | None:
    """The parameter that is named first, as stream_options, "stream options" or streamOptions; None where none is."""
    found = []
    for name in names:
        words = _ALSO_CALLED.get(name, re.escape(name).replace("_", "[_ -]?"))
        # A part of it may be at fault instead, as in tools[0].function: that is the caller's to correct.
        if match := re.search(rf"(?<![a-z0-9_])(?:{words})(?![a-z0-9_\[])", refusal, re.I):
            found.append((match.start(), -match.end(), name))
    return min(found)[2] if found else None


def changed(body: JsonObject, changes: Changes) -> JsonObject:
    """A copy of `body` with the changes made."""
    body = dict(body)
    for name, change in changes.items():
        if name not in body:
            continue
        value = body.pop(name)
        if change in (STREAMED, WHOLE):
            body[name] = change == STREAMED
        elif change == MERGED:
            body[name] = _merged(value)
        elif change != LEFT_OUT:
            body.setdefault(change, value)
    if changes.get("stream") == WHOLE:
        body.pop("stream_options", None)
    return body


class RefusalMemory:
    """The changes that each model of an upstream has needed within the last hour. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._learnt: dict[str, dict[str, tuple[str, float]]] = {}  # model -> parameter -> change, and when

    def learn(self, model: str, changes: Changes) -> None:
        """A request to `model` was answered once these were made."""
        now = self._clock()
        with self._lock:
            known = self._learnt.get(model, {})
            self._learnt[model] = {**known, **{name: (change, now) for name, change in changes.items()}}

    def changes(self, model: str) -> Changes:
        """What to change in a request to `model`."""
        now = self._clock()
        known = self._learnt.get(model, {})
        return {name: change for name, (change, since) in known.items() if now - since < _FRESH_S}

    def names(self) -> list[str]:
        """The parameters that any model has refused, sorted."""
        return sorted({name for model in tuple(self._learnt) for name in self.changes(model)})


def _merged(messages: list[JsonObject]) -> list[JsonObject]:
    """The messages with what the system says in the first of the user's, and neighbours of one role made one."""
    merged: list[JsonObject] = []
    for message in messages:
        role = "user" if message["role"] in ("system", "developer") else message["role"]
        message = {**message, "role": role}
        before = merged[-1] if merged else None
        mergeable = before and role in ("user", "assistant") and role == before["role"] and _is_text(before, message)
        if before and mergeable:
            before["content"] = f"{before['content']}\n\n{message['content']}"
        else:
            merged.append(message)
    return merged


def _is_text(*messages: JsonObject) -> bool:
    return all(isinstance(each.get("content"), str) and not each.get("tool_calls") for each in messages)
