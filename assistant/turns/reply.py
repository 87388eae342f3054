"""One reply: transcript, clauses, sound. It knows its own deadlines; whose turn it is, the machine knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import NEVER, Stage, Transcript
from huiyin.assistant.turns.normalise import words_of_part
from huiyin.assistant.turns.opener import OPENER, opener_due_s, opener_fits_s
from huiyin.assistant.turns.own_echo import Audible
from huiyin.assistant.turns.pace import Pace, SoundAhead
from huiyin.assistant.turns.text_judge import has_question_mark
from huiyin.configs.settings import TurnsSettings

# People answer up to so long before a question is over, and after it while the assistant goes on.
_ANSWERED_EARLY_S = 1.2
_ANSWERED_LATE_S = 1.5
_SHORT_REST_S = 1.0  # of a reply that was stopped: a word or two, said by themselves, would only puzzle


class Progress(Enum):
    """How far a reply has come."""

    TRANSCRIBING = "the user's words are awaited"
    UNNEEDED = "nothing was said that wants an answer"
    SILENT = "nothing of it is to be spoken: it only calls tools, or no reply is wanted"
    WRITING = "the model writes it"
    WRITTEN = "its text is whole"
    BROKEN_OFF = "the model failed midway: what it wrote is spoken first"
    FAILED = "a stage failed before the turn was over: there is time for another try"
    APOLOGISING = "a stage failed: the words of an apology are awaited"
    LAST_WORDS = "an apology is spoken after what is already there"
    CLOSED = "no more sound will come"


class Reply:
    """A reply with its generation number. It is prepared until `commit`, and played after it."""

    def __init__(self, generation: int, policy: TurnsSettings, pace: Pace, act: Callable[[do.Action], None]) -> None:
        self.generation = generation
        self.progress = Progress.TRANSCRIBING
        self.transcript: Transcript | None = None  # what it answers
        self.asked_s = 0.0  # when that transcript was asked for
        self.committed = False  # the user's turn is over
        self.playing = False
        self.is_over = False  # the user's turn is, and there will be no sound
        self._policy, self._pace = policy, pace
        self._act = act
        self._clauses: list[str] = []
        self._failure = ""  # why the model broke off
        self._calls: tuple[object, ...] = ()  # tools to be called
        self._has_called = False
        self._deferred: list[do.Synthesise] = []  # clauses after the first: synthesised once it is committed
        self._first_sounds: set[int] = set()  # numbers of the clauses whose first sound is there
        self._last_sounds: set[int] = set()  # ... and whose last sound is there, or will never come
        self._sound = SoundAhead()
        self._stage_due_s: dict[Stage, float] = {}  # deadlines of what is awaited
        self._ended_s: float | None = None  # the user's speech; None: it answers none, or an earlier one
        self._opens_s = NEVER  # an opener is possible from then on
        self._is_opener_asked = False
        self._opener = ""  # that is said before the first clause
        self._llm_asked_s = 0.0
        self._written_s: float | None = None  # when the first clause was there
        self._asked_voice_s = 0.0  # when the voice could begin with the clause that it makes
        self._possible_speech_until_s = 0.0
        self._playable_s = NEVER  # when it could first be played
        self._is_hurried = False  # the next clause has been asked for

    # -- what the machine asks of it

    def transcribe(self, start_s: float, end_s: float, now_s: float) -> None:
        """Begin with the user's words."""
        self.asked_s = now_s
        self._stage_due_s["asr"] = now_s + self._policy.asr_timeout_s
        self._act(do.Transcribe(self.generation, start_s, end_s))

    def ask(self, transcript: Transcript | None, now_s: float) -> None:
        """Answer these words; None: the history as it stands."""
        self.transcript = transcript or Transcript("")
        self.progress = Progress.WRITING
        self._stage_due_s = {"llm": now_s + self._policy.llm_timeout_s}
        self._llm_asked_s = now_s
        self._await_opener(now_s)
        self._act(do.AskLlm(self.generation, transcript))
        if transcript and self._pace.is_quick(self._policy.quick_s):
            self._is_hurried = True  # the next clause will be there before that word is over
            self._act(do.Hurry(self.generation))

    def mark_unneeded(self, transcript: Transcript, now_s: float) -> None:
        """There is nothing to answer in these words."""
        self._end_unspoken(Progress.UNNEEDED, transcript, now_s)

    def keep(self, transcript: Transcript, now_s: float) -> None:
        """Keep these words, and do not answer them."""
        self._end_unspoken(Progress.SILENT, transcript, now_s)

    def say(self, clauses: Sequence[str], now_s: float) -> None:
        """Speak these clauses and no more: unasked, or as the last words where it is apologising."""
        if self.progress is Progress.APOLOGISING:
            self.progress = Progress.LAST_WORDS
        else:
            self.transcript = Transcript("")
            self.progress = Progress.WRITTEN
        for text in clauses:
            self._add(text, now_s)

    def commit(self, now_s: float, ended_s: float | None = None) -> None:
        """The user's turn is over: make all of it, and play it as soon as there is sound. `ended_s`: when the user's
        speech ended, where an opener may follow it."""
        self.committed = True
        self._ended_s = ended_s
        self._await_opener(now_s)
        for clause in self._deferred:
            self._synthesise(clause, now_s)
        self._deferred.clear()
        self._advance(now_s)

    def delay(self, now_s: float) -> None:
        """The user may be beginning to speak: it does not begin just now."""
        self._possible_speech_until_s = now_s + self._policy.possible_speech_s

    @property
    def is_answer(self) -> bool:
        """Whether it is to be spoken, as far as that is known."""
        return self.progress in (Progress.WRITING, Progress.WRITTEN, Progress.BROKEN_OFF)

    @property
    def is_only_opened(self) -> bool:
        """Whether no more of it than an opener has been heard, and it has done nothing."""
        return bool(self._opener) and self._sound.clause in (None, OPENER) and not self._has_called

    def audible_words(self) -> str:
        """The clause being played and the one before it; all of them where it is not known which is played."""
        said = [self._opener, *self._clauses] if self._opener else self._clauses
        if self._sound.clause is None:
            return " ".join(said)
        at = self._sound.clause + len(said) - len(self._clauses)
        return " ".join(said[max(0, at - 1) : at + 1])

    def audible(self, start_s: float, end_s: float) -> Audible:
        """What is heard of it between two moments, in seconds, if nothing pauses; all where that is not known. Within
        a clause the pace is taken to be even."""
        words = self.audible_words()
        if self._sound.clause is not None:
            said = {OPENER: self._opener, **dict(enumerate(self._clauses))}
            parts = ((text, self._sound.part_between(clause, start_s, end_s)) for clause, text in said.items())
            words = " ".join(words_of_part(text, *part) for text, part in parts if part and text)
        return Audible(words, " ".join(self._clauses))

    def asks(self, at_s: float) -> bool:
        """Whether a question ends about then: it is answered before its last word is over, and for a while after."""
        return has_question_mark(self.audible(at_s - _ANSWERED_LATE_S, at_s + _ANSWERED_EARLY_S).words)

    def rest(self, at_s: float) -> list[tuple[str, ...] | None]:
        """What is to follow if it has been stopped, and was heard until `at_s`, as far as that is known: its words from
        there on, None where the model has not written it to its end and is to go on; nothing where hardly a word is
        left."""
        if self._sound.left_s(len(self._clauses), at_s) < _SHORT_REST_S and not self._goes_on:
            return []
        at = max(0, min(self._sound.clause or 0, len(self._clauses) - 1))
        text = self._clauses[at] if self._clauses else ""
        return self.rest_after(at, len(text) - len(words_of_part(text, self._sound.share_heard(at, at_s), 1.0)))

    def rest_after(self, clause: int, characters: int) -> list[tuple[str, ...] | None]:
        """Likewise, where the clauses before `clause` were heard, and so many characters of that one."""
        if self._goes_on:
            return [None]
        clause, characters = max((clause, characters), (0, 0))  # of an opener nothing is left
        words = [text[characters:].strip() for text in self._clauses[clause:][:1]] + self._clauses[clause + 1 :]
        rest = tuple(text for text in words if any(map(str.isalnum, text)))
        return [rest] if rest else []

    @property
    def _goes_on(self) -> bool:
        """Whether the model has not written it to its end."""
        return self.progress in (Progress.WRITING, Progress.BROKEN_OFF)

    def pause(self, now_s: float) -> None:
        """Its sound stops, and may go on."""
        self._act(do.Pause(self.generation))
        self._sound.pause(now_s)

    def resume(self, now_s: float) -> None:
        """Its sound goes on."""
        self._act(do.Resume(self.generation))
        self._sound.resume(now_s)

    def heard_until_s(self, now_s: float) -> float:
        """When it was last heard, if it is playing."""
        return self._sound.heard_until_s(now_s)

    # -- time

    def deadlines(self) -> Iterator[float]:
        """When time alone may bring something about; never before it is committed."""
        if self.committed and self.progress is not Progress.CLOSED:
            yield from self._stage_due_s.values()
            yield self._hurry_due_s()
            if not self.playing:
                yield self._play_due_s()
                yield self._opener_due_s()

    def check_time(self, now_s: float) -> None:
        """Do what is due."""
        if self.committed and self.progress is not Progress.CLOSED:
            self._advance(now_s)
            if now_s >= self._hurry_due_s():
                self._is_hurried = True
                self._act(do.Hurry(self.generation))
            if now_s >= self._opener_due_s() and self.transcript:
                self._is_opener_asked = True
                fits_s = opener_fits_s(now_s, self._expected_s)
                self._act(do.Open(self.generation, self.transcript, fits_s))
            while late := [stage for stage, due_s in self._stage_due_s.items() if now_s >= due_s]:
                self._fail(late[0], f"no answer from {late[0]} in time", now_s)

    # -- what comes back

    def handle(self, event: ev.ReplyEvent) -> None:
        """Take an event of this generation. One that nothing was asked for, or that comes twice, does nothing."""
        is_writing = self.progress is Progress.WRITING
        match event:
            case ev.Opened(text=text) if self._is_opener_asked and not self.playing:
                self._opener = text
                self._play()
            case ev.ReplyText(at_s=at_s, clause=clause, text=text) if is_writing and clause == len(self._clauses):
                if not self._clauses:
                    self._written_s = at_s
                    self._pace.note_written(at_s - self._llm_asked_s)
                self._stage_due_s["llm"] = at_s + self._policy.llm_idle_timeout_s
                self._is_hurried = False
                self._add(text, at_s)
            case ev.ReplyFinished(calls=calls) if is_writing and (self._clauses or calls):
                self._calls = calls
                self._text_ends(Progress.WRITTEN if self._clauses or self._opener else Progress.SILENT)
            case ev.ReplyFinished(at_s=at_s) if is_writing:
                self._fail("llm", "the model said nothing", at_s)
            case ev.AudioReady(at_s=at_s, clause=clause) if self._is_asked(clause):
                if clause not in self._first_sounds and self._written_s is not None:
                    self._pace.note_sound(at_s - self._asked_voice_s, is_first=clause == 0)
                self._stage_due_s.pop("tts", None)
                self._first_sounds.add(clause)
            case ev.AudioFinished(at_s=at_s, clause=clause, lasts_s=lasts_s) if self._is_asked(clause):
                self._sound.add(clause, lasts_s)
                self._asked_voice_s = at_s
                self._stage_due_s.pop("tts", None)
                self._first_sounds.add(clause)
                self._last_sounds.add(clause)
                if len(self._last_sounds) < len(self._clauses) - len(self._deferred):
                    self._stage_due_s["tts"] = at_s + self._policy.tts_timeout_s
            case ev.PlaybackAdvanced(at_s=at_s, clause=clause):
                self._sound.begin(clause, at_s)
            case ev.StageFailed(at_s=at_s, stage=stage, reason=reason):
                self._fail(stage, reason, at_s)
        self._advance(event.at_s)

    def _fail(self, stage: Stage, reason: str, now_s: float) -> None:
        """A stage failed. Before commitment there is time for another try; after it an apology follows."""
        if self.progress in (Progress.UNNEEDED, Progress.SILENT, Progress.FAILED, Progress.CLOSED):
            return
        is_unwanted = self.progress is Progress.TRANSCRIBING and not self._policy.replies
        if is_unwanted and self.committed:  # nor is an apology wanted
            self._end_unspoken(Progress.UNNEEDED, None, now_s)
            return
        if self.progress in (Progress.APOLOGISING, Progress.LAST_WORDS):
            self._close()
        elif stage == "llm" and self.committed and len(self._last_sounds) < len(self._clauses):
            self._text_ends(Progress.BROKEN_OFF)
            self._failure = reason
        else:
            self._text_ends(Progress.APOLOGISING if self.committed else Progress.FAILED)
            self._deferred.clear()
            self._last_sounds.update(range(len(self._clauses)))
            self._act(do.Cancel(self.generation, keep_audio=self.committed))
            if self.committed:
                self._stage_due_s = {"tts": now_s + self._policy.tts_timeout_s}
                self._act(do.Apologise(self.generation, stage, reason))

    def _end_unspoken(self, progress: Progress, transcript: Transcript | None, now_s: float) -> None:
        self.transcript = transcript
        self.progress = progress
        self._stage_due_s.clear()
        self._advance(now_s)

    def _text_ends(self, progress: Progress) -> None:
        self.progress = progress
        self._stage_due_s.pop("llm", None)

    # -- its sound

    def _await_opener(self, now_s: float) -> None:
        """From now on one is possible: the user's turn is over, and their words are known."""
        if self._ended_s is not None and self.progress is Progress.WRITING and self.transcript and self.transcript.text:
            self._opens_s = now_s

    def _opener_due_s(self) -> float:
        is_on_its_way = self.progress in (Progress.WRITING, Progress.WRITTEN)
        if self._ended_s is None or not is_on_its_way or self._first_sounds or self.playing:
            return NEVER
        if self._is_opener_asked or self._opens_s == NEVER:
            return NEVER
        due_s = opener_due_s(self._policy, self._ended_s, self._opens_s, self._expected_s, self._written_s)
        return self._unless_possible_speech(due_s)

    @property
    def _expected_s(self) -> float | None:
        """When its first sound may be expected, by the last replies; None: not known."""
        return self._pace.first_sound_s(self._llm_asked_s, self._written_s)

    def _hurry_due_s(self) -> float:
        """When the next clause is wanted: the first while the user still waits gladly, each other just in time for the
        voice, which is idle till then."""
        if self._is_hurried or self.progress is not Progress.WRITING or len(self._last_sounds) < len(self._clauses):
            return NEVER
        if not self._clauses:
            since_s = self._llm_asked_s if self._ended_s is None else self._ended_s
            return since_s + self._policy.hurry_first_s
        return self._sound.end_s - self._pace.next_sound_s - self._policy.hurry_s

    def _is_asked(self, clause: int) -> bool:
        """Whether sound of this clause is awaited."""
        return 0 <= clause < len(self._clauses) - len(self._deferred) and clause not in self._last_sounds

    def _add(self, text: str, now_s: float) -> None:
        self._clauses.append(text)
        self._synthesise(do.Synthesise(self.generation, len(self._clauses) - 1, text), now_s)

    def _synthesise(self, clause: do.Synthesise, now_s: float) -> None:
        if self.committed or clause.clause == 0:
            self._stage_due_s.setdefault("tts", now_s + self._policy.tts_timeout_s)
            if len(self._last_sounds) == clause.clause:  # the voice is idle
                self._asked_voice_s = now_s
            self._act(clause)
        else:
            self._deferred.append(clause)

    def _play_due_s(self) -> float:
        """When it may begin."""
        return self._unless_possible_speech(self._playable_s)

    def _unless_possible_speech(self, due_s: float) -> float:
        """Not while the user may be going on, but nothing is delayed for long either."""
        return max(due_s, min(self._possible_speech_until_s, due_s + self._policy.possible_speech_longest_s))

    def _advance(self, now_s: float) -> None:
        if self.progress is Progress.CLOSED:
            return
        if self.progress is Progress.UNNEEDED:
            self.is_over = self.committed
            return
        if self.committed and (self._first_sounds or self.progress is Progress.SILENT):
            self._playable_s = min(self._playable_s, now_s)
        if now_s >= self._play_due_s():
            self._play()
        if self.playing or self.is_over:
            self._call_tools()
        if self._deferred or not (self._clauses or self._opener) or len(self._last_sounds) < len(self._clauses):
            return
        if self.progress is Progress.BROKEN_OFF:
            self._fail("llm", self._failure, now_s)
        elif self.playing and self.progress in (Progress.WRITTEN, Progress.LAST_WORDS):
            self._close()

    def _play(self) -> None:
        if self.progress is Progress.SILENT:
            self.is_over = True
        elif not self.playing:
            self.playing = True
            self._act(do.Play(self.generation))

    def _call_tools(self) -> None:
        if self._calls:
            self._act(do.CallTools(self.generation, self._calls))
            self._calls = ()
            self._has_called = True

    def _close(self) -> None:
        self._play()
        self._call_tools()
        self._stage_due_s.clear()
        self.progress = Progress.CLOSED
        self._act(do.CloseAudio(self.generation))
