"""The fetch beside a conversation: a process of the lowest priority that ends with its parent and goes on later."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from huiyin.assistant.clients.fetch_beside import fetch_beside
from huiyin.configs.store.download import size_of
from tests.support.limits import PATIENCE_S, until
from tests.support.local_hub import Bench, open_bench

pytestmark = pytest.mark.slow  # programs are started
BODY = random.Random(1).randbytes(1_000_000)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with open_bench(tmp_path) as opened:
        for name, value in {
            "HUIYIN_STORE_DIR": opened.dir,
            "HUIYIN_STORE_CATALOG": opened.catalog,
            "HUIYIN_STORE_MODELSCOPE_URL": f"{opened.hub.url}/ms",
            "HUIYIN_STORE_HUGGINGFACE_URL": f"{opened.hub.url}/hf",
        }.items():
            monkeypatch.setenv(name, str(value))
        yield opened


def test_it_fetches_what_it_is_told(bench: Bench) -> None:
    bench.on_hubs("m.bin", BODY)
    child = fetch_beside(["m.bin"], ["--set", "store.sources=huggingface"])
    child.wait(PATIENCE_S)
    assert child.status == 0 and (bench.dir / "m.bin").read_bytes() == BODY
    assert bench.hub.asked("/hf/") and not bench.hub.asked("/ms/")


def test_it_gives_way_and_goes_on_where_it_was_stopped(bench: Bench) -> None:
    page, _ = bench.on_hubs("m.bin", BODY)
    page.gate = threading.Event()
    child = fetch_beside(["m.bin"], [])
    until(lambda: size_of(bench.dir / ".state/m.bin.part") >= 400_000, "it did not begin")
    if sys.platform != "win32":
        assert psutil.Process(child.pid).nice() == 19
    child.kill()
    page.gate.set()
    bench.store().ensure("m.bin")
    assert bench.hub.requests[-1].range, "from where it was stopped"
