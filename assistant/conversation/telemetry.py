"""Traces of a conversation's turns for OpenTelemetry, where `talk.otlp_url` says where to.

Where it says nothing, which is the default, no package of OpenTelemetry is imported and no observer is added.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from huiyin.assistant.conversation.events import Observer
from huiyin.assistant.conversation.session import Session
from huiyin.configs.settings import SettingsError, TalkSettings


def turn_tracer(settings: TalkSettings) -> Callable[[Session], None]:
    """What is given each conversation before it begins. Raises SettingsError where huiyin[otel] is not installed."""
    if not settings.otlp_url:
        return lambda session: None
    begin = _exporting_to(settings.otlp_url)
    return lambda session: session.observe(begin(session.persona.name))


@cache
def _exporting_to(url: str) -> Callable[[str], Observer]:
    """From a persona's name to an observer of one conversation. One exporter a process, in a thread of its own."""
    try:
        from huiyin.assistant.conversation.spans import TurnSpans, tracer_to
    except ImportError as error:
        raise SettingsError("settings.no_opentelemetry", error=error) from error
    tracer = tracer_to(url)
    return lambda agent: TurnSpans(tracer, agent)
