"""Starts the steps of a script at their moments, records what happens, and ends the run.

The same in virtual and in real time: `runner` and `real_time` pass on what they observe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.world import World
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.log import BLOCK_S, Log, PlayedBlock
from huiyin.assistant.scenario.moments import Moment, moment_of
from huiyin.assistant.scenario.script import Scenario, Step, When
from huiyin.assistant.turns.machine import State
from huiyin.assistant.turns.opener import OPENER

_FIRST_AFTER = When("start", 0.5)
_NEXT_AFTER = When("quiet", 0.7)
_SETTLE_S = 0.4  # without an event until it is quiet: longer than voice activity takes
_TAIL_S = 2.2  # after the last event the run goes on this long, so that an unwanted one can come
_LONGEST_S = 120.0  # the longest run after the last step: then events come without end


class Director:
    """All calls from the thread that runs the world."""

    def __init__(
        self, scenario: Scenario, world: World, log: Log, begin: Callable[[Step], float], *, apart_s: float = 0.0
    ) -> None:
        """`begin` lets a step begin now, and returns when it will be over.

        `apart_s`: how far the time of an action and that of the loudspeaker's sound may be apart.
        """
        self.log = log
        self.state = State.LISTENING
        """Where the machine is; LISTENING at the end of a run that came to rest."""
        self.is_busy: Callable[[], bool] = lambda: False
        """Whether something is being done of which more will come, as by a tool."""
        self._world, self._begin, self._apart_s = world, begin, apart_s
        self._waiting = list(scenario.steps)
        self._hang_up = scenario.hang_up
        self._armed: When | None = None  # what the next step waits for
        self._scheduled = 0  # steps whose time is known and has not come
        self._sounding = 0  # steps that are being said
        self._events = 0  # counts them
        self._is_quiet = True
        self._play_s = 0.0  # when the newest reply was sent to the player
        self._awaited: Moment | None = None  # the first sound that is being looked for
        self._opened_reply = 0  # the newest that began with an opener
        self._begun_reply = 0  # the newest whose playback began, an opener not counted
        self._scripted_s = 0.0  # the last of the script so far

    def run(self, converse: Callable[[], None] | None = None) -> None:
        """Run to the end. `converse` lets the world run; None: its own `run`."""
        self.begin()
        (converse or self._world.run)()
        self.finish()

    def begin(self, at_s: float = 0.0) -> None:
        """The script begins, at `at_s`; `run` for those whose world runs by itself. At its end the world is stopped."""
        self.log.start_s = at_s
        self._world.at(at_s, lambda: self._note("start"))
        self._arm()
        self._world.after(_LONGEST_S, self._give_up)

    def finish(self) -> None:
        """The world has stopped."""
        self._note("end")
        self.log.end_s = self._world.now
        self.log.moments.sort(key=lambda moment: moment.at_s)

    @property
    def unplayed(self) -> list[tuple[Step, When]]:
        """The steps that never began, with what they waited for."""
        return [(step, step.after or _NEXT_AFTER) for step in self._waiting]

    def observe(self, at_s: float, event: on.Public) -> None:
        """Something happened in the conversation."""
        match event:
            case on.ReplyStarted():
                self._play_s = at_s
            case on.ClauseStarted(generation=generation, clause=clause) if generation > self._begun_reply:
                self._begin_to_sound(at_s, generation, is_opener=clause == OPENER)
            case on.ModelAsked(generation=generation, messages=messages, style=style):
                self.log.prompts.append((at_s, generation, messages))
                self.log.styles.append((at_s, style))
            case on.TurnCommitted(turn=turn):
                self.log.history.append(turn)
            case on.FloorChanged(after=after):
                self.state = after
                self.log.floor.append((at_s, after))
                self._is_quiet = self._is_quiet and after is State.LISTENING
        if moment := moment_of(at_s, event):
            self._note_moment(moment)
        self._count_event()

    def played(self, at_s: float, block: Pcm16) -> None:
        """A block left the loudspeaker from `at_s` on."""
        self._look_for_first_sound(self.log.add_block(at_s, block))

    # -- the script

    def _arm(self) -> None:
        """The next step waits for its moment."""
        self._armed = None
        if not self._waiting:
            return
        when = self._waiting[0].after or (_NEXT_AFTER if self.log.steps else _FIRST_AFTER)
        if when.moment == "start":
            self._schedule(self.log.start_s + when.delay_s)
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
        ends_s = self._begin(step)
        self._world.at(ends_s, lambda: self._end(step, ends_s))

    def _end(self, step: Step, ends_s: float) -> None:
        """`ends_s`: with its last sample. On a busy machine it is later now."""
        self._sounding -= 1
        self._scripted_s = self._world.now
        self._note_moment(Moment(ends_s, "user ends", "" if step.speaker == "user" else step.speaker, step=step.number))
        self._count_event()

    def _note(self, name: str, detail: str = "", step: int = 0) -> None:
        self._note_moment(Moment(self._world.now, name, detail, step=step))

    def _note_moment(self, moment: Moment) -> None:
        self.log.moments.append(moment)
        hang_up = self._hang_up
        if hang_up and hang_up.moment == moment.name and not self._waiting:
            self._hang_up = None
            self._world.at(moment.at_s + hang_up.delay_s, self._world.stop)
        when = self._armed
        if when and when.moment == moment.name:
            self._armed = None
            self._schedule(moment.at_s + when.delay_s)

    def _begin_to_sound(self, at_s: float, generation: int, *, is_opener: bool) -> None:
        """An opener or the first clause of a reply is played: it starts with its first audible sample."""
        since_s = self._play_s
        if is_opener:
            self._opened_reply = generation
        else:
            self._begun_reply = generation
            if generation == self._opened_reply:  # what was played before is the opener
                since_s = at_s - BLOCK_S
        self._awaited = Moment(at_s, "opener starts" if is_opener else "reply starts", "", generation)
        for block in self.log.blocks:
            if block.at_s >= since_s - self._apart_s:
                self._look_for_first_sound(block)

    def _look_for_first_sound(self, block: PlayedBlock) -> None:
        if self._awaited and block.first_s is not None:
            moment, self._awaited = self._awaited, None
            self._note_moment(replace(moment, at_s=block.first_s))

    # -- when it is over

    def _count_event(self) -> None:
        self._events += 1
        count = self._events
        self._world.after(_SETTLE_S, lambda: self._quiet_since(count))

    def _quiet_since(self, count: int) -> None:
        if count != self._events or self._sounding or self.state is not State.LISTENING or self.is_busy():
            return
        if not self._is_quiet:
            self._is_quiet = True
            self._note("quiet")
        self._world.after(_TAIL_S, lambda: self._end_since(count))

    def _end_since(self, count: int) -> None:
        if count == self._events and not self._scheduled and not self._sounding:
            self._world.stop()

    def _give_up(self) -> None:
        """It does not come to rest."""
        left_s = self._scripted_s + _LONGEST_S - self._world.now
        if self._sounding or left_s > 0:
            self._world.after(max(left_s, _SETTLE_S), self._give_up)
        else:
            self._world.stop()
