"""The turn machine under events in any order: late, twice, out of order, of unknown replies. What holds whatever comes.

`pytest tests/pure/test_turn_orders.py --hypothesis-profile long` tries many more.
"""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State, TurnMachine
from huiyin.assistant.turns.opener import OPENER
from huiyin.assistant.turns.stop_words import is_only_stop
from huiyin.configs.settings import TurnsSettings

_KEPT = (
    do.Apologise,
    do.Synthesise,
    do.Play,
    do.CloseAudio,
    do.Pause,
    do.Resume,
    do.StopPlayback,
    do.CallTools,
    do.Commit,
    do.Cancel,
)
_ONCE = (
    do.Transcribe,
    do.EndTurn,
    do.AskLlm,
    do.Open,
    do.Play,
    do.CloseAudio,
    do.StopPlayback,
    do.CallTools,
    do.Commit,
    do.Apologise,
)
_STOPS = (ev.TextEntered, ev.Interrupted, ev.KeyPressed)  # whatever speech may do
_MOST_STEPS = 200  # of a way out

seconds = st.sampled_from([0.0, 0.01, 0.05, 0.096, 0.2, 0.3, 0.65, 1.2, 8.0, 20.0, 70.0])
lags = st.sampled_from([0.0, 0.03, 0.1, 0.25])
echoes = st.sampled_from([None, None, True, False])
probabilities = st.sampled_from([0.0, 0.05, 0.3, 0.6, 0.99])
words = st.sampled_from(
    ["", "stop", "yeah", "Hello there.", "hello there", "because", "一二三四", "a lighthouse on a rock"]
)
clauses = st.sampled_from(["Once upon a time", "there was a lighthouse on a rock.", "好的。"])
ages = st.sampled_from([0, 0, 0, 0, 1, 2, -1])  # how many replies ago; -1: of one that has not begun
numbers = st.sampled_from([0, 0, 1, 2, 7])  # of clauses
policies = st.builds(
    TurnsSettings,
    barge_in=st.sampled_from(["voice", "voice", "key", "off", "ignore", "ignore"]),
    replies=st.sampled_from([True, True, True, False]),
    talk_key=st.sampled_from([False, False, True]),
    speculate_s=st.sampled_from([0.096, 0.096, 0.0, 0.5]),
    resume_s=st.sampled_from([0.65, 0.1]),
    ask_early_s=st.sampled_from([0.3, 0.1]),
)


class Orders(RuleBasedStateMachine):
    """The conversation around a machine: its clock, its services, which may do anything, and what must hold."""

    holds = False

    @initialize(policy=policies, judges=st.sets(st.sampled_from(["sound", "words", "voice"])), apologises=st.booleans())
    def begin(self, policy: TurnsSettings, judges: set[str], apologises: bool) -> None:
        self.machine = TurnMachine(policy, judges)
        self.apologises = apologises
        self.now_s = self.speech_s = 0.0  # `speech_s`: where speech last began or ended
        self.wake_s: float | None = None
        self.pause_s = 0.0
        self.owed: deque[ev.Event] = deque()  # what the services would answer, in order
        self.fed: list[ev.Event] = []  # what they have
        self.counts: Counter[tuple[type, int]] = Counter()
        self.clauses: dict[int, int] = {}  # generation -> clauses asked for
        self.unfinished: set[tuple[int, int]] = set()  # clauses that have begun to sound
        self.cancelled = 0  # this generation and older ones
        self.kept: set[int] = set()  # those of which the sound was kept
        self.playing = 0
        self.paused = False
        self.finished = 0  # played to its end
        self.typed: dict[int, str] = {}
        self.asked_for: Counter[tuple[str, ...] | None] = Counter()  # to be said; None: a reply was requested
        self.begun: Counter[tuple[str, ...] | None] = Counter()  # of these; again where a noise came before its sound
        self.opened: set[int] = set()  # replies that began with an opener
        self.called: set[int] = set()  # replies that have called tools and are not committed
        self.texts: dict[int, list[str]] = {}  # generation -> clauses to be synthesised
        self.stopped: list[str] = []  # clauses of a reply that speech stopped, and nothing has followed yet
        self.stopped_before: set[str] = set()
        self.ignores_speech = policy.barge_in == "ignore" and not policy.talk_key
        self.onsets: set[float] = set()  # of speech during a reply that it does not stop, and that is no turn yet

    # -- what happens

    @rule(after_s=seconds, late=st.booleans())
    def time_passes(self, after_s: float, late: bool) -> None:
        end_s = self.now_s + after_s
        while self.wake_s is not None and self.wake_s <= end_s and not late:
            self.feed(ev.TimePassed(self.wake_s))
        self.feed(ev.TimePassed(end_s))

    @rule(lag_s=lags, echo=echoes)
    def speech_starts(self, lag_s: float, echo: bool | None) -> None:
        self.speech_s = max(self.speech_s, self.now_s - lag_s)
        if self.ignores_speech and self.machine.state in (State.THINKING, State.SPEAKING):
            self.onsets.add(self.speech_s)
        self.feed(ev.SpeechStarted(self.now_s, self.speech_s, echo))

    @rule(lag_s=lags, echo=echoes)
    def speech_pauses(self, lag_s: float, echo: bool | None = None) -> None:
        self.speech_s = self.pause_s = max(self.speech_s, self.now_s - lag_s)
        self.onsets.discard(self.pause_s)  # it lasted no time
        self.feed(ev.SpeechPaused(self.now_s, self.speech_s, echo))

    @rule(kind=st.sampled_from([ev.SpeechPossible, ev.EnergyRecovered, ev.Interrupted, ev.KeyPressed, ev.KeyReleased,
                                  ev.TurnClosed]))  # fmt: skip
    def happens(self, kind: type[ev.Event]) -> None:
        self.feed(kind(self.now_s))

    @rule(lag_s=lags)
    def energy_drops(self, lag_s: float) -> None:
        self.feed(ev.EnergyDropped(self.now_s, max(self.speech_s, self.now_s - lag_s)))

    @rule(probability=probabilities)
    def pause_is_scored(self, probability: float) -> None:
        self.feed(ev.EndpointScored(self.now_s, self.pause_s, probability))

    @rule(text=words)
    def text_is_entered(self, text: str) -> None:
        if self.machine.state is State.USER:
            self.onsets.clear()  # typed instead
        generation = self.machine.generation + 1
        self.feed(ev.TextEntered(self.now_s, text))
        self.typed[generation] = text

    @rule(said=st.lists(clauses, max_size=3).map(tuple))
    def assistant_is_to_speak(self, said: tuple[str, ...]) -> None:
        self.asked_for[said] += bool(said)
        self.feed(ev.Say(self.now_s, said))

    @rule()
    def reply_is_requested(self) -> None:
        self.asked_for[None] += 1
        self.feed(ev.ReplyRequested(self.now_s))

    @rule(policy=policies)
    def policy_changes(self, policy: TurnsSettings) -> None:
        self.machine.policy, self.ignores_speech = policy, False
        self.feed(ev.TimePassed(self.now_s))

    # -- what comes back, as it should

    @precondition(lambda self: self.owed)
    @rule(text=words, written=st.lists(clauses, max_size=3), calls=st.sampled_from([(), (), ("look",)]),
          probability=probabilities, many=st.integers(1, 4))  # fmt: skip
    def services_answer(
        self, text: str, written: list[str], calls: tuple[str, ...], probability: float, many: int
    ) -> None:
        for _ in range(min(many, len(self.owed))):
            asked = self.owed.popleft()
            self.answer(asked, text, written, calls, probability)

    def answer(
        self, asked: do.Action, text: str, written: list[str], calls: tuple[str, ...], probability: float
    ) -> None:
        now_s, generation = self.now_s, getattr(asked, "generation", 0)
        match asked:
            case do.Transcribe():
                self.feed(ev.Transcribed(now_s, generation, ev.Transcript(text)))
            case do.JudgeWords():
                self.feed(ev.WordsJudged(now_s, generation, probability))
            case do.JudgeVoice(end_s=end_s):
                self.feed(ev.VoiceScored(now_s, end_s, probability))
            case do.AskLlm():
                for number, clause in enumerate(written):
                    self.feed(ev.ReplyText(now_s, generation, number, clause))
                self.feed(ev.ReplyFinished(now_s, generation, calls))
            case do.Synthesise(clause=clause):
                self.feed(ev.AudioReady(now_s, generation, clause))
                self.feed(ev.AudioFinished(now_s, generation, clause))
            case do.Open():
                self.feed(ev.Opened(now_s, generation, "Well,"))
            case do.Play():
                self.feed(ev.PlaybackAdvanced(now_s, generation, OPENER if generation in self.opened else 0))
            case do.CloseAudio():
                self.feed(ev.PlaybackFinished(now_s, generation))
            case do.StopPlayback():
                self.feed(ev.PlaybackStopped(now_s, generation, 0, 1))

    # -- ... and as it should not

    @precondition(lambda self: self.fed)
    @rule(ago=st.integers(1, 6))
    def something_comes_again(self, ago: int) -> None:
        event = self.fed[-min(ago, len(self.fed))]
        self.feed(type(event)(self.now_s, *list(vars(event).values())[1:]))

    @rule(kind=st.sampled_from([ev.ReplyFinished, ev.PlaybackFinished]), age=ages)
    def something_strange_comes(self, kind: type[ev.ReplyEvent], age: int) -> None:
        self.feed(kind(self.now_s, self.machine.generation - age))

    @rule(kind=st.sampled_from([ev.AudioReady, ev.AudioFinished, ev.PlaybackAdvanced]), age=ages, clause=numbers)
    def strange_sound_comes(self, kind: type[ev.AudioReady], age: int, clause: int) -> None:
        self.feed(kind(self.now_s, self.machine.generation - age, clause))

    @rule(age=ages, clause=numbers, text=clauses)
    def strange_words_come(self, age: int, clause: int, text: str) -> None:
        generation = self.machine.generation - age
        self.feed(ev.ReplyText(self.now_s, generation, clause, text))
        self.feed(ev.Transcribed(self.now_s, generation, ev.Transcript(text)))
        if generation:
            self.feed(ev.Say(self.now_s, (text,), generation))

    @rule(stage=st.sampled_from(["asr", "llm", "tts"]), age=ages)
    def stage_fails(self, stage: ev.Stage, age: int) -> None:
        self.feed(ev.StageFailed(self.now_s, self.machine.generation - age, stage, "gone"))

    # -- what must hold

    def feed(self, event: ev.Event) -> None:
        self.now_s, self.wake_s, self.holds = event.at_s, None, False
        match event:
            case ev.PlaybackFinished(generation=generation) if self.counts[do.CloseAudio, generation]:
                self.finished = max(self.finished, generation)
                self.playing = 0 if generation == self.playing else self.playing
            case ev.Opened(generation=generation) if self.counts[do.Open, generation]:
                self.opened.add(generation)
            case ev.AudioReady(generation=generation, clause=clause) if clause < self.clauses.get(generation, 0):
                self.unfinished.add((generation, clause))
            case ev.AudioFinished(generation=generation, clause=clause):
                self.unfinished.discard((generation, clause))
            case ev.StageFailed(generation=generation, stage="tts"):
                self.unfinished = {begun for begun in self.unfinished if begun[0] != generation}
        if isinstance(event, ev.ReplyEvent):
            self.fed.append(event)
        before, state_before = self.machine.generation, self.machine.state
        apologise = None
        for action in self.machine.handle(event):
            assert self.wake_s is None, "the wake-up comes last"
            self.hold(action, before)
            if self.ignores_speech and not isinstance(event, _STOPS):
                assert not isinstance(action, (do.StopPlayback, do.Pause)), "speech does not stop it"
                assert not (isinstance(event, ev.SpeechStarted) and state_before is State.THINKING
                            and isinstance(action, do.Cancel)), "nor what is being prepared"  # fmt: skip
            apologise = action if isinstance(action, do.Apologise) else apologise
            self.hold_no_silence(event, action)
        self.hold_way_on()
        if apologise and self.apologises:
            self.feed(ev.Say(self.now_s, ("Sorry.",), apologise.generation))

    def hold(self, action: do.Action, before: int) -> None:
        """What an action may be, after those before it."""
        generation = getattr(action, "generation", 0)
        self.counts[type(action), generation] += 1
        assert generation <= self.machine.generation
        assert type(action) not in _ONCE or self.counts[type(action), generation] == 1, f"{action} a second time"
        is_kept = isinstance(action, do.Cancel) or (generation in self.kept and isinstance(action, _KEPT))
        assert not generation or generation > self.cancelled or is_kept, f"{action} after it was cancelled"
        match action:
            case do.WakeAt(at_s=at_s):
                assert at_s > self.now_s
                self.wake_s = at_s
            case do.Transcribe(start_s=start_s, end_s=end_s):
                assert generation > before and 0 <= start_s <= end_s <= self.now_s
            case do.EndTurn(start_s=start_s, end_s=end_s):
                assert self.counts[do.Transcribe, generation] and 0 <= start_s <= end_s <= self.now_s
                self.onsets = {onset_s for onset_s in self.onsets if not start_s <= onset_s <= end_s}
            case do.AskLlm(transcript=None):
                assert self.asked_for[None] or self.typed or self.stopped_before, "to go on with what was stopped"
                self.begun[None] += not self.stopped
            case do.CallTools():
                assert generation == self.playing or not self.clauses.get(generation), "it has begun, or has no words"
                self.called.add(generation)
            case do.ScoreEndpoint(start_s=start_s, end_s=end_s) | do.JudgeVoice(start_s=start_s, end_s=end_s):
                assert 0 <= start_s <= end_s <= self.now_s
            case do.Synthesise(clause=clause, text=text):
                assert clause == self.clauses.setdefault(generation, 0), "in order, and once"
                self.clauses[generation] += 1
                self.texts.setdefault(generation, []).append(text)
                if clause == 0 and not self.counts[do.AskLlm, generation] and generation not in self.kept:
                    said = [each for each in self.asked_for if each and each[0] == text]
                    is_rest = any(before.endswith(text) for before in self.stopped_before)
                    assert said or is_rest, "the rest of what was stopped"
                    self.begun.update(said)
            case do.Open(transcript=transcript):
                assert transcript.text and self.counts[do.EndTurn, generation], "words that were said"
                assert not self.playing and not self.counts[do.Play, generation], "nothing is heard yet"
            case do.Play():
                assert not self.playing and generation > self.finished, "one reply at a time"
                self.playing, self.paused = generation, False
            case do.Pause() | do.Resume():
                assert generation == self.playing and self.paused is isinstance(action, do.Resume)
                self.paused = isinstance(action, do.Pause)
            case do.StopPlayback():
                assert generation == self.playing
                self.playing = 0
            case do.Commit(transcript=transcript, interrupted=interrupted):
                is_played = bool(self.counts[do.Play, generation])
                is_silent = not interrupted and not self.clauses.get(generation)  # only calls tools, or is not wanted
                assert is_played or is_silent or (interrupted and transcript.text), "heard, or the user's own words"
                assert generation != self.playing and (interrupted or is_silent or self.finished == generation)
                self.called.discard(generation)
            case do.Cancel(keep_audio=True):
                self.kept.add(generation)
            case do.Cancel():
                assert generation != self.playing, "stopped first"
                self.cancelled = generation
                self.kept.discard(generation)
        if not isinstance(action, do.WakeAt):
            self.owed.append(action)

    def hold_no_silence(self, event: ev.Event, action: do.Action) -> None:
        """What speech has stopped is followed by another reply, an apology or its own rest, unless silence is wanted:
        asked for by words, by a key, by a client that gives the replies itself."""
        is_wanted = isinstance(event, _STOPS) or not self.machine.policy.replies
        if isinstance(action, (do.Play, do.CallTools, do.Apologise)) or is_wanted:
            self.stopped = []
        elif isinstance(action, do.StopPlayback):
            self.stopped = self.texts.get(action.generation, [])
            self.stopped_before.update(self.stopped)
        if isinstance(event, ev.Transcribed) and is_only_stop(event.transcript.text):
            self.stopped = []

    def hold_way_on(self) -> None:
        """No deadline is lost: time or an answer that is owed leads on."""
        generation, state = self.playing, self.machine.state
        is_sound_owed = self.counts[do.CloseAudio, generation] or any(
            begun == generation for begun, _ in self.unfinished
        )
        assert state is State.LISTENING or self.wake_s is not None or (state is State.SPEAKING and is_sound_owed)
        assert state is not State.LISTENING or not self.playing
        assert (state in (State.SPEAKING, State.PAUSED)) is bool(self.playing)
        assert (state is State.PAUSED) is (self.paused and bool(self.playing))
        self.holds = True

    def teardown(self) -> None:
        """Silence and time lead back to listening; then all that was typed is kept, said what was to be said, every
        reply that called a tool committed, and speech that waited for the floor a turn."""
        if not self.holds:
            return
        self.speech_pauses(0.0)
        self.happens(ev.KeyReleased)
        for _ in range(_MOST_STEPS):
            if self.wake_s is not None:
                self.feed(ev.TimePassed(self.wake_s))
            elif self.machine.state is State.LISTENING:
                break
            elif self.counts[do.CloseAudio, self.playing]:
                self.feed(ev.PlaybackFinished(self.now_s, self.playing))
            else:
                self.feed(ev.StageFailed(self.now_s, self.playing, "tts", "silent for too long"))
        assert self.machine.state is State.LISTENING
        assert not self.called and not self.onsets and not self.stopped
        assert all(self.begun[each] >= count for each, count in self.asked_for.items() if each or not self.typed)
        for generation, text in self.typed.items():
            assert not text or self.counts[do.Commit, generation], f"{text!r} was typed and is lost"


TestOrders = Orders.TestCase
