"""Who has the floor, and what can be done with it: take a turn, end it, begin a reply, stop it, commit it.

When these things are done, the turn machine decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.earlier import Earlier
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.interruption import Interruption
from huiyin.assistant.turns.overlap import Overlap
from huiyin.assistant.turns.own_echo import IN_THE_AIR_S
from huiyin.assistant.turns.pace import Pace
from huiyin.assistant.turns.reply import Progress, Reply
from huiyin.assistant.turns.stop_words import is_only_stop, orders_silence
from huiyin.assistant.turns.text_judge import can_be_judged
from huiyin.assistant.turns.transitions import State
from huiyin.assistant.turns.user_turn import UserTurn
from huiyin.configs.settings import TurnsSettings


class Floor:
    """`state` and `generation` may be read, never set. `policy` may be set at any time: a reply keeps the one that it
    began with."""

    def __init__(self, policy: TurnsSettings | None = None, judges: Collection[str] = ()) -> None:
        """`judges`: who can judge a pause in this conversation, of "sound" and "words"."""
        self.policy = policy or TurnsSettings()
        self.state = State.LISTENING
        self.generation = 0
        self._judges = judges
        self._reply: Reply | None = None
        self._turn = UserTurn()
        self._interruption: Interruption | None = None
        self._overlap = Overlap()
        self._earlier = Earlier()
        self._pace = Pace()
        self._last_asr_s = 0.0  # the time that the recogniser last took
        self._key_held = False
        self._asked_for: deque[tuple[str, ...] | None] = deque()
        """What begins when the floor is free: words to be said; None: a reply to the history."""
        self._begun: tuple[str, ...] | None = None
        """Likewise, of the last reply that answers no speech."""
        self._postponed: list[tuple[str, ...] | None] = []
        """Likewise, where sound took the floor before its first sample: it begins again unless there were words."""
        self._unsaid: list[tuple[str, ...] | None] = []
        """Likewise, the rest of a reply that speech has stopped: it follows if that speech gets no answer."""
        self._stopped: Reply | None = None  # the reply that this is of
        self._actions: list[do.Action] = []
        self._do = self._actions.append

    def _settle(self, now_s: float) -> None:
        """What follows from how far the reply has come."""
        reply = self._reply
        if reply and reply.playing and self.state is State.THINKING:
            self.state = State.SPEAKING
            self._unsaid = []
        elif reply and reply.is_over:
            if reply.progress is Progress.SILENT:
                self._unsaid = []
                self._commit(now_s, interrupted=False)
            self._listen()

    # -- turns

    def _take_turn(self, turn: UserTurn, now_s: float) -> None:
        self._keep_waiting(now_s)
        self.state = State.USER
        self._turn = turn
        turn.hear_question(self._earlier.last_words)
        self._interruption = None
        self._overlap.spoken = None

    def _take_floor(self, interruption: Interruption, now_s: float) -> None:
        """The interruption is the user's turn: it began with it, and its words are used if known. Where no more than an
        opener was heard, and the user does not order silence, their turn goes on: the opener was a listener's."""
        words = interruption.transcript.text if interruption.transcript else ""
        self._stopped = self._reply
        unsaid = self._reply.rest(self._reply.heard_until_s(now_s)) if self._reply and self.policy.replies else []
        if self._reply and self._reply.is_only_opened and not orders_silence(words):
            self._do(do.StopPlayback(self._reply.generation))
            self._drop_reply()
            self._unsaid = unsaid
            self._turn.resume(self.policy)
            self._take_turn(self._turn, now_s)
            if interruption.paused_s is not None:
                self._turn.pause(interruption.paused_s, self.policy)
            return
        self._stop_reply(now_s)
        self._unsaid = unsaid
        turn = UserTurn(interruption.sound_s, interrupts=True, echo=interruption.echo, paused_s=interruption.paused_s)
        self._take_turn(turn, now_s)
        if interruption.is_transcribed and interruption.transcript:
            self._turn.speculations = 1
            self._reply = Reply(interruption.generation, self.policy, self._pace, self._do)
            self._answer(self._reply, interruption.transcript, now_s)

    def _answer(self, reply: Reply, transcript: Transcript, now_s: float) -> None:
        """Ask the model for an answer to these words, and have them judged, where they need one."""
        text = transcript.text
        if text.strip():
            self._postponed.clear()
        self._turn.take_words(text, stops_are_set=self._earlier.stops_are_set(text, self.policy))
        evidence = self._turn.evidence
        if not self._earlier.needs_answer(text, self._turn):
            if is_only_stop(text):
                self._unsaid = []
            evidence.words_awaited = False
            reply.mark_unneeded(transcript, now_s)
            return
        self._ask(reply, transcript, now_s)
        evidence.words_awaited = "words" in self._judges and not reply.committed and can_be_judged(text)
        if evidence.words_awaited:
            self._do(do.JudgeWords(reply.generation, text))

    def _ask(self, reply: Reply, transcript: Transcript, now_s: float) -> None:
        if self.policy.replies:
            reply.ask(transcript, now_s)
        else:
            reply.keep(transcript, now_s)

    def _end_turn(self, end_s: float, now_s: float) -> None:
        if self._reply is None or self._reply.progress is Progress.FAILED:
            # Nothing was prepared, or that attempt failed: there is time for one that counts.
            self._reply = self._new_reply()
            self._reply.transcribe(self._turn.start_s, end_s, now_s)
        self._do(do.EndTurn(self._reply.generation, self._turn.start_s, end_s))
        self._turn.clear_pause()
        self.state = State.THINKING
        self._reply.commit(now_s, end_s)

    def _listen(self) -> None:
        self._drop_reply()
        self._asked_for.extendleft(self._postponed + self._unsaid)
        self._forget_rest()
        self.state = State.LISTENING
        self._turn.clear_pause()

    def _forget_rest(self) -> None:
        """Nothing is to follow of what speech has stopped or prevented."""
        self._postponed.clear()
        self._unsaid = []

    # -- turns that wait for the floor

    def _begin_waiting(self, now_s: float) -> bool:
        """Answer the first turn that waits. Whether there was one."""
        if not self._overlap.waiting:
            return False
        later = self._overlap.waiting.popleft()
        self._turn, self._reply = later.turn, later.reply
        self._turn.clear_pause()
        self.state = State.THINKING
        later.reply.commit(now_s)
        if isinstance(later.result, ev.Transcribed):
            self._answer(later.reply, later.result.transcript, now_s)
        elif later.result:
            later.reply.handle(later.result)
        later.reply.check_time(now_s)  # its transcript may be overdue
        return True

    def _keep_waiting(self, now_s: float) -> None:
        """Something else has the floor: keep the words of the turns that wait."""
        while self._overlap.waiting:
            later = self._overlap.waiting.popleft()
            generation = later.reply.generation
            if isinstance(later.result, ev.Transcribed) and later.result.transcript.text.strip():
                self._do(do.Commit(generation, later.result.transcript, interrupted=True))
            self._do(do.Cancel(generation))

    # -- replies

    def _current(self, generation: int, progress: Progress | None = None) -> Reply | None:
        """The reply, if it has this number and, where one is given, has come this far."""
        reply = self._reply
        return reply if reply and reply.generation == generation and progress in (None, reply.progress) else None

    def _new_reply(self) -> Reply:
        self.generation += 1
        return Reply(self.generation, self.policy, self._pace, self._do)

    def _begin_reply(self, now_s: float, what: tuple[str, ...] | None = None) -> Reply:
        """A reply to no speech: there is nothing to wait for. `what`: words to be said; None: an answer."""
        self._begun = what
        self._stop_reply(now_s)
        self._keep_waiting(now_s)
        self._turn = UserTurn(now_s, spoken=False)
        self.state = State.THINKING
        self._reply = self._new_reply()
        self._reply.commit(now_s)
        return self._reply

    def _speculate(self, end_s: float, now_s: float) -> None:
        """Prepare a reply to the turn so far. Its words are waited for where they are judged."""
        self._turn.tries += 1
        self._reply = self._new_reply()
        self._reply.transcribe(self._turn.start_s, end_s, now_s)
        self._turn.evidence.words_awaited = "words" in self._judges

    def _drop_reply(self) -> None:
        """Forget the reply: whatever is still being made for it is not wanted."""
        if self._reply:
            self._do(do.Cancel(self._reply.generation))
            self._reply = None

    def _stop_reply(self, now_s: float) -> None:
        """Stop the reply, if any; what was heard of it is committed."""
        if self._reply and self.state in (State.SPEAKING, State.PAUSED):
            self._do(do.StopPlayback(self._reply.generation))
            self._commit(now_s, interrupted=True)
        self._drop_reply()
        self._interruption = None
        self._unsaid = []

    def _commit(self, now_s: float, *, interrupted: bool) -> None:
        reply = self._reply
        if reply and reply.transcript:
            self._do(do.Commit(reply.generation, reply.transcript, interrupted))
            if self._turn.spoken:
                self._earlier.note_recognised(reply.transcript.text)
            if reply.playing:
                until_s = reply.heard_until_s(now_s)
                said = reply.audible(until_s - IN_THE_AIR_S, until_s + IN_THE_AIR_S)
                self._earlier.note_played(reply.audible_words(), said, until_s, self.policy)

    def _commit_unheard(self, now_s: float) -> None:
        """Keep the words of a turn that is over, though its reply was not heard."""
        if self.state is State.THINKING and self._reply and self._reply.transcript and self._reply.transcript.text:
            self._commit(now_s, interrupted=True)
