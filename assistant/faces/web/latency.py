"""How long the last turns took until they were answered, all sessions together: what the page's tables show."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.trace import Trace, latency_parts

_TURNS = 1000  # kept
_EDGES_MS = (300, 600, 900, 1200, 1500, 2000, 2500, 3000, 5000, 10_000)
_PARTS = ("hear", "asr", "llm", "tts", "hold")
_TOTAL = "total"
_SHARES = {"p50": 0.5, "p95": 0.95}


class Latencies:
    """Of the last turns, which may be added in one thread and read in another."""

    def __init__(self) -> None:
        self._turns: deque[dict[str, float]] = deque(maxlen=_TURNS)

    def add(self, parts_ms: Mapping[str, float], total_ms: float) -> None:
        """A turn that was answered: its parts, and from the end of speech to the first sound of the reply, in ms."""
        self._turns.append({**parts_ms, _TOTAL: total_ms})

    def watch(self, session: Session) -> None:
        """Add the turns of a conversation as they are answered."""
        session.observe(_Watch(self.add))

    def facts(self) -> dict[str, Any]:
        """`histogram`: pairs of a length in ms and how many turns took no longer, but longer than the one before; what
        took longer than the last is counted there. `parts`: median and 95th percentile of each, in ms."""
        turns = list(self._turns)
        counts = [0] * len(_EDGES_MS)
        for turn in turns:
            counts[min(bisect.bisect_left(_EDGES_MS, turn[_TOTAL]), len(counts) - 1)] += 1
        names = dict.fromkeys(name for turn in turns for name in turn)
        return {
            "turns": len(turns),
            "histogram": [list(pair) for pair in zip(_EDGES_MS, counts, strict=True)] if turns else [],
            "parts": {name: _shares([turn[name] for turn in turns if name in turn]) for name in names},
        }


class _Watch:
    """An observer of one conversation."""

    def __init__(self, add: Callable[[Mapping[str, float], float], None]) -> None:
        self._add, self._trace = add, Trace()
        self._ended_s: dict[int, float] = {}  # reply -> when the user's speech before it ended

    def __call__(self, at_s: float, event: on.Public) -> None:
        self._trace(at_s, event)
        match event:
            case on.TurnEnded(generation=generation, end_s=end_s):
                self._ended_s[generation] = end_s
            case on.ReplyStarted() | on.ClauseStarted() if event.generation in self._ended_s and self._trace.begins(
                event
            ):
                generation = event.generation
                end_s = self._ended_s[generation]
                parts = latency_parts(self._trace.replies[generation], end_s, at_s)
                self._add({name: parts[name] * 1000 for name in _PARTS}, (at_s - end_s) * 1000)
            case on.TurnCommitted(generation=generation):
                self._trace.notices.clear()
                for old in [number for number in self._trace.replies if number <= generation]:
                    del self._trace.replies[old]
                    self._ended_s.pop(old, None)


def _shares(values: list[float]) -> dict[str, float]:
    return {name: round(float(np.quantile(values, share)), 1) for name, share in _SHARES.items()}
