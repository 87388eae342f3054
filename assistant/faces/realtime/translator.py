"""What happens in a conversation, as events for the client.

Nothing speculative is visible: a reply becomes a response when it begins to be heard, and the user's turn before it an
item. Sound is sent as the loudspeaker gives it out; the words of a clause go just before its first sound.
"""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.conversation import events as on
from huiyin.assistant.faces.connections.wire import Json
from huiyin.assistant.faces.realtime.items import Items, WireItem
from huiyin.assistant.faces.realtime.parts import Request
from huiyin.assistant.faces.realtime.replies import Reply
from huiyin.assistant.faces.realtime.response import Response
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.faces.realtime.user_turns import UserTurns
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import End, Message, Sound
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.transitions import State

_MOST_REPLIES = 100  # that are neither committed nor known to be in vain


class Translator:
    """An observer of a conversation, at once. `active` is the response in the client's conversation: None, or one that
    is not over. It changes here alone."""

    def __init__(
        self,
        config: SessionConfig,
        turns: UserTurns,
        items: Items,
        loudspeaker: RemoteLoudspeaker,
        new_response: Callable[[Request], Response],
    ) -> None:
        """`new_response`: one that the client has not asked for, not yet begun."""
        self.active: Response | None = None
        self.state = State.LISTENING
        self.playing = 0
        """The reply that was last begun to be heard."""
        self.committed: Reply | None = None
        """The last reply that was committed."""
        self.when_told: Callable[[WireItem, Transcript], None] = lambda item, transcript: None
        """Called when the client has been told the user's words."""
        self.when_cut: Callable[[WireItem, int, str], None] = lambda item, samples, heard: None
        """Called when a reply that did not sound to its end is in the history: its message, how many samples (16 kHz)
        and which words were heard."""
        self.when_free: Callable[[], None] = lambda: None
        """Called when the floor has become free."""
        self._config, self._turns, self._items = config, turns, items
        self._loudspeaker, self._new_response = loudspeaker, new_response
        self._typed: tuple[WireItem, Callable[[], None]] | None = None  # until its reply is begun; ends its hold
        self._replies: dict[int, Reply] = {}
        self._onset_s: float | None = None
        self._is_closed = False  # the client has ended the user's turn
        self._stopped_by_client = 0  # the reply that the client has stopped: not the user's voice

    def observe(self, at_s: float, event: on.Public) -> None:
        """An event of the conversation."""
        if event.generation:
            self._observe_reply(at_s, event, self.reply(event.generation))
        elif isinstance(event, on.SpeechHeard):
            self._hear(event.onset_s)
        elif isinstance(event, on.FloorChanged):
            self._change_floor(event.after, at_s)

    def carry(self, message: Message) -> None:
        """What the loudspeaker sends."""
        response = self.active
        if response is None or response.generation != message.generation:
            return
        reply = self.reply(message.generation)
        if isinstance(message, Sound):
            self._say_until(reply, response, message.position + len(message.samples))
            response.sound(message.samples, message.position)
        elif isinstance(message, End):
            self._say_until(reply, response, message.length + 1)
            self._complete(reply, response)

    def reply(self, generation: int) -> Reply:
        """The reply with this number."""
        if generation not in self._replies:
            self._replies[generation] = Reply(generation)
            self._release(generation - _MOST_REPLIES)
        return self._replies[generation]

    def request_of(self, generation: int) -> Request:
        """What the reply with this number is made from; it stays, whatever the client changes."""
        reply = self.reply(generation)
        if reply.request is None:
            is_asked_for = self.active and self.active.generation in (0, generation)
            reply.request = self.active.request if self.active and is_asked_for else Request(self._config.override({}))
        return reply.request

    @property
    def is_answering(self) -> bool:
        """An answer to the user's turn is being prepared, of which the client does not know yet."""
        return self.state is State.THINKING and self.active is None and bool(self._turns.generation or self._typed)

    def heard(self, generation: int, samples: int) -> str:
        """The words in the first samples of a reply that is not yet committed."""
        return self.reply(generation).text_until(self._loudspeaker.heard(generation)[1])(samples)

    def generation_of(self, response_id: str) -> int:
        """The reply that is sent as this response; 0 where it has been committed, or does not exist."""
        replies = self._replies.values()
        return next((each.generation for each in replies if each.response and each.response.id == response_id), 0)

    def activate(self, response: Response) -> None:
        """A response begins."""
        self.end_active("cancelled", "client_cancelled")  # there is none, but for a reply that overtakes another
        self.active = response
        response.begin()

    def end_active(self, status: str, reason: str | None = None, error: Json | None = None) -> None:
        """The active response is over, if there is one."""
        if response := self.active:
            self.active = None
            response.finish(status, reason, error)

    def stop_by_client(self) -> None:
        """What is being said is stopped by the client: that the reply stops does not mean that the user speaks."""
        self._stopped_by_client = self.playing

    def type(self, item: WireItem) -> None:
        """The user has typed this, and is answered."""
        if self._typed:
            self._typed[1]()
        self._typed = item, self._items.hold()

    def close_turn(self) -> None:
        """The client ends the user's turn, which will not go on."""
        self._is_closed = True

    def settle_turn(self) -> None:
        """The user's turn that is over becomes an item now: it will not go on."""
        if self._turns.generation:
            self._settle(self.reply(self._turns.generation))

    # -- of a reply

    def _observe_reply(self, at_s: float, event: on.Public, reply: Reply) -> None:
        match event:
            case on.RecognitionAsked(start_s=start_s, end_s=end_s):
                reply.is_spoken, reply.seconds = True, end_s - start_s
            case on.Recognised(transcript=transcript):
                reply.transcript = transcript
                self._tell_words(reply)
            case on.TurnEnded(end_s=end_s):
                self._turns.end(reply.generation, end_s)
                if self.state is not State.USER or not self._config.creates_response or self._is_closed:
                    self._settle(reply)  # it waits for the floor, is not answered, or the client has closed it
                self._is_closed = False
            case on.ModelAsked():
                reply.is_asked = True
                self._bind(reply)
            case on.ClauseWritten(clause=clause, text=text):
                reply.texts[clause] = text
                self._say_text(reply)
            case on.Notice(text=text):
                reply.add_apology(text)
            case on.StageFailed(stage=stage, reason=reason):
                reply.failure, reply.is_unheard = reason, stage == "asr"
                self._tell_words(reply)
            case on.ReplyStarted():
                self.playing = reply.generation
                self._start(reply)
                self._say_text(reply)
            case on.ToolsCalled(calls=calls):
                reply.calls = calls
                self._start(reply)
            case on.ReplyStopped():
                self._stop(reply, at_s)
            case on.TurnCommitted():
                self._commit(reply, event)

    def _bind(self, reply: Reply) -> None:
        """The model is asked for it. Where it answers no speech it is what the client has asked for."""
        if reply.is_spoken:
            return
        if self._typed:
            (reply.user, reply.release), self._typed = self._typed, None
        elif self.active and not self.active.generation:
            self.active.generation, reply.response = reply.generation, self.active

    def _start(self, reply: Reply) -> None:
        """The client learns of it, and of the user's turn before it, which it need not answer."""
        self.settle_turn()
        if reply.response:
            pass
        elif self.active and not self.active.generation:
            reply.response, self.active.generation = self.active, reply.generation
        else:
            reply.response = self._new_response(self.request_of(reply.generation))
            reply.response.generation = reply.generation
            self.activate(reply.response)
        self._hold(reply)

    def _say_text(self, reply: Reply) -> None:
        """Where there is no sound to wait for."""
        if (response := self._sent(reply)) and not response.config.speaks:
            for clause in sorted(reply.texts):
                reply.say(response, clause)

    def _say_until(self, reply: Reply, response: Response, until: int) -> None:
        """The words of the clauses that begin before this sample."""
        reply.say_until(response, self._loudspeaker.heard(reply.generation)[1], until)

    def _complete(self, reply: Reply, response: Response) -> None:
        """All that it says has been sent."""
        for call in reply.calls:
            if item := response.call(call.call_id, call.name, call.arguments):
                reply.called[call.call_id] = item
        reply.calls = ()
        if reply.failure and not response.has_sound and not reply.called:
            error = {"type": "server_error", "code": "service_failed", "message": reply.failure}
            self.end_active("failed", error=error)
        else:
            self.end_active("completed")

    def _stop(self, reply: Reply, at_s: float) -> None:
        """It falls silent before its end, perhaps after all of it has been sent."""
        is_by_client = reply.generation == self._stopped_by_client
        if not is_by_client:
            self._begin_turn(at_s)
        if self._sent(reply):
            self.end_active("cancelled", "client_cancelled" if is_by_client else "turn_detected")

    def _commit(self, reply: Reply, event: on.TurnCommitted) -> None:
        self._settle(reply)
        if self._typed and not reply.is_asked and reply.response is None:  # no reply is wanted
            self._bind(reply)
        response = self._sent(reply)
        if response and not event.turn.interrupted:  # it only called functions
            self._complete(reply, response)
        message = reply.response.message if reply.response else None
        samples, spans = self._loudspeaker.heard(reply.generation)
        if message and message.spoken:
            message.spoken.text_until = reply.text_until(spans)
        reply.enter(event.transcript.text, event.turn)
        if message and message.spoken and event.turn.interrupted:
            self.when_cut(message, samples, event.turn.heard)
        self.committed = reply
        self._release(reply.generation)

    def _sent(self, reply: Reply) -> Response | None:
        """Its response, if that is active."""
        return self.active if self.active and self.active is reply.response else None

    def _hold(self, reply: Reply) -> None:
        if reply.release is None:
            reply.release = self._items.hold()

    def _release(self, generation: int) -> None:
        """Of this reply and older ones there are all entries that there will be."""
        for old in [number for number in self._replies if number <= generation]:
            if release := self._replies.pop(old).release:
                release()

    # -- the user

    def _hear(self, onset_s: float) -> None:
        if self.state is not State.PAUSED:  # else the interruption goes on
            self._onset_s = onset_s
        if self.state not in (State.LISTENING, State.USER) and not self._config.interrupts_response:
            self._turns.begin(onset_s)  # the client decides what it means

    def _begin_turn(self, at_s: float) -> None:
        self._turns.begin(at_s if self._onset_s is None else self._onset_s)
        self._onset_s = None
        if self.active and not self.active.generation:
            self.end_active("cancelled", "turn_detected")

    def _change_floor(self, after: State, at_s: float) -> None:
        before, self.state = self.state, after
        if after is State.USER and not self._turns.is_speaking:
            self._begin_turn(at_s)
        if after is State.LISTENING:
            self.settle_turn()
            self._release(max(self._replies, default=0))  # none is under way
            if before is State.USER and self._turns.is_speaking:
                self._turns.give_up(at_s)
        if after in (State.USER, State.LISTENING):
            if self.active and self.active.generation:
                self.end_active("cancelled", "turn_detected" if after is State.USER else "client_cancelled")
            self._stopped_by_client = 0
        if after is State.LISTENING:
            self.when_free()

    def _settle(self, reply: Reply) -> None:
        """The user's turn that it answers becomes an item."""
        if self._turns.generation == reply.generation:
            reply.user = self._turns.settle()
            self._hold(reply)
            self._tell_words(reply)

    def _tell_words(self, reply: Reply) -> None:
        if not reply.user or not reply.is_spoken or reply.is_told:
            return
        if reply.is_unheard:
            reply.is_told = True
            self._turns.failed(reply.user, reply.failure)
        elif reply.transcript:
            reply.is_told = True
            self._turns.transcribed(reply.user, reply.transcript, reply.seconds)
            self.when_told(reply.user, reply.transcript)
