"""What tests of the LLM service and its upstreams have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.stub_upstream import Stub

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def shared() -> Iterator[Stub]:
    """For `stub`."""
    with Stub("model-a") as stub:
        yield stub


@pytest.fixture
def stub(shared: Stub) -> Stub:
    """An upstream, as new for each test."""
    shared.reset()
    return shared


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no proxy, whatever that of the tests does."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def ask(app: FlaskClient, *, stream: bool, **body: Any) -> Any:
    """What a chat completion is answered with."""
    return app.post("/v1/chat/completions", json={"messages": HELLO, "stream": stream, **body})
