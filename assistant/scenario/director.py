"""Lets the steps of a script begin when their moment has come, notes what happens, and knows when it is over.

The same in virtual and in real time: `runner` and `live` tell it what they observe.
"""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.conversation.performer import Asked, StateChanged
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.log import Log, Sounded
from huiyin.assistant.scenario.moments import Moment, moment_of
from huiyin.assistant.scenario.script import Scenario, Step, When
from huiyin.assistant.scenario.world import World
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State

_FIRST_AFTER = When("start", 0.5)
_NEXT_AFTER = When("quiet", 0.7)
_SETTLE_S = 0.4  # without anything going on until it is quiet: longer than voice activity takes
_TAIL_S = 2.2  # the scenario goes on for so long after the last of it, so that what should not come could
_LONGEST_S = 120.0  # after the last of the script: then something goes on for ever


class Director:
    """All calls from the thread that lets the world's things happen."""

    def __init__(
        self, scenario: Scenario, world: World, log: Log, begin: Callable[[Step], float], *, apart_s: float = 0.0
    ) -> None:
        """`begin` lets a step begin now, and returns when it will be over.

        `apart_s`: how far the time of an action and that of the loudspeaker's sound may be apart.
        """
        self.log = log
        self.state = State.LISTENING
        """Where the machine is; at the end LISTENING where all came to its end."""
        self._world, self._begin, self._apart_s = world, begin, apart_s
        self._first = True
        self._waiting = list(scenario.steps)
        self._armed: When | None = None  # what the next step waits for
        self._scheduled = 0  # steps whose time is known and has not come
        self._sounding = 0  # steps that are being said
        self._happened = 0  # counts what goes on
        self._is_quiet = True
        self._play_s = 0.0  # when the newest reply was let out
        self._first_sound_of = 0  # the reply whose first sound is being looked for
        self._begun_reply = 0  # the newest that was heard
        self._scripted_s = 0.0  # the last of the script so far
        self._over = False

    def run(self) -> None:
        """Let it all happen."""
        world = self._world
        world.at(0.0, lambda: self._note("start"))
        self._arm()
        while not self._over and (self._sounding or world.now < self._scripted_s + _LONGEST_S) and world.step():
            pass
        self._note("end")
        self.log.end_s = world.now
        self.log.moments.sort(key=lambda moment: moment.at_s)

    @property
    def unplayed(self) -> list[tuple[Step, When]]:
        """The steps that never began, with what they waited for."""
        return [(step, step.after or _NEXT_AFTER) for step in self._waiting]

    def observe(self, at_s: float, what: object) -> None:
        """Something happened in the conversation."""
        match what:
            case do.Play():
                self._play_s = at_s
            case ev.PlaybackAdvanced(generation=generation) if generation > self._begun_reply:
                self._begun_reply = self._first_sound_of = generation
                since_s = self._play_s - self._apart_s
                for block in [block for block in self.log.blocks if block.at_s >= since_s]:
                    self._look_for_first_sound(block)
            case Asked(generation=generation, messages=messages, style=style):
                self.log.prompts.append((at_s, generation, messages))
                self.log.styles.append((at_s, style))
            case StateChanged(after=after):
                self.state = after
                self._is_quiet = self._is_quiet and after is State.LISTENING
        if moment := moment_of(at_s, what):
            self._note_moment(moment)
        if isinstance(what, ev.Event):
            self._goes_on()

    def played(self, at_s: float, block: Pcm16) -> None:
        """A block left the loudspeaker from `at_s` on."""
        self._look_for_first_sound(self.log.sounded(at_s, block))

    # -- the script

    def _arm(self) -> None:
        """The next step waits for its moment."""
        self._armed = None
        if not self._waiting:
            return
        when = self._waiting[0].after or (_FIRST_AFTER if self._first else _NEXT_AFTER)
        self._first = False
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
        self._world.at(self._begin(step), lambda: self._end(step))

    def _end(self, step: Step) -> None:
        self._sounding -= 1
        self._scripted_s = self._world.now
        self._note("user ends", "" if step.speaker == "user" else step.speaker, step=step.number)
        self._goes_on()

    def _note(self, name: str, detail: str = "", step: int = 0) -> None:
        self._note_moment(Moment(self._world.now, name, detail, step=step))

    def _note_moment(self, moment: Moment) -> None:
        self.log.moments.append(moment)
        if self._armed and self._armed.moment == moment.name:
            delay_s, self._armed = self._armed.delay_s, None
            self._schedule(moment.at_s + delay_s)

    def _look_for_first_sound(self, block: Sounded) -> None:
        """A reply is heard from its first audible sample on."""
        if self._first_sound_of and block.first_s is not None:
            self._note_moment(Moment(block.first_s, "reply starts", "", self._first_sound_of))
            self._first_sound_of = 0

    # -- when it is over

    def _goes_on(self) -> None:
        self._happened += 1
        count = self._happened
        self._world.after(_SETTLE_S, lambda: self._quiet_since(count))

    def _quiet_since(self, count: int) -> None:
        if count != self._happened or self._sounding or self.state is not State.LISTENING:
            return
        if not self._is_quiet:
            self._is_quiet = True
            self._note("quiet")
        self._world.after(_TAIL_S, lambda: self._end_since(count))

    def _end_since(self, count: int) -> None:
        if count == self._happened and not self._scheduled:
            self._over = True
