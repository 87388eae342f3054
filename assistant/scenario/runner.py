"""Plays a scenario in virtual time: one thread, a heap of timed events, the live loop's machine and dialogue.

The same scenario with the same seed leaves the same log, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol

from assistant.audio.player import Player
from assistant.audio.ports import Samples
from assistant.dialogue.persona import Persona
from assistant.performer import Asked, Performer, history_limit, policy_from
from assistant.scenario.hearing import Utterance
from assistant.scenario.log import Log, Sounded
from assistant.scenario.moments import Moment, moment_of
from assistant.scenario.script import Depth, Scenario, Step, When
from assistant.scenario.services import SimulatedServices
from assistant.scenario.text_depth import TextDepth
from assistant.scenario.world import World
from assistant.turns import actions as do
from assistant.turns import events as ev
from assistant.turns.machine import State, TurnMachine
from configs.settings import Settings, load

_FIRST_AFTER = When("start", 0.5)
_NEXT_AFTER = When("quiet", 0.7)
_SETTLE_S = 0.4  # without anything going on until it is quiet: longer than voice activity takes
_TAIL_S = 2.2  # the scenario goes on for so long after the last of it, so that what should not come could
_LONGEST_S = 120.0  # after the last of the script: then something goes on for ever


class Sound(Protocol):
    """A depth: how what is said reaches the machine, and the assistant the loudspeaker."""

    def say(self, step: Step) -> Utterance:
        """Let a step begin now."""

    def speak(self, text: str) -> Samples:
        """The assistant's voice."""

    def judge(self, start_s: float, end_s: float) -> float | None:
        """How complete the turn between two times sounds, 0..1; None: nobody can tell."""

    def observe(self, at_s: float, what: object) -> None:
        """Something happened."""

    def recording(self) -> Samples | None:
        """Shape (2, n): microphone, loudspeaker; None where there is no sound."""


class Runner:
    """Plays one scenario, once."""

    def __init__(self, scenario: Scenario, depth: Depth, seed: int | None = None) -> None:
        settings = _settings(scenario.settings)
        persona = _persona(settings.talk.persona)
        self.scenario, self.depth = scenario, depth
        self.seed = scenario.seed if seed is None else seed
        self.log = Log()
        self._world = World()
        self._machine = TurnMachine(policy_from(settings.turns))
        player = Player()
        self._sound = self._make_sound(player, settings)
        turns = settings.turns
        self._services = SimulatedServices(
            self._world,
            player,
            scenario.services,
            self._post,
            self._sound.speak,
            self._sound.judge,
            self.log.utterances,
            {"asr": turns.asr_timeout_s, "llm": turns.llm_timeout_s, "tts": turns.tts_timeout_s},
        )
        self._performer = Performer(
            self._machine,
            persona,
            player,
            self._services,
            lambda: self._world.now,
            apologies=_Voiced(persona.all_apologies(), self._sound.speak),
            limit=history_limit(settings, persona),
        )
        self.log.history = self._performer.history.turns
        for observer in (self._sound.observe, self._observe):
            self._performer.observe(observer)
        self._wake = 0  # number of the newest wake-up
        self._waiting = list(scenario.steps)
        self._armed: When | None = None  # what the next step waits for
        self._scheduled = 0  # steps whose time is known and has not come
        self._sounding = 0  # steps that are being said
        self._happened = 0  # counts what goes on
        self._is_quiet = True
        self._first_sound_of = 0  # the reply whose first sound is being looked for
        self._begun_reply = 0  # the newest that was heard
        self._scripted_s = 0.0  # the last of the script so far
        self._over = False

    def run(self) -> Log:
        """Play it."""
        self._world.at(0.0, lambda: self._note("start"))
        self._arm()
        while not self._over and self._world.now < self._scripted_s + _LONGEST_S and self._world.step():
            pass
        self._note("end")
        self.log.end_s = self._world.now
        self.log.moments.sort(key=lambda moment: moment.at_s)
        self.log.recording = self._sound.recording()
        return self.log

    @property
    def state_at_end(self) -> State:
        """Where the machine was left: LISTENING where all came to its end."""
        return self._machine.state

    @property
    def unplayed(self) -> list[tuple[Step, When]]:
        """The steps that never began, with what they waited for."""
        return [(step, step.after or _NEXT_AFTER) for step in self._waiting]

    # -- the script

    def _arm(self) -> None:
        """The next step waits for its moment."""
        self._armed = None
        if not self._waiting:
            return
        first = len(self._waiting) == len(self.scenario.steps)
        when = self._waiting[0].after or (_FIRST_AFTER if first else _NEXT_AFTER)
        if when.moment == "start":
            self._schedule(when.delay_s)
        else:
            self._armed = when

    def _schedule(self, at_s: float) -> None:
        self._scheduled += 1
        self._world.at(at_s, self._begin_next)

    def _begin_next(self) -> None:
        step = self._waiting.pop(0)
        now = self._world.now
        self.log.steps.append((now, step))
        self._arm()
        self._scheduled -= 1
        self._sounding += 1
        self._is_quiet = False
        self._note("user starts", step.label(), step=step.number)
        end_s = now
        if step.kind == "types":
            self._services.typed = step
            self._post(ev.TextEntered(now, step.text))
        elif step.kind == "key":
            self._post(ev.KeyPressed(now) if step.content == "down" else ev.KeyReleased(now))
        else:
            utterance = self._sound.say(step)
            self.log.utterances.append(utterance)
            end_s = utterance.end_s
        self._world.at(end_s, lambda: self._end(step))

    def _end(self, step: Step) -> None:
        self._sounding -= 1
        self._scripted_s = self._world.now
        self._note("user ends", step=step.number)
        self._goes_on()

    def _note(self, name: str, detail: str = "", step: int = 0) -> None:
        self._note_moment(Moment(self._world.now, name, detail, step=step))

    def _note_moment(self, moment: Moment) -> None:
        self.log.moments.append(moment)
        if self._armed and self._armed.moment == moment.name:
            delay_s, self._armed = self._armed.delay_s, None
            self._schedule(moment.at_s + delay_s)

    # -- when it is over

    def _goes_on(self) -> None:
        self._happened += 1
        count = self._happened
        self._world.after(_SETTLE_S, lambda: self._quiet_since(count))

    def _quiet_since(self, count: int) -> None:
        if count != self._happened or self._sounding or self._machine.state is not State.LISTENING:
            return
        if not self._is_quiet:
            self._is_quiet = True
            self._note("quiet")
        self._world.after(_TAIL_S, lambda: self._end_since(count))

    def _end_since(self, count: int) -> None:
        if count == self._happened and not self._scheduled:
            self._over = True

    # -- events

    def _post(self, event: ev.Event) -> None:
        self._world.at(self._world.now, lambda: self._handle(event))

    def _handle(self, event: ev.Event) -> None:
        before = self._machine.state
        wake_s = self._performer.handle(event)
        after = self._machine.state
        if before is State.USER and after in (State.THINKING, State.SPEAKING):
            self._note("turn ends")
        if after is not State.LISTENING:
            self._is_quiet = False
        self._wake += 1
        if wake_s < float("inf"):
            number = self._wake
            self._world.at(wake_s, lambda: self._wake_up(number))
        self._goes_on()

    def _wake_up(self, number: int) -> None:
        if number == self._wake:
            self._handle(ev.TimePassed(self._world.now))

    def _observe(self, at_s: float, what: object) -> None:
        if isinstance(what, ev.PlaybackAdvanced) and what.generation > self._begun_reply:
            self._begun_reply = self._first_sound_of = what.generation
            self._look_for_first_sound(self.log.blocks[-1])
        if isinstance(what, Asked):
            self.log.styles.append((at_s, what.style))
        if isinstance(what, do.AskLlm):
            generation = what.generation
            self._world.at(at_s, lambda: self.log.prompts.append((at_s, generation, self._services.asked[generation])))
        moment = moment_of(at_s, what)
        if moment:
            self._note_moment(moment)

    def _look_for_first_sound(self, block: Sounded) -> None:
        """A reply is heard from its first audible sample on."""
        if self._first_sound_of and block.first_s is not None:
            self._note_moment(Moment(block.first_s, "reply starts", "", self._first_sound_of))
            self._first_sound_of = 0

    def _played(self, block: Samples) -> None:
        """A block goes to the loudspeaker now."""
        self._look_for_first_sound(self.log.sounded(self._world.now, block))

    def _make_sound(self, player: Player, settings: Settings) -> Sound:
        if self.depth == "text":
            half_duplex = settings.turns.barge_in == "off"
            return TextDepth(self._world, player, self._played, self._post, half_duplex=half_duplex)
        from assistant.scenario.room_depth import RoomDepth  # loads models, which text depth does without

        return RoomDepth(self._world, player, self._played, self._post, self.scenario, settings, self.seed)


class _Voiced(Mapping[str, Samples]):
    """Sentences with their sound, which is made when it is needed."""

    def __init__(self, texts: Sequence[str], speak: Callable[[str], Samples]) -> None:
        self._texts, self._speak = texts, speak

    def __getitem__(self, text: str) -> Samples:
        if text not in self._texts:
            raise KeyError(text)
        return self._speak(text)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@cache
def _settings(overrides: tuple[str, ...]) -> Settings:
    return load(environ={}, overrides=overrides)


@cache
def _persona(name: str) -> Persona:
    from assistant.personas import load_persona

    return load_persona(name)
