"""A client that plays a scenario to an agent, in any world, over any line.

The people speak in a simulated room; what its microphone takes up goes to the agent, 20 ms at a time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.world import World
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.room import SimulatedRoom
from huiyin.assistant.scenario.agents.line import Line
from huiyin.assistant.scenario.api import result_of
from huiyin.assistant.scenario.cast import Mix, Voice
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.expectations import Outcome
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.people import People
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.room_depth import room_of
from huiyin.assistant.scenario.script import Scenario, Step
from huiyin.assistant.scenario.visible import split
from huiyin.assistant.turns.events import Transcript

_NO_ECHO_DB = -120.0
_FULL_SCALE = 32767.0
_APART_S = 0.1


class ScriptedClient:
    """`step` it every 20 ms. `director` begins the script and ends its world."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        voice: Voice,
        world: World,
        line: Line,
        *,
        simulated: bool = False,
        aloud: bool = False,
    ) -> None:
        """`voice`: of the people. `simulated`: the services are simulated in this process, and what they do is reported
        to `director`. `aloud`: with the room's echo, which the agent has to cancel.
        """
        self.world = world
        self._scenario, self._seed, self._line, self._simulated = scenario, seed, line, simulated
        self._mix = Mix()
        self._people = People(scenario, seed, voice, say=self._mix.add, types=line.types, key=line.key)
        self._room = room_of(scenario, seed)
        if not aloud:
            self._room = SimulatedRoom(
                replace(self._room.settings, echo_db=_NO_ECHO_DB, drift_ppm=0.0, xruns_per_min=0.0)
            )
        self._room.connect(self._exchange)
        self._samples = 0  # of the microphone, so far
        self._dry: list[Pcm16] = []  # what people said, block by block
        self.director = Director(scenario, world, Log(), self._begin, apart_s=_APART_S)
        line.attach(self._note, self.director.log.utterances)

    def step(self) -> None:
        """20 ms pass."""
        said = self._mix.take(BLOCK)
        self._dry.append((np.clip(said, -1, 1) * _FULL_SCALE).astype(np.int16))
        self._room.say(said)
        self._room.step()

    def commit(self) -> None:
        """The world has stopped: what was said is found out where the agent does not tell it. May block."""
        log = self.director.log
        log.recording = self._room.recording()
        log.people = np.concatenate([np.zeros(0, np.int16), *self._dry])
        for at_s, turn in self._line.committed(log.recording):
            self.director.observe(at_s, on.TurnCommitted(transcript=Transcript(turn.user), turn=turn, messages=[]))

    def finish(self) -> Result:
        """What came of it, after `commit`."""
        self.director.finish()
        log = self.director.log
        seen, unseen = split(self._scenario, self._line.sight)
        log.steps = [(at_s, next(s for s in seen.steps if s.number == step.number)) for at_s, step in log.steps]
        result = result_of(self.director, seen, self._line.depth, self._seed, real=not self._simulated)
        wrong = tuple(Outcome(1, 0, problem, log.end_s) for problem in self._line.problems)
        return replace(result, outcomes=result.outcomes + wrong, unseen=unseen)

    def _exchange(self, mic: Pcm16) -> Pcm16:
        self._line.hear(mic)
        self.world.advance(len(mic))
        self._samples += len(mic)
        # By the samples, as the times of the people: where the machine stalls the clock runs ahead of them for a while.
        at_s = self._samples / SAMPLE_RATE
        block = self._line.play(at_s)
        self.director.played(at_s, block)
        return block

    def _begin(self, step: Step) -> float:
        return self._people.begin(step, self.world.now, self.director.log)

    def _note(self, event: on.Public, at_s: float | None = None) -> None:
        self.director.observe(self.world.now if at_s is None else at_s, event)
