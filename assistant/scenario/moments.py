"""The moments of a conversation that a scenario can name, and which of its events each is.

`NAMES` explains them (docs/scenarios.md shows the table).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huiyin.assistant.conversation import events as on
from huiyin.assistant.turns.machine import State
from huiyin.configs.tables import read_table

NAMES: dict[str, str] = read_table(Path(__file__).with_name("vocabulary.toml"))["moments"]
"""Moment -> what it is."""
LATER_CLAUSE = "clause "


@dataclass(frozen=True)
class Moment:
    """`detail` is for the report: words, a stage, a reason. `step` is the number of the script's turn, 0: none."""

    at_s: float
    name: str
    detail: str = ""
    generation: int = 0
    step: int = 0
    text: str = ""  # the words alone, where there are any

    def __str__(self) -> str:
        number = f" #{self.generation}" if self.generation else ""
        detail = f"  {self.detail}" if self.detail else ""
        return f"{self.at_s:8.3f} s  {self.name}{number}{detail}"


_SIMPLE: dict[type[on.Public], str] = {
    on.RecognitionAsked: "asr asked",
    on.ModelAsked: "llm asked",
    on.ReplyPaused: "reply pauses",
    on.ReplyResumed: "reply resumes",
    on.ReplyStopped: "reply stops",
    on.ReplyCancelled: "cancelled",
    on.ReplyWritten: "llm done",
    on.ReplyEnded: "reply ends",
}


def moment_of(at_s: float, event: on.Public) -> Moment | None:
    """The moment of an event; None where it has no name."""
    generation = event.generation
    match event:
        case on.SpeechHeard(onset_s=onset_s):
            return Moment(at_s, "speech heard", f"since {onset_s:.3f} s")
        case on.PauseHeard(end_s=end_s):
            return Moment(at_s, "pause heard", f"since {end_s:.3f} s")
        case on.PauseJudged(by="sound", probability=known):
            return None if known is None else Moment(at_s, "endpoint scored", f"complete with {known:.2f}")
        case on.PauseJudged(probability=known):
            return Moment(at_s, "words judged", "not" if known is None else f"complete with {known:.2f}", generation)
        case on.VoiceJudged(likeness=likeness):
            return Moment(at_s, "voice judged", "not" if likeness is None else f"alike with {likeness:.2f}")
        case on.Recognised(transcript=transcript):
            return Moment(at_s, "asr answers", f"“{transcript.text}”", generation, text=transcript.text)
        case on.ClauseWritten(clause=clause, text=text):
            return Moment(at_s, "llm first clause", text, generation) if clause == 0 else None
        case on.SpeechAsked(clause=clause, text=text):
            return Moment(at_s, "tts asked", f"clause {clause + 1}: {text}", generation)
        case on.SpeechBegun(clause=clause):
            return Moment(at_s, "tts first sound", f"clause {clause + 1}", generation)
        case on.SpeechMade(clause=clause):
            return Moment(at_s, "tts done", f"clause {clause + 1}", generation)
        case on.ClauseStarted(clause=clause):
            return Moment(at_s, f"{LATER_CLAUSE}{clause + 1} starts", "", generation) if clause > 0 else None
        case on.StageFailed(stage=stage, reason=reason):
            return Moment(at_s, "stage fails", f"{stage}: {reason}", generation)
        case on.Apologised(stage=stage):
            return Moment(at_s, "apology", stage, generation)
        case on.TurnCommitted(turn=turn):
            end = " (interrupted)" if turn.interrupted else ""
            return Moment(at_s, "committed", f"“{turn.user}” → “{turn.heard}”{end}", generation, text=turn.heard)
        case on.ToolsCalled(calls=calls):
            return Moment(
                at_s, "tools called", ", ".join(f"{call.name} {call.arguments}" for call in calls), generation
            )
        case on.FloorChanged(before=State.USER, after=State.THINKING | State.SPEAKING):
            return Moment(at_s, "turn ends")
    name = _SIMPLE.get(type(event))
    return Moment(at_s, name, "", generation) if name else None
