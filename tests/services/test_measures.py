"""What /metrics and /system tell an operator beyond counts of requests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from huiyin.configs.settings import load
from huiyin.services.llm import app as llm
from huiyin.services.tts import app as tts
from huiyin.services.tts.engines.hibari import HibariEngine
from tests.services.test_tts_speaker import Tone
from tests.support import llm_fixtures
from tests.support.stub_upstream import Stub

no_proxies = llm_fixtures.no_proxies  # a fixture, for every test


@pytest.fixture
def upstream() -> Iterator[Stub]:
    with Stub("model") as stub:
        yield stub


def values(client: Any) -> dict[str, float]:
    rows = [row.rpartition(" ") for row in client.get("/metrics").text.splitlines() if not row.startswith("#")]
    return {name: float(value) for name, _, value in rows}


def test_replies_are_measured_by_their_upstream(upstream: Stub) -> None:
    client = llm.make_app(load(overrides=[f"llm.upstreams={upstream.url}"], environ={})).test_client()
    body = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    assert b"[DONE]" in client.post("/v1/chat/completions", json=body).data
    found, of = values(client), f'{{upstream="{upstream.url}"}}'
    assert found[f"huiyin_llm_first_word_seconds_count{of}"] == 1
    assert found[f"huiyin_llm_tokens_total{of}"] == 2
    assert found["huiyin_llm_replies"] == 0 and found["huiyin_llm_upstreams_skipped"] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_speech_is_measured_by_its_engine(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "huiyin.services.tts.speaker.load_engine", lambda name, settings: Tone("hibari", HibariEngine.voices)
    )
    client = tts.make_app(load(overrides=["tts.engine=hibari", f"tts.cache_dir={tmp_path}"], environ={})).test_client()
    for _ in range(2):
        assert client.post("/audio", json={"text": "Hello."}).status_code == 200
    found, of = values(client), '{engine="hibari"}'
    assert found[f"huiyin_tts_first_sound_seconds_count{of}"] == 2
    assert found[f"huiyin_tts_sound_seconds_total{of}"] > 0.5
    assert (found["huiyin_tts_cache_hits_total"], found["huiyin_tts_cache_misses_total"]) == (1, 1)
    assert found["huiyin_tts_waiting"] == 0


def test_the_memory_of_child_processes_counts(upstream: Stub) -> None:
    client = llm.make_app(load(overrides=[f"llm.upstreams={upstream.url}"], environ={})).test_client()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        facts = client.get("/system").get_json()
        assert child.pid in [one["pid"] for one in facts["children"]]
        assert facts["rss_mb_with_children"] > facts["rss_mb"]
        child.communicate(b"\n")
