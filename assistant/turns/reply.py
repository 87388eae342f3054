"""One reply on its way: transcript, words, sound. Knows its own deadlines; whose turn it is, the machine knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Stage, Transcript
from huiyin.assistant.turns.policy import NEVER, TurnPolicy


class Reply:
    """A reply with its generation number. It is prepared until `commit`, and may be heard after it."""

    def __init__(self, generation: int, policy: TurnPolicy, act: Callable[[do.Action], None]) -> None:
        self.generation = generation
        self.transcript: Transcript | None = None  # what it answers
        self.committed = False  # the user's turn is over
        self.playing = False
        self.closed = False  # no more sound will come
        self.failed = False
        self.began_s = 0.0  # its words were asked for
        self.is_needed = True  # False: nothing was said that wants an answer
        self._policy, self._act = policy, act
        self._texts: list[str] = []  # clauses
        self._text_finished = False
        self._broke_off = ""  # why the model said no more; what it said before is spoken first
        self._held: list[do.Synthesise] = []  # clauses after the first wait for commitment
        self._ready: set[int] = set()  # clauses with their first sound
        self._finished: set[int] = set()  # clauses with their last sound
        self._sounding: int | None = None  # the clause that is heard
        self._waiting: dict[Stage, float] = {}  # stage -> its deadline
        self._stirred_s = 0.0  # until then somebody may be beginning to speak
        self._playable_s = NEVER  # since when it could be heard
        self._hurry_s = NEVER  # when the voice wants more to say

    # -- what the machine asks of it

    def transcribe(self, start_s: float, end_s: float, now_s: float) -> None:
        """Begin with the user's words."""
        self.began_s = now_s
        self._waiting["asr"] = now_s + self._policy.asr_timeout_s
        self._act(do.Transcribe(self.generation, start_s, end_s))

    def ask(self, transcript: Transcript, now_s: float) -> None:
        """Answer these words."""
        self.transcript = transcript
        self._waiting.pop("asr", None)
        self._waiting["llm"] = now_s + self._policy.llm_timeout_s
        self._act(do.AskLlm(self.generation, transcript))

    def mark_unneeded(self, transcript: Transcript) -> None:
        """There is nothing to answer in these words."""
        self._waiting.pop("asr", None)
        self.transcript = transcript
        self.is_needed = False

    def commit(self, now_s: float) -> None:
        """The user's turn is over: make all of it, and let it out as soon as there is sound."""
        self.committed = True
        held, self._held = self._held, []
        for clause in held:
            self._synthesise(clause, now_s)
        self._advance(now_s)

    def stir(self, at_s: float) -> None:
        """Somebody may be beginning to speak: it is not to begin just now."""
        self._stirred_s = at_s + self._policy.stir_s

    def fail(self, stage: Stage, reason: str) -> None:
        """A stage failed. Before commitment there is time for another try; after it an apology follows."""
        if stage == "llm" and self.committed and len(self._finished) < len(self._texts):
            self._waiting.pop("llm", None)
            self._text_finished, self._broke_off = True, reason
            return
        self._waiting.clear()
        self._held.clear()
        self.failed = True
        self._act(do.Cancel(self.generation, keep_audio=self.committed))
        if self.committed:
            self.closed = True
            self._act(do.Apologise(self.generation, stage, reason))
            self._play()
            self._act(do.CloseAudio(self.generation))

    def saying(self) -> str:
        """The words being heard, with those just before; all of them where it is not known which are."""
        if self._sounding is None:
            return " ".join(self._texts)
        return " ".join(self._texts[max(0, self._sounding - 1) : self._sounding + 1])

    # -- time

    def deadlines(self) -> Iterator[float]:
        """When it will have waited too long, or may begin; only for a reply that somebody waits for."""
        if self.committed and not self.closed:
            yield from self._waiting.values()
            yield self._hurry_s
            if not self.playing:
                yield self._play_due_s()

    def check_time(self, now_s: float) -> None:
        """a reply that was held back begins; one that runs out of clauses asks for the next; a stage that has taken too
        long is apologised for"""
        if self.committed and not self.closed:
            self._advance(now_s)
            if now_s >= self._hurry_s:
                self._hurry_s = NEVER
                self._act(do.Hurry(self.generation))
            for stage, deadline_s in self._waiting.items():
                if now_s >= deadline_s:
                    self.fail(stage, f"no answer from {stage} in time")
                    return

    # -- what comes back

    def handle(self, event: ev.ReplyEvent) -> None:
        """An event of this generation."""
        match event:
            case ev.PlaybackAdvanced(at_s=at_s, clause=clause):
                self._sounding = clause
                if clause == len(self._texts) - 1 and not self._text_finished:
                    self._hurry_s = at_s + self._policy.hurry_s
            case _ if self.closed:
                return
            case ev.ReplyText() | ev.ReplyFinished() if self._broke_off:
                return
            case ev.ReplyText(at_s=at_s, clause=clause, text=text):
                self._waiting["llm"] = at_s + self._policy.llm_idle_timeout_s
                self._texts.append(text)
                self._hurry_s = NEVER
                self._synthesise(do.Synthesise(self.generation, clause, text), at_s)
            case ev.ReplyFinished():
                self._waiting.pop("llm", None)
                self._text_finished = True
                if not self._texts:
                    self.fail("llm", "the model said nothing")
            case ev.AudioReady(clause=clause):
                self._ready.add(clause)
                self._waiting.pop("tts", None)
            case ev.AudioFinished(at_s=at_s, clause=clause):
                self._finished.add(clause)
                self._waiting.pop("tts", None)
                if len(self._finished) < len(self._texts) - len(self._held):
                    self._waiting["tts"] = at_s + self._policy.tts_timeout_s
            case ev.StageFailed(stage=stage, reason=reason):
                self.fail(stage, reason)
        self._advance(event.at_s)

    def _synthesise(self, clause: do.Synthesise, at_s: float) -> None:
        if self.committed or clause.clause == 0:
            self._waiting.setdefault("tts", at_s + self._policy.tts_timeout_s)
            self._act(clause)
        else:
            self._held.append(clause)

    def _play_due_s(self) -> float:
        """When it may begin. Reaching the ear just as the user goes on is the worst moment: it waits some frames."""
        return max(self._playable_s, min(self._stirred_s, self._playable_s + self._policy.stir_longest_s))

    def _advance(self, now_s: float) -> None:
        if self.committed and self._ready:
            self._playable_s = min(self._playable_s, now_s)
        if now_s >= self._play_due_s():
            self._play()
        complete = self._text_finished and not self._held and len(self._finished) == len(self._texts) > 0
        if complete and self._broke_off and not self.closed:
            self.fail("llm", self._broke_off)
        elif complete and self.playing and not self.closed:
            self.closed = True
            self._act(do.CloseAudio(self.generation))

    def _play(self) -> None:
        if not self.playing:
            self.playing = True
            self._act(do.Play(self.generation))
