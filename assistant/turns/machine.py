"""The turn machine: decides when the user's turn ends, when a reply is prepared, spoken, paused, stopped.

Everything that affects whose turn it is lives here, as a table of states and events (as a page: docs/turns.md).
Its rules stand at the top of this package.
"""

from __future__ import annotations

from collections.abc import Iterator

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import NEVER, Event, Transcript
from huiyin.assistant.turns.floor import Floor
from huiyin.assistant.turns.interruption import Interruption, Verdict
from huiyin.assistant.turns.own_echo import IN_THE_AIR_S, Audible
from huiyin.assistant.turns.reply import Progress
from huiyin.assistant.turns.transitions import BY_TIME, TRANSITIONS, State, Transition, by_time, on
from huiyin.assistant.turns.user_turn import UserTurn
from huiyin.assistant.turns.whose_voice import WhoseVoice

__all__ = ["State", "TurnMachine"]

_OF_A_REPLY = (
    ev.Opened, ev.ReplyText, ev.ReplyFinished, ev.AudioReady, ev.AudioFinished, ev.PlaybackAdvanced, ev.StageFailed
)  # fmt: skip


class TurnMachine(Floor):
    """Events in, actions out."""

    def handle(self, event: Event) -> list[do.Action]:
        """Take one event; return what is to be done, in order."""
        self._actions.clear()
        if transition := TRANSITIONS.get(type(event), {}).get(self.state):
            self._step(transition, event)
        for transitions in BY_TIME.values():
            if transition := transitions.get(self.state):
                self._step(transition, event.at_s)
        wake_s = min((due_s for due_s in self._due_s() if due_s > event.at_s), default=NEVER)
        if wake_s < NEVER:
            self._do(do.WakeAt(wake_s))
        return self._actions.copy()

    def _step(self, transition: Transition, what: Event | float) -> None:
        transition.handler(self, what)
        self._settle(what.at_s if isinstance(what, Event) else what)

    # -- the user speaks

    @on(ev.SpeechStarted, states=[State.LISTENING], to=[State.USER])
    def _begin(self, event: ev.SpeechStarted) -> None:
        """the user's turn begins, at the onset of the speech, or of what was said over the end of a reply if its words
        are still awaited"""
        if not self.policy.talk_key:
            whole = Interruption.begin(event, Audible(), self._interruption, self.policy)
            self._take_turn(UserTurn(whole.sound_s, echo=whole.echo), event.at_s)

    @on(ev.SpeechStarted, states=[State.USER, State.THINKING], to=[State.USER])
    def _go_on(self, event: ev.SpeechStarted) -> None:
        """the same turn goes on: the prepared reply is thrown away, as nothing of it was played (with `barge_in` ignore
        it is kept, and a turn begins that waits for the floor); one that answers no speech is made again if this is no
        speech, either"""
        if self.state is State.THINKING and self._ignores_speech:
            self._overlap.start(event.sound_s, self.policy)
        elif not self.policy.talk_key or (self._key_held and self.state is State.USER):
            if not self._turn.spoken:
                self._commit_unheard(event.at_s)
                self._postponed = [self._begun]
                self._turn = UserTurn(event.sound_s)
            self._drop_reply()
            self.state = State.USER
            self._turn.resume(self.policy)

    @on(ev.SpeechPaused, states=[State.USER], to=[State.LISTENING])
    def _pause(self, event: ev.SpeechPaused) -> None:
        """the wait for the end of the turn begins; what ended before the key began the turn is no part of it"""
        if event.end_s > self._turn.start_s:
            if not self._turn.pause(event.end_s, self.policy, event.echo):
                self._drop_reply()
        elif not self.policy.talk_key:
            self._listen()

    @on(ev.EnergyDropped, states=[State.USER])
    def _prepare_early(self, event: ev.EnergyDropped) -> None:
        """if recognition is quick, a reply is prepared before it is sure that this is a pause"""
        is_quick = self._last_asr_s <= self.policy.early_asr_s and not self.policy.talk_key
        if self._earlier.may_be_echo(self._turn.start_s, event.end_s):
            return  # the pause will tell more
        if is_quick and self._reply is None and self._turn.may_prepare_early(self.policy, event.end_s):
            self._turn.dropped_s = event.end_s
            self._speculate(event.end_s, event.at_s)

    @on(ev.EnergyRecovered, states=[State.USER])
    def _was_no_pause(self, event: ev.EnergyRecovered) -> None:
        """the reply prepared at the energy drop is thrown away"""
        if self._turn.dropped_s is not None:
            self._drop_reply()
            self._turn.clear_pause()

    @on(ev.SpeechPossible, states=[State.USER, State.THINKING])
    def _may_go_on(self, event: ev.SpeechPossible) -> None:
        """a reply does not begin for {possible_speech_s}, as the user may be going on"""
        may_go_on = self.state is State.USER or not self._ignores_speech
        if self._reply and may_go_on and not self.policy.talk_key:
            self._reply.delay(event.at_s)

    @on(ev.EndpointScored, states=[State.USER])
    def _score(self, event: ev.EndpointScored) -> None:
        """the wait is set by how complete the turn sounds"""
        if event.end_s == self._turn.paused_s:
            self._turn.evidence.p_sound = event.probability
            self._turn.evidence.sound_awaited = False

    @on(ev.SpeechStarted, states=[State.SPEAKING])
    def _may_interrupt(self, event: ev.SpeechStarted) -> None:
        """if it lasts {barge_in_s} the reply is paused (by voice only: with `barge_in` key or off nothing happens, with
        ignore a turn begins that waits for the floor)"""
        if self._ignores_speech:
            self._overlap.start(event.sound_s, self.policy)
        elif self.policy.barge_in != "off" and not self.policy.talk_key and self._reply:
            said = self._reply.audible(event.sound_s - IN_THE_AIR_S, event.onset_s + IN_THE_AIR_S)
            voice = WhoseVoice() if "voice" in self._judges else None
            self._interruption = Interruption.begin(event, said, self._interruption, self.policy, voice)
            self._interruption.is_asked |= self._reply.asks(event.sound_s)

    @on(ev.SpeechStarted, states=[State.PAUSED])
    def _interruption_goes_on(self, event: ev.SpeechStarted) -> None:
        """the interruption goes on"""
        if self._interruption:
            self._interruption.resume(event)

    @on(ev.SpeechPaused, states=[State.PAUSED])
    def _interruption_ends(self, event: ev.SpeechPaused) -> None:
        """its words are asked for; after {resume_s} of silence the reply goes on"""
        if self._interruption and self._interruption.paused_s is None:
            self._interruption.pause(event)
        self._overlap.pause(event.end_s, self.policy)

    @on(ev.SpeechPaused, states=[State.SPEAKING])
    def _noise_ends(self, event: ev.SpeechPaused) -> None:
        """it was too short to be speech: nothing happens; a turn that waits for the floor pauses"""
        self._interruption = self._interruption.before if self._interruption else None
        self._overlap.pause(event.end_s, self.policy)

    @on(ev.SpeechPaused, states=[State.THINKING])
    def _pause_waiting(self, event: ev.SpeechPaused) -> None:
        """a turn that waits for the floor pauses"""
        self._overlap.pause(event.end_s, self.policy)

    @on(ev.VoiceScored, states=[State.LISTENING, State.SPEAKING, State.PAUSED])
    def _know_voice(self, event: ev.VoiceScored) -> None:
        """speech of another voice than the enrolled one does not stop the reply, which goes on; where the user joins in
        it may"""
        if self._interruption and self._interruption.take_voice(event, self.policy) and self._reply:
            since_s = self._interruption.onset_s
            self._interruption.said = self._reply.audible(since_s - IN_THE_AIR_S, event.at_s + IN_THE_AIR_S)

    # -- keys and typing

    @on(ev.TextEntered, to=[State.THINKING, State.LISTENING])
    def _type(self, event: ev.TextEntered) -> None:
        """a reply being spoken is stopped and committed; the typed words are asked at once"""
        self._commit_unheard(event.at_s)
        self._postponed.clear()  # it is in the history, and answered with this
        self._ask(self._begin_reply(event.at_s), Transcript(event.text), event.at_s)

    @on(ev.Say)
    def _say(self, event: ev.Say) -> None:
        """said when the floor is free; the last words of a failed reply: at once"""
        if not event.generation and event.clauses:
            self._asked_for.append(event.clauses)
        elif reply := self._current(event.generation, Progress.APOLOGISING):
            reply.say(event.clauses, event.at_s)

    @on(ev.ReplyRequested)
    def _request(self, event: ev.ReplyRequested) -> None:
        """asked of the model when the floor is free"""
        self._asked_for.append(None)

    @on(ev.Interrupted, states=[State.USER])
    @on(ev.Interrupted, states=[State.THINKING], to=[State.LISTENING])
    @on(ev.Interrupted, states=[State.SPEAKING, State.PAUSED], to=[State.LISTENING, State.USER])
    def _interrupt(self, event: ev.Interrupted) -> None:
        """the reply is given up, and the rest of one that was stopped; what was heard of it is committed. Speech that
        is going on is the user's turn"""
        self._forget_rest()
        if self.state is not State.USER:
            self._commit_unheard(event.at_s)
            self._silence(event.at_s)

    @on(ev.KeyPressed, states=[State.LISTENING, State.USER], to=[State.USER])
    @on(ev.KeyPressed, states=[State.THINKING, State.SPEAKING, State.PAUSED], to=[State.LISTENING, State.USER])
    def _press(self, event: ev.KeyPressed) -> None:
        """a reply being spoken is stopped and committed, and nothing of it follows; speech that is going on is the
        user's turn. With push-to-talk that begins, or goes on"""
        self._key_held = True
        self._forget_rest()
        if not self.policy.talk_key:
            if self.state in (State.SPEAKING, State.PAUSED) or not self._answers_user:
                self._silence(event.at_s)
            return
        turn = self._turn
        turn_goes_on = self.state in (State.USER, State.THINKING) and turn.spoken
        if not turn.spoken:
            self._commit_unheard(event.at_s)
        self._stop_reply(event.at_s)
        self._listen()
        self._take_turn(turn if turn_goes_on else UserTurn(event.at_s), event.at_s)

    @on(ev.KeyReleased, states=[State.USER], to=[State.THINKING, State.SPEAKING, State.LISTENING])
    @on(ev.KeyReleased, states=[State.LISTENING, State.THINKING, State.SPEAKING, State.PAUSED])
    def _release(self, event: ev.KeyReleased) -> None:
        """with push-to-talk the user's turn is over"""
        self._key_held = False
        if self.policy.talk_key and self.state is State.USER:
            self._end_turn(self._turn.end_s(event.at_s), event.at_s)

    @on(ev.TurnClosed, states=[State.USER], to=[State.THINKING, State.SPEAKING, State.LISTENING])
    def _close_turn(self, event: ev.TurnClosed) -> None:
        """the user's turn is over"""
        self._end_turn(self._turn.end_s(event.at_s), event.at_s)

    # -- what comes back

    @on(ev.Transcribed, states=[State.THINKING], to=[State.LISTENING])
    @on(ev.Transcribed, states=[State.LISTENING, State.USER, State.SPEAKING, State.PAUSED])
    def _transcribed(self, event: ev.Transcribed) -> None:
        """the words are asked of the model, if they are any; an interruption is judged by them"""
        if self._interruption and self._interruption.take(event.generation, event.transcript):
            pass
        elif reply := self._current(event.generation, Progress.TRANSCRIBING):
            self._last_asr_s = event.at_s - reply.asked_s
            self._answer(reply, event.transcript, event.at_s)
        else:
            self._overlap.take_result(event)

    @on(ev.WordsJudged, states=[State.USER])
    def _judged(self, event: ev.WordsJudged) -> None:
        """the wait is set by whether a message is likely to end with these words"""
        if self._current(event.generation):
            self._turn.evidence.p_words = event.probability
            self._turn.evidence.words_awaited = False

    @on(*_OF_A_REPLY, states=[State.THINKING], to=[State.SPEAKING, State.LISTENING])
    @on(*_OF_A_REPLY, states=[State.USER, State.SPEAKING, State.PAUSED])
    def _replied(self, event: ev.ReplyEvent) -> None:
        """of the current reply: its next stage is asked for, and it is played once the turn is over; one that only
        calls tools is then over, too"""
        if reply := self._current(event.generation):
            reply.handle(event)
        elif isinstance(event, ev.StageFailed):
            self._overlap.take_result(event)

    @on(ev.PlaybackStopped, states=[State.USER, State.THINKING])
    def _note_heard(self, event: ev.PlaybackStopped) -> None:
        """what may follow of the reply that speech has stopped begins where it was heard"""
        if self._unsaid and self._stopped and self._stopped.generation == event.generation:
            self._unsaid = self._stopped.rest_after(event.clause, event.characters)

    @on(ev.PlaybackFinished, states=[State.SPEAKING, State.PAUSED], to=[State.LISTENING, State.USER])
    def _played_to_the_end(self, event: ev.PlaybackFinished) -> None:
        """the turn is committed with all of the reply; speech that is going on is the user's turn"""
        if self._current(event.generation, Progress.CLOSED):
            self._commit(event.at_s, interrupted=False)
            self._listen()
            if self._interruption and self._interruption.paused_s is None:
                going_on = UserTurn(self._interruption.sound_s, echo=self._interruption.echo)
                self._take_turn(going_on, event.at_s)

    # -- time

    @by_time(State.LISTENING, to=[State.USER])
    @by_time(State.SPEAKING, to=[State.PAUSED, State.USER])
    @by_time(State.PAUSED, to=[State.SPEAKING, State.USER])
    def _check_interruption(self, now_s: float) -> None:
        """speech that lasts pauses the reply; it is stopped when that is the user's turn, else it goes on"""
        interruption = self._interruption
        if not interruption or not self._is_judging:
            return
        if self.state is State.SPEAKING and now_s >= interruption.pause_due_s(self.policy) and self._reply:
            self._reply.pause(now_s)
            interruption.silenced_s = now_s
            self.state = State.PAUSED
        if self.state is not State.SPEAKING and now_s >= interruption.ask_due_s(self.policy):
            self.generation += 1
            self._do(interruption.ask(self.generation, now_s))
        if now_s >= interruption.voice_due_s(self.policy):
            self._do(interruption.ask_voice(now_s))
        verdict = interruption.verdict(self.policy, now_s)
        if verdict is Verdict.USER_TURN:
            self._take_floor(interruption, now_s)
        elif verdict is Verdict.FALSE_ALARM:
            if self.state is State.PAUSED and self._reply:
                self._reply.resume(now_s)
                self.state = State.SPEAKING
            if interruption.is_over:
                self._interruption = None  # else its words may still come, and show that it is the user's turn

    @by_time(State.USER, to=[State.THINKING, State.SPEAKING, State.LISTENING])
    def _check_turn(self, now_s: float) -> None:
        """in a pause the reply is prepared and the turn judged; a long enough pause, or too long a turn, ends it"""
        policy, turn = self.policy, self._turn
        if self._reply and self._reply.is_answer and not policy.replies:
            self._drop_reply()  # none is wanted any more
        if now_s >= turn.too_long_due_s(policy):
            self._end_turn(now_s, now_s)
        if turn.paused_s is None:
            return
        is_judged = now_s >= turn.prepare_due_s(policy)
        if is_judged and not turn.is_score_asked:
            turn.is_score_asked = True
            turn.evidence.sound_awaited = "sound" in self._judges
            self._do(do.ScoreEndpoint(turn.start_s, turn.paused_s))
        if now_s >= turn.endpoint_due_s(policy):
            self._end_turn(turn.paused_s, now_s)
        elif is_judged and self._reply is None and turn.may_prepare(policy):
            turn.speculations += 1
            self._speculate(turn.paused_s, now_s)

    @by_time(State.THINKING, State.SPEAKING, State.PAUSED)
    def _check_overlap(self, now_s: float) -> None:
        """a turn that waits for the floor ends after a pause of {endpoint_s}, and is transcribed"""
        if now_s >= self._overlap.due_s(self.policy):
            self._overlap.end(self._new_reply(), self._do, now_s)

    @by_time(State.THINKING, to=[State.SPEAKING, State.LISTENING])
    @by_time(State.SPEAKING, State.PAUSED)
    def _check_reply(self, now_s: float) -> None:
        """a delayed reply begins; one that is late asks for an opener, one that runs out of clauses for
        the next; a stage that has taken too long is apologised for"""
        if self._reply:
            self._reply.check_time(now_s)

    @by_time(State.LISTENING, to=[State.THINKING, State.SPEAKING, State.USER])
    def _give_floor(self, now_s: float) -> None:
        """the floor is free: for turns that wait for it, for speech over a reply's end whose words are awaited, then
        for what the assistant is to say, or to reply to"""
        while self.state is State.LISTENING:
            if self._begin_waiting(now_s):
                pass
            elif self._overlap.spoken:
                self._take_turn(self._overlap.spoken, now_s)
                self._check_turn(now_s)
            elif self._asked_for and self.policy.speaks and not self._awaits_words(now_s):
                clauses = self._asked_for.popleft()
                reply = self._begin_reply(now_s, clauses)
                if clauses is None:
                    reply.ask(None, now_s)
                else:
                    reply.say(clauses, now_s)
            else:
                return
            self._settle(now_s)

    def _silence(self, now_s: float) -> None:
        """Stop the reply, which nothing of follows. Speech over it that is going on is the user's turn."""
        speech, counts = self._interruption, self._is_judging
        self._stop_reply(now_s)
        self._listen()
        if speech and speech.paused_s is None:
            start_s = speech.sound_s if counts else now_s
            self._take_turn(UserTurn(start_s, interrupts=True, echo=speech.echo), now_s)

    @property
    def _answers_user(self) -> bool:
        """Whether what is being prepared, if anything, answers what the user has said or typed."""
        reply = self._reply
        return self._turn.spoken or not reply or not reply.transcript or bool(reply.transcript.text)

    def _due_s(self) -> Iterator[float]:
        """When time alone may bring something about."""
        if self.state is State.USER:
            yield from self._turn.due_s(self.policy)
        else:
            yield self._overlap.due_s(self.policy)
        if self._interruption and self._is_judging:
            yield from self._interruption.due_s(self.policy)
        if self._reply:
            yield from self._reply.deadlines()

    def _awaits_words(self, now_s: float) -> bool:
        """Whether what was said over the end of the last reply may still turn out to be the user's turn."""
        interruption = self._interruption
        return bool(interruption and self._is_judging and interruption.is_awaited(now_s, self.policy))

    @property
    def _ignores_speech(self) -> bool:
        """Whether speech during a reply waits for its end; once some does, whatever the policy is now."""
        return (self.policy.barge_in == "ignore" or self._overlap.is_busy) and not self.policy.talk_key

    @property
    def _is_judging(self) -> bool:
        """Whether an interruption may stop the reply; once that is paused, whatever the policy is now."""
        return self.policy.barge_in == "voice" or self.state is State.PAUSED
