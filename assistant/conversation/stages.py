"""The stages of a reply: recognise, judge, ask, speak. What they are asked for, and how their results come back.

A stage is a protocol: it is given a request and returns a source of results, which the world starts. The services over
HTTP are one form (`http_stages`), the simulated ones of scripted conversations another. What a reply's stages have in
common is here: the clauses are cut while the model writes, and spoken one after the other; what belongs to a cancelled
generation never arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeVar

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.conversation.understood import Understand, only_words
from huiyin.assistant.conversation.world import Run, Source, World
from huiyin.assistant.dialogue.clause_stream import Check, ClauseStream
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Loudspeaker, Pcm16
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Stage, Transcript

T = TypeVar("T")

NO_WORDS: Mapping[str, str] = {}

_AHEAD_S = 1.0  # with less sound ahead the voice is in a hurry: a clause takes less to be made


@dataclass(frozen=True)
class TurnSoFar:
    """The user's turn from `start_s` to its pause at `end_s`. `text`: its words, for a judge of words.
    `microphone`: its sound before the echo path, where it is kept."""

    generation: int
    start_s: float
    end_s: float
    sound: Callable[[], Pcm16]
    text: str = ""
    microphone: Callable[[], Pcm16] | None = None


@dataclass(frozen=True)
class Speech:
    """A clause to be spoken. `is_urgent`: little sound is ahead of it, and the model still writes.
    `pronunciations`: word -> how it is said."""

    generation: int
    clause: int
    text: str
    style: Style
    is_urgent: bool = False
    pronunciations: Mapping[str, str] = field(default_factory=dict)


class Recogniser(Protocol):
    """Speech to text."""

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """One transcript of the turn so far."""


class Judge(Protocol):
    """Whether a turn is complete, by its sound or by its words; or whether it is the enrolled voice."""

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        """One probability, 0..1, of a voice its likeness, -1..1; None: it cannot tell."""


class Model(Protocol):
    """The language model."""

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """The reply, piece by piece, and those of `tools` that it calls."""

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Source[str | CalledTool] | None:
        """Let it read what the next request will begin with; None: that would be of no use."""

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """A summary, piece by piece; no reply waits for it."""


class Voice(Protocol):
    """Text to speech."""

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """The sound of a clause as it is made; in between, when its next words are said, where that is known."""


@dataclass(frozen=True)
class Parts:
    """Who does what in a conversation. A judge that is None is not asked. `model_invents`: it is a small one, and an
    answer to what it cannot know is an invention."""

    recogniser: Recogniser
    model: Model
    voice: Voice
    by_sound: Judge | None = None
    by_words: Judge | None = None
    by_voice: Judge | None = None
    model_invents: bool = False

    @property
    def judges(self) -> set[Literal["sound", "words", "voice"]]:
        """By what a pause is judged; and whether speech over a reply is, by its voice."""
        judges = (("sound", self.by_sound), ("words", self.by_words), ("voice", self.by_voice))
        return {name for name, judge in judges if judge}  # type: ignore[misc]


class Stages:
    """All calls from the conversation's thread; results come back there, as events, through `handle`."""

    def __init__(
        self,
        world: World,
        parts: Parts,
        loudspeaker: Loudspeaker,
        cut: Callable[[float, float], Pcm16],
        handle: Callable[[ev.Event], None],
        understand: Understand = only_words,
    ) -> None:
        """`cut`: the user's sound between two times. `understand`: what is made of a transcript."""
        self._understand = understand
        self._world, self._parts, self._loudspeaker, self._cut, self._handle = world, parts, loudspeaker, cut, handle
        self._runs: dict[int, list[Run]] = {}  # by generation
        self._asked: dict[int, TurnSoFar] = {}  # what the words of a generation were recognised from
        self._texts: dict[int, ClauseStream] = {}  # of the replies being written
        self._voices: dict[int, Voice] = {}  # that the replies began with
        self._clauses: dict[int, deque[Speech]] = {}  # to be spoken; the first is being spoken
        self._gone = 0  # this generation and older ones are cancelled
        self._alone: dict[str, Run] = {}  # what is for no reply: the newest of each kind

    def transcribe(self, generation: int, start_s: float, end_s: float) -> None:
        """Recognise the user's sound between two times."""
        turn = self._asked[generation] = self._turn(generation, start_s, end_s)
        self._start(
            generation, "asr", self._parts.recogniser.transcribe(turn),
            lambda transcript: self._post(ev.Transcribed(self._world.now, generation, self._understand(transcript))),
        )  # fmt: skip

    def judge(self, action: do.ScoreEndpoint | do.JudgeWords | do.JudgeVoice) -> None:
        """Ask a judge."""
        match action:
            case do.ScoreEndpoint(start_s=start_s, end_s=end_s):
                self.score(start_s, end_s)
            case do.JudgeWords(generation=generation, text=text):
                self.judge_words(generation, text)
            case do.JudgeVoice(start_s=start_s, end_s=end_s):
                self.judge_voice(start_s, end_s)

    def score(self, start_s: float, end_s: float) -> None:
        """Judge by the sound from `start_s` on whether the turn that has paused at `end_s` is complete."""

        def take(probability: float | None) -> None:
            self._post(ev.EndpointScored(self._world.now, end_s, probability))

        if judge := self._parts.by_sound:
            self._keep_alone("score", self._judge(judge, self._turn(0, start_s, end_s), take))

    def judge_words(self, generation: int, text: str) -> None:
        """Judge whether a turn that says `text` is complete."""

        def take(probability: float | None) -> None:
            self._post(ev.WordsJudged(self._world.now, generation, probability))

        if judge := self._parts.by_words:
            asked = self._asked[generation]
            turn = self._turn(generation, asked.start_s, asked.end_s, text)
            self._keep(generation, self._judge(judge, turn, take))

    def judge_voice(self, start_s: float, end_s: float) -> None:
        """Judge whether the sound between two times is the enrolled voice."""

        def take(likeness: float | None) -> None:
            self._post(ev.VoiceScored(self._world.now, end_s, likeness))

        if judge := self._parts.by_voice:
            self._keep_alone("voice", self._judge(judge, self._turn(0, start_s, end_s), take))

    def set_voice(self, voice: Voice) -> None:
        """From the next reply on."""
        self._parts = replace(self._parts, voice=voice)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """These messages will begin the next request, which ends this one if it still runs."""
        if source := self._parts.model.warm(messages, tools):
            self._keep_alone("warm", self._world.start(source, lambda item: None, lambda failure: None))

    def summarise(self, messages: Sequence[Message], done: Callable[[str], None]) -> None:
        """Ask for a summary; `done` gets it later, '' if there is none."""
        pieces: list[str] = []
        source = self._parts.model.summarise(messages)
        run = self._world.start(source, pieces.append, lambda failure: done("" if failure else "".join(pieces)))
        self._keep_alone("summary", run)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (),
        tool_choice: ToolChoice = "auto", check: Check | None = None,
    ) -> None:  # fmt: skip
        """Ask the model; its reply comes back clause by clause, as `check` lets them pass; what it calls at its end."""
        if warming := self._alone.get("warm"):
            warming.cancel()

        def say(number: int, clause: str) -> None:
            self._post(ev.ReplyText(self._world.now, generation, number, clause))

        def take(item: str | CalledTool) -> None:
            if isinstance(item, CalledTool):
                calls.append(item)
            else:
                text.feed(item)

        def end(failure: Exception | None) -> None:
            del self._texts[generation]
            if failure is None:
                text.finish()
                self._post(ev.ReplyFinished(self._world.now, generation, tuple(calls)))
            else:
                text.hurry()  # what it has written is spoken

        calls: list[CalledTool] = []
        text = self._texts[generation] = ClauseStream(say, check)
        self._voices[generation] = self._parts.voice
        self._start(generation, "llm", self._parts.model.ask(generation, messages, tools, tool_choice), take, end)

    def hurry(self, generation: int) -> None:
        """The voice will soon be silent: it gets what the model has written so far, if it is a clause."""
        if text := self._texts.get(generation):
            text.hurry()

    def synthesise(
        self, generation: int, clause: int, text: str, style: Style, pronunciations: Mapping[str, str] = NO_WORDS
    ) -> None:
        """Synthesise a clause in this style, after the clauses before it. `pronunciations`: see `Speech`."""
        if generation <= self._gone:
            return
        waiting = self._clauses.setdefault(generation, deque())
        waiting.append(Speech(generation, clause, text, style, pronunciations=pronunciations))
        if len(waiting) == 1:
            self._speak(waiting)

    def cancel(self, generation: int) -> None:
        """Cancel what runs for this generation or an older one."""
        self._gone = max(self._gone, generation)
        for kept in (self._asked, self._texts, self._clauses, self._voices):
            for old in [number for number in kept if number <= generation]:
                del kept[old]  # type: ignore[attr-defined]
        for old in [number for number in self._runs if number <= generation]:
            for run in self._runs.pop(old):
                run.cancel()

    def close(self) -> None:
        """Cancel everything."""
        self.cancel(max([self._gone, *self._runs]))
        for run in self._alone.values():
            run.cancel()

    def _turn(self, generation: int, start_s: float, end_s: float, text: str = "") -> TurnSoFar:
        return TurnSoFar(generation, start_s, end_s, lambda: self._cut(start_s, end_s), text)

    def _judge(self, judge: Judge, turn: TurnSoFar, take: Callable[[float | None], None]) -> Run:
        """A judge that fails cannot tell."""
        return self._world.start(judge.judge(turn), take, lambda failure: None if failure is None else take(None))

    def _speak(self, waiting: deque[Speech]) -> None:
        """Begin with the first clause that waits."""
        generation, clause = waiting[0].generation, waiting[0].clause
        has_begun = False
        samples = 0

        def take(item: Pcm16 | list[HeardUntil]) -> None:
            nonlocal has_begun, samples
            if isinstance(item, list):
                self._loudspeaker.add_words(generation, clause, item)
                return
            self._loudspeaker.add(generation, clause, item)
            samples += len(item)
            if not has_begun:
                has_begun = True
                self._post(ev.AudioReady(self._world.now, generation, clause))

        def end(failure: Exception | None) -> None:
            if failure is None and not has_begun:
                self._fail(generation, "tts", ServiceError("clients.no_sound"))
            elif failure is None:
                self._loudspeaker.end_clause(generation, clause)
                self._post(ev.AudioFinished(self._world.now, generation, clause, samples / SAMPLE_RATE))
                waiting.popleft()
                if waiting:
                    self._speak(waiting)

        is_urgent = generation in self._texts and self._loudspeaker.ahead_s(generation) < _AHEAD_S
        speech = replace(waiting[0], is_urgent=is_urgent)
        voice = self._voices.setdefault(generation, self._parts.voice)
        self._start(generation, "tts", voice.speak(speech), take, end)

    def _start(
        self,
        generation: int,
        stage: Stage,
        source: Source[T],
        take: Callable[[T], None],
        end: Callable[[Exception | None], None] = lambda failure: None,
    ) -> None:
        def finish(failure: Exception | None) -> None:
            end(failure)
            if failure is not None:
                self._fail(generation, stage, failure)

        self._keep(generation, self._world.start(source, take, finish))

    def _keep_alone(self, kind: str, run: Run) -> None:
        if old := self._alone.get(kind):
            old.cancel()
        self._alone[kind] = run

    def _keep(self, generation: int, run: Run) -> None:
        self._runs.setdefault(generation, []).append(run)

    def _post(self, event: ev.EndpointScored | ev.VoiceScored | ev.ReplyEvent) -> None:
        """Let it be handled next, unless its generation is cancelled before its turn comes."""

        def handle() -> None:
            if not isinstance(event, ev.ReplyEvent) or event.generation > self._gone:
                self._handle(event)

        self._world.at(event.at_s, handle)

    def _fail(self, generation: int, stage: Stage, failure: Exception) -> None:
        reason = str(failure) or type(failure).__name__
        self._post(ev.StageFailed(self._world.now, generation, stage, reason))
