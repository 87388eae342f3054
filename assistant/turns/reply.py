"""One reply: transcript, clauses, sound. It knows its own deadlines; whose turn it is, the machine knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import NEVER, Stage, Transcript
from huiyin.configs.settings import TurnsSettings


class Reply:
    """A reply with its generation number. It is prepared until `commit`, and played after it."""

    def __init__(self, generation: int, policy: TurnsSettings, act: Callable[[do.Action], None]) -> None:
        self.generation = generation
        self.transcript: Transcript | None = None  # what it answers
        self.asked_s = 0.0  # when that transcript was asked for
        self.is_needed = True  # False: nothing was said that wants an answer
        self.committed = False  # the user's turn is over
        self.playing = False
        self.closed = False  # no more sound will come
        self.failed = False
        self._policy = policy
        self._act = act
        self._clauses: list[str] = []
        self._text_finished = False
        self._llm_failure = ""  # why the model broke off: what came before is spoken first
        self._deferred: list[do.Synthesise] = []  # clauses after the first: synthesised once it is committed
        self._first_sounds: set[int] = set()  # numbers of the clauses whose first sound is there
        self._last_sounds: set[int] = set()  # ... and whose last sound is there
        self._audible_clause: int | None = None
        self._stage_due_s: dict[Stage, float] = {}  # deadlines of what is awaited
        self._possible_speech_until_s = 0.0
        self._playable_s = NEVER  # when it could first be played
        self._hurry_s = NEVER  # when the next clause is asked for

    # -- what the machine asks of it

    def transcribe(self, start_s: float, end_s: float, now_s: float) -> None:
        """Begin with the user's words."""
        self.asked_s = now_s
        self._stage_due_s["asr"] = now_s + self._policy.asr_timeout_s
        self._act(do.Transcribe(self.generation, start_s, end_s))

    def ask(self, transcript: Transcript, now_s: float) -> None:
        """Answer these words."""
        self.transcript = transcript
        self._stage_due_s.pop("asr", None)
        self._stage_due_s["llm"] = now_s + self._policy.llm_timeout_s
        self._act(do.AskLlm(self.generation, transcript))

    def mark_unneeded(self, transcript: Transcript) -> None:
        """There is nothing to answer in these words."""
        self.transcript = transcript
        self.is_needed = False
        self._stage_due_s.pop("asr", None)

    def commit(self, now_s: float) -> None:
        """The user's turn is over: make all of it, and play it as soon as there is sound."""
        self.committed = True
        for clause in self._deferred:
            self._synthesise(clause, now_s)
        self._deferred.clear()
        self._advance(now_s)

    def delay(self, now_s: float) -> None:
        """The user may be beginning to speak: it does not begin just now."""
        self._possible_speech_until_s = now_s + self._policy.possible_speech_s

    def fail(self, stage: Stage, reason: str) -> None:
        """A stage failed. Before commitment there is time for another try; after it an apology follows."""
        is_sound_awaited = len(self._last_sounds) < len(self._clauses)
        if stage == "llm" and self.committed and is_sound_awaited:
            self._stage_due_s.pop("llm", None)
            self._text_finished = True
            self._llm_failure = reason
            return
        self._stage_due_s.clear()
        self._deferred.clear()
        self.failed = True
        self._act(do.Cancel(self.generation, keep_audio=self.committed))
        if self.committed:
            self.closed = True
            self._act(do.Apologise(self.generation, stage, reason))
            self._play()
            self._act(do.CloseAudio(self.generation))

    def audible_words(self) -> str:
        """The clause being played and the one before it; all of them where it is not known which is played."""
        if self._audible_clause is None:
            return " ".join(self._clauses)
        first = max(0, self._audible_clause - 1)
        return " ".join(self._clauses[first : self._audible_clause + 1])

    # -- time

    def deadlines(self) -> Iterator[float]:
        """When time alone may bring something about; never before it is committed."""
        if self.committed and not self.closed:
            yield from self._stage_due_s.values()
            yield self._hurry_s
            if not self.playing:
                yield self._play_due_s()

    def check_time(self, now_s: float) -> None:
        """Do what is due."""
        if self.committed and not self.closed:
            self._advance(now_s)
            if now_s >= self._hurry_s:
                self._hurry_s = NEVER
                self._act(do.Hurry(self.generation))
            for stage, due_s in self._stage_due_s.items():
                if now_s >= due_s:
                    self.fail(stage, f"no answer from {stage} in time")
                    return

    # -- what comes back

    def handle(self, event: ev.ReplyEvent) -> None:
        """Take an event of this generation."""
        if self.closed and not isinstance(event, ev.PlaybackAdvanced):
            return
        if self._llm_failure and isinstance(event, (ev.ReplyText, ev.ReplyFinished)):
            return
        match event:
            case ev.ReplyText(at_s=at_s, clause=clause, text=text):
                self._stage_due_s["llm"] = at_s + self._policy.llm_idle_timeout_s
                self._hurry_s = NEVER
                self._clauses.append(text)
                self._synthesise(do.Synthesise(self.generation, clause, text), at_s)
            case ev.ReplyFinished():
                self._stage_due_s.pop("llm", None)
                self._text_finished = True
                if not self._clauses:
                    self.fail("llm", "the model said nothing")
            case ev.AudioReady(clause=clause):
                self._stage_due_s.pop("tts", None)
                self._first_sounds.add(clause)
            case ev.AudioFinished(at_s=at_s, clause=clause):
                self._stage_due_s.pop("tts", None)
                self._last_sounds.add(clause)
                if len(self._last_sounds) < len(self._clauses) - len(self._deferred):
                    self._stage_due_s["tts"] = at_s + self._policy.tts_timeout_s
            case ev.PlaybackAdvanced(at_s=at_s, clause=clause):
                self._audible_clause = clause
                if clause == len(self._clauses) - 1 and not self._text_finished:
                    self._hurry_s = at_s + self._policy.hurry_s
            case ev.StageFailed(stage=stage, reason=reason):
                self.fail(stage, reason)
        self._advance(event.at_s)

    def _synthesise(self, clause: do.Synthesise, now_s: float) -> None:
        if self.committed or clause.clause == 0:
            self._stage_due_s.setdefault("tts", now_s + self._policy.tts_timeout_s)
            self._act(clause)
        else:
            self._deferred.append(clause)

    def _play_due_s(self) -> float:
        """When it may begin: not while the user may be going on, but it is not delayed for long either."""
        latest_s = self._playable_s + self._policy.possible_speech_longest_s
        return max(self._playable_s, min(self._possible_speech_until_s, latest_s))

    def _advance(self, now_s: float) -> None:
        if self.committed and self._first_sounds:
            self._playable_s = min(self._playable_s, now_s)
        if now_s >= self._play_due_s():
            self._play()
        if self.closed or not self._has_all_sound():
            return
        if self._llm_failure:
            self.fail("llm", self._llm_failure)
        elif self.playing:
            self.closed = True
            self._act(do.CloseAudio(self.generation))

    def _has_all_sound(self) -> bool:
        is_whole = self._text_finished and bool(self._clauses) and not self._deferred
        return is_whole and len(self._last_sounds) == len(self._clauses)

    def _play(self) -> None:
        if not self.playing:
            self.playing = True
            self._act(do.Play(self.generation))
