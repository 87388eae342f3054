"""Many conversations in one process: ``python -m benchmarks.sessions [--sessions 30] [--minutes 10]``.

Each has a remote port, the real voice activity, and simulated services; its user speaks every eight seconds, in real
time, and reports what was played. A user's speech and the replies carry a tone that is the session's own: a turn counts
as answered when the right user heard the right answer to its end. Without echo path (a browser has its own);
``--endpoint`` adds the endpoint model, whose cost is counted apart.

The users live in a thread of their own; the cost of the sessions is the processor time of the conversation's thread.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import statistics
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import psutil

from benchmarks.command import above_zero, as_command, one_or_more
from benchmarks.output import show, tell
from huiyin.assistant.conversation.assemble import make_endpoint, make_listener
from huiyin.assistant.conversation.events import Public, TurnCommitted
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Judge, Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import POOL, Computation, Plan, RealWorld, Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.ports.remote import RemotePort
from huiyin.assistant.ports.remote_messages import Clear, End, Pause, Resume, Sound
from huiyin.assistant.ports.remote_messages import Message as ToClient
from huiyin.assistant.scenario import voices
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import Settings, load

PACKET = 640  # samples: 40 ms
TURN_S = 8.0  # from the beginning of a user's turn to that of the next
_SPEAKS_S, _REPLY_S = 1.6, 2.0
_REPORT_EVERY = 3  # packets
_TONE_HZ, _TONE_STEP_HZ, _TONE_LEVEL = 3000.0, 50.0, 300  # of the first session; between two; int16
MOST_SESSIONS = int((SAMPLE_RATE / 2 - _TONE_HZ) / _TONE_STEP_HZ)
_ASR_S, _LLM_S, _TTS_S = 0.15, 0.25, 0.1  # what the simulated services take
_MOST_THREADS = 8
_ALONE = 50  # calls of the endpoint model
_SETTLE_S = 3.0  # after the start, before anything is measured, and after the last turn
_SILENCE = np.zeros(PACKET, np.int16)
_ANSWER = re.compile(r"the answer for (\d+)")


def tone(number: int, samples: int) -> Pcm16:
    """The sound by which session `number` is known."""
    angle = 2 * np.pi * (_TONE_HZ + _TONE_STEP_HZ * number) * np.arange(samples) / SAMPLE_RATE
    return (_TONE_LEVEL * np.sin(angle)).astype(np.int16)


def whose(sound: Pcm16, sessions: int) -> int:
    """The number of the session whose tone is loudest in `sound`."""
    second = np.resize(sound, SAMPLE_RATE).astype(np.float32)  # so that the spectrum has a line for each Hz
    lines = np.abs(np.fft.rfft(second))[round(_TONE_HZ) :: round(_TONE_STEP_HZ)]
    return int(np.argmax(lines[:sessions]))


class Services:
    """The stages of one session. Whose turn it is they know from its sound alone."""

    def __init__(self, sessions: int, number: int) -> None:
        self._sessions, self._number = sessions, number

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`."""
        return Plan([(_ASR_S, Transcript(f"This is {whose(turn.sound(), self._sessions)}, turn by turn."))], _ASR_S)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        number = re.findall(r"\d+", str(messages[-1]["content"]))[-1]
        return Plan([(_LLM_S, f"This is the answer for {number}.")], _LLM_S)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """As `Model.warm`."""

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return Plan([], 0.0)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        sound = tone(self._number, round(_REPLY_S * SAMPLE_RATE))
        return Plan([(_TTS_S, sound)], _TTS_S)


class User:
    """The client of one session; all but `send` in the users' thread."""

    def __init__(self, number: int, sessions: int, speech: Pcm16) -> None:
        self.number, self._sessions = number, sessions
        self.port = RemotePort(self.send)
        self.heard: dict[int, tuple[int, int]] = {}
        """Generation -> (samples that were played, whose voice it was)."""
        self._speech = np.pad(speech, (0, -len(speech) % PACKET))
        self._messages: deque[ToClient] = deque()
        self._waiting: list[Pcm16] = []
        self._generation = self._at = self._position = 0
        self._is_ended = False

    def send(self, message: ToClient) -> None:
        """From the server."""
        self._messages.append(message)

    def step(self, packet: int, speaks_from: int, post: Callable[..., object]) -> None:
        """A packet's time: speak, play, report."""
        self._obey()
        if self._waiting:
            part, rest = self._waiting[0][:PACKET], self._waiting[0][PACKET:]
            self._waiting[:1] = [rest] if len(rest) else []
            samples, owner = self.heard.get(self._generation, (0, -1))
            if len(part) == PACKET:  # in which each tone has whole periods
                owner = whose(part, self._sessions)
            self.heard[self._generation] = samples + len(part), owner
            self._at += len(part)
        if packet % _REPORT_EVERY == self.number % _REPORT_EVERY and self._generation:
            post(self.port.played, self._generation, self._at)
        begin = (packet - speaks_from) * PACKET
        is_speaking = 0 <= begin < len(self._speech)
        post(self.port.receive, self._speech[begin : begin + PACKET] if is_speaking else _SILENCE, self._position)
        self._position += PACKET

    def _obey(self) -> None:
        while self._messages:
            match self._messages.popleft():
                case Sound(generation=generation, samples=samples):
                    if generation != self._generation:
                        self._generation, self._at, self._waiting = generation, 0, []
                    self._waiting.append(samples)
                case Pause() | Clear():
                    self._waiting = []
                case Resume(position=position):
                    self._at = position
                case End():
                    pass


@dataclass
class Talk:
    """One session with its user."""

    user: User
    session: Session
    world: RealWorld
    committed: list[TurnCommitted] = field(default_factory=list)

    def note(self, at_s: float, event: Public) -> None:
        """Observes the session."""
        if isinstance(event, TurnCommitted):
            self.committed.append(event)


class TimedJudge:
    """A `Judge` that counts what its calls take of a processor."""

    def __init__(self, judge: Judge) -> None:
        self._judge, self.took_s = judge, list[float]()

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        """As `Judge.judge`."""
        source = self._judge.judge(turn)
        assert isinstance(source, Computation)

        def compute() -> float | None:
            began_s = time.thread_time()
            result = source.compute()
            self.took_s.append(time.thread_time() - began_s)
            return result

        return replace(source, compute=compute)


class Office:
    """All sessions, in one event loop in a thread of its own."""

    def __init__(self, sessions: int, settings: Settings, *, endpoint: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.cpu_s = 0.0
        self.talks: list[Talk] = []
        self._count, self._settings = sessions, settings
        judge = make_endpoint(settings, tell) if endpoint else None
        self.judge = TimedJudge(judge) if judge else None
        self._thread = threading.Thread(target=self._run, name="sessions", daemon=True)
        self._speech = (voices.say("a question for you", "user", "formants", _SPEAKS_S) * 32767).astype(np.int16)

    def _run(self) -> None:
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def open(self) -> None:
        """Begin all conversations."""
        self._thread.start()
        persona = Persona("P", "You are P.")
        for number in range(self._count):
            user = User(number, self._count, self._speech + tone(number, len(self._speech)))
            world = RealWorld(self.loop)
            services = Services(self._count, number)
            parts = Parts(services, services, services, by_sound=self.judge)
            session = Session(world, user.port, make_listener(self._settings, tell), persona, parts, self._settings)
            talk = Talk(user, session, world)
            session.observe(talk.note, at_once=True)
            self.talks.append(talk)
            self.call(session.start)

    def call(self, do: Callable[[], Any]) -> Any:
        """Do something in the conversations' thread; what it returned."""

        async def done() -> Any:
            return do()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result()

    def processor_s(self) -> float:
        """Processor time of the conversations' thread so far."""
        return float(self.call(time.thread_time))

    def close(self) -> None:
        """End all conversations."""
        for talk in self.talks:
            self.call(talk.session.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()


def let_users_talk(office: Office, turns: int) -> float:
    """Real time passes: every user has so many turns. Returns how late a packet was at most, in seconds."""
    packets = round(TURN_S * SAMPLE_RATE) // PACKET
    began_s, latest_s = time.monotonic(), 0.0
    settle = round(_SETTLE_S * SAMPLE_RATE) // PACKET
    for packet in range((turns + 1) * packets + settle):  # the last to begin also has its last answer
        due_s = began_s + packet * PACKET / SAMPLE_RATE
        time.sleep(max(0.0, due_s - time.monotonic()))
        latest_s = max(latest_s, time.monotonic() - due_s)
        for talk in office.talks:
            offset = talk.user.number * packets // len(office.talks)  # they do not all speak at once
            turn = min(turns - 1, max(0, packet - offset) // packets)
            talk.user.step(packet, offset + turn * packets, office.loop.call_soon_threadsafe)
    return latest_s


def answered(office: Office, turns: int) -> int:
    """How many turns were answered: the right words for the right session, heard to their end by its user."""
    count = 0
    for talk in office.talks:
        for event in talk.committed[:turns]:
            words = _ANSWER.search(event.turn.heard)
            is_right = words is not None and int(words[1]) == talk.user.number and not event.turn.interrupted
            samples, owner = talk.user.heard.get(event.generation, (0, -1))
            if is_right and samples >= round(_REPLY_S * SAMPLE_RATE) and owner == talk.user.number:
                count += 1
            else:
                tell(
                    f"session {talk.user.number}, reply {event.generation}: {event.turn}, {samples} samples of {owner}"
                )
    return count


def resident_mb() -> float:
    """Memory of this process."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 2**20


def alone_s(judge: Judge) -> float:
    """Processor time of a call of the endpoint model while nothing else runs: the median."""
    timed = TimedJudge(judge)
    sound = (voices.say("a question for you", "user", "formants", _SPEAKS_S) * 32767).astype(np.int16)
    for _ in range(_ALONE):
        source = timed.judge(TurnSoFar(0, 0.0, _SPEAKS_S, lambda: sound))
        assert isinstance(source, Computation)
        source.compute()
    return statistics.median(timed.took_s)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=one_or_more, default=30, help=f"1 to {MOST_SESSIONS} (default: 30)")
    parser.add_argument("--minutes", type=above_zero, default=10.0)
    parser.add_argument("--endpoint", action="store_true", help="with the endpoint model")
    args = parser.parse_args()
    if not 1 <= args.sessions <= MOST_SESSIONS:
        parser.error(f"--sessions: 1 to {MOST_SESSIONS}, whose tones can be told apart, not {args.sessions}")
    if not args.minutes > 0:
        parser.error(f"--minutes: more than 0, not {args.minutes:g}")
    settings = load(environ={}, overrides=["audio.echo=off"])
    turns = max(1, round(args.minutes * 60 / TURN_S))
    make_listener(settings, tell)  # what all share is loaded
    before_mb, before_threads = resident_mb(), threading.active_count()
    office = Office(args.sessions, settings, endpoint=args.endpoint)
    office.open()
    tell(f"{args.sessions} sessions, {turns} turns each, {turns * TURN_S / 60:.1f} minutes …")
    began_s, cpu_s = time.monotonic(), office.processor_s()
    late_s = let_users_talk(office, turns)
    took_s, cpu_s = time.monotonic() - began_s, office.processor_s() - cpu_s
    threads, memory_mb = threading.active_count() - before_threads, resident_mb()
    office.close()
    cost = cpu_s / took_s / args.sessions
    rows = [
        ["turns answered", f"{answered(office, turns)} of {args.sessions * turns}", "all"],
        ["a core's time, a session", f"{100 * cost:.2f} %", "1.50 %"],
        ["memory, a session", f"{(memory_mb - before_mb) / args.sessions:.1f} MB", "8 MB"],
        ["threads of all sessions together", f"{threads}", f"{_MOST_THREADS} + {args.sessions}"],
        ["the users' packets late by, at most", f"{1000 * late_s:.0f} ms", None],
    ]
    if office.judge:
        together_s, judge = statistics.median(office.judge.took_s), make_endpoint(settings, tell)
        assert judge is not None
        calls = len(office.judge.took_s)
        rows.append(
            [f"endpoint model, {calls} calls, against one alone", f"{together_s / alone_s(judge):.2f} ×", "1.20 ×"]
        )
    sessions = [weakref.ref(talk.session) for talk in office.talks]
    office.talks.clear()
    del office
    gc.collect()
    rows.append(["sessions left after they closed", f"{sum(ref() is not None for ref in sessions)}", "0"])
    left = [thread for thread in threading.enumerate() if not thread.name.startswith(POOL)]
    rows.append(["threads left, without the process's pool", f"{len(left) - before_threads}", "0"])
    show([f"{args.sessions} sessions", "measured", "at most"], rows)


if __name__ == "__main__":
    as_command(main)
