"""One conversation: the turn machine, what is said, and what is heard, driven by the clock it is given.

No threads and no sockets: the world says when, a port brings and takes the sound, the parts do the stages. The live
loop and the scripted runner give it different worlds and ports, and nothing else differs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from huiyin.assistant.conversation import events as public
from huiyin.assistant.conversation.observers import Observers
from huiyin.assistant.conversation.replies import Replies
from huiyin.assistant.conversation.stages import Parts, Stages, Voice
from huiyin.assistant.conversation.trimming import Trimming, history_limit
from huiyin.assistant.conversation.understood import mood_of, understanding
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.claims import ClaimGuard
from huiyin.assistant.dialogue.history import History, Message
from huiyin.assistant.dialogue.items import Item
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.openers import Openers, kind_of
from huiyin.assistant.dialogue.persona import Persona, reply_language
from huiyin.assistant.dialogue.situation import Situation, nothing_known
from huiyin.assistant.dialogue.style import speaking_style
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice, with_own_ids
from huiyin.assistant.ears.listener import SpeechChange
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Block, Pcm16, Port
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State, TurnMachine
from huiyin.assistant.turns.opener import OPENER
from huiyin.configs.settings import Settings, TurnsSettings

_NO_SOUND: Pcm16 = np.zeros(0, np.int16)


class Ear(Protocol):
    """Turns sound into speech events: `ears.listener.Listener`."""

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        """One block: what the microphone heard and what was being played, sample for sample."""

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """The user's sound between two times."""


class Session:
    """`type`, `say`, `respond`, `end_turn`, `interrupt`, `key` and `post` may be called from any thread, the rest from
    the conversation's."""

    def __init__(
        self,
        world: World,
        port: Port,
        ear: Ear | None,
        persona: Persona,
        parts: Parts,
        settings: Settings,
        *,
        prepared: Mapping[str, Pcm16] | None = None,
        history: History | None = None,
        recall: Callable[[str], Sequence[str]] = nothing_known,
    ) -> None:
        """`ear` None: speech events come through `post`, or the user types. `prepared`: an opener or apology -> its
        sound; may fill up later. `history`: of a resumed conversation. `recall`: the user's words -> facts that fit.
        """
        self.history = history or History()
        self.history.on_edit = self._note_edit
        self.persona, self.settings, self._recall = persona, settings, recall
        self._tools: Sequence[Tool] = ()
        self._tool_choice: ToolChoice = "auto"
        self._machine = TurnMachine(settings.turns, parts.judges)
        self._world, self._port, self._ear, self._model_invents = world, port, ear, parts.model_invents
        self._loudspeaker = port.loudspeaker
        self._stages = Stages(world, parts, port.loudspeaker, self._cut, self.handle, understanding(settings.talk))
        summarise = self._stages.summarise if settings.talk.summary else None
        self._trimming = Trimming(self.history, history_limit(settings, persona), summarise)
        self._prepared: Mapping[str, Pcm16] = {} if prepared is None else prepared
        self._openers = Openers(lambda text: len(self._sound_of(text)) / SAMPLE_RATE)
        self._replies = Replies()
        self._observers = Observers(world)
        self._next: deque[ev.Event] = deque()  # that follow at the same instant
        self._wakes = 0  # numbers them; only the newest counts
        self._is_closed = False
        self._trim()

    @property
    def state(self) -> State:
        """Whose turn it is."""
        return self._machine.state

    @property
    def port(self) -> Port:
        """Where its sound comes from and goes to."""
        return self._port

    def messages(self, user: str | None, mood: Mood | None = None, *, other_voice: bool = False) -> list[Message]:
        """What the model is sent now, as `Persona.messages`."""
        names = [tool.name for tool in self._tools]
        situation = Situation(self._world.date_time, self.settings.talk.place, names, self._recall)
        return self.persona.messages(self.history, user, mood, situation, other_voice=other_voice)

    def start(self) -> None:
        """Begin to hear. Raises PortError."""
        self._port.microphone.start(self._world, self.hear, self.playback_reported)

    def close(self) -> None:
        """Stop whatever runs, and hear nothing more."""
        self._port.microphone.stop()
        self._stages.close()
        self._is_closed = True

    def wait_for_observers(self) -> None:
        """Wait until they have been told everything, though not for long."""
        self._observers.wait()

    def observe(self, observer: public.Observer, *, at_once: bool = False) -> None:
        """Call `observer(at_s, event)` for everything that happens (`events`), out of the conversation's way.

        `at_once`: in the conversation's thread, which must not wait for it.
        """
        self._observers.add(observer, at_once=at_once)

    def configure(
        self,
        *,
        turns: TurnsSettings | None = None,
        persona: Persona | None = None,
        voice: Voice | None = None,
        tools: Sequence[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
    ) -> None:
        """Change these from now on; None: as it is. A reply that is being made or spoken keeps what it began with."""
        if persona is not None:
            self.persona = persona
            self._trimming.limit = history_limit(self.settings, persona)
        if voice is not None:
            self._stages.set_voice(voice)
        if tools is not None:
            self._tools = tuple(tools)
        if tool_choice is not None:
            self._tool_choice = tool_choice
        if turns is not None:
            self.settings = replace(self.settings, turns=turns)
            self._machine.policy = turns
            self.post(ev.TimePassed(self._world.now))  # deadlines have moved

    # -- what happens

    def type(self, text: str) -> None:
        """The user types instead of speaking."""
        self.post(ev.TextEntered(self._world.now, text))

    def say(self, clauses: Iterable[str]) -> None:
        """The assistant says this unasked, once neither side speaks; it can be interrupted, as a reply can."""
        self.post(ev.Say(self._world.now, tuple(clauses)))

    def respond(self) -> None:
        """The assistant replies to the history as it stands, once neither side speaks."""
        self.post(ev.ReplyRequested(self._world.now))

    def interrupt(self) -> None:
        """The assistant is silent at once, and gives up the reply that it makes or says."""
        self.post(ev.Interrupted(self._world.now))

    def end_turn(self) -> None:
        """The user's turn is over, whatever they still say."""
        self.post(ev.TurnClosed(self._world.now))

    def key(self, *, pressed: bool) -> None:
        """The talk key went down or up."""
        self.post((ev.KeyPressed if pressed else ev.KeyReleased)(self._world.now))

    def post(self, event: ev.Event) -> None:
        """Let the machine have an event, next."""
        self._world.at(event.at_s, lambda: self.handle(event))

    def hear(self, block: Block) -> None:
        """Sound from the port."""
        self._world.advance(len(block.mic))
        self._world.at(0.0, lambda: self._listen(block))

    def playback_reported(self) -> None:
        """The port knows more of what has been played."""
        self._world.at(0.0, self._note_playback)

    def handle(self, event: ev.Event) -> None:
        """Feed the machine; carry out its actions. Nothing where the session is closed."""
        if self._is_closed:
            return
        self._tell_of(event, event.at_s)
        wake_s = self._step(event)
        while self._next:
            wake_s = self._step(self._next.popleft())
        self._wakes += 1
        if wake_s < float("inf"):
            number = self._wakes
            self._world.at(wake_s, lambda: self._wake(number))

    def tell(self, event: public.Public, at_s: float | None = None) -> None:
        """Tell the observers."""
        self._observers.tell(self._world.now if at_s is None else at_s, event)

    def _wake(self, number: int) -> None:
        if number == self._wakes:
            self.handle(ev.TimePassed(self._world.now))

    def _listen(self, block: Block) -> None:
        if self._ear is not None:
            is_muted = self.settings.turns.barge_in == "off" and self._loudspeaker.is_sounding
            mic = np.zeros_like(block.mic) if is_muted else block.mic
            for change in self._ear.push(mic, block.far_end):
                self.post(_speech_event(self._world.now, change))
        self._note_playback()

    def _note_playback(self) -> None:
        while advanced := self._loudspeaker.advanced():  # a client's report may reach over several clauses
            self.post(ev.PlaybackAdvanced(self._world.now, *advanced))
        if (generation := self._loudspeaker.finished()) is not None:
            self.post(ev.PlaybackFinished(self._world.now, generation))
        if self._loudspeaker.has_stopped:
            self.interrupt()

    def _cut(self, start_s: float, end_s: float) -> Pcm16:
        return _NO_SOUND if self._ear is None else self._ear.cut(start_s, end_s)

    def _step(self, event: ev.Event) -> float:
        """One event; when the machine needs the next, inf for never."""
        if isinstance(event, ev.ReplyText):
            self._replies[event.generation].texts[event.clause] = event.text
        wake_s, before = float("inf"), self._machine.state
        for action in self._machine.handle(event):
            if isinstance(action, do.WakeAt):
                wake_s = action.at_s
            else:
                self._tell_of(action)
                self._perform(action)
        if self._machine.state is not before:
            self.tell(public.FloorChanged(before=before, after=self._machine.state))
        return wake_s

    def _note_edit(self, item_id: str, item: Item | None, after: str | None) -> None:
        self.tell(public.HistoryEdited(item_id=item_id, item=item, after=after))

    def _tell_of(self, what: ev.Event | do.Action, at_s: float | None = None) -> None:
        if told := public.told(what):
            self.tell(told, at_s)

    # -- what is done

    def _perform(self, action: do.Action) -> None:
        match action:
            case do.Transcribe(generation=generation, start_s=start_s, end_s=end_s):
                self._stages.transcribe(generation, start_s, end_s)
            case do.ScoreEndpoint() | do.JudgeWords() | do.JudgeVoice():
                self._stages.judge(action)
            case do.AskLlm(generation=generation, transcript=transcript):
                self._ask(generation, transcript)
            case do.Open():
                self._open(action.generation, action.transcript.text, action.fits_s)
            case do.Hurry(generation=generation):
                self._stages.hurry(generation)
            case do.Synthesise(generation=generation, clause=clause, text=text):
                self._synthesise(generation, clause, text)
            case do.Play(generation=generation):
                self._loudspeaker.open(generation)
            case do.CloseAudio(generation=generation):
                self._loudspeaker.close(generation)
            case do.Pause(generation=generation):
                self._loudspeaker.pause(generation)
            case do.Resume(generation=generation):
                self._loudspeaker.resume(generation)
            case do.StopPlayback(generation=generation):
                self._next.append(self._replies.stop(generation, self._loudspeaker, self._world.now))
            case do.Cancel(generation=generation, keep_audio=keep_audio):
                self._stages.cancel(generation)
                if not keep_audio:
                    self._loudspeaker.drop(generation)
                    self._replies.forget(generation)
            case do.Commit(generation=generation, transcript=transcript, interrupted=interrupted):
                self._commit(generation, transcript, interrupted)
            case do.CallTools(generation=generation, calls=calls):
                self._call_tools(generation, calls)
            case do.EndTurn():
                pass  # observers have been told
            case do.Apologise(generation=generation, stage=stage, reason=reason):
                self._apologise(generation, stage, reason)
            case _:
                raise TypeError(f"unknown action {action}")

    def _ask(self, generation: int, transcript: ev.Transcript | None) -> None:
        mood = mood_of(transcript) if transcript else self.history.mood
        reply = self._replies[generation]
        reply.language = reply_language(transcript.language, transcript.text) if transcript else ""
        reply.style = speaking_style(mood, [turn.mood for turn in self.history.last_turns()])
        by_other = bool(transcript and transcript.other_voice)
        reply.messages = self.messages(transcript.text if transcript else None, mood, other_voice=by_other)
        self.tell(public.ModelAsked(generation, messages=reply.messages, style=reply.style))
        check = None
        if transcript and self.persona.written_in and not self._tools:
            check = ClaimGuard(transcript.text, reply.language, self._world.date_time, self._model_invents).speak
        self._stages.ask(generation, reply.messages, self._tools, self._tool_choice, check)

    def _open(self, generation: int, words: str, fits_s: float) -> None:
        """Begin the reply to these words with an opener, unless the first of its sound, or of its times, just came."""
        reply = self._replies[generation]
        if self._loudspeaker.heard(generation)[1]:
            return
        language = reply.language or reply_language("", words)
        kind = kind_of(words, language, reply.style)
        text = self._openers.choose(self.persona.openers, language, kind, fits_s)
        if text:
            reply.texts[OPENER] = text
            self._loudspeaker.add(generation, OPENER, self._sound_of(text))
            self._loudspeaker.end_clause(generation, OPENER)
            self.tell(public.ClauseWritten(generation, clause=OPENER, text=text))
            self._next.append(ev.Opened(self._world.now, generation, text))

    def _sound_of(self, text: str) -> Pcm16:
        """Of an opener or apology; empty where it could not be made."""
        return self._prepared.get(text, _NO_SOUND)

    def _call_tools(self, generation: int, calls: Iterable[object]) -> None:
        called = (call for call in calls if isinstance(call, CalledTool))
        reply = self._replies[generation]
        reply.calls = with_own_ids(called, {item.id for item in self.history.items})
        self.tell(public.ToolsCalled(generation, calls=reply.calls))

    def _synthesise(self, generation: int, clause: int, text: str) -> None:
        reply = self._replies[generation]
        is_said_unasked = clause not in reply.texts
        reply.texts[clause] = text
        if reply.has_failed:
            sound = self._sound_of(text)
            self._loudspeaker.add(generation, clause, sound)
            self._loudspeaker.end_clause(generation, clause)
            now, lasts_s = self._world.now, len(sound) / SAMPLE_RATE
            self._next += [ev.AudioReady(now, generation, clause), ev.AudioFinished(now, generation, clause, lasts_s)]
        else:
            if is_said_unasked:
                self.tell(public.ClauseWritten(generation, clause=clause, text=text))
            self.tell(public.SpeechAsked(generation, clause=clause, text=text))
            self._stages.synthesise(generation, clause, text, reply.style, self.persona.pronunciations)

    def _commit(self, generation: int, transcript: ev.Transcript, interrupted: bool) -> None:
        reply, mood, other_voice = self._replies[generation], mood_of(transcript), transcript.other_voice
        is_spoken = bool(reply.texts) or interrupted  # else it only calls tools, or is not wanted
        heard = self._replies.heard(generation, self._loudspeaker) if is_spoken else None
        turn = self.history.commit(
            transcript.text, heard, interrupted=interrupted, mood=mood, calls=reply.calls, other_voice=other_voice
        )
        self.tell(
            public.TurnCommitted(
                generation, transcript=transcript, turn=turn, messages=reply.messages, style=reply.style
            )
        )
        self._loudspeaker.drop(generation)
        self._replies.forget(generation)
        self._trim()
        self._stages.warm(self.messages(""), self._tools)

    def _trim(self) -> None:
        if forgotten := self._trimming.trim():
            self.tell(forgotten)

    def _apologise(self, generation: int, stage: ev.Stage, reason: str) -> None:
        reply = self._replies[generation]
        reply.has_failed = True
        text = self.persona.apology(stage, reply.language or self.users_language())
        self.tell(public.Notice(text=reason, stage=stage))
        self.tell(public.Notice(generation, text=text))
        self._next.append(ev.Say(self._world.now, (text,), generation))

    def users_language(self) -> str:
        """Of the user's last words; the persona's own until there are any."""
        words = self.history.users_words()
        return language_of(words) if words else self.persona.language


def _speech_event(now_s: float, change: SpeechChange) -> ev.Event:
    """The listener's change, as the machine wants it."""
    match change.kind:
        case "started":
            return ev.SpeechStarted(now_s, change.at_s, change.echo, change.from_s)
        case "paused":
            return ev.SpeechPaused(now_s, change.at_s, change.echo)
        case "possible":
            return ev.SpeechPossible(now_s)
        case "dropped":
            return ev.EnergyDropped(now_s, change.at_s)
        case "recovered":
            return ev.EnergyRecovered(now_s)
