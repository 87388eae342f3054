"""Plays a scenario in virtual time: a session in a world of its own, on services simulated or real.

With simulated services the same scenario with the same seed leaves the same log, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.hands import Hands
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.speaker_gate import knowing
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario import device_faults
from huiyin.assistant.scenario.cast import ServiceVoice, Voice, made_voice
from huiyin.assistant.scenario.depth import Depth
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario, ServiceTimes, Step
from huiyin.assistant.scenario.scripted_tools import ScriptedToolbox
from huiyin.assistant.scenario.simulated_services import OWN_VOICE, JudgeText, Recognise, SimulatedServices, unjudged
from huiyin.assistant.scenario.text_depth import TextDepth
from huiyin.configs.settings import Settings

PREPARING_LIMIT_S = 60.0  # for making them before the conversation, which they would slow down


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
        recognise: Recognise | None = None,
        *,
        tell: Callable[[str], None],
    ) -> None:
        """`services`: the real ones; None: simulated, with words judged by `judge_text` and recognised
        by `recognise`. `tell`: as for `prepare`.

        Raises RoomMissing.
        """
        persona = _persona(settings.talk.persona)
        self._scenario, self._settings = scenario, settings
        self._world = VirtualWorld()
        self.director = Director(scenario, self._world, Log(), self._begin)
        self._depth = self._make_depth(depth, seed, ServiceVoice(services, persona.voice) if services else None)
        self._simulated = None if services else self._simulate(judge_text, recognise)
        if services:
            parts, prepared = self._use(services, persona, tell)
        else:
            assert self._simulated is not None
            parts, prepared = self._simulated.parts, MadeSpeech(persona.all_prepared(), self._depth.speak)
            if settings.talk.other_voices != "answered":
                parts = knowing(OWN_VOICE, self._simulated.voice_of, parts, settings)
        hands = None
        if scenario.tools and self._simulated:
            self._toolbox = ScriptedToolbox(self._world, scenario.tools)
            self.director.log.calls = self._toolbox.calls
            hands = Hands(self._world, self._toolbox, settings)
            parts = hands.of(parts)
        self._session = Session(self._world, self._depth, self._depth.ear, persona, parts, settings, prepared=prepared)
        self._session.observe(self.director.observe, at_once=True)
        if hands:
            hands.join(self._session)
            self.director.is_busy = lambda: hands.is_working

    @property
    def speak(self) -> Callable[[str], Pcm16]:
        """The assistant's voice, where it is simulated."""
        return self._depth.speak

    def run(self) -> Director:
        """Play it. What came of it stands in the director's log."""
        self._session.start()
        self.director.run()
        self._session.close()
        self.director.log.recording = self._depth.recording()
        return self.director

    def _begin(self, step: Step) -> float:
        """Let a step begin; when it ends."""
        if step.tool:
            self._toolbox.answers.update(step.tool)
        if step.kind == "types":
            if self._simulated:
                self._simulated.latest = step
            self._session.type(step.text)
        elif step.kind == "key":
            self._session.key(pressed=step.content == "down")
        elif step.kind == "device":
            return self._fail(step.content, step.lasts_s or 0.0)
        else:
            utterance = self._depth.say(step)
            self.director.log.utterances.append(utterance)
            return utterance.end_s
        return self._world.now

    def _fail(self, fault: str, lasts_s: float) -> float:
        """Let the device fail, or the clock jump; when it is over."""
        ends_s = self._world.now + lasts_s
        self.director.log.unheard += device_faults.unheard(fault, self._world.now, lasts_s)
        self._depth.fail(fault, lasts_s)
        if fault == device_faults.JUMPS:
            self._world.jump(lasts_s)
        return ends_s

    def _played(self, block: Pcm16) -> None:
        self.director.played(self._world.now, block)

    def _make_depth(self, depth: str, seed: int, speaks: Voice | None) -> Depth:
        if depth == "text":
            half_duplex = self._settings.turns.barge_in == "off"
            return TextDepth(
                self._world, lambda event: self._session.post(event), self._played, half_duplex=half_duplex
            )
        from huiyin.assistant.scenario.room_depth import RoomDepth  # loads models, which text depth does without

        named = self._scenario.voice
        voice = speaks if speaks and not named else made_voice(self._scenario)
        natural = voice is speaks or named not in ("", MADE_VOICE)
        return RoomDepth(self._world, self._played, self._scenario, self._settings, seed, voice, natural=natural)

    def _simulate(self, judge_text: JudgeText, recognise: Recognise | None) -> SimulatedServices:
        turns = self._settings.turns
        return SimulatedServices(
            self._scenario.services or ServiceTimes(),
            self.director.log.utterances,
            {"asr": turns.asr_timeout_s, "llm": turns.llm_timeout_s, "tts": turns.tts_timeout_s},
            self._depth.speak,
            self._depth.by_sound,
            judge_text if self._settings.words_are_judged else None,
            self.director.log.unheard,
            recognise,
        )

    def _use(
        self, services: Services, persona: Persona, tell: Callable[[str], None]
    ) -> tuple[Parts, Mapping[str, Pcm16]]:
        from huiyin.assistant.conversation.assemble import prepare, session_name
        from huiyin.assistant.conversation.http_stages import http_parts

        parts = http_parts(services, persona.voice, session=session_name(), speak=True, by_sound=self._depth.by_sound)
        return parts, prepare(services, persona, tell, patience_s=PREPARING_LIMIT_S)


class MadeSpeech(Mapping[str, Pcm16]):
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
