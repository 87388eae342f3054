"""A day of talk in virtual time, with the real echo path and voice activity: ``python -m benchmarks.day_of_talk``.

Two conversations at once, each in a process of its own. Both go on in pieces: a piece begins with the session that the
one before has left on disk, in another room, whose two devices drift and slip. The user asks, is answered, cuts in,
coughs, and is silent for minutes; services are simulated and quick. An hour of talk is a row:

latency         from the user's last sound to the reply's first, where nothing was interrupted
false           pauses a minute of the assistant's speech for which the user gave no cause
caught          share of the user's interruptions that stopped the reply
unanswered      turns without a reply
memory          of the process, at the end of the hour
speed           times real time, of one core

Exit status 1 where latency drifts, memory grows after the first hour, there are more false pauses than in `huiyin bench
echo`, or a turn is not answered.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil

from benchmarks.command import above_zero, as_command
from benchmarks.day_services import Said, TalkServices
from benchmarks.echo import speech
from benchmarks.echo.scenes import Speech, draw_room
from benchmarks.output import percent, show, tell
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.assemble import make_endpoint, make_listener
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.session_store import SessionStore
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.room import SimulatedRoom
from huiyin.assistant.scenario import voices
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.room_depth import SteppedRoom
from huiyin.assistant.turns.machine import State
from huiyin.configs.settings import load

AT_ONCE = 2
FIRST_ROOM = 3000
DRIFT_PPM, XRUNS_PER_MIN = 40.0, 0.2
HOUR_S = 3600.0
MOST_DRIFT_S, MOST_GROWTH_MB, MOST_FALSE_PER_MIN = 0.05, 5.0, 0.1

_ANSWER_LIMIT_S = 10.0
_CAUSE_S = 1.5  # a sound of the user's is the cause of what follows so soon
_THINKS_S, _AWAY_S = (0.8, 8.0), (60.0, 300.0)  # between a reply and the next turn
_AWAY, _CUTS_IN, _COUGHS = 0.01, 0.2, 0.1  # shares of the turns
_INTO_REPLY_S = (0.8, 5.0)  # until the user cuts in, or coughs
_LONGEST_CUT_IN = round(2.5 * SAMPLE_RATE)
_AUDIBLE = 30  # int16


@dataclass
class Hour:
    """What happened in an hour, or what was left of one when the piece ended."""

    turns: int = 0
    latencies_s: list[float] = field(default_factory=list)
    spoken_s: float = 0.0
    false: int = 0
    cut_in: int = 0
    caught: int = 0
    unanswered: int = 0
    memory_mb: float = 0.0
    lasted_s: float = 0.0
    took_s: float = 0.0

    @property
    def false_per_min(self) -> float:
        """Of the assistant's speech."""
        return self.false / max(self.spoken_s / 60, 1e-9)

    def row(self) -> list[str | None]:
        """As the table has it."""
        p50, p95 = (f"{1000 * np.percentile(self.latencies_s or [0.0], q):.0f} ms" for q in (50, 95))
        caught = percent(self.caught / self.cut_in) if self.cut_in else None
        speed = f"{self.lasted_s / self.took_s:.0f}"
        return [str(self.turns), p50, p95, f"{self.false_per_min:.2f}", caught, str(self.unanswered),
                f"{self.memory_mb:.1f} MB", speed]  # fmt: skip


class Piece:
    """A part of the day: a session, from what `store` has of it."""

    def __init__(self, number: int, sounds: Speech, store: SessionStore, rng: np.random.Generator) -> None:
        settings, persona = load(environ={}), load_persona("huiyin")
        room = replace(draw_room(FIRST_ROOM + number, "no drift")[0], drift_ppm=DRIFT_PPM, xruns_per_min=XRUNS_PER_MIN)
        self.hour = Hour()
        self._world, self._rng, self._sounds = VirtualWorld(), rng, sounds
        self._air = SteppedRoom(self._world, SimulatedRoom(room, records=False), self._played)
        self._said: list[Said] = []
        services = TalkServices(sounds.assistant, self._said)
        parts = Parts(services, services, services, by_sound=make_endpoint(settings, _refuse))
        saved = store.all()
        history = saved[0].history() if saved else None
        writer = store.go_on(saved[0], _refuse) if saved else store.begin(persona.name, _refuse)
        ear = make_listener(settings, _refuse)
        self._session = Session(self._world, LocalPort(self._air), ear, persona, parts, settings, history=history)
        self._session.observe(writer)
        self._session.observe(self._note, at_once=True)
        self._asked_s: float | None = None  # when the turn ended that waits for its first sound
        self._turn = 0  # numbers them

    def run(self, seconds: float) -> Iterator[Hour]:
        """Hour by hour, the last one may be shorter."""
        self._session.start()
        self._world.after(1.0, self._ask)
        while seconds > 0:
            lasts_s, began_s = min(seconds, HOUR_S), time.process_time()
            self._world.after(lasts_s, self._world.stop)
            self._world.run()
            gc.collect()
            hour, self.hour = self.hour, Hour()
            hour.memory_mb = psutil.Process().memory_info().rss / 2**20
            hour.lasted_s, hour.took_s = lasts_s, time.process_time() - began_s
            yield hour
            seconds -= lasts_s
        self._session.close()

    # -- the user

    def _ask(self) -> None:
        """The user's next turn, if it is still theirs."""
        self._turn += 1
        number = self._turn
        if self._asked_s is not None:
            self.hour.unanswered += 1
        self._asked_s = self._say(self._line(), "Please tell me another story about the sea.")
        self.hour.turns += 1
        self._world.at(self._asked_s + _ANSWER_LIMIT_S, lambda: self._ask_again(number))

    def _ask_again(self, number: int) -> None:
        if number == self._turn and self._session.state is State.LISTENING:
            self._ask()

    def _cut_in(self, number: int) -> None:
        if number == self._turn and self._session.state is State.SPEAKING:
            self.hour.cut_in += 1
            self._turn += 1
            self._say(self._line()[:_LONGEST_CUT_IN], "No, tell me about the mountains.")

    def _cough(self, number: int) -> None:
        if number == self._turn and self._session.state is State.SPEAKING:
            self._say(voices.noise("cough", 0.35, int(self._rng.integers(2**31))), "")

    def _say(self, sound: np.ndarray, words: str) -> float:
        """From now on; when it ends."""
        begin_s = self._air.people.add(sound, self._world.now)
        end_s = begin_s + len(sound) / SAMPLE_RATE
        self._said[:] = [*self._said[-20:], Said(begin_s, end_s, words)]
        return end_s

    def _line(self) -> np.ndarray:
        return self._sounds.user[self._rng.integers(len(self._sounds.user))]

    # -- the assistant

    def _note(self, at_s: float, event: on.Public) -> None:
        match event:
            case on.ReplyStarted():
                draw, number = self._rng.random(), self._turn
                what = self._cut_in if draw < _CUTS_IN else self._cough if draw < _CUTS_IN + _COUGHS else None
                if what:
                    self._world.after(self._rng.uniform(*_INTO_REPLY_S), lambda: what(number))
            case on.ReplyPaused() | on.ReplyStopped() if not self._has_cause(at_s):
                self.hour.false += isinstance(event, on.ReplyPaused)
            case on.ReplyStopped() if self._said[-1].words:
                self.hour.caught += 1
            case on.FloorChanged(after=State.LISTENING):
                number = self._turn
                span = _AWAY_S if self._rng.random() < _AWAY else _THINKS_S
                self._world.after(self._rng.uniform(*span), lambda: self._ask_if_quiet(number))

    def _ask_if_quiet(self, number: int) -> None:
        if number == self._turn and self._session.state is State.LISTENING:
            self._ask()

    def _has_cause(self, at_s: float) -> bool:
        return any(said.start_s <= at_s <= said.end_s + _CAUSE_S for said in self._said)

    def _played(self, block: Pcm16) -> None:
        if not (np.abs(block) > _AUDIBLE).any():
            return
        self.hour.spoken_s += BLOCK_S
        if self._asked_s is not None and self._world.now >= self._asked_s:
            self.hour.latencies_s.append(self._world.now - self._asked_s)
            self._asked_s = None


def converse(talk: int, hours: float, piece_hours: float, folder: Path, arguments: Sequence[str]) -> list[Hour]:
    """One conversation, piece by piece."""
    os.nice(10)
    sounds, store = speech.voices(load(), arguments), SessionStore(folder / str(talk))
    rng = np.random.default_rng([talk, 17])
    done: list[Hour] = []
    left_s = hours * HOUR_S
    while left_s > 0:
        piece_s = min(left_s, piece_hours * HOUR_S)
        for hour in Piece(100 * talk + len(done), sounds, store, rng).run(piece_s):
            done.append(hour)
            tell(f"talk {talk}, hour {len(done)}: {hour.row()}")
        left_s -= piece_s
    return done


def misses(hours: Sequence[Hour]) -> list[str]:
    """What one conversation has not reached."""
    first, last = (statistics.median(hour.latencies_s) for hour in (hours[0], hours[-1]))
    growth_mb = max(hour.memory_mb for hour in hours) - hours[0].memory_mb
    false_per_min = sum(hour.false for hour in hours) / (sum(hour.spoken_s for hour in hours) / 60)
    found = {
        f"latency went from {first:.3f} to {last:.3f} s": last > first + MOST_DRIFT_S,
        f"memory grew by {growth_mb:.1f} MB after the first hour": growth_mb > MOST_GROWTH_MB,
        f"{false_per_min:.2f} false pauses per minute": false_per_min > MOST_FALSE_PER_MIN,
        f"{sum(hour.unanswered for hour in hours)} turns were not answered": any(hour.unanswered for hour in hours),
    }
    return [what for what, is_so in found.items() if is_so]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--hours", type=above_zero, default=24.0, help="of talk, both conversations together (default: 24)"
    )
    parser.add_argument("--piece-hours", type=above_zero, default=4.0, help="of one piece (default: 4)")
    parser.add_argument("--folder", type=Path, help="where the sessions are kept, to go on from (default: nowhere)")
    args = parser.parse_args(arguments)
    speech.voices(load(), [])  # made once
    with tempfile.TemporaryDirectory() as nowhere, ProcessPoolExecutor(AT_ONCE) as pool:
        folder = args.folder or Path(nowhere)
        talks = {
            pool.submit(converse, talk, args.hours / AT_ONCE, args.piece_hours, folder, []): talk
            for talk in range(1, AT_ONCE + 1)
        }
        results = {talks[each]: each.result() for each in as_completed(talks)}
    heads = ["talk, hour", "turns", "latency p50", "p95", "false per minute", "caught", "unanswered", "memory", "speed"]
    rows = (
        [f"{talk}, {number}", *hour.row()] for talk in sorted(results) for number, hour in enumerate(results[talk], 1)
    )
    show(heads, rows)
    missed = [f"talk {talk}: {what}" for talk, hours in sorted(results.items()) for what in misses(hours)]
    print("\n".join(missed or ["All reached."]))
    return 1 if missed else 0


def _refuse(text: str) -> None:
    """What a conversation would warn of must not be missing here."""
    raise SystemExit(text)


if __name__ == "__main__":
    as_command(main)
