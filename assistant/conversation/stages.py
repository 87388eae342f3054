"""The stages of a reply, each in a thread of its own: recognise, ask, speak. Results come back as events.

A generation that is cancelled has its running calls cut short; what arrives all the same carries its old number
and is dropped by the turn machine.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from huiyin.assistant.clients.http import Call, Cancelled, ServiceError
from huiyin.assistant.clients.services import Name, Services
from huiyin.assistant.dialogue.clause_stream import ClauseStream
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.dialogue.summary import SUMMARY_TOKENS
from huiyin.assistant.ears.endpoint_model import WINDOW_S as LONGEST_SCORED_S
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns import events as ev

Post = Callable[[ev.Event], None]
Now = Callable[[], float]
_Clause = tuple[int, str, Style]  # number, text, how it is to be spoken
JUDGE_LIMIT_S = 0.5  # later it has no say any more
_SUMMARY_LIMIT_S = 60.0  # nobody waits for it
_VOICE_AHEAD_S = 1.0  # with less sound in hand the voice goes before the embedded model: a clause takes 0.3-0.9 s
_HOLD_S = 2.0  # at most; a clause that takes longer must not cost the next one's words
_HOLD_LIMIT_S = 0.3  # for a request that takes 3 ms: the voice does not wait for it longer


class Stages:
    """Thread-safe. `post` receives the events."""

    def __init__(
        self,
        services: Services,
        player: Player,
        now: Now,
        post: Post,
        *,
        voice: str,
        speak: bool,
        cut: Callable[[float, float], Pcm16] | None,
        endpoint: Callable[[Pcm16], float] | None,
    ) -> None:
        """`speak` false: clauses are shown, not synthesised (typing on a machine without sound).

        `cut`: the user's sound between two times; None: nobody listens. `endpoint`: the probability that a turn is
        complete at its end; None: nobody judges it.
        """
        self._cut, self._endpoint = cut, endpoint
        self._services, self._player, self._now, self._post = services, player, now, post
        self._voice, self._speak = voice, speak
        self._lock = threading.Lock()
        self._calls: dict[int, list[Call]] = {}
        self._texts: dict[int, ClauseStream] = {}
        self._text_lock = threading.Lock()
        self._clauses: dict[int, queue.SimpleQueue[_Clause | None]] = {}
        self._cancelled_up_to = 0
        self._warming: Call | None = None

    def transcribe(self, generation: int, start_s: float, end_s: float) -> None:
        """Recognise the user's sound between two times."""
        cut = self._cut
        assert cut is not None

        def work(call: Call) -> None:
            transcript = self._services.transcribe(call, cut(start_s, end_s))
            self._post(ev.Transcribed(self._now(), generation, transcript))

        self._start(generation, "asr", self._services.settings.turns.asr_timeout_s, work)

    def score(self, start_s: float, end_s: float) -> None:
        """Judge by the sound whether the turn that pauses since `end_s` is complete: 60-120 ms on a busy machine."""
        endpoint = self._endpoint
        if endpoint is None or self._cut is None:
            return
        sound = self._cut(max(start_s, end_s - LONGEST_SCORED_S), end_s)

        def work() -> None:
            probability = endpoint(sound)
            self._post(ev.EndpointScored(self._now(), end_s, probability))

        threading.Thread(target=work, name="endpoint", daemon=True).start()

    def judge_words(self, generation: int, text: str) -> None:
        """Judge by the words whether the turn is complete: 0.1 s. A judge that cannot be had says None."""

        def work(call: Call) -> None:
            probability = None
            with contextlib.suppress(ServiceError):
                probability = self._services.judge_words(call, text)
            self._post(ev.WordsJudged(self._now(), generation, probability))

        self._start(generation, "llm", JUDGE_LIMIT_S, work)

    def warm(self, messages: Sequence[Message]) -> None:
        """Let the embedded model read `messages` before they are needed: its prompt cache then has all but the
        user's next words (0.29 s instead of 0.43 s to the first token). Gives way to the next `ask`."""
        if not self._services.settings.llm.is_embedded:
            return  # a remote model would be paid for it
        call = self._warming = self._services.call("llm", self._services.settings.turns.llm_timeout_s)

        def work() -> None:
            with contextlib.suppress(ServiceError, Cancelled):
                list(self._services.ask(call, messages, max_tokens=1))

        threading.Thread(target=work, name="llm-warm", daemon=True).start()

    def summarise(self, messages: Sequence[Message], done: Callable[[str], None]) -> None:
        """Ask for a summary in the background; `done` is told it from another thread, '' where there is none."""
        call = self._services.call("llm", _SUMMARY_LIMIT_S)

        def work() -> None:
            summary = ""
            with contextlib.suppress(ServiceError, Cancelled):
                summary = "".join(self._services.ask(call, messages, max_tokens=SUMMARY_TOKENS))
            done(summary)

        threading.Thread(target=work, name="llm-summary", daemon=True).start()

    def ask(self, generation: int, messages: Sequence[Message]) -> None:
        """Ask the model; its reply comes back clause by clause."""
        if self._warming is not None:
            self._warming.cancel()

        def say(number: int, clause: str) -> None:
            self._post(ev.ReplyText(self._now(), generation, number, clause))

        def work(call: Call) -> None:
            text = self._texts[generation] = ClauseStream(say)
            try:
                for piece in self._services.ask(call, messages):
                    with self._text_lock:
                        text.feed(piece)
                with self._text_lock:
                    text.finish()
            except ServiceError:
                with self._text_lock:
                    text.hurry()  # what it has said is said
                raise
            finally:
                del self._texts[generation]
            self._post(ev.ReplyFinished(self._now(), generation))

        self._start(generation, "llm", self._services.settings.turns.llm_timeout_s, work)

    def hurry(self, generation: int) -> None:
        """The voice will soon have nothing to say: what the model has written is given to it, if it is a clause."""
        with self._text_lock:
            if text := self._texts.get(generation):
                text.hurry()

    def synthesise(self, generation: int, clause: int, text: str, style: Style) -> None:
        """Synthesise a clause in this style, after those asked for before it."""
        with self._lock:
            if generation <= self._cancelled_up_to:
                return
            pending = self._clauses.get(generation)
            if pending is None:
                pending = self._clauses[generation] = queue.SimpleQueue()
                threading.Thread(
                    target=self._speak_all, args=(generation, pending), name=f"tts-{generation}", daemon=True
                ).start()
        pending.put((clause, text, style))

    def cancel(self, generation: int) -> None:
        """Cut short whatever runs for this generation or an older one."""
        with self._lock:
            self._cancelled_up_to = max(self._cancelled_up_to, generation)
            for old in [g for g in self._calls if g <= generation]:
                for call in self._calls.pop(old):
                    call.cancel()
            for old in [g for g in self._clauses if g <= generation]:
                self._clauses.pop(old).put(None)

    def finish(self, generation: int) -> None:
        """All clauses of this generation have been synthesised: its thread may end."""
        with self._lock:
            pending = self._clauses.pop(generation, None)
        if pending is not None:
            pending.put(None)

    def _speak_all(self, generation: int, pending: queue.SimpleQueue[_Clause | None]) -> None:
        timeout_s = self._services.settings.turns.tts_timeout_s
        while (item := pending.get()) is not None:
            if not self._run(generation, "tts", timeout_s, partial(self._say, generation, *item)):
                return

    def _say(self, generation: int, clause: int, text: str, style: Style, call: Call) -> None:
        started = False
        silent = iter([np.zeros(0, np.int16)])
        tell = partial(self._player.add_words, generation, clause)
        sound = self._services.speak(call, text, self._voice, style, tell) if self._speak else silent
        with contextlib.ExitStack() as until_heard:
            if self._speak and self._voice_is_waited_for(generation):
                self._hold_model(_HOLD_S)
                until_heard.callback(self._hold_model, 0.0)
            for samples in sound:
                self._player.add(generation, clause, samples)
                if not started:
                    started = True
                    self._post(ev.AudioReady(self._now(), generation, clause))
                    until_heard.close()
        if not started:
            raise ServiceError("clients.no_sound")
        self._player.end_clause(generation, clause)
        self._post(ev.AudioFinished(self._now(), generation, clause))

    def _voice_is_waited_for(self, generation: int) -> bool:
        """Whether there is little to be heard while an embedded model writes on, on the voice's cores."""
        is_writing = generation in self._texts
        embedded = self._services.settings.llm.is_embedded
        return embedded and is_writing and self._player.ahead_s(generation) < _VOICE_AHEAD_S

    def _hold_model(self, seconds: float) -> None:
        """While it stands still a first sound takes 0.6 to 0.7 of the time that it takes beside it."""
        with contextlib.suppress(ServiceError):
            self._services.hold_model(self._services.call("llm", _HOLD_LIMIT_S), seconds)

    def _start(self, generation: int, stage: Name, timeout_s: float, work: Callable[[Call], None]) -> None:
        threading.Thread(
            target=self._run, args=(generation, stage, timeout_s, work), name=f"{stage}-{generation}", daemon=True
        ).start()

    def _run(self, generation: int, stage: Name, timeout_s: float, work: Callable[[Call], None]) -> bool:
        """Do `work` with a call of its own; whether it came to its end."""
        call = self._services.call(stage, timeout_s)
        with self._lock:
            if generation <= self._cancelled_up_to:
                return False
            self._calls.setdefault(generation, []).append(call)
        try:
            work(call)
            return True
        except Cancelled:
            return False
        except Exception as error:  # a stage may fail in any way; the conversation goes on
            self._post(ev.StageFailed(self._now(), generation, stage, str(error) or type(error).__name__))
            return False
        finally:
            with self._lock, contextlib.suppress(KeyError, ValueError):
                self._calls[generation].remove(call)
                if not self._calls[generation]:
                    del self._calls[generation]
