"""Ray is an extra: without it these tests are not collected (``make ray-test`` installs it)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.services.test_llm_proxy import KEY, Stub
from tests.support.limits import PATIENCE_S, until
from tests.support.ray_nodes import Served, cluster, replicas_on_this_machine, served, with_engines

collect_ignore_glob = [] if find_spec("ray") else ["test_*.py"]


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of programs that may use the recognisers of tests."""
    return {"PYTHONPATH": with_engines(tmp_path_factory.mktemp("engines"))}


@pytest.fixture(scope="session")
def nodes(engines: dict[str, str]) -> Iterator[str]:
    """The address of a cluster of two nodes, with the recognisers of tests."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**engines, "HUIYIN_LLM_API_KEY": KEY}.items():
            environment.setenv(name, value)
        with cluster(4, 3) as address:
            yield address


@pytest.fixture(scope="session")
def stubs() -> Iterator[tuple[Stub, Stub]]:
    """Servers of models, for the language model's proxy."""
    with Stub("model-a", "both") as first, Stub("model-b", "both") as second:
        yield first, second


@pytest.fixture
def ab(stubs: tuple[Stub, Stub]) -> tuple[Stub, Stub]:
    """The stubs, friendly again."""
    for stub in stubs:
        stub.reset()
    return stubs


@pytest.fixture(scope="session")
def all_of_it(nodes: str, stubs: tuple[Stub, Stub]) -> Iterator[Served]:
    """``huiyin serve all --ray``: two replicas of recogniser and web program, one of the others."""
    settings = (
        "asr.engine=tones", "asr.threads=1", "ray.asr_min_replicas=2", "ray.asr_max_replicas=2",
        "tts.engine=hibari", "tts.cache_mb=0", "tts.threads=1",
        f"llm.upstreams={stubs[0].url},{stubs[1].url}", "llm.breaker_failures=100",
        f"llm.first_token_timeout_s={PATIENCE_S:g}", f"llm.idle_timeout_s={PATIENCE_S:g}",
        "ray.web_min_replicas=2", "ray.web_cpus=0.5", "talk.persona=echo", "talk.greet=false",
    )  # fmt: skip
    with served("all", *settings, address=nodes) as found:
        yield found
        assert found.stop() == 0
        until(lambda: replicas_on_this_machine() == [])  # on a cluster that goes on, its nodes end them
