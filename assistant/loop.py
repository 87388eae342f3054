"""The live loop: where the turn machine meets sound, services and the clock.

Threads: the port's (copies blocks), the listener's (echo, voice activity), one for each running stage, and the
caller's own, which feeds the machine one event at a time and carries out what it answers.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assistant.audio import SAMPLE_RATE
from assistant.audio.clock import AudioClock
from assistant.audio.endpoint_model import WINDOW_S as LONGEST_SCORED_S
from assistant.audio.listener import Listener
from assistant.audio.player import Player
from assistant.audio.ports import AudioPort, PortError, Samples
from assistant.clients.services import Services
from assistant.dialogue.history import HeardClause, History, Turn
from assistant.dialogue.persona import Persona, reply_language
from assistant.stages import Stages
from assistant.turns import actions as do
from assistant.turns import events as ev
from assistant.turns.endpointing import EndpointPolicy
from assistant.turns.machine import State, TurnMachine, TurnPolicy
from configs.settings import TurnsSettings

_DEVICE_CHECK_S = 1.0  # a device that has not called back for so long has died
_REOPEN_S = 2.0  # between tries to open it again
_LOCKSTEP_LIMIT_S, _LOCKSTEP_POLL_S = 2.0, 0.001
_SLOWEST_SPEECH_S = {"zh": 0.35, "en": 0.09}  # a character: bounds the length of a clause still being voiced


@dataclass(frozen=True)
class TurnCommitted:
    """A turn was written to the history. `generation` tells which reply; `messages` what the model was asked."""

    at_s: float
    generation: int
    transcript: ev.Transcript
    turn: Turn
    messages: list[dict[str, str]]


@dataclass(frozen=True)
class Notice:
    """Something the user should know, in words."""

    at_s: float
    text: str


_LAST_WORD = ev.TimePassed(float("inf"))  # sent to oneself: no more input will come

# What observers (captions, the demo's report, tests) are told: every event, action, commitment and notice.
Observer = Callable[[float, object], None]


def policy_from(settings: TurnsSettings) -> TurnPolicy:
    """The machine's numbers, in seconds."""
    return TurnPolicy(
        endpoint=EndpointPolicy(
            fixed_s=settings.endpoint_ms / 1000,
            sure_s=settings.endpoint_sure_ms / 1000,
            unsure_s=settings.endpoint_unsure_ms / 1000,
            longest_s=settings.endpoint_longest_ms / 1000,
            unfinished_s=settings.endpoint_unfinished_ms / 1000,
        ),
        speculate_s=settings.speculate_ms / 1000,
        max_speculations=settings.max_speculations,
        speculate_max_turn_s=settings.speculate_max_turn_s,
        barge_in=settings.barge_in,  # type: ignore[arg-type]  # its words were checked when it was read
        talk_key=settings.talk_key,
        barge_in_s=settings.barge_in_ms / 1000,
        confirm_s=settings.confirm_ms / 1000,
        resume_s=settings.resume_ms / 1000,
        max_turn_s=settings.max_turn_s,
        asr_timeout_s=settings.asr_timeout_s,
        llm_timeout_s=settings.llm_timeout_s,
        llm_idle_timeout_s=settings.llm_idle_timeout_s,
        tts_timeout_s=settings.tts_timeout_s,
    )


class Conversation:
    """One conversation. `run` returns when `stop` is called (from any thread)."""

    def __init__(
        self,
        services: Services,
        persona: Persona,
        port: AudioPort,
        listener: Listener | None,
        *,
        speak: bool = True,
        apologies: Mapping[str, Samples] | None = None,
        endpoint: Callable[[Samples], float] | None = None,
        lockstep: bool = False,
    ) -> None:
        """`listener` None: nobody listens (typed input). `apologies` maps a sentence to its sound.

        `endpoint`: the probability that a turn (int16, 16 kHz) is complete at its end; None: pauses are judged by
        their length and the words alone.

        `lockstep`: the port's time waits for the loop (a simulated room under test: a busy machine then slows
        the room down instead of making the loop look late).
        """
        settings = services.settings
        self.history = History()
        self.machine = TurnMachine(policy_from(settings.turns))
        self.clock = AudioClock()
        self.player = Player(port.output_latency_s)
        self._persona, self._port, self._listener = persona, port, listener
        self._endpoint = endpoint
        self._apologies = apologies if apologies is not None else {}
        self._history_turns = settings.talk.history_turns
        self._half_duplex = settings.turns.barge_in == "off"
        self._events: queue.SimpleQueue[ev.Event | None] = queue.SimpleQueue()
        self._blocks: queue.SimpleQueue[tuple[Samples, Samples] | None] = queue.SimpleQueue()
        self._observers: list[Observer] = []
        self._stages = Stages(services, self.player, self.clock.now, self._events.put, voice=persona.voice, speak=speak)
        self._texts: dict[int, dict[int, str]] = {}  # generation -> clause -> text
        self._asked: dict[int, list[dict[str, str]]] = {}
        self._languages: dict[int, str] = {}
        self._language = persona.language
        self.quiet = threading.Event()  # nobody speaks, nothing is being prepared, nothing typed waits
        self.quiet.set()
        self._typing = threading.Lock()
        self._typed = 0  # lines typed that the machine has not yet seen
        self._lockstep = lockstep
        self._unheard = 0  # blocks the listener has not yet taken
        self._device_lost = False
        self._wake_s = float("inf")  # when the machine wants to be woken
        self._ending = False

    def observe(self, observer: Observer) -> None:
        """Call `observer(at_s, what)` for everything that happens, from the loop's thread."""
        self._observers.append(observer)

    def type(self, text: str) -> None:
        """The user types instead of speaking. From any thread."""
        with self._typing:
            self._typed += 1
            self.quiet.clear()
        self._events.put(ev.TextEntered(self.clock.now(), text))

    def key(self, *, pressed: bool) -> None:
        """The talk key went down or up. From any thread."""
        kind = ev.KeyPressed if pressed else ev.KeyReleased
        self._events.put(kind(self.clock.now()))

    def stop(self) -> None:
        """End the conversation. From any thread."""
        self._events.put(None)

    def stop_when_quiet(self) -> None:
        """End once the reply in hand, if any, has been heard. From any thread."""
        self._events.put(_LAST_WORD)

    def run(self) -> None:
        """Converse until stopped. Raises PortError when the sound device cannot be opened at the start."""
        self._port.start(self._exchange)
        ear = threading.Thread(target=self._listen, name="listener", daemon=True)
        ear.start()
        try:
            self._loop()
        finally:
            self._stages.cancel(self.machine.generation)
            self._port.stop()
            self._blocks.put(None)
            ear.join()

    # -- the port's and the listener's threads ------------------------------------------------------------------

    def _exchange(self, mic: Samples) -> Samples:
        out = self.player.read(len(mic))
        self.clock.advance(len(mic))
        self._blocks.put((mic, out))
        if self._lockstep:
            self._wait_for_the_loop()
        return out

    def _wait_for_the_loop(self) -> None:
        limit = time.monotonic() + _LOCKSTEP_LIMIT_S
        self._unheard += 1
        while (self._unheard or not self._events.empty()) and time.monotonic() < limit:
            time.sleep(_LOCKSTEP_POLL_S)

    def _listen(self) -> None:
        while (block := self._blocks.get()) is not None:
            mic, out = block
            if self._listener is not None:
                if self._half_duplex and self.player.is_sounding:
                    mic = np.zeros_like(mic)
                for heard in self._listener.push(mic, out):
                    now = self.clock.now()
                    self._events.put(
                        ev.SpeechStarted(now, heard.at_s) if heard.started else ev.SpeechPaused(now, heard.at_s)
                    )
            if advanced := self.player.advanced():
                self._events.put(ev.PlaybackAdvanced(self.clock.now(), *advanced))
            generation = self.player.finished()
            if generation is not None:
                self._events.put(ev.PlaybackFinished(self.clock.now(), generation))
            if self.clock.now() >= self._wake_s:  # sound may come faster than the clock, after a stall
                self._events.put(ev.TimePassed(self.clock.now()))
            self._unheard = 0

    # -- the loop's own thread ----------------------------------------------------------------------------------

    def _loop(self) -> None:
        check_s = _DEVICE_CHECK_S
        while True:
            now = self.clock.now()
            if now >= check_s:
                self._check_device()
                check_s = self.clock.now() + (_REOPEN_S if self._device_lost else _DEVICE_CHECK_S)
            try:
                event = self._events.get(timeout=max(0.0, min(self._wake_s, check_s) - now))
            except queue.Empty:
                if self.clock.now() < self._wake_s:
                    continue
                event = ev.TimePassed(self.clock.now())
            if event is None:
                return
            if event is _LAST_WORD:
                self._ending = True
            else:
                self._wake_s = self._handle(event)
                self._note_quiet(event)
            if self._ending and self.quiet.is_set():
                return

    def _note_quiet(self, event: ev.Event) -> None:
        with self._typing:
            self._typed -= isinstance(event, ev.TextEntered)
            if self.machine.state is State.LISTENING and not self._typed:
                self.quiet.set()
            else:
                self.quiet.clear()

    def _handle(self, event: ev.Event) -> float:
        """Feed the machine; carry out its actions. Returns when it wants to be woken."""
        self._tell(event.at_s, event)
        match event:
            case ev.ReplyText(generation=generation, clause=clause, text=text):
                self._texts.setdefault(generation, {})[clause] = text
            case ev.Transcribed(generation=generation, transcript=transcript):
                self._languages[generation] = reply_language(transcript.language, transcript.text)
        wake_s = float("inf")
        for action in self.machine.handle(event):
            if isinstance(action, do.WakeAt):
                wake_s = action.at_s
            else:
                self._tell(self.clock.now(), action)
                self._perform(action)
        return wake_s

    def _perform(self, action: do.Action) -> None:
        match action:
            case do.Transcribe(generation=generation, start_s=start_s, end_s=end_s):
                listener = self._listener
                assert listener is not None
                self._stages.transcribe(generation, lambda: listener.cut(start_s, end_s))
            case do.ScoreEndpoint(start_s=start_s, end_s=end_s):
                if self._endpoint is not None and self._listener is not None:
                    sound = self._listener.cut(max(start_s, end_s - LONGEST_SCORED_S), end_s)
                    self._stages.score(end_s, self._endpoint, sound)
            case do.AskLlm(generation=generation, transcript=transcript):
                messages = self._persona.messages(self.history, transcript.text, self._history_turns)
                self._asked[generation] = messages
                self._stages.ask(generation, messages)
            case do.Synthesise(generation=generation, clause=clause, text=text):
                self._stages.synthesise(generation, clause, text)
            case do.Play(generation=generation):
                self.player.open(generation)
            case do.CloseAudio(generation=generation):
                self._stages.finish(generation)
                self.player.close(generation)
            case do.Pause(generation=generation):
                self.player.pause(generation)
            case do.Resume(generation=generation):
                self.player.resume(generation)
            case do.StopPlayback(generation=generation):
                self.player.stop(generation)
            case do.Cancel(generation=generation, keep_audio=keep_audio):
                self._stages.cancel(generation)
                if not keep_audio:
                    self.player.drop(generation)
                    self._forget(generation)
            case do.Commit(generation=generation, transcript=transcript, interrupted=interrupted):
                self._commit(generation, transcript, interrupted)
            case do.Apologise(generation=generation, stage=stage, reason=reason):
                self._apologise(generation, stage, reason)

    def _commit(self, generation: int, transcript: ev.Transcript, interrupted: bool) -> None:
        self._language = self._languages.get(generation, reply_language(transcript.language, transcript.text))
        turn = self.history.commit(transcript.text, self._heard(generation), interrupted=interrupted)
        messages = self._asked.get(generation, [])
        self._tell(self.clock.now(), TurnCommitted(self.clock.now(), generation, transcript, turn, messages))
        self.player.drop(generation)
        self._forget(generation)
        self._stages.warm(self._persona.messages(self.history, "", self._history_turns))

    def _heard(self, generation: int) -> list[HeardClause]:
        heard, spans = self.player.heard(generation)
        clauses = []
        for span in spans:
            text = self._texts.get(generation, {}).get(span.clause, "")
            length = span.end - span.start
            if not span.ended:
                longest_s = len(text) * _SLOWEST_SPEECH_S[reply_language("", text)]
                length = max(length, round(longest_s * SAMPLE_RATE))
            share = (heard - span.start) / length if length else 1.0
            clauses.append(HeardClause(text, min(1.0, max(0.0, share))))
        return clauses

    def _apologise(self, generation: int, stage: str, reason: str) -> None:
        self._tell(self.clock.now(), Notice(self.clock.now(), reason))
        language = self._languages.get(generation, self._language)
        text = self._persona.apology(stage, language)
        texts = self._texts.setdefault(generation, {})
        clause = max(texts, default=-1) + 1
        texts[clause] = text
        self._tell(self.clock.now(), Notice(self.clock.now(), text))
        self.player.add(generation, clause, self._apologies.get(text, np.zeros(0, np.int16)))
        self.player.end_clause(generation, clause)

    def _forget(self, generation: int) -> None:
        """What is kept for this reply and older ones is not needed any more."""
        tables: tuple[dict[int, Any], ...] = (self._texts, self._asked, self._languages)
        for table in tables:
            for old in [g for g in table if g <= generation]:
                del table[old]

    def _check_device(self) -> None:
        try:
            if self._device_lost:
                self._port.start(self._exchange)
                lost = self.clock.skip_lost_time()
                self._blocks.put((np.zeros(lost, np.int16), np.zeros(lost, np.int16)))
                self._device_lost = False
                self._tell(self.clock.now(), Notice(self.clock.now(), "the sound device is back"))
            else:
                self._port.check()
        except PortError as error:
            if not self._device_lost:
                self._device_lost = True
                self._port.stop()
                self._tell(self.clock.now(), Notice(self.clock.now(), str(error)))

    def _tell(self, at_s: float, what: object) -> None:
        for observer in self._observers:
            observer(at_s, what)
