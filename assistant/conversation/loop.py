"""The live loop: the turn machine with sound, services and the clock.

Threads: the port's (copies blocks), the listener's (echo, voice activity), one for each running stage, and the
caller's own, which feeds the machine one event at a time and carries out its actions.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.performer import Notice, Performer, speech_event
from huiyin.assistant.conversation.stages import Stages
from huiyin.assistant.conversation.trimming import history_limit
from huiyin.assistant.dialogue.history import History
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ports.clock import AudioClock
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import AudioPort, Pcm16, PortError
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State, TurnMachine

_DEVICE_CHECK_S = 1.0  # a device that has not called back for so long has died
_REOPEN_S = 2.0  # between tries to open it again
_LOCKSTEP_LIMIT_S = 2.0  # how long the port waits for the loop, at most
_LOCKSTEP_POLL_S = 0.001

_END_OF_INPUT = ev.TimePassed(float("inf"))  # an event of the loop's own: no more input will come


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
        apologies: Mapping[str, Pcm16] | None = None,
        endpoint: Callable[[Pcm16], float] | None = None,
        history: History | None = None,
        lockstep: bool = False,
    ) -> None:
        """`listener` None: the user types. `apologies` maps a sentence to its sound.

        `endpoint`: the probability that a turn (int16, 16 kHz) is complete at its end; None: pauses are judged by
        their length and the words alone. `history`: of a resumed conversation.

        `lockstep`: the port's time waits for the loop (a simulated room under test: a busy machine then slows
        the room down instead of making the loop look late).
        """
        settings = services.settings
        judges = {"sound": endpoint is not None, "words": settings.words_are_judged}
        self.machine = TurnMachine(settings.turns, [judge for judge, is_there in judges.items() if is_there])
        self.clock = AudioClock()
        self.player = Player(port.output_latency_s)
        self._port, self._listener = port, listener
        self._half_duplex = settings.turns.barge_in == "off"
        self._events: queue.SimpleQueue[ev.Event | None] = queue.SimpleQueue()
        self._blocks: queue.SimpleQueue[tuple[Pcm16, Pcm16] | None] = queue.SimpleQueue()
        self._stages = Stages(
            services,
            self.player,
            self.clock.now,
            self._events.put,
            voice=persona.voice,
            speak=speak,
            cut=listener.cut if listener else None,
            endpoint=endpoint,
        )
        self._performer = Performer(
            self.machine,
            persona,
            self.player,
            self._stages,
            self.clock.now,
            apologies={} if apologies is None else apologies,  # may be empty as yet
            limit=history_limit(settings, persona),
            history=history,
            summarise=self._stages.summarise if settings.talk.summary else None,
        )
        self.history = self._performer.history
        self.observe = self._performer.observe
        self.quiet = threading.Event()  # no one speaks, no reply is being prepared, no typed line waits
        self.quiet.set()
        self._typing = threading.Lock()
        self._typed = 0  # lines typed that the machine has not yet seen
        self._lockstep = lockstep
        self._is_block_unread = False  # the listener has not yet taken the newest block
        self._device_lost = False
        self._wake_s = float("inf")  # the next deadline of the turn machine

    def type(self, text: str) -> None:
        """The user types instead of speaking. From any thread."""
        with self._typing:
            self._typed += 1
            self.quiet.clear()
        self._events.put(ev.TextEntered(self.clock.now(), text))

    def greet(self, clauses: Iterable[str]) -> None:
        """The assistant speaks first; `clauses` must not be empty. From any thread."""
        self.quiet.clear()
        self._events.put(ev.Say(self.clock.now(), tuple(clauses)))

    def key(self, *, pressed: bool) -> None:
        """The talk key went down or up. From any thread."""
        kind = ev.KeyPressed if pressed else ev.KeyReleased
        self._events.put(kind(self.clock.now()))

    def stop(self) -> None:
        """End the conversation. From any thread."""
        self._events.put(None)

    def stop_when_quiet(self) -> None:
        """End once the current reply, if any, has been heard. From any thread."""
        self._events.put(_END_OF_INPUT)

    def run(self) -> None:
        """Converse until stopped. Raises PortError when the sound device cannot be opened at the start."""
        self._port.start(self._exchange)
        listener = threading.Thread(target=self._listen, name="listener", daemon=True)
        listener.start()
        try:
            self._loop()
        finally:
            self._stages.cancel(self.machine.generation)
            self._port.stop()
            self._blocks.put(None)
            listener.join()

    # -- the port's and the listener's threads ------------------------------------------------------------------

    def _exchange(self, mic: Pcm16) -> Pcm16:
        out = self.player.read(len(mic))
        self.clock.advance(len(mic))
        self._blocks.put((mic, out))
        if self._lockstep:
            self._wait_for_the_loop()
        return out

    def _wait_for_the_loop(self) -> None:
        limit = time.monotonic() + _LOCKSTEP_LIMIT_S
        self._is_block_unread = True
        while (self._is_block_unread or not self._events.empty()) and time.monotonic() < limit:
            time.sleep(_LOCKSTEP_POLL_S)

    def _listen(self) -> None:
        while (block := self._blocks.get()) is not None:
            mic, out = block
            if self._listener is not None:
                if self._half_duplex and self.player.is_sounding:
                    mic = np.zeros_like(mic)
                for change in self._listener.push(mic, out):
                    self._events.put(speech_event(self.clock.now(), change))
            if advanced := self.player.advanced():
                self._events.put(ev.PlaybackAdvanced(self.clock.now(), *advanced))
            generation = self.player.finished()
            if generation is not None:
                self._events.put(ev.PlaybackFinished(self.clock.now(), generation))
            if self.clock.now() >= self._wake_s:  # sound may come faster than the clock, after a stall
                self._events.put(ev.TimePassed(self.clock.now()))
            self._is_block_unread = False

    # -- the loop's own thread ----------------------------------------------------------------------------------

    def _loop(self) -> None:
        check_s = _DEVICE_CHECK_S
        ending = False
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
            if event is _END_OF_INPUT:
                ending = True
            else:
                self._handle(event)
            if ending and self.quiet.is_set():
                return

    def _handle(self, event: ev.Event) -> None:
        self._wake_s = self._performer.handle(event)
        with self._typing:
            if isinstance(event, ev.TextEntered):
                self._typed -= 1
            if self.machine.state is State.LISTENING and not self._typed:
                self.quiet.set()
            else:
                self.quiet.clear()

    def _check_device(self) -> None:
        try:
            if self._device_lost:
                self._port.start(self._exchange)
                lost = self.clock.skip_lost_time()
                self._blocks.put((np.zeros(lost, np.int16), np.zeros(lost, np.int16)))
                self._device_lost = False
                self._performer.tell(Notice("the sound device is back"))
            else:
                self._port.check()
        except PortError as error:
            if not self._device_lost:
                self._device_lost = True
                self._port.stop()
                self._performer.tell(Notice(str(error)))
