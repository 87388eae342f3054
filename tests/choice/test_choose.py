"""Choosing models by made-up facts: nothing is measured, fetched or asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huiyin.configs.choice.choose import Facts, Plan, choose
from huiyin.configs.choice.ladder import load_ladders
from huiyin.configs.choice.speed import Speed
from huiyin.configs.store.catalog import load_catalog

LADDERS, CATALOG = load_ladders(), load_catalog()
CODER = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
EMBEDDED = frozenset(file.name for file in CATALOG.profile("embedded"))
MB_S = 1e6


def speed(tokens_s: float) -> Speed:
    """Of a machine on which the coder model writes so many tokens a second while a voice is made."""
    return Speed(CODER, 1_117_320_768, tokens_s * 4, tokens_s * 1.3, tokens_s, 0.3)


FRESH = Facts(
    here=EMBEDDED,
    sources={"modelscope": 20 * MB_S, "registry": 0.0},
    memory_bytes=16 * 10**9,
    disk_bytes=100 * 10**9,
    cores=8,
    languages=("zh", "en"),
    speed=speed(14.0),
)
"""With a hub, after `make models`; as fast as the two cores of docs/performance.md."""


def chosen(**change: object) -> dict[str, str]:
    return {part: one.wanted.name for part, one in plan(**change).items()}


def plan(**change: object) -> Plan:
    return choose(LADDERS, CATALOG, replace(FRESH, **change))  # type: ignore[arg-type]


def why(part: str, rung: str, **change: object) -> str:
    return next(str(verdict) for verdict in plan(**change)[part].verdicts if verdict.rung.name == rung)


def test_with_a_hub_it_hears_emotion_and_chats() -> None:
    assert chosen()["asr"] == "sensevoice" and chosen()["llm"] == "qwen2.5-1.5b"
    asr = plan()["asr"]
    assert asr.now.name == "whisper-base", "until it is fetched and proven"
    assert asr.source == "modelscope" and asr.seconds == pytest.approx(936_685_164 / (20 * MB_S), rel=0.01)
    assert why("asr", "sensevoice") == "0.9 GB from ModelScope"


def test_without_a_hub_it_is_as_before() -> None:
    only_registries = {"registry": 0.0}
    assert chosen(sources=only_registries)["asr"] == "whisper-base"
    assert chosen(sources=only_registries)["llm"] == "qwen2.5-coder-1.5b"
    assert all(one.now is one.wanted and not one.bytes for one in plan(sources=only_registries).values())
    assert why("asr", "sensevoice", sources=only_registries) == "no source that answers has its 0.9 GB"


@pytest.mark.parametrize(
    ("tokens_s", "rung"),
    [(5.0, "qwen2.5-0.5b"), (14.0, "qwen2.5-1.5b"), (25.0, "qwen3-1.7b"), (40.0, "qwen3-4b")],
)
def test_a_fast_machine_gets_the_large_model(tokens_s: float, rung: str) -> None:
    assert chosen(speed=speed(tokens_s))["llm"] == rung


def test_a_slow_machine_without_a_hub_gets_the_small_model_of_the_registries() -> None:
    slow = plan(speed=speed(4.0), sources={"registry": 0.0})["llm"]
    assert slow.wanted.name == "qwen2.5-coder-0.5b" and slow.source == "registry"
    assert slow.now.name == "qwen2.5-coder-1.5b", "until the small one is here"


@pytest.mark.parametrize(
    ("sources", "rung"),
    [({"modelscope": MB_S, "registry": 0.0}, "qwen2.5-1.5b"), ({"registry": 0.0}, "qwen2.5-coder-1.5b")],
)
def test_an_empty_machine_begins_with_a_model_of_middle_size(sources: dict[str, float], rung: str) -> None:
    assert chosen(here=frozenset(), speed=None, sources=sources)["llm"] == rung


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"memory_bytes": 3 * 10**9, "speed": speed(40.0)}, "wants 3.6 GB of memory, 1.8 are free for it"),
        ({"cores": 2, "speed": speed(40.0)}, "wants 4 cores, here are 2"),
        ({"disk_bytes": 2 * 10**9, "speed": speed(40.0)}, "2.5 GB to fetch, 0.6 are free on the disk"),
        ({"metered": True, "speed": speed(40.0)}, "2.5 GB over a metered network"),
        ({"sources": {}, "speed": speed(40.0)}, "no source that answers has its 2.5 GB"),
        ({"speed": speed(14.0)}, "would write 6 tokens a second here while a voice is made, 12 are wanted"),
        ({"speed": None}, "wants 12 tokens a second, and this machine was not measured"),
        ({"refused": {"qwen3-4b": "it said Rome"}}, "failed its proof: it said Rome"),
    ],
)
def test_each_rung_that_is_not_chosen_has_a_reason(change: dict[str, object], reason: str) -> None:
    assert why("llm", "qwen3-4b", **change) == reason
    assert chosen(**change)["llm"] != "qwen3-4b"


def test_a_metered_network_and_a_full_disk_change_nothing() -> None:
    for change in ({"metered": True}, {"disk_bytes": 10**8}):
        assert chosen(**change)["asr"] == "whisper-base" and chosen(**change)["llm"] == "qwen2.5-coder-1.5b"


def test_languages_that_a_recogniser_does_not_know() -> None:
    assert chosen(languages=("zh", "de"))["asr"] == "whisper-base"
    assert why("asr", "sensevoice", languages=("zh", "de")) == "does not know de"


def test_what_is_here_is_used_when_it_is_proven() -> None:
    here = EMBEDDED | {file.name for file in CATALOG.under("sensevoice-small")}
    asr = plan(here=here, sources={})["asr"]
    assert asr.wanted.name == "sensevoice" and asr.now.name == "whisper-base" and asr.seconds == 0
    assert plan(here=here, sources={}, proven=frozenset({"sensevoice"}))["asr"].now.name == "sensevoice"


def test_a_rung_that_failed_its_proof_leaves_the_one_below() -> None:
    here = EMBEDDED | {file.name for file in CATALOG.under("sensevoice-small")}
    assert chosen(here=here, refused={"sensevoice": "it heard nothing"})["asr"] == "whisper-base"


def test_the_first_source_that_has_it_is_told() -> None:
    both = {"huggingface": 9 * MB_S, "modelscope": MB_S, "registry": 0.0}
    assert plan(sources=both)["asr"].source == "huggingface"


def test_a_smaller_model_is_not_taken_to_be_faster_in_proportion() -> None:
    assert speed(10.0).tokens_s(1_117_320_768) == 10.0
    assert speed(10.0).tokens_s(2_234_641_536) == 5.0
    assert 10.0 < speed(10.0).tokens_s(558_660_384) < 20.0


def test_every_rung_can_be_had_and_says_what_it_sets() -> None:
    for part, rungs in LADDERS.items():
        assert len({rung.name for rung in rungs}) == len(rungs), part
        for rung in rungs:
            assert all(CATALOG.under(model) for model in rung.models)
            assert all("." in name for name in rung.settings)
        assert all(file.archives for model in rungs[-1].models for file in CATALOG.under(model)), (
            "the last needs no hub"
        )
