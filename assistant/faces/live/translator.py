"""What happens in a conversation, as events for the client: words, and delegations.

Nothing speculative is visible: the user's words come when the reply to them begins, or when there will be none. The
assistant's words come as their sound is sent; as nothing can be taken back, that is what is heard of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.heard import heard_clauses
from huiyin.assistant.dialogue.history import heard_text, join_clauses
from huiyin.assistant.faces.connections.wire import ServerEvent
from huiyin.assistant.faces.live import wire
from huiyin.assistant.faces.live.delegations import Delegations
from huiyin.assistant.faces.live.output import AHEAD_S, Output
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import Clear, End, Message, Sound

_LATENCY_S = 0.1  # from sound's being sent to its being heard
_MOST_REPLIES = 100  # that are neither committed nor known to be in vain
_ALL = 2**62  # samples


@dataclass
class _Reply:
    """What is known of a reply until it is committed."""

    texts: dict[int, str] = field(default_factory=dict)
    """Clause -> its text."""
    words: str = ""
    """What it answers."""
    start_s: float = 0.0
    """Of that speech."""
    end_s: float = 0.0
    """Of that speech."""
    is_spoken: bool = False
    """It answers speech."""
    is_told: bool = False
    """The client has these words."""
    is_asked: bool = False
    """It comes from the model."""
    is_started: bool = False
    """It is being heard."""
    said: str = ""
    """What the client has of its words."""
    said_until_s: float | None = None
    """When the last of them has been heard."""


class Translator:
    """An observer of a conversation, at once, and its loudspeaker."""

    def __init__(self, send: Callable[[ServerEvent], None], output: Output, delegations: Delegations) -> None:
        self._send, self._output, self._delegations = send, output, delegations
        self.loudspeaker = RemoteLoudspeaker(
            self._carry, ahead_s=AHEAD_S, assumed_latency_s=_LATENCY_S, keeps_sound=True
        )
        self._replies: dict[int, _Reply] = {}
        self._heard_last = self._said_last = ""  # the last words on either side

    def observe(self, at_s: float, event: on.Public) -> None:
        """An event of the conversation."""
        if not event.generation:
            if isinstance(event, on.Notice):
                self._send(wire.Info(code="notice", words=event.text))
            return
        reply = self._reply(event.generation)
        match event:
            case on.RecognitionAsked(start_s=start_s, end_s=end_s) | on.TurnEnded(start_s=start_s, end_s=end_s):
                reply.is_spoken, reply.start_s, reply.end_s = True, start_s, end_s
            case on.Recognised(transcript=transcript):
                reply.words = transcript.text
            case on.ModelAsked():
                reply.is_asked = True
            case on.ClauseWritten(clause=clause, text=text):
                reply.texts[clause] = text
            case on.Notice(text=text):  # it ends with these words
                reply.texts[max(reply.texts, default=-1) + 1] = text
            case on.ReplyStarted():
                reply.is_started = True
                self._tell_words(reply)
                if reply.is_asked:
                    self._delegations.begin(event.generation)
            case on.ToolsCalled(calls=calls):
                reply.is_started = True
                self._tell_words(reply)
                self._delegations.call(event.generation, calls, is_spoken=reply.is_spoken)
            case on.ReplyStopped():
                self.loudspeaker.correct(event.generation, _ALL)  # what has been sent will be heard
            case on.TurnCommitted(transcript=transcript):
                reply.words = transcript.text or reply.words
                self._tell_words(reply)
                self._delegations.end(event.generation, join_clauses(reply.texts.values()))
                self._replies = {number: each for number, each in self._replies.items() if number > event.generation}

    def _carry(self, message: Message) -> None:
        """What the loudspeaker sends. That it is held back, and goes on, is heard; nothing needs to be told."""
        if isinstance(message, Sound):
            begin_s, end_s = self._output.play(message.samples)
            self._say(message.generation, message.position + len(message.samples), begin_s, end_s)
        elif isinstance(message, (End, Clear)):
            self._output.end()

    def _reply(self, generation: int) -> _Reply:
        if generation not in self._replies:
            self._replies[generation] = _Reply()
            self._replies.pop(generation - _MOST_REPLIES, None)
        return self._replies[generation]

    def _say(self, generation: int, samples: int, begin_s: float, end_s: float) -> None:
        """The words in the first samples of a reply; the last of its sound is heard from `begin_s` to `end_s`."""
        reply = self._reply(generation)
        if reply.said_until_s is None:
            reply.said_until_s = begin_s
        said = heard_text(heard_clauses(reply.texts, samples, self.loudspeaker.heard(generation)[1]))
        if len(said) <= len(reply.said) or not said.startswith(reply.said):
            return
        delta = said[len(reply.said) :] if reply.said else _spaced(self._said_last, said)
        self._send(wire.OutputTranscript(delta=delta, start_ms=_ms(reply.said_until_s), end_ms=_ms(end_s)))
        reply.said, reply.said_until_s, self._said_last = said, end_s, said

    def _tell_words(self, reply: _Reply) -> None:
        """What it answers, once."""
        words = reply.words.strip()
        if reply.is_spoken and words and not reply.is_told:
            reply.is_told = True
            delta = _spaced(self._heard_last, words)
            self._send(wire.InputTranscript(delta=delta, start_ms=_ms(reply.start_s), end_ms=_ms(reply.end_s)))
            self._heard_last = words


def _spaced(before: str, words: str) -> str:
    """With a space in front where `before` needs one: clients put the deltas together."""
    last = before[-1:]
    return join_clauses([last, words])[len(last) :]


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
