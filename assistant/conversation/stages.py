"""The stages of a reply, each in a thread of its own: recognise, ask, speak. Results come back as events.

The calls of a generation that is cancelled are cancelled; what arrives all the same carries its old number and is
dropped by the turn machine.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Name, Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.dialogue.clause_stream import ClauseStream
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.dialogue.summary import SUMMARY_TOKENS
from huiyin.assistant.ears.endpoint_model import WINDOW_S as LONGEST_SCORED_S
from huiyin.assistant.ports.player import HeardUntil, Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns import events as ev

T = TypeVar("T")
Post = Callable[[ev.Event], None]
Now = Callable[[], float]
_Clause = tuple[int, str, Style]  # number, text, how it is to be spoken
JUDGE_LIMIT_S = 0.5  # a later judgement is not used
_SUMMARY_LIMIT_S = 60.0  # no reply waits for it
_VOICE_AHEAD_S = 1.0  # with less sound ahead the embedded model is suspended: a clause takes less
_SUSPEND_S = 2.0  # at most; a clause that takes longer must not cost the next one's words
_SUSPEND_LIMIT_S = 0.3  # for a request that takes 3 ms: the voice does not wait for it longer


class Cancelled(Exception):
    """The call was cancelled."""


class Call:
    """One call, in a thread of its own; `cancel` may be called from any other, and takes effect with the next item."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s, self._cancelled = timeout_s, False

    def cancel(self) -> None:
        """End the call."""
        self._cancelled = True

    def items(self, stream: Stream[T]) -> Iterator[T]:
        """Of `stream`. Raises Cancelled, ServiceError."""
        for item in stream:
            if self._cancelled:
                raise Cancelled
            yield item
        if self._cancelled:
            raise Cancelled


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

        `cut`: the user's sound between two times; None: the user types. `endpoint`: the probability that a turn is
        complete at its end; None: it is not judged by its sound.
        """
        self._services, self._player, self._now, self._post = services, player, now, post
        self._voice, self._speak, self._cut, self._endpoint = voice, speak, cut, endpoint
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
            stream = self._services.transcribe(cut(start_s, end_s), timeout_s=call.timeout_s)
            (transcript,) = call.items(stream)
            self._post(ev.Transcribed(self._now(), generation, transcript))

        self._start(generation, "asr", self._services.settings.turns.asr_timeout_s, work)

    def score(self, start_s: float, end_s: float) -> None:
        """Judge by the sound whether the turn that has paused at `end_s` is complete."""
        endpoint = self._endpoint
        if endpoint is None or self._cut is None:
            return
        sound = self._cut(max(start_s, end_s - LONGEST_SCORED_S), end_s)

        def work() -> None:
            probability = endpoint(sound)
            self._post(ev.EndpointScored(self._now(), end_s, probability))

        _start_thread("endpoint", work)

    def judge_words(self, generation: int, text: str) -> None:
        """Judge by the words whether the turn is complete. The probability is None where the service fails."""

        def work(call: Call) -> None:
            probability = None
            with contextlib.suppress(ServiceError):
                (probability,) = call.items(self._services.judge_words(text, timeout_s=call.timeout_s))
            self._post(ev.WordsJudged(self._now(), generation, probability))

        self._start(generation, "llm", JUDGE_LIMIT_S, work)

    def warm(self, messages: Sequence[Message]) -> None:
        """Let the embedded model read `messages` before they are needed: its prompt cache then has all but the
        user's next words (0.29 s instead of 0.43 s to the first token). The next `ask` cancels it."""
        if not self._services.settings.llm.is_embedded:
            return  # a remote model would be paid for it
        self._warming = Call(self._services.settings.turns.llm_timeout_s)
        self._ask_in_background("llm-warm", self._warming, messages, 1, lambda text: None)

    def summarise(self, messages: Sequence[Message], done: Callable[[str], None]) -> None:
        """Ask for a summary in the background; another thread gives it to `done`, '' if there is no summary."""
        call = Call(_SUMMARY_LIMIT_S)
        self._ask_in_background("llm-summary", call, messages, SUMMARY_TOKENS, done)

    def ask(self, generation: int, messages: Sequence[Message]) -> None:
        """Ask the model; its reply comes back clause by clause."""
        if self._warming is not None:
            self._warming.cancel()

        def say(number: int, clause: str) -> None:
            self._post(ev.ReplyText(self._now(), generation, number, clause))

        def work(call: Call) -> None:
            text = self._texts[generation] = ClauseStream(say)
            try:
                for piece in call.items(self._services.ask(messages, timeout_s=call.timeout_s)):
                    with self._text_lock:
                        text.feed(piece)
                with self._text_lock:
                    text.finish()
            except ServiceError:
                with self._text_lock:
                    text.hurry()  # what it has written is spoken
                raise
            finally:
                del self._texts[generation]
            self._post(ev.ReplyFinished(self._now(), generation))

        self._start(generation, "llm", self._services.settings.turns.llm_timeout_s, work)

    def hurry(self, generation: int) -> None:
        """The voice will soon be silent: it gets what the model has written so far, if it is a clause."""
        with self._text_lock:
            if text := self._texts.get(generation):
                text.hurry()

    def synthesise(self, generation: int, clause: int, text: str, style: Style) -> None:
        """Synthesise a clause in this style, after the clauses before it."""
        with self._lock:
            if generation <= self._cancelled_up_to:
                return
            pending = self._clauses.get(generation)
            if pending is None:
                pending = self._clauses[generation] = queue.SimpleQueue()
                _start_thread(f"tts-{generation}", partial(self._speak_all, generation, pending))
        pending.put((clause, text, style))

    def cancel(self, generation: int) -> None:
        """Cancel what runs for this generation or an older one."""
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

    def _ask_in_background(
        self, name: str, call: Call, messages: Sequence[Message], max_tokens: int, done: Callable[[str], None]
    ) -> None:
        def work() -> None:
            text = ""
            with contextlib.suppress(ServiceError, Cancelled):
                stream = self._services.ask(messages, timeout_s=call.timeout_s, max_tokens=max_tokens, background=True)
                text = "".join(call.items(stream))
            done(text)

        _start_thread(name, work)

    def _speak_all(self, generation: int, pending: queue.SimpleQueue[_Clause | None]) -> None:
        timeout_s = self._services.settings.turns.tts_timeout_s
        while (item := pending.get()) is not None:
            if not self._run(generation, "tts", timeout_s, partial(self._say, generation, *item)):
                return

    def _say(self, generation: int, clause: int, text: str, style: Style, call: Call) -> None:
        sound: Iterable[Pcm16 | list[HeardUntil]] = [np.zeros(0, np.int16)]
        if self._speak:
            sound = call.items(
                self._services.speak(text, self._voice, timeout_s=call.timeout_s, emotion=style, words=True)
            )
        started = False
        with contextlib.ExitStack() as until_first_sound:
            if self._speak and self._voice_needs_cores(generation):
                self._suspend_model(_SUSPEND_S)
                until_first_sound.callback(self._suspend_model, 0.0)
            for samples in sound:
                if isinstance(samples, list):
                    self._player.add_words(generation, clause, samples)
                    continue
                self._player.add(generation, clause, samples)
                if not started:
                    started = True
                    self._post(ev.AudioReady(self._now(), generation, clause))
                    until_first_sound.close()
        if not started:
            raise ServiceError("clients.no_sound")
        self._player.end_clause(generation, clause)
        self._post(ev.AudioFinished(self._now(), generation, clause))

    def _voice_needs_cores(self, generation: int) -> bool:
        """Whether little sound is ahead while an embedded model still writes, on the voice's cores."""
        is_writing = generation in self._texts
        embedded = self._services.settings.llm.is_embedded
        return embedded and is_writing and self._player.ahead_s(generation) < _VOICE_AHEAD_S

    def _suspend_model(self, seconds: float) -> None:
        """While the model is suspended the voice begins sooner (`python -m benchmarks.tts_beside_llm`)."""
        with contextlib.suppress(ServiceError):
            self._services.hold(seconds, timeout_s=_SUSPEND_LIMIT_S).one()

    def _start(self, generation: int, stage: Name, timeout_s: float, work: Callable[[Call], None]) -> None:
        _start_thread(f"{stage}-{generation}", partial(self._run, generation, stage, timeout_s, work))

    def _run(self, generation: int, stage: Name, timeout_s: float, work: Callable[[Call], None]) -> bool:
        """Do `work` with a call of its own. Returns whether it came to its end."""
        call = Call(timeout_s)
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


def _start_thread(name: str, work: Callable[[], object]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()
