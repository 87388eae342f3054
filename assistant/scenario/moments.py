"""The moments of a conversation that a scenario can name, and which of its events each is.

`NAMES` explains them (docs/scenarios.md shows the table).
"""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.assistant.conversation import events as on
from huiyin.assistant.turns.machine import State

NAMES = {
    "start": "the scenario begins",
    "user starts": "a turn of the script begins (its speech or sound begins, a key goes down)",
    "user ends": "it is over",
    "speech heard": "voice activity has detected speech",
    "pause heard": "voice activity has detected a pause",
    "endpoint scored": "the endpoint model has judged the pause",
    "words judged": "a language model has judged whether the words are complete",
    "turn ends": "the machine decides that the user's turn is over",
    "asr asked": "a transcription is asked for",
    "asr answers": "the words are there",
    "llm asked": "the language model is asked",
    "llm first clause": "the first clause to be spoken is there",
    "llm done": "all of the reply is written",
    "tts asked": "a clause is to be synthesised",
    "tts first sound": "the first sound of a clause is there",
    "tts done": "the last sound of a clause is there",
    "reply starts": "the first sound of a reply leaves the loudspeaker",
    "clause 2 starts": "the first sound of the second clause is played (likewise 3, 4, …)",
    "reply pauses": "the assistant falls silent: this may be an interruption",
    "reply resumes": "it goes on: there was no interruption",
    "reply stops": "it gives up the floor",
    "reply ends": "the reply has been played to its end",
    "committed": "the exchange is written to the history",
    "cancelled": "what was being prepared is thrown away",
    "stage fails": "a service failed",
    "apology": "the assistant begins to say that something failed",
    "quiet": "no speech, and no reply in preparation",
    "end": "the scenario is over",
}
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
            return Moment(at_s, f"{LATER_CLAUSE}{clause + 1} starts", "", generation) if clause else None
        case on.StageFailed(stage=stage, reason=reason):
            return Moment(at_s, "stage fails", f"{stage}: {reason}", generation)
        case on.Apologised(stage=stage):
            return Moment(at_s, "apology", stage, generation)
        case on.TurnCommitted(turn=turn):
            end = " (interrupted)" if turn.interrupted else ""
            return Moment(at_s, "committed", f"“{turn.user}” → “{turn.heard}”{end}", generation, text=turn.heard)
        case on.FloorChanged(before=State.USER, after=State.THINKING | State.SPEAKING):
            return Moment(at_s, "turn ends")
    name = _SIMPLE.get(type(event))
    return Moment(at_s, name, "", generation) if name else None
