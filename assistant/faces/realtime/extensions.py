"""Events beyond the protocol, both ways, for a client that has asked for them."""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.trace import Trace, latency_parts
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.items import AssistantItem
from huiyin.assistant.faces.connections.wire import Json, ServerEvent
from huiyin.assistant.faces.realtime import huiyin_events as more
from huiyin.assistant.faces.realtime.items import Items, WireItem, new_body
from huiyin.assistant.faces.realtime.replies import Reply
from huiyin.assistant.faces.realtime.responses import Responses
from huiyin.assistant.faces.realtime.translator import Translator
from huiyin.assistant.faces.realtime.user_turns import UserTurns
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.remote_messages import End, Message, Pause, Resume, Sound
from huiyin.assistant.ports.remote_stream import StreamPort
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.transitions import State

_PARTS = ("hear", "asr", "llm", "tts", "hold")


class Extensions:
    """Nothing happens until `is_enabled`. `observe` and `carry` come after the translator's."""

    def __init__(
        self, send: Callable[[ServerEvent], None], translator: Translator,
        turns: UserTurns, items: Items, session: Session, responses: Responses, port: StreamPort, world: World,
    ) -> None:  # fmt: skip
        self.is_enabled = False
        self._world = world
        self._send, self._translator, self._turns = send, translator, turns
        self._items, self._session, self._responses, self._port = items, session, responses, port
        self._trace = Trace()
        self._ended_s: dict[int, float] = {}  # reply -> when the user's speech before it ended
        translator.when_told = self._tell_tags

    def enable(self) -> None:
        """The client understands."""
        if not self.is_enabled:
            self.is_enabled = True
            self._port.loudspeaker.expect_reports()
            self._tell_state(self._translator.state)

    # -- what is sent to it

    def observe(self, at_s: float, event: on.Public) -> None:
        """An event of the conversation."""
        if not self.is_enabled:
            return
        self._trace(at_s, event)
        match event:
            case on.FloorChanged(after=after):
                self._tell_state(after)
            case on.Recognised(transcript=transcript) if self._translator.state is State.USER and transcript.text:
                self._send(more.InputPartial(self._turns.item_id, transcript.text))
            case on.TurnEnded(generation=generation, end_s=end_s):
                self._ended_s[generation] = end_s
            case on.ReplyStarted() | on.ClauseStarted() if self._trace.begins(event):
                self._tell_latency(event.generation, at_s)
            case on.TurnCommitted(generation=generation):
                self._tell_heard(event)
                self._forget(generation)
            case on.Notice(generation=0, text=text, stage=stage):  # one of a reply is its apology: its transcript
                self._send(more.NoticeGiven(text, stage))

    def carry(self, message: Message) -> None:
        """What the loudspeaker sends."""
        reply = self._translator.reply(message.generation)
        if not self.is_enabled or not reply.response or not reply.response.message:
            return
        response_id, item_id = reply.response.id, reply.response.message.id
        match message:
            case Sound(position=position, samples=samples):
                if reply.response.is_over:  # the end of it comes once more
                    reply.response.sound_again(samples)
                self._tell_words(reply, position + len(samples))
            case Pause():
                self._send(more.OutputPaused(response_id))
            case Resume(position=position):
                reply.response.begin_sound_anew()
                self._send(more.OutputResumed(response_id, item_id, _ms(position)))
            case End(length=length):
                self._tell_words(reply, length + 1)
                self._send(more.OutputEnded(response_id, _ms(length)))

    def _tell_state(self, state: State) -> None:
        self._send(more.StateChanged(state.name.lower()))

    def _tell_tags(self, item: WireItem, transcript: Transcript) -> None:
        if self.is_enabled:
            facts = transcript.facts
            emotion, events = facts.get("emotion"), facts.get("events")
            self._send(
                more.InputTags(
                    item.id,
                    transcript.language,
                    dict(emotion) if isinstance(emotion, dict) else None,
                    list(events) if isinstance(events, (list, tuple)) else [],
                )
            )

    def _tell_words(self, reply: Reply, until: int) -> None:
        """Of the clauses whose text the client has."""
        words: list[Json] = []
        # An opener that comes late stands within a clause, which has two spans then.
        for at, span in enumerate(self._port.loudspeaker.heard(reply.generation)[1]):
            if span.start >= until or span.clause not in reply.places:
                break
            told = reply.timed.get(at, 0)
            place = reply.places[span.clause]
            before = span.words[told - 1][1] if told else 0
            for end, characters in span.words[told:]:
                words.append({"start": place + before, "end": place + characters, "end_ms": _ms(span.start + end)})
                before = characters
            reply.timed[at] = len(span.words)
        if words and reply.response and reply.response.message:
            self._send(more.OutputWords(reply.response.id, reply.response.message.id, words))

    def _tell_latency(self, generation: int, at_s: float) -> None:
        end_s, response = self._ended_s.get(generation), self._translator.reply(generation).response
        if end_s is None or response is None:
            return
        parts = latency_parts(self._trace.replies[generation], end_s, at_s)
        shown = {name: round(parts[name] * 1000) for name in _PARTS}
        self._send(more.Latency(response.id, shown, round((at_s - end_s) * 1000)))

    def _tell_heard(self, event: on.TurnCommitted) -> None:
        reply = self._translator.committed
        has_reply = any(isinstance(item, AssistantItem) for item in event.turn.items)
        if has_reply and reply and reply.generation == event.generation and reply.response and reply.response.message:
            item = reply.response.message
            self._send(more.OutputHeard(item.id, event.turn.heard, event.turn.interrupted))

    def _forget(self, generation: int) -> None:
        for kept in (self._trace.replies, self._ended_s):
            for old in [number for number in kept if number <= generation]:
                del kept[old]  # type: ignore[attr-defined]
        self._trace.notices.clear()

    # -- what it asks for

    def note_playback(self, event: more.Playback) -> None:
        """The client has played so much."""
        if generation := self._translator.generation_of(event.response_id):
            # A client may round down to whole milliseconds; it would never reach the end
            heard_ms = event.audio_ms + 1 if event.audio_ms > 0 else 0
            self._port.played(generation, round(heard_ms / 1000 * SAMPLE_RATE))

    def press(self, event: more.TalkKey) -> None:
        """The talk key."""
        if event.pressed:
            self._translator.stop_by_client()
        self._session.key(pressed=event.pressed)

    def interrupt(self, event: more.Interrupt) -> None:
        """The assistant is silent."""
        self._responses.stop()

    def type(self, event: more.TypeText) -> None:
        """The user types."""
        if not event.text.strip():
            return
        self._responses.stop()
        self._session.handle(ev.TimePassed(self._world.now))  # a spoken turn that is just over comes before it
        self._translator.settle_turn()
        content = [{"type": "input_text", "text": event.text}]
        item = self._items.add(new_body("message", role="user", content=content))
        self._items.done(item)
        self._translator.type(item)
        self._session.type(event.text)


def _ms(samples: int) -> int:
    return round(samples / SAMPLE_RATE * 1000)
