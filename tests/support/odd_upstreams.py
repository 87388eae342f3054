"""What servers of language models answer that is not as OpenAI's, and is to be understood all the same.

Each says "hello there", whatever was asked for: a stream or JSON.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from tests.support.stub_upstream import Answer, completion, delta

SAID = "hello there"
STREAM = "text/event-stream"
JSON = "application/json"
_SMALL = 7  # bytes of a piece


@dataclass(frozen=True)
class OddUpstream:
    """`data`: the body of its answers, in the pieces in which it is sent."""

    name: str
    data: tuple[bytes, ...]
    kind: str = STREAM
    encoding: str = ""

    def __call__(self, answer: Answer) -> None:
        """Answers a request."""
        answer.start(self.kind, **({"Content_Encoding": self.encoding} if self.encoding else {}))
        for piece in self.data:
            answer.write(piece)
        answer.end()


def _event(body: Any, before: bytes = b"data: ", end: bytes = b"\n\n") -> bytes:
    return before + (body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()) + end


def _events(*bodies: Any, before: bytes = b"data: ", end: bytes = b"\n\n") -> bytes:
    return b"".join(_event(body, before, end) for body in bodies)


def _said(*texts: Any, finish: Any = "stop") -> list[Any]:
    return [*(delta(content=text) for text in texts), delta(finish=finish)]


_DONE = b"data: [DONE]\n\n"
_BODIES = _said("hello", " there")
_PLAIN = _events(*_BODIES) + _DONE
_WHOLE = json.dumps(completion(SAID))


def _pieces(data: bytes, size: int = _SMALL) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def _stream(name: str, *bodies: Any, **more: Any) -> OddUpstream:
    return OddUpstream(name, (_events(*bodies) + _DONE,), **more)


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _gzip_in_pieces(*texts: bytes) -> tuple[bytes, ...]:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    flushed = [packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH) for text in texts]
    return (*flushed, packer.flush())


def _text_part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _choice(**fields: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, **fields}]}


_TWO_LINES = json.dumps(delta(content=SAID), indent=1).replace("\n", "\ndata: ").encode()

EVENTS = [
    OddUpstream("an empty event comes first", (b"data:\n\n", _PLAIN)),
    OddUpstream(
        "empty events come in the middle",
        (_event(_BODIES[0]), b"data: \n\ndata:\n\n", _events(*_BODIES[1:], b"[DONE]")),
    ),
    OddUpstream("events of null and of nothing", (_events(b"null", b"{}", b"[]"), _PLAIN)),
    OddUpstream("a byte order mark comes first", (b"\xef\xbb\xbf" + _PLAIN,)),
    OddUpstream("a byte order mark comes in pieces", (b"\xef", b"\xbb", b"\xbf", _PLAIN)),
    OddUpstream("lines end with CR LF", (_PLAIN.replace(b"\n", b"\r\n"),)),
    OddUpstream("lines end with CR LF, cut anywhere", _pieces(_PLAIN.replace(b"\n", b"\r\n"), 1)),
    OddUpstream("lines end with CR", (_PLAIN.replace(b"\n", b"\r"),)),
    OddUpstream("no blank after the colon", (_PLAIN.replace(b"data: ", b"data:"),)),
    OddUpstream("comments and other fields", (b": hi\n\nid: 1\nevent: x\nretry: 9\n", _PLAIN, b": bye\n\n")),
    OddUpstream("no blank line between events", (_events(*_BODIES, b"[DONE]", end=b"\n"),)),
    OddUpstream("neither [DONE] nor the end of the last line", (_PLAIN.removesuffix(b"\n\n" + _DONE),)),
    OddUpstream("an event of many lines", (_event(_TWO_LINES), _events(delta(finish="stop"), b"[DONE]"))),
    OddUpstream("a stream called text", (_PLAIN,), kind="text/plain"),
    OddUpstream("a stream called a page", (_PLAIN,), kind="text/html; charset=utf-8"),
    OddUpstream("a stream called JSON", (_PLAIN,), kind=JSON),
    OddUpstream("[done] in small letters", (_events(*_BODIES, b"[done]"),)),
    OddUpstream("data: data:", (_PLAIN.replace(b"data: ", b"data: data: "),)),
    OddUpstream("spaces around [DONE]", (_events(*_BODIES, b" [DONE] "),)),
]

ENCODINGS = [
    OddUpstream("gzip", (gzip.compress(_PLAIN),), encoding="gzip"),
    OddUpstream("gzip, cut anywhere", _pieces(gzip.compress(_PLAIN), 1), encoding="x-gzip"),
    OddUpstream("gzip, word by word", _gzip_in_pieces(*map(_event, _BODIES), _DONE), encoding="gzip"),
    OddUpstream("gzip, in two members", (gzip.compress(_PLAIN[:40]) + gzip.compress(_PLAIN[40:]),), encoding="gzip"),
    OddUpstream("gzip without a word of it", (gzip.compress(_PLAIN),)),
    OddUpstream("gzip of JSON", (gzip.compress(_WHOLE.encode()),), encoding="gzip, identity", kind=JSON),
    OddUpstream("deflate", (zlib.compress(_PLAIN),), encoding="deflate"),
    OddUpstream("deflate without its header", (_raw_deflate(_PLAIN),), encoding="deflate"),
    OddUpstream("identity", (_PLAIN,), encoding="identity"),
]

FORMS = [
    OddUpstream("JSON", (_WHOLE.encode(),), kind=JSON),
    OddUpstream("JSON of many lines", (json.dumps(completion(SAID), indent=2).encode() + b"\n",), kind=JSON),
    OddUpstream("JSON called a stream", _pieces(_WHOLE.encode())),
    OddUpstream("JSON with a byte order mark", (b"\xef\xbb\xbf" + _WHOLE.encode(),), kind=JSON),
    OddUpstream("an event that is a whole reply", (_event(_WHOLE.encode()) + _DONE,)),
    OddUpstream("a line of JSON each", (_events(*_BODIES, before=b"", end=b"\n"),), kind="application/x-ndjson"),
    _stream("parts", *_said([_text_part("hello"), _text_part(" ")], [_text_part("there")])),
    _stream("one part", *_said(_text_part("hello"), {"type": "output_text", "text": " there"})),
    _stream("parts that are words", *_said(["hello", " there"])),
    _stream(
        "a part that is a thought",
        *_said([{"type": "thinking", "thinking": [_text_part("hm")]}], [_text_part(SAID)]),
    ),
    OddUpstream(
        "JSON of parts", (json.dumps({"choices": [{"message": {"content": [_text_part(SAID)]}}]}).encode(),), kind=JSON
    ),
    _stream("a refusal", _choice(delta={"refusal": SAID}), _choice(delta={}, finish_reason="stop")),
    _stream("words in another field", _choice(delta={"text": SAID}), delta(finish="stop")),
    _stream("choices that are none", {"choices": [None]}, *_BODIES),
    _stream("text completions", _choice(text="hello"), _choice(text=" there", finish_reason="stop")),
    _stream("messages for deltas", _choice(message={"content": SAID}, finish_reason="stop")),
    _stream("no delta at the end", *_BODIES[:-1], _choice(delta=None, finish_reason="stop")),
    _stream(
        "chunks that say nothing",
        {"id": "x", "choices": []},
        {"choices": None},
        {"type": "ping"},
        _choice(delta={"content": None}),
        *_BODIES,
        {"choices": [], "usage": {"total_tokens": 3}},
        {"usage": {"total_tokens": 3}},
    ),
    _stream("a choice that is not the first", *({"choices": [{**body["choices"][0], "index": 1}]} for body in _BODIES)),
    _stream("thoughts in fields", delta(reasoning_content="hm"), delta(reasoning="hm", content=""), *_BODIES),
    *(
        _stream(
            f"finish_reason {reason!r}",
            *(
                {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}
                for text in ("<think>h", "m</th", "ink>hello", " there")
            ),
            delta(finish="stop"),
        )
        for reason in ("null", "", "None")
    ),
    *(_stream(f"finish_reason {reason!r}", *_said(SAID, finish=reason)) for reason in ("eos", "end_turn", "STOP")),
]


def _thinking(text: str) -> OddUpstream:
    events = _events(*(delta(content=each) for each in text), delta(finish="stop")) + _DONE
    return OddUpstream(f"thoughts as {text[:24]}", _pieces(events, 200))


THOUGHTS = [
    _thinking(text)
    for text in (
        "<think>hm</think>hello there",
        "<Think>hm</Think >\n\nhello there",
        "<think>\n<think>hm</think>hello there",
        '<thinking about="you">hm</thinking>hello there',
        "<seed:think>hm</seed:think>hello there",
        "<thought>hm</thought>hello there",
        "<think>hm</thinking>hello there",
        "[THINK]hm[/THINK]hello there",
        "◁think▷hm◁/think▷hello there",
        "<|begin_of_thought|>hm<|end_of_thought|>\n<|begin_of_solution|>hello there<|end_of_solution|>",
        "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>hello there<|END_RESPONSE|>",
        "<|thinking|>hm<|/thinking|>hello there",
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>hello there",
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=f<|message|>{}<|call|>"
        "<|start|>assistant<|channel|>final <|constrain|>json<|message|>hello there<|return|>",
        "hello there<|im_end|>",
        "hello there<｜end▁of▁sentence｜>",
    )
]

ODD_UPSTREAMS = [*EVENTS, *ENCODINGS, *FORMS, *THOUGHTS]
