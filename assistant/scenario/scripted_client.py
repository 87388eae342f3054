"""A client of a Realtime server that plays a scenario, in any world, over any connection.

The people speak in a simulated room; what its microphone takes up goes to the server, 20 ms at a time. A client that
plays aloud leaves its echo to the server (`huiyin.echo_path`); else it is one that has cancelled its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.world import World
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.room import SimulatedRoom
from huiyin.assistant.scenario.api import result_of
from huiyin.assistant.scenario.cast import Mix, Voice, sound_of
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.expectations import Outcome
from huiyin.assistant.scenario.hearing import spoken
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.realtime_view import Message, RealtimeView
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.room_depth import room_of
from huiyin.assistant.scenario.script import Scenario, Step
from huiyin.assistant.scenario.visible import split

_NO_ECHO_DB = -120.0
_APART_S = 0.1


class ScriptedClient:
    """`step` it every 20 ms. `view` gets what the server sends; `director` begins the script and ends its world."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        voice: Voice,
        world: World,
        send: Callable[[Message], None],
        *,
        extended: bool = True,
        simulated: bool = False,
        aloud: bool = False,
    ) -> None:
        """`voice`: of the people. `extended`: with Huiyin's extensions, else as any other client; `simulated`: the
        services are simulated in this process (`watched_services`), and what they do is reported to `director`.
        `aloud`: with the room's echo, for which it needs the extensions.
        """
        self.world = world
        self._scenario, self._seed, self._send = scenario, seed, send
        self._extended, self._simulated = extended, simulated
        self._sounds = {
            step.number: sound_of(step, scenario, seed, voice)
            for step in scenario.steps
            if step.kind not in ("types", "key")
        }
        self._people = Mix()
        self._aloud = aloud
        self._room = room_of(scenario, seed)
        if not self._aloud:
            self._room = SimulatedRoom(
                replace(self._room.settings, echo_db=_NO_ECHO_DB, drift_ppm=0.0, xruns_per_min=0.0)
            )
        self._room.connect(self._exchange)
        self.view = RealtimeView(send, self._note)
        self.director = Director(scenario, world, Log(), self._begin, apart_s=_APART_S)
        self.typed: Callable[[Step], None] = lambda step: None
        """Called with what is typed: simulated services go by it."""

    def configure(self) -> None:
        """Tell the server what this client wants."""
        sound = {"type": "audio/pcm", "rate": SAMPLE_RATE}
        turns = {"type": "semantic_vad"}  # as the conversation's own settings have it
        session: Message = {
            "type": "realtime",
            "audio": {
                "input": {"format": sound, "turn_detection": turns, "transcription": {"model": "huiyin"}},
                "output": {"format": sound},
            },
        }
        if self._extended:
            session["huiyin"] = {"enabled": True, "echo_path": "server" if self._aloud else "client"}
        self._send({"type": "session.update", "session": session})

    def step(self) -> None:
        """20 ms pass."""
        self._room.say(self._people.take(BLOCK))
        self._room.step()

    def finish(self) -> Result:
        """The world has stopped."""
        self.director.finish()
        log = self.director.log
        log.recording = self._room.recording()
        seen, unseen = split(self._scenario, extended=self.view.is_extended, services=self._simulated)
        log.steps = [(at_s, next(s for s in seen.steps if s.number == step.number)) for at_s, step in log.steps]
        result = result_of(self.director, seen, "realtime", self._seed, real=not self._simulated)
        wrong = tuple(Outcome(1, 0, f"the server says {error}", log.end_s) for error in self.view.errors)
        return replace(result, outcomes=result.outcomes + wrong, unseen=unseen)

    def _exchange(self, mic: Pcm16) -> Pcm16:
        audio = base64.b64encode(mic.astype("<i2").tobytes()).decode()
        self._send({"type": "input_audio_buffer.append", "audio": audio})
        self.world.advance(len(mic))
        at_s = self.world.now
        block = self.view.step()
        self.director.played(at_s, block)
        return block

    def _begin(self, step: Step) -> float:
        """Let a step begin; when it ends."""
        now = self.world.now
        if step.kind == "types":
            self.typed(step)
            self._send({"type": "huiyin.type", "text": step.text})
        elif step.kind == "key":
            self._send({"type": "huiyin.key", "pressed": step.content == "down"})
        else:
            sound, spans = self._sounds[step.number]
            begin_s = self._people.add(sound, now)
            utterance = spoken(step, spans, begin_s)
            self.director.log.utterances.append(utterance)
            return utterance.end_s
        return now

    def _note(self, event: on.Public) -> None:
        self.director.observe(self.world.now, event)
