"""The turn machine: decides when the user's turn ends, when a reply is prepared, spoken, stopped, apologised for.

Everything that affects whose turn it is lives here. The rules it obeys:

1. A reply has a generation number. An event with another number than the current one is dropped.
2. The reply is prepared as soon as the user pauses (speculation) and played once the pause has lasted long
   enough (commitment). If the user goes on before a sound was heard, the preparation is thrown away and the next
   transcription covers the whole turn again.
3. Speech that lasts while the assistant speaks stops it, and what was heard is committed.
4. Every stage has a deadline. A stage that fails is followed by a spoken apology, and the machine listens again.

States: LISTENING nobody speaks; USER the user has the floor (speaking, or in a pause that may still be theirs);
THINKING the turn is over and no sound has come yet; SPEAKING the reply is heard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from assistant.turns import actions as do
from assistant.turns import events as ev
from assistant.turns.events import Event, Stage, Transcript


class State(Enum):
    """Who has the floor."""

    LISTENING = "listening"
    USER = "user"
    THINKING = "thinking"
    SPEAKING = "speaking"


@dataclass(frozen=True)
class TurnPolicy:
    """The numbers the machine decides by, in seconds; where they come from stands in `configs/settings.py`."""

    endpoint_s: float = 0.5
    speculate_s: float = 0.096
    max_speculations: int = 3
    speculate_max_turn_s: float = 20.0
    barge_in: Literal["voice", "key", "off"] = "voice"
    talk_key: bool = False  # push-to-talk
    barge_in_s: float = 0.192
    max_turn_s: float = 60.0
    asr_timeout_s: float = 10.0
    llm_timeout_s: float = 20.0
    llm_idle_timeout_s: float = 8.0
    tts_timeout_s: float = 10.0


@dataclass
class _Reply:
    """The reply in preparation or being spoken."""

    generation: int
    transcript: Transcript | None = None
    committed: bool = False  # the user's turn is over: it may be heard
    playing: bool = False
    text_finished: bool = False
    failed: tuple[Stage, str] | None = None
    closed: bool = False
    held: list[do.Synthesise] = field(default_factory=list)  # clauses after the first wait for commitment
    clauses: int = 0
    waiting: dict[Stage, float] = field(default_factory=dict)  # stage -> its deadline
    ready: set[int] = field(default_factory=set)  # clauses with their first sound
    finished: set[int] = field(default_factory=set)  # clauses with their last sound


class TurnMachine:
    """Events in, actions out. `state` and `generation` may be read, never set."""

    def __init__(self, policy: TurnPolicy | None = None) -> None:
        self.policy = policy or TurnPolicy()
        self.state = State.LISTENING
        self.generation = 0
        self._reply: _Reply | None = None
        self._turn_start_s = 0.0
        self._onset_s: float | None = None  # the user is speaking since
        self._paused_s: float | None = None  # the user is silent since (their turn is not yet over)
        self._speculations = 0
        self._key_held = False
        self._actions: list[do.Action] = []

    def handle(self, event: Event) -> list[do.Action]:
        """Take one event; return what is to be done, in order."""
        self._actions = []
        match event:
            case ev.SpeechStarted():
                self._speech_started(event)
            case ev.SpeechPaused():
                self._speech_paused(event)
            case ev.TextEntered():
                self._text_entered(event)
            case ev.KeyPressed():
                self._key_pressed(event)
            case ev.KeyReleased():
                self._key_released(event)
            case (
                ev.Transcribed()
                | ev.ReplyText()
                | ev.ReplyFinished()
                | ev.AudioReady()
                | ev.AudioFinished()
                | (ev.PlaybackFinished() | ev.StageFailed())
            ):
                if self._reply and event.generation == self._reply.generation and not self._reply.closed:
                    self._reply_event(self._reply, event)
                elif isinstance(event, ev.PlaybackFinished) and self._reply and event.generation == self.generation:
                    self._playback_finished()
        self._check_time(event.at_s)
        return self._actions

    # -- the user -----------------------------------------------------------------------------------------------

    def _speech_started(self, event: ev.SpeechStarted) -> None:
        if self.state is State.SPEAKING and self.policy.barge_in != "voice":
            return
        if self.policy.talk_key and not (self._key_held and self.state is State.USER):
            return  # only what is said while the key is held counts
        self._onset_s = event.onset_s
        if self.state is State.LISTENING:
            self.state = State.USER
            self._turn_start_s = event.onset_s
            self._speculations = 0
        elif self.state in (State.USER, State.THINKING):
            # The user goes on and has heard nothing: the same turn, longer.
            self._drop_reply()
            self.state = State.USER
        self._paused_s = None

    def _speech_paused(self, event: ev.SpeechPaused) -> None:
        self._onset_s = None
        if self.state is State.USER:
            self._paused_s = event.end_s

    def _key_pressed(self, event: ev.KeyPressed) -> None:
        """The key stops the assistant at once; with push-to-talk the user's turn begins, or goes on."""
        self._key_held = True
        was_waiting = self.state is State.THINKING
        self._interrupt()
        if self.policy.talk_key:
            self._drop_reply()
            if not was_waiting:
                self._turn_start_s = event.at_s
                self._speculations = 0
            self.state = State.USER
            self._onset_s, self._paused_s = event.at_s, None
        elif self.state is State.SPEAKING:
            self._onset_s = None
            self._listen()

    def _key_released(self, event: ev.KeyReleased) -> None:
        self._key_held = False
        if self.policy.talk_key and self.state is State.USER:
            end_s = event.at_s if self._paused_s is None else self._paused_s
            self._onset_s = None
            self._end_turn(end_s, event.at_s)

    def _text_entered(self, event: ev.TextEntered) -> None:
        self._interrupt()
        self._drop_reply()
        reply = self._new_reply()
        reply.committed = True
        self.state = State.THINKING
        self._onset_s = self._paused_s = None
        self._ask(reply, Transcript(event.text), event.at_s)

    # -- the reply ----------------------------------------------------------------------------------------------

    def _reply_event(self, reply: _Reply, event: Event) -> None:
        policy, at_s = self.policy, event.at_s
        match event:
            case ev.Transcribed(transcript=transcript):
                reply.waiting.pop("asr", None)
                if transcript.text.strip():
                    self._ask(reply, transcript, at_s)
                else:
                    reply.transcript = transcript  # nothing was said: nothing is asked
                    if reply.committed:
                        self._nothing_said()
            case ev.ReplyText(clause=clause, text=text):
                reply.waiting["llm"] = at_s + policy.llm_idle_timeout_s
                reply.clauses = clause + 1
                self._synthesise(reply, do.Synthesise(reply.generation, clause, text), at_s)
            case ev.ReplyFinished():
                reply.waiting.pop("llm", None)
                reply.text_finished = True
                if not reply.clauses:
                    self._fail(reply, "llm", "the model said nothing")
            case ev.AudioReady(clause=clause):
                reply.ready.add(clause)
                reply.waiting.pop("tts", None)
                if reply.committed:
                    self._play(reply)
            case ev.AudioFinished(clause=clause):
                reply.finished.add(clause)
                reply.waiting.pop("tts", None)
                if len(reply.finished) < reply.clauses - len(reply.held):
                    reply.waiting["tts"] = at_s + policy.tts_timeout_s
            case ev.StageFailed(stage=stage, reason=reason):
                self._fail(reply, stage, reason)
        self._close_if_complete(reply)

    def _ask(self, reply: _Reply, transcript: Transcript, at_s: float) -> None:
        reply.transcript = transcript
        reply.waiting["llm"] = at_s + self.policy.llm_timeout_s
        self._do(do.AskLlm(reply.generation, transcript))

    def _synthesise(self, reply: _Reply, clause: do.Synthesise, at_s: float) -> None:
        if reply.committed or clause.clause == 0:
            reply.waiting.setdefault("tts", at_s + self.policy.tts_timeout_s)
            self._do(clause)
        else:
            reply.held.append(clause)

    def _play(self, reply: _Reply) -> None:
        if not reply.playing:
            reply.playing = True
            self.state = State.SPEAKING
            self._do(do.Play(reply.generation))

    def _close_if_complete(self, reply: _Reply) -> None:
        complete = reply.text_finished and not reply.held and len(reply.finished) == reply.clauses > 0
        if complete and reply.playing and not reply.closed:
            reply.closed = True
            self._do(do.CloseAudio(reply.generation))

    def _fail(self, reply: _Reply, stage: Stage, reason: str) -> None:
        reply.waiting.clear()
        reply.held.clear()
        reply.failed = (stage, reason)
        self._do(do.Cancel(reply.generation, keep_audio=reply.committed))
        if reply.committed and not reply.closed:
            reply.closed = True
            self._do(do.Apologise(reply.generation, stage, reason))
            self._play(reply)
            self._do(do.CloseAudio(reply.generation))

    def _playback_finished(self) -> None:
        self._commit(interrupted=False)
        self._drop_reply()
        self._listen()
        if self._onset_s is not None:
            # The user began to speak as the reply ended: that speech is their turn.
            self.state = State.USER
            self._turn_start_s = self._onset_s
            self._speculations = 0

    def _nothing_said(self) -> None:
        self._drop_reply()
        self._listen()

    # -- generations --------------------------------------------------------------------------------------------

    def _new_reply(self) -> _Reply:
        self.generation += 1
        self._reply = _Reply(self.generation)
        return self._reply

    def _drop_reply(self) -> None:
        """Forget the reply: whatever is still being made for it is not wanted."""
        if self._reply:
            self._do(do.Cancel(self._reply.generation))
            self._reply = None

    def _interrupt(self) -> None:
        """Stop the reply being spoken, if any, and commit what was heard of it."""
        if self.state is State.SPEAKING and self._reply:
            self._do(do.StopPlayback(self._reply.generation))
            self._commit(interrupted=True)
            self._drop_reply()

    def _commit(self, *, interrupted: bool) -> None:
        if self._reply and self._reply.transcript:
            self._do(do.Commit(self._reply.generation, self._reply.transcript, interrupted))

    def _listen(self) -> None:
        self.state = State.LISTENING
        self._paused_s = None

    # -- time ---------------------------------------------------------------------------------------------------

    def _check_time(self, now_s: float) -> None:
        policy = self.policy
        if self.state is State.USER and self._paused_s is not None:
            # Compared as the same sums that `_wake` asks for: a rounded difference could miss its own wake-up.
            if now_s >= self._endpoint_due_s():
                self._end_turn(self._paused_s, now_s)
            elif self._may_speculate() and now_s >= self._paused_s + policy.speculate_s:
                self._speculations += 1
                self._transcribe(self._paused_s, now_s)
        elif self.state is State.USER and now_s >= self._turn_start_s + policy.max_turn_s:
            self._onset_s = None  # what is still being said is not a barge-in into the answer
            self._end_turn(now_s, now_s)
        if self._barge_in_due_s() <= now_s:
            self._barge_in()
        if self._reply and self._reply.committed and not self._reply.closed:
            for stage, deadline_s in list(self._reply.waiting.items()):
                if now_s >= deadline_s:
                    self._fail(self._reply, stage, f"no answer from {stage} in time")
                    break
        self._wake(now_s)

    def _endpoint_due_s(self) -> float:
        if self._paused_s is None or self.policy.talk_key:
            return float("inf")  # with push-to-talk the key says when the turn ends
        return self._paused_s + self.policy.endpoint_s

    def _may_speculate(self) -> bool:
        policy = self.policy
        assert self._paused_s is not None
        return (
            self._reply is None
            and policy.speculate_s > 0
            and self._speculations < policy.max_speculations
            and self._paused_s - self._turn_start_s <= policy.speculate_max_turn_s
        )

    def _transcribe(self, end_s: float, now_s: float) -> _Reply:
        reply = self._new_reply()
        reply.waiting["asr"] = now_s + self.policy.asr_timeout_s
        self._do(do.Transcribe(reply.generation, self._turn_start_s, end_s))
        return reply

    def _end_turn(self, end_s: float, now_s: float) -> None:
        reply = self._reply
        if reply is None or reply.failed:
            # Nothing was prepared, or the attempt failed: there is time for one that counts.
            reply = self._transcribe(end_s, now_s)
        reply.committed = True
        self._paused_s = None
        self.state = State.THINKING
        if reply.transcript and not reply.transcript.text.strip():
            self._nothing_said()
            return
        held, reply.held = reply.held, []
        for clause in held:
            self._synthesise(reply, clause, now_s)
        if reply.ready:
            self._play(reply)
            self._close_if_complete(reply)

    def _barge_in_due_s(self) -> float:
        if self.state is State.SPEAKING and self.policy.barge_in == "voice" and self._onset_s is not None:
            return self._onset_s + self.policy.barge_in_s
        return float("inf")

    def _barge_in(self) -> None:
        onset_s = self._onset_s
        assert onset_s is not None
        self._interrupt()
        self.state = State.USER
        self._turn_start_s = onset_s
        self._paused_s = None
        self._speculations = 0

    def _wake(self, now_s: float) -> None:
        """Ask to be woken for the earliest thing that time alone can bring about."""
        policy = self.policy
        due = [self._barge_in_due_s()]
        if self.state is State.USER and self._paused_s is not None:
            due.append(self._endpoint_due_s())
            if self._may_speculate():
                due.append(self._paused_s + policy.speculate_s)
        elif self.state is State.USER:
            due.append(self._turn_start_s + policy.max_turn_s)
        if self._reply and self._reply.committed and not self._reply.closed:
            due += self._reply.waiting.values()
        earliest = min(due)
        if earliest != float("inf"):
            self._do(do.WakeAt(max(earliest, now_s)))

    def _do(self, action: do.Action) -> None:
        self._actions.append(action)
