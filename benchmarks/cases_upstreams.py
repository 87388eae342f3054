"""Servers of language models with an accent: the group "upstreams" of `benchmarks.cases`.

The cases are the project's own (`tests/support/odd_upstreams.py`, `refusing_upstreams.py`), each a server on a socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.cases_case import Case
from huiyin.configs.settings import LlmSettings, Settings
from huiyin.services.llm.app import make_app
from tests.support.odd_upstreams import ODD_UPSTREAMS, SAID
from tests.support.refusing_upstreams import ASKED, REFUSING
from tests.support.stub_upstream import Stub

_MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]


def cases(folder: Path) -> Iterator[Case]:
    """Each server, asked for a stream and for JSON. `folder` has none of them."""
    for upstream in (*ODD_UPSTREAMS, *REFUSING):
        with Stub("model") as stub:
            stub.behave = upstream
            app = make_app(Settings(llm=LlmSettings(upstreams=(stub.url,)))).test_client()
            asked: dict[str, Any] = {"messages": _MESSAGES, **(ASKED if upstream in REFUSING else {})}
            whole = app.post("/v1/chat/completions", json=asked)
            plain = app.post("/generate", json=asked).text
            message = whole.get_json()["choices"][0]["message"]["content"] if whole.status_code == 200 else whole.text
        got = plain if plain != SAID else str(message)
        yield Case(upstream.name, upstream.name, SAID, got, plain == message == SAID)
