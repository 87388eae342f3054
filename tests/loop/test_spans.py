"""Traces of turns for OpenTelemetry: a trace a turn, a span a stage, and nothing at all where they are not wanted."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.telemetry import turn_tracer
from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import SettingsError, TalkSettings
from tests.loop.test_session import Talk
from tests.support import ROOT

pytest.importorskip("opentelemetry.sdk", reason="traces need huiyin[otel]")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from huiyin.assistant.conversation import telemetry
from huiyin.assistant.conversation.spans import TurnSpans

STAGES = ("speech_to_text", "chat", "text_to_speech")


class Collector:
    """Keeps what an observer traces."""

    def __init__(self) -> None:
        self._exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.observer = TurnSpans(provider.get_tracer("test"), "Huiyin")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return tuple(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def roots(self) -> list[ReadableSpan]:
        return [span for span in self.spans if span.parent is None]


def length_s(span: ReadableSpan) -> float:
    assert span.start_time is not None and span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def told(collector: Collector, *events: tuple[float, on.Public]) -> None:
    for at_s, event in events:
        collector.observer(at_s, event)


def committed(generation: int) -> on.TurnCommitted:
    return on.TurnCommitted(generation, transcript=Transcript("hello"), turn=Turn("hello"), messages=[])


def test_each_turn_of_a_conversation_is_a_trace_of_its_own() -> None:
    collector = Collector()
    with Talk(reply="Yes. It is late.") as talk:
        talk.session.observe(collector.observer, at_once=True)
        for number, line in enumerate(("What is the time?", "Really?")):
            talk.session.type(line)
            talk.turn(number)

    first, second = collector.roots()
    assert first.context.trace_id != second.context.trace_id
    assert first.attributes["gen_ai.conversation.id"] == second.attributes["gen_ai.conversation.id"]
    assert (first.name, first.attributes["gen_ai.operation.name"]) == ("invoke_agent Huiyin", "invoke_agent")
    names = [span.name for span in collector.spans if span.context.trace_id == first.context.trace_id]
    assert names.count("chat") == 1 and names.count("text_to_speech") == 2 and names.count("playback") == 1
    assert "time" not in str([dict(span.attributes) for span in collector.spans]).lower(), "what is said stays here"


def test_spans_are_as_long_as_their_stages_and_lie_within_the_turn() -> None:
    collector = Collector()
    told(
        collector,
        (2.5, on.TurnEnded(1, start_s=1.0, end_s=2.0)),
        (2.6, on.RecognitionAsked(1, start_s=1.0, end_s=2.0)),
        (2.8, on.Recognised(1, transcript=Transcript("hello", language="en"))),
        (2.8, on.ModelAsked(1, messages=[], style="neutral")),
        (3.1, on.ClauseWritten(1, clause=0, text="Hi.")),
        (3.1, on.SpeechAsked(1, clause=0, text="Hi.")),
        (3.3, on.ReplyWritten(1)),
        (3.4, on.SpeechBegun(1, clause=0)),
        (3.4, on.ReplyStarted(1)),
        (3.6, on.SpeechMade(1, clause=0)),
        (4.4, on.ReplyEnded(1)),
        (4.4, committed(1)),
    )
    (root,) = collector.roots()
    assert length_s(root) == pytest.approx(3.4) and root.attributes["huiyin.voice_to_voice_s"] == 1.4
    lengths = {span.name: length_s(span) for span in collector.spans if span.parent}
    wanted = {"user_speech": 1.0, "speech_to_text": 0.2, "chat": 0.5, "text_to_speech": 0.5, "playback": 1.0}
    assert lengths == pytest.approx(wanted)
    for span in collector.spans:
        assert root.start_time <= span.start_time <= span.end_time <= root.end_time
        if span.name in STAGES:
            assert span.attributes["gen_ai.operation.name"] == span.name and span.attributes["gen_ai.provider.name"]
    (first_clause,) = collector.named("chat")[0].events
    assert first_clause.timestamp - collector.named("chat")[0].start_time == pytest.approx(0.3e9, abs=1e3)


def test_what_fails_or_is_cut_short_says_so() -> None:
    collector = Collector()
    told(
        collector,
        (1.0, on.ModelAsked(1, messages=[], style="neutral")),
        (1.5, on.StageFailed(1, stage="llm", reason="no answer")),
        (1.6, committed(1)),
        (2.0, on.ModelAsked(2, messages=[], style="neutral")),
        (2.2, on.SpeechAsked(2, clause=0, text="Hi.")),
        (2.3, on.ReplyStarted(2)),
        (2.5, on.ReplyStopped(2)),
        (2.5, committed(2)),
    )
    failed, cut = collector.named("chat")
    assert (failed.status.description, failed.attributes["error.type"], length_s(failed)) == (
        "no answer",
        "_OTHER",
        0.5,
    )
    assert cut.attributes["huiyin.cancelled"] and collector.named("text_to_speech")[0].attributes["huiyin.cancelled"]
    assert [root.attributes["huiyin.interrupted"] for root in collector.roots()] == [False, True]


def test_only_one_file_imports_opentelemetry_and_only_one_loads_that_when_it_is_wanted() -> None:
    importers: dict[str, list[Any]] = {"opentelemetry": [], "huiyin.assistant.conversation.spans": []}
    for path in [path for top in ("assistant", "services", "configs") for path in (ROOT / top).rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if any(name.rpartition(".")[2] in text for name in importers) else ():
            if isinstance(node, ast.ImportFrom) and node.module:
                for name, found in importers.items():
                    if node.module.startswith(name):
                        found.append((path.name, node.col_offset > 0))
    assert {name for name, _ in importers["opentelemetry"]} == {"spans.py"}
    assert importers["huiyin.assistant.conversation.spans"] == [("telemetry.py", True)]


def test_no_observer_is_added_where_no_traces_are_wanted() -> None:
    with Talk() as talk:
        seen: list[Callable[..., None]] = []
        talk.session.observe = lambda observer, **more: seen.append(observer)  # type: ignore[method-assign]
        turn_tracer(TalkSettings())(talk.session)
        assert seen == []
        turn_tracer(TalkSettings(otlp_url="http://127.0.0.1:9"))(talk.session)
        assert len(seen) == 1


def test_without_the_packages_one_line_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(telemetry.__dict__, "_exporting_to", telemetry._exporting_to.__wrapped__)
    monkeypatch.setitem(__import__("sys").modules, "huiyin.assistant.conversation.spans", None)
    with pytest.raises(SettingsError, match=r"pip install 'huiyin\[otel\]'"):
        turn_tracer(TalkSettings(otlp_url="http://127.0.0.1:4318"))
