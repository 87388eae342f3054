"""The times of words that a client is told, where the sound of a clause comes in two parts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from huiyin.assistant.faces.realtime.extensions import Extensions
from huiyin.assistant.faces.realtime.replies import Reply
from huiyin.assistant.ports.port import ClauseSpan
from huiyin.assistant.ports.remote_messages import End
from huiyin.assistant.turns.opener import OPENER


def test_an_opener_within_a_clause_does_not_break_the_times_of_words() -> None:
    words = [(1600, 4), (3200, 8), (4800, 12)]
    spans = [
        ClauseSpan(0, 0, 4800, words=words),
        ClauseSpan(OPENER, 4800, 8000),
        ClauseSpan(0, 8000, 9600, words=[(1600, 16)]),
    ]
    reply = Reply(1)
    reply.places, reply.response = {0: 0, OPENER: 20}, SimpleNamespace(id="r", message=SimpleNamespace(id="m"))  # type: ignore[assignment]
    sent: list[Any] = []
    extensions = Extensions.__new__(Extensions)
    extensions.is_enabled, extensions._send = True, sent.append  # type: ignore[method-assign]
    extensions._translator = SimpleNamespace(reply=lambda generation: reply)  # type: ignore[assignment]
    extensions._port = SimpleNamespace(loudspeaker=SimpleNamespace(heard=lambda generation: (0, spans)))  # type: ignore[assignment]
    extensions.carry(End(1, 9600))
    extensions.carry(End(1, 9600))
    assert [word["end_ms"] for word in sent[0].words] == [100, 200, 300, 600]
    assert len([event for event in sent if type(event) is type(sent[0])]) == 1
