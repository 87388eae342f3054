"""Keeps what the model is sent of a long conversation within its limit, which `dialogue` sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from huiyin.assistant.conversation.events import TurnsForgotten
from huiyin.assistant.dialogue.history import History, HistoryLimit, Message
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.summary import summary_request
from huiyin.assistant.dialogue.tokens import estimated_tokens
from huiyin.configs.settings import Settings

_QUESTION_TOKENS = 512  # of the model's context, kept free for what the user says next: two minutes of speech
_SITUATION_TOKENS = 300  # of date, place and abilities in two languages
_LEAST_HISTORY_TOKENS = 64  # where persona and reply alone fill the context

_TRIES = 3  # a summary is given up where a reply wants the model; what is sent outgrows its limit meanwhile

Summarise = Callable[[Sequence[Message], Callable[[str], None]], None]
"""Asks the model in the background and calls back with the answer, in the same thread; '' if there is no answer."""


class Trimming:
    """Keeps `history` within `limit`. All calls from one thread."""

    def __init__(self, history: History, limit: HistoryLimit, summarise: Summarise | None) -> None:
        """`summarise` None: turns that no longer fit are forgotten without a summary."""
        self.limit = limit
        self._history, self._summarise = history, summarise
        self._summarised: tuple[int, str] | None = None  # turns, and what they were about
        self._is_summarising = False
        self._failures = 0  # of summaries, in a row

    def trim(self) -> TurnsForgotten | None:
        """Forget the turns that no longer fit; with a summary, only when that has come, or failed to a few times."""
        if self._summarised is not None:
            turns, summary = self._summarised
            self._is_summarising, self._summarised = False, None
            self._failures = 0 if summary else self._failures + 1
            if summary or self._failures >= _TRIES:
                self._failures = 0
                return self._forget(turns, summary or self._history.summary)
        surplus = [] if self._is_summarising else self._history.surplus(self.limit)
        if not surplus:
            return None
        if self._summarise is None:
            return self._forget(len(surplus), self._history.summary)
        self._is_summarising = True
        request = summary_request(surplus, self._history.summary)
        self._summarise(request, lambda summary: self._keep(len(surplus), summary))
        return None

    def _keep(self, turns: int, summary: str) -> None:
        self._summarised = (turns, summary)

    def _forget(self, turns: int, summary: str) -> TurnsForgotten:
        self._history.forget(turns, summary)
        return TurnsForgotten(turns=turns, summary=summary)


def history_limit(settings: Settings, persona: Persona) -> HistoryLimit:
    """How much of the history is sent: as set, and no more than the embedded model's context leaves."""
    tokens = settings.talk.history_tokens
    if settings.llm.has_embedded:
        other_tokens = (
            estimated_tokens(persona.system) + _SITUATION_TOKENS + settings.talk.max_reply_tokens + _QUESTION_TOKENS
        )
        tokens = min(tokens, max(_LEAST_HISTORY_TOKENS, settings.llm.context_tokens - other_tokens))
    return HistoryLimit(tokens, settings.talk.history_turns)
