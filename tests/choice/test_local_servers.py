"""Language models that run on this machine already are found and offered; nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from huiyin.assistant.clients import local_servers
from huiyin.assistant.clients.local_servers import find_local_servers
from tests.support.local_hub import Bench, Page, open_bench
from tests.support.service_process import free_port


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with open_bench(tmp_path) as opened:
        ports = {"Ollama": int(opened.hub.url.rpartition(":")[2]), "vLLM": free_port()}
        monkeypatch.setattr(local_servers, "USUAL_PORTS", ports)
        monkeypatch.setattr(local_servers, "_ANSWER_S", 10.0)
        yield opened


def lists(bench: Bench, content: object) -> None:
    bench.hub.pages["/v1/models"] = Page(json.dumps(content).encode(), kind="application/json")


def test_a_server_is_offered_with_its_model_in_a_line(bench: Bench) -> None:
    lists(bench, {"data": [{"id": "qwen3:8b", "owned_by": "library"}, {"id": "other"}]})
    (server,) = find_local_servers()
    assert server.offer("huiyin talk") == (
        f"Ollama runs here with qwen3:8b; to use it: huiyin talk --set llm.upstreams={bench.hub.url}/v1"
    )


@pytest.mark.parametrize(
    "content",
    [{"data": []}, {"data": [{"id": "x", "owned_by": "huiyin"}]}, {"models": 1}, [1], {"data": ["x"]}],
    ids=["no model", "huiyin itself", "another program", "a list", "other entries"],
)
def test_what_is_no_language_model_is_not_offered(bench: Bench, content: object) -> None:
    lists(bench, content)
    assert list(find_local_servers()) == []


def test_nothing_runs(bench: Bench) -> None:
    bench.hub.close()
    assert list(find_local_servers()) == []
