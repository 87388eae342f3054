"""Speech that began while the assistant spoke: the user's turn, or nothing that should stop the reply?

A trigger alone never stops a reply: it pauses it, and nothing is lost by listening on in silence. The length of the
speech and its words decide: a cough has no words, a listener's "mm-hmm" takes no turn, and an echo repeats what the
assistant just said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from huiyin.assistant.turns.actions import JudgeVoice, Transcribe
from huiyin.assistant.turns.backchannel import is_backchannel, is_exclamation, may_be_backchannel
from huiyin.assistant.turns.events import NEVER, SpeechPaused, SpeechStarted, Transcript, VoiceScored
from huiyin.assistant.turns.own_echo import Audible, is_own_echo, known_of_both, may_be_own_echo
from huiyin.assistant.turns.stop_words import orders_silence
from huiyin.assistant.turns.whose_voice import WhoseVoice
from huiyin.configs.settings import TurnsSettings

_LAUGHTER = "laughter"  # as a recogniser names it among its events
_NO_WORDS = Transcript("")


class Verdict(Enum):
    """What an interruption is."""

    UNDECIDED = "not yet known"
    FALSE_ALARM = "the assistant goes on"
    USER_TURN = "the user has the floor"


@dataclass
class Interruption:
    """Times in seconds. `said`: by the assistant when it began."""

    onset_s: float
    said: Audible
    resumed_s: float  # the onset of the speech after the last pause
    sound_s: float  # where its sound begins: before the onset, where it was noticed late
    earlier_s: float = 0.0  # length of the speech before that pause
    paused_s: float | None = None  # silent since
    generation: int = 0  # of the newest transcription asked for; 0: none
    transcribed_until_s: float = 0.0  # the end of the sound it is asked for
    transcript: Transcript | None = None  # its result
    first: Transcript = _NO_WORDS  # of speech that goes on, as last transcribed
    is_asked: bool = False  # it began as the assistant ended a question
    before: Interruption | None = None  # what it was until the reply went on and the user spoke again
    echo: bool | None = None  # whether it is the assistant's own voice, by its sound; None: not known
    silenced_s: float = NEVER  # when the assistant fell silent for it
    voice: WhoseVoice | None = None  # None: it does not matter whose it is

    @classmethod
    def begin(
        cls, event: SpeechStarted, said: Audible, earlier: Interruption | None, policy: TurnsSettings,
        voice: WhoseVoice | None = None,
    ) -> Interruption:  # fmt: skip
        """The user speaks over the reply. It is one with the `earlier` speech if that one's words are still awaited."""
        onset_s = event.onset_s
        if earlier is None or not earlier.is_awaited(onset_s, policy):
            return cls(onset_s, said, onset_s, event.sound_s, echo=event.echo, voice=voice)
        both = Audible(f"{earlier.said.words} {said.words}", said.reply or earlier.said.reply)
        whole = replace(earlier, said=both, before=earlier, silenced_s=NEVER)
        whole.resume(event)
        return whole

    def take(self, generation: int, transcript: Transcript) -> bool:
        """These words came for what was asked. Whether they belong to it."""
        if generation == self.generation:
            self.transcript = self.first = transcript
            return True
        return self.before is not None and self.before.take(generation, transcript)

    def pause(self, event: SpeechPaused) -> None:
        """The user is silent."""
        self.paused_s = event.end_s
        self.earlier_s += event.end_s - self.resumed_s
        self.echo = known_of_both(self.echo, event.echo)

    def resume(self, event: SpeechStarted) -> None:
        """The user speaks again."""
        self.paused_s = None
        if self.voice and self.voice.is_short:
            self.voice = WhoseVoice()  # there will be more to judge it by
        self.resumed_s = event.onset_s
        self.echo = known_of_both(self.echo, event.echo)
        self.generation = 0
        self.transcript = None
        self.first = _NO_WORDS

    def ask(self, generation: int, now_s: float) -> Transcribe:
        """Ask for its words so far."""
        self.generation = generation
        self.transcript = None
        self.transcribed_until_s = now_s if self.paused_s is None else self.paused_s
        return Transcribe(generation, self.sound_s, self.transcribed_until_s)

    def ask_voice(self, now_s: float) -> JudgeVoice:
        """Ask whose voice it is: all of it so far, or what is new since it was another's."""
        assert self.voice
        end_s = now_s if self.paused_s is None else self.paused_s
        from_s = self.voice.until_s or self.onset_s
        self.voice = self.voice.asked(from_s, end_s, now_s, is_short=self.paused_s is not None)
        return JudgeVoice(self.voice.from_s, end_s)

    def take_voice(self, event: VoiceScored, policy: TurnsSettings) -> bool:
        """It is known whose voice it is. Whether the user has joined in: it then began where they did."""
        if not self.voice or event.end_s != self.voice.until_s:
            return False
        was_others, self.voice = self.voice.is_others, self.voice.scored(event.likeness, policy)
        if not was_others or self.voice.is_others:
            return False
        self.onset_s = self.sound_s = self.voice.from_s
        self.earlier_s = 0.0
        self.resume(SpeechStarted(event.at_s, self.onset_s))
        return True

    @property
    def is_others(self) -> bool:
        """Whether another voice than the enrolled one speaks."""
        return bool(self.voice and self.voice.is_others)

    @property
    def _is_dismissed(self) -> bool:
        """Whether another voice speaks, and its words do not matter."""
        return self.is_others and not (self.voice and self.voice.is_short)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is awaited any more, if it is no turn of the user's."""
        return self.is_transcribed or (self._is_dismissed and self.paused_s is not None)

    @property
    def is_transcribed(self) -> bool:
        """Whether it has paused and all its words are known."""
        return self.transcript is not None and self.paused_s is not None and self.transcribed_until_s >= self.paused_s

    def is_awaited(self, now_s: float, policy: TurnsSettings) -> bool:
        """Whether it has paused and its words may still come."""
        is_open = self.transcript is None and self.paused_s is not None and not self._is_dismissed
        return is_open and now_s < (self.paused_s or 0.0) + policy.asr_timeout_s

    def pause_due_s(self, policy: TurnsSettings) -> float:
        """When the assistant should fall silent."""
        return NEVER if self.paused_s is not None or self.is_others else self.resumed_s + policy.barge_in_s

    def voice_due_s(self, policy: TurnsSettings) -> float:
        """When its voice should be judged."""
        if self.voice is None:
            return NEVER
        if self.paused_s is not None:
            return self.voice.due_at_pause_s(policy, self.paused_s, self.earlier_s)
        return self.voice.due_s(policy, self._spoken_due_s(policy.voice_s))

    def ask_due_s(self, policy: TurnsSettings) -> float:
        """When its words should be asked for (again)."""
        if self._is_dismissed:
            return NEVER
        if self.paused_s is None:
            if not self.generation:
                return self._spoken_due_s(policy.ask_early_s)
            is_undecided = self.transcript is not None and self._may_listen()
            return self.transcribed_until_s + policy.ask_early_s if is_undecided else NEVER
        if self.generation and self.transcribed_until_s >= self.paused_s:
            return NEVER
        return self.paused_s + policy.speculate_s

    def due_s(self, policy: TurnsSettings) -> Iterator[float]:
        """When time alone may bring something about."""
        yield self.pause_due_s(policy)
        yield self.ask_due_s(policy)
        if self.voice:
            yield self.voice_due_s(policy)
            yield self.voice.limit_s(policy)
        if self.paused_s is None:
            yield self._spoken_due_s(policy.confirm_s)
            yield self._doubt_due_s(policy)
        else:
            yield self.paused_s + policy.resume_s
            yield self.paused_s + policy.asr_timeout_s

    def verdict(self, policy: TurnsSettings, now_s: float) -> Verdict:
        """What it is, by what is known at `now_s`. Times are compared as `due_s` gives them: a difference, rounded,
        could miss its own wake-up."""
        if self._is_dismissed:
            return Verdict.FALSE_ALARM
        verdict, text = self._by_words(policy, now_s), self.transcript.text if self.transcript else ""
        if self.is_others and verdict is Verdict.USER_TURN and not orders_silence(text):
            return Verdict.FALSE_ALARM
        is_held = verdict is Verdict.USER_TURN and self.voice and not orders_silence(text)
        if is_held and self.voice and self.voice.is_awaited(policy, now_s, self.voice_due_s(policy)):
            return Verdict.UNDECIDED
        return verdict

    def _by_words(self, policy: TurnsSettings, now_s: float) -> Verdict:
        """What it is, without regard to the speaker."""
        text = self.transcript.text if self.transcript else ""
        by_sound = self._echo_by(policy, now_s)
        has_words = bool(text.strip()) and not is_own_echo(text, self.said, by_sound)
        if self.paused_s is None:
            is_clear = not self._may_listen() and not may_be_own_echo(text, self.said, by_sound)
            is_turn = has_words and is_clear and now_s >= self._spoken_due_s(policy.confirm_s)
            is_turn = is_turn or now_s >= self._doubt_due_s(policy) or (has_words and orders_silence(text))
            return Verdict.USER_TURN if is_turn else Verdict.UNDECIDED
        if self.is_transcribed:
            listens = is_backchannel(text) and not self._answers(text) and self.earlier_s < policy.listening_s
            return Verdict.USER_TURN if has_words and not listens else Verdict.FALSE_ALARM
        return Verdict.FALSE_ALARM if now_s >= self.paused_s + policy.resume_s else Verdict.UNDECIDED

    def _answers(self, text: str) -> bool:
        """Whether words that take no turn elsewhere are the answer to the assistant's question: "yes", not "um"."""
        return self.is_asked and not is_exclamation(text)

    def _may_listen(self) -> bool:
        """Whether it begins with laughter, or its first words are a listener's, or may become that."""
        text = self.first.text
        laughs = _LAUGHTER in self.first.events and not text.strip()
        return laughs or (may_be_backchannel(text) and not self._answers(text))

    def _echo_by(self, policy: TurnsSettings, now_s: float) -> bool | None:
        """Whether it is an echo by its sound: not if it went on for longer than one of an assistant that is silent."""
        lasts_until_s = now_s - policy.pause_lag_s if self.paused_s is None else self.paused_s
        is_longer = lasts_until_s > self.silenced_s + policy.echo_tail_s
        return False if self.echo is None and is_longer else self.echo

    def _doubt_due_s(self, policy: TurnsSettings) -> float:
        longest_s = policy.listening_s if self._may_listen() else policy.doubt_s
        return self._spoken_due_s(longest_s) + policy.pause_lag_s

    def _spoken_due_s(self, spoken_s: float) -> float:
        """When it will consist of `spoken_s` of speech, if the user speaks on."""
        return self.resumed_s + max(0.0, spoken_s - self.earlier_s)
