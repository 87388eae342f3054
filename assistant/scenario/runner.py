"""Plays a scenario in virtual time: one thread, a heap of timed events, the live loop's machine and dialogue.

With simulated services the same scenario with the same seed leaves the same log, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.performer import Performer, policy_from
from huiyin.assistant.conversation.trimming import history_limit
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.cast import ServiceVoice, Voice, made_voice
from huiyin.assistant.scenario.depth import DepthBackend, DepthContext
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario, ServiceTimes, Step
from huiyin.assistant.scenario.simulated_services import JudgeText, SimulatedServices, unjudged
from huiyin.assistant.scenario.text_depth import TextDepth
from huiyin.assistant.scenario.world import World
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import TurnMachine
from huiyin.configs.settings import Settings

if TYPE_CHECKING:
    from huiyin.assistant.scenario.real_services import RealServices


class Runner:
    """Plays one scenario, once."""

    def __init__(
        self,
        scenario: Scenario,
        depth: str,
        seed: int,
        settings: Settings,
        services: Services | None = None,
        judge_text: JudgeText = unjudged,
        *,
        tell: Callable[[str], None],
    ) -> None:
        """`services`: the real ones; None: simulated, with words judged by `judge_text`. `tell`: as for `prepare`.

        Raises RoomMissing.
        """
        persona = _persona(settings.talk.persona)
        self._scenario, self._settings, self._persona, self._judge_text = scenario, settings, persona, judge_text
        log, self._world, self._player = Log(), World(), Player()
        self.director = Director(scenario, self._world, log, self._begin)
        self._machine = TurnMachine(policy_from(settings))
        speaks = ServiceVoice(services, persona.voice) if services else None
        self._depth = self._make_depth(depth, seed, speaks)
        self._stages = self._make_stages(services)
        self._performer = Performer(
            self._machine,
            persona,
            self._player,
            self._stages,
            lambda: self._world.now,
            apologies=self._apologies(services, tell),
            limit=history_limit(settings, persona),
        )
        for observer in (self._depth.observe, self.director.observe):
            self._performer.observe(observer)
        self._wake = 0  # number of the newest wake-up

    def run(self) -> Director:
        """Play it. What came of it stands in the director's log."""
        self.director.run()
        self.director.log.recording = self._depth.recording()
        return self.director

    def _begin(self, step: Step) -> float:
        """Let a step begin; when it ends."""
        now = self._world.now
        if step.kind == "types":
            if isinstance(self._stages, SimulatedServices):
                self._stages.typed = step
            self._post(ev.TextEntered(now, step.text))
        elif step.kind == "key":
            self._post(ev.KeyPressed(now) if step.content == "down" else ev.KeyReleased(now))
        else:
            utterance = self._depth.say(step)
            self.director.log.utterances.append(utterance)
            return utterance.end_s
        return now

    def _post(self, event: ev.Event) -> None:
        self._world.at(self._world.now, lambda: self._handle(event))

    def _handle(self, event: ev.Event) -> None:
        wake_s = self._performer.handle(event)
        self._wake += 1
        if wake_s < float("inf"):
            number = self._wake
            self._world.at(wake_s, lambda: self._wake_up(number))

    def _wake_up(self, number: int) -> None:
        if number == self._wake:
            self._handle(ev.TimePassed(self._world.now))

    def _played(self, block: Pcm16) -> None:
        self.director.played(self._world.now, block)

    def _make_depth(self, depth: str, seed: int, speaks: Voice | None) -> DepthBackend:
        half_duplex = self._settings.turns.barge_in == "off"
        context = DepthContext(self._world, self._player, self._played, self._post, half_duplex)
        if depth == "text":
            return TextDepth(context)
        from huiyin.assistant.scenario.room_depth import RoomDepth  # loads models, which text depth does without

        named = self._scenario.voice
        voice = speaks if speaks and not named else made_voice(self._scenario)
        natural = voice is speaks or named not in ("", MADE_VOICE)
        return RoomDepth(context, self._scenario, self._settings, seed, voice, natural=natural)

    def _apologies(self, services: Services | None, tell: Callable[[str], None]) -> Mapping[str, Pcm16]:
        if services is None:
            return _SynthesisedTexts(self._persona.all_apologies(), self._depth.speak)
        from huiyin.assistant.conversation.assemble import prepare
        from huiyin.assistant.scenario.real_services import APOLOGIES_LIMIT_S

        return prepare(services, self._persona, tell, patience_s=APOLOGIES_LIMIT_S)

    def _make_stages(self, services: Services | None) -> SimulatedServices | RealServices:
        depth, turns = self._depth, self._settings.turns
        if services:
            from huiyin.assistant.scenario.real_services import RealServices

            return RealServices(
                self._world,
                self._player,
                self._post,
                services=services,
                voice=self._persona.voice,
                cut=depth.cut,
                judge=depth.judge,
            )
        return SimulatedServices(
            self._world,
            self._player,
            self._post,
            times=self._scenario.services or ServiceTimes(),
            speak=depth.speak,
            judge=depth.judge,
            judge_text=self._judge_text,
            utterances=self.director.log.utterances,
            patience_s={"asr": turns.asr_timeout_s, "llm": turns.llm_timeout_s, "tts": turns.tts_timeout_s},
        )


class _SynthesisedTexts(Mapping[str, Pcm16]):
    """Sentences with their sound, which is made when it is needed."""

    def __init__(self, texts: Sequence[str], speak: Callable[[str], Pcm16]) -> None:
        self._texts, self._speak = texts, speak

    def __getitem__(self, text: str) -> Pcm16:
        if text not in self._texts:
            raise KeyError(text)
        return self._speak(text)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@cache
def _persona(name: str) -> Persona:
    from huiyin.assistant.conversation.persona_files import load_persona

    return load_persona(name)
