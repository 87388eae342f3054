"""The latency of the turns so far, as the page shows it."""

from __future__ import annotations

from huiyin.assistant.faces.web.latency import Latencies


def test_nothing_is_shown_before_the_first_turn() -> None:
    assert Latencies().facts() == {"turns": 0, "histogram": [], "parts": {}}


def test_turns_are_counted_by_length_and_parts_have_their_middle() -> None:
    latencies = Latencies()
    for total_ms in (300, 301, 600, 60_000):
        latencies.add({"asr": total_ms / 10, "llm": 100}, total_ms)
    facts = latencies.facts()
    assert facts["turns"] == 4
    assert [pair for pair in facts["histogram"] if pair[1]] == [[300, 1], [600, 2], [10_000, 1]]
    assert facts["parts"]["llm"] == {"p50": 100, "p95": 100}
    assert facts["parts"]["total"]["p50"] == (301 + 600) / 2
    assert list(facts["parts"]) == ["asr", "llm", "total"]


def test_old_turns_are_forgotten() -> None:
    latencies = Latencies()
    for _ in range(1500):
        latencies.add({}, 400)
    assert latencies.facts()["turns"] == 1000
