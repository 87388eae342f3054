"""A trace for each turn and a span for each of its stages, by OpenTelemetry's conventions for generative AI.

    invoke_agent huiyin          from the user's first sound until the reply has been heard
      user_speech                the user speaks
      speech_to_text             the recogniser
      chat                       the language model, until its last word; an event at its first clause
      text_to_speech             the voice, a span a clause
      playback                   the reply is heard

Names and attributes: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (`gen_ai.…`); what these have no name for
begins with `huiyin.`. What is said is never part of a trace. Importing this file needs huiyin[otel].
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from huiyin.assistant.conversation import events as on
from huiyin.assistant.turns.opener import OPENER
from huiyin.configs.version import version

_SPEECH, _HEAR, _CHAT, _SPEAK, _PLAY = "user_speech", "speech_to_text", "chat", "text_to_speech", "playback"
_STAGES = {"asr": _HEAR, "llm": _CHAT, "tts": _SPEAK}
_OUTPUT = {_HEAR: "text", _CHAT: "text", _SPEAK: "speech"}
_ID_BYTES = 8
_NS_PER_S = 1e9

Attributes = dict[str, Any]


def tracer_to(url: str) -> Tracer:
    """Sends what it traces to an OTLP collector (HTTP, protobuf), such as http://127.0.0.1:4318, in the background.

    The environment's OTEL_… variables add headers, a name of the service, and attributes.
    """
    resource = Resource({"service.name": "huiyin", "service.version": version()}).merge(Resource.create())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces")))
    return provider.get_tracer("huiyin", version())


@dataclass
class _Stage:
    """One stage of a reply; times on the conversation's clock."""

    name: str
    start_s: float
    end_s: float | None = None
    clause: int = OPENER
    first_s: float | None = None  # of its results
    failure: str = ""
    attributes: Attributes = field(default_factory=dict)


@dataclass
class _Turn:
    """What is known of a reply, and of the user's turn before it."""

    stages: list[_Stage] = field(default_factory=list)
    speech_end_s: float | None = None
    interrupted: bool = False

    def begin(self, name: str, at_s: float, clause: int = OPENER) -> None:
        self.stages.append(_Stage(name, at_s, clause=clause))

    def running(self, name: str, clause: int = OPENER) -> list[_Stage]:
        return [s for s in self.stages if s.name == name and s.clause == clause and s.end_s is None]

    def end(self, name: str, at_s: float, clause: int = OPENER, about: Attributes | None = None) -> None:
        for stage in self.running(name, clause):
            stage.end_s = at_s
            stage.attributes |= about or {}


class TurnSpans:
    """An observer of one conversation with the agent of that name."""

    def __init__(self, tracer: Tracer, agent: str) -> None:
        self._tracer, self._agent = tracer, agent
        self._conversation = secrets.token_hex(_ID_BYTES)
        self._turns: dict[int, _Turn] = {}
        self._epoch_ns = time.time_ns()  # when the conversation's clock began, as far as is known

    def __call__(self, at_s: float, event: on.Public) -> None:
        self._epoch_ns = min(self._epoch_ns, time.time_ns() - _ns(at_s))  # an event that comes late would make it later
        if not event.generation:
            return
        turn = self._turns.setdefault(event.generation, _Turn())
        self._note(turn, at_s, event)
        if isinstance(event, on.TurnCommitted):
            self._send(turn, at_s)
            for number in [number for number in self._turns if number <= event.generation]:
                del self._turns[number]

    @staticmethod
    def _note(turn: _Turn, at_s: float, event: on.Public) -> None:
        match event:
            case on.TurnEnded(start_s=start_s, end_s=end_s):
                turn.stages = [stage for stage in turn.stages if stage.name != _SPEECH]
                turn.stages.append(_Stage(_SPEECH, start_s, end_s))
                turn.speech_end_s = end_s
            case on.RecognitionAsked():
                turn.begin(_HEAR, at_s)
            case on.Recognised(transcript=transcript):
                turn.end(_HEAR, at_s, about={"huiyin.language": transcript.language})
            case on.ModelAsked():
                turn.begin(_CHAT, at_s)
            case on.ClauseWritten(clause=0):
                for stage in turn.running(_CHAT):
                    stage.first_s = at_s
            case on.ReplyWritten():
                turn.end(_CHAT, at_s)
            case on.SpeechAsked(clause=clause):
                turn.begin(_SPEAK, at_s, clause)
            case on.SpeechBegun(clause=clause):
                for stage in turn.running(_SPEAK, clause):
                    stage.first_s = at_s
            case on.SpeechMade(clause=clause):
                turn.end(_SPEAK, at_s, clause)
            case on.ReplyStarted():
                turn.begin(_PLAY, at_s)
            case on.ReplyStopped():
                turn.interrupted = True
                turn.end(_PLAY, at_s)
            case on.ReplyEnded():
                turn.end(_PLAY, at_s)
            case on.StageFailed(stage=stage, reason=reason):
                for failed in [s for s in turn.stages if s.name == _STAGES.get(stage) and s.end_s is None]:
                    failed.end_s, failed.failure = at_s, reason

    def _send(self, turn: _Turn, at_s: float) -> None:
        if not turn.stages:
            return
        about: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self._agent,
            "gen_ai.provider.name": "huiyin",
            "gen_ai.conversation.id": self._conversation,
            "huiyin.interrupted": turn.interrupted,
        }
        heard = [stage.start_s for stage in turn.stages if stage.name == _PLAY]
        if heard and turn.speech_end_s is not None:
            about["huiyin.voice_to_voice_s"] = round(heard[0] - turn.speech_end_s, 3)
        start_s = min(stage.start_s for stage in turn.stages)
        root = self._begin(f"invoke_agent {self._agent}", start_s, SpanKind.INTERNAL, about)
        for stage in sorted(turn.stages, key=lambda each: each.start_s):
            self._send_stage(root, stage, at_s)
        root.end(self._ns(at_s))

    def _send_stage(self, root: Span, stage: _Stage, at_s: float) -> None:
        about = dict(stage.attributes)
        if stage.name in _OUTPUT:
            about |= {
                "gen_ai.operation.name": stage.name,
                "gen_ai.provider.name": "huiyin",
                "gen_ai.conversation.id": self._conversation,
                "gen_ai.output.type": _OUTPUT[stage.name],
            }
        if stage.end_s is None:
            about["huiyin.cancelled"] = True
        span = self._begin(
            stage.name, stage.start_s, SpanKind.CLIENT if stage.name in _OUTPUT else SpanKind.INTERNAL, about, root
        )
        if stage.first_s is not None:
            span.add_event("first clause" if stage.name == _CHAT else "first sound", timestamp=self._ns(stage.first_s))
        if stage.failure:
            span.set_attribute("error.type", "_OTHER")  # as the conventions call what has no class or code
            span.set_status(Status(StatusCode.ERROR, stage.failure))
        span.end(self._ns(at_s if stage.end_s is None else stage.end_s))

    def _begin(
        self, name: str, at_s: float, kind: SpanKind, attributes: Attributes, parent: Span | None = None
    ) -> Span:
        context = None if parent is None else set_span_in_context(parent)
        return self._tracer.start_span(name, context, kind, attributes, start_time=self._ns(at_s))

    def _ns(self, at_s: float) -> int:
        return self._epoch_ns + _ns(at_s)


def _ns(seconds: float) -> int:
    return round(seconds * _NS_PER_S)
