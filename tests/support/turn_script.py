"""A turn machine driven by hand in virtual time: events at stated times, and what it asks for in answer."""

from __future__ import annotations

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State, TurnMachine
from huiyin.configs.settings import TurnsSettings

HELLO = Transcript("hello there", "en")


class Script:
    """Feeds a machine, wakes it when it asked to be woken, and keeps what it did as (seconds, action)."""

    def __init__(self, *judges: str, **policy: object) -> None:
        self.machine = TurnMachine(TurnsSettings(**policy), judges)  # type: ignore[arg-type]
        self.done: list[tuple[float, do.Action]] = []
        self.over_s: float | None = None  # when the user's turn was over
        self._playing = 0
        self._wake_s: float | None = None

    def at(self, now_s: float, event: ev.Event | None = None) -> list[do.Action]:
        """Let time pass until `now_s`, then feed `event`. Returns everything done since the last call."""
        before = len(self.done)
        while self._wake_s is not None and self._wake_s < now_s:
            self._feed(ev.TimePassed(self._wake_s))
        self._feed(event or ev.TimePassed(now_s))
        return [action for _, action in self.done[before:]]

    def _feed(self, event: ev.Event) -> None:
        self._wake_s = None
        for action in self.machine.handle(event):
            if isinstance(action, do.WakeAt):
                assert self._wake_s is None, "one wake-up at a time"
                self._wake_s = action.at_s
            else:
                self.done.append((event.at_s, action))
                self._playing = action.generation if isinstance(action, do.Play) else self._playing
        if self.machine.state is State.USER:
            self.over_s = None
        elif self.machine.state is State.THINKING and self.over_s is None:
            self.over_s = event.at_s

    def when(self, kind: type[do.Action]) -> list[float]:
        """Times at which an action of this kind was asked for."""
        return [at for at, action in self.done if type(action) is kind]

    def last(self, kind: type[do.Action]) -> do.Action:
        return [action for _, action in self.done if type(action) is kind][-1]

    # -- the usual course of things

    def user_speaks(self, start_s: float, end_s: float) -> None:
        self.at(start_s + 0.1, ev.SpeechStarted(start_s + 0.1, onset_s=start_s))
        self.at(end_s + 0.096, ev.SpeechPaused(end_s + 0.096, end_s=end_s))

    def recognised(self, at_s: float, transcript: Transcript = HELLO) -> None:
        self.at(at_s, ev.Transcribed(at_s, self.machine.generation, transcript))

    def replies(self, at_s: float, *clauses: str) -> None:
        g = self.machine.generation
        for i, text in enumerate(clauses):
            self.at(at_s, ev.ReplyText(at_s, g, i, text))
        self.at(at_s, ev.ReplyFinished(at_s, g))

    def synthesised(self, at_s: float, clause: int) -> None:
        g = self.machine.generation
        self.at(at_s, ev.AudioReady(at_s, g, clause))
        self.at(at_s, ev.AudioFinished(at_s, g, clause))

    def heard(self, at_s: float) -> None:
        self.at(at_s, ev.PlaybackFinished(at_s, self._playing))

    def answered(self, reply: str = "Hi!") -> Script:
        """The user spoke from 0 to 2 s; one clause answers from 2.5 s. What came before is forgotten."""
        self.user_speaks(0, 2)
        self.recognised(2.2)
        self.replies(2.3, reply)
        self.synthesised(2.4, 0)
        self.at(2.5)
        assert self.machine.state is State.SPEAKING
        self.done.clear()
        return self

    def half_answered(self) -> Script:
        """The user spoke from 0 to 2 s; the first clause of the answer is synthesised, the model goes on."""
        self.user_speaks(0, 2)
        self.recognised(2.2)
        self.at(2.3, ev.ReplyText(2.3, 1, 0, "Well,"))
        self.synthesised(2.4, 0)
        return self

    def cuts_in(
        self,
        start_s: float,
        end_s: float,
        words: str,
        *,
        asr_s: float = 0.07,
        first: str | None = None,
        echo: bool | None = None,
        events: tuple[str, ...] = (),
    ) -> None:
        """The user speaks while the assistant does; whenever asked, the recogniser takes `asr_s` and says `words`, but
        the first time `first` where it is given, and `events`. `echo`: what the ears find."""
        self.at(start_s + 0.16, ev.SpeechStarted(start_s + 0.16, onset_s=start_s))
        due: list[tuple[float, int]] = []
        now_s = start_s + 0.16
        asked = len(self.when(do.Transcribe))
        while now_s < end_s + 1.5:
            now_s = round(now_s + 0.01, 3)
            event: ev.Event = ev.TimePassed(now_s)
            if abs(now_s - (end_s + 0.1)) < 0.001:
                event = ev.SpeechPaused(now_s, end_s, echo)
            elif due and now_s >= due[0][0]:
                heard = Transcript(words if first is None else first, events=events)
                event = ev.Transcribed(now_s, due.pop(0)[1], heard)
                first = None
            self.at(now_s, event)
            for at_s, action in [d for d in self.done if isinstance(d[1], do.Transcribe)][asked:]:
                asked += 1
                due.append((at_s + asr_s, action.generation))  # type: ignore[attr-defined]
