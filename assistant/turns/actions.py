"""What the turn machine asks of the world. Data only: the loop (or a simulator) carries it out."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.assistant.turns.events import Stage, Transcript


@dataclass(frozen=True)
class Action:
    """Something to be done now."""


@dataclass(frozen=True)
class Transcribe(Action):
    """Recognise the user's sound from `start_s` to `end_s` (conversation clock); answer with `Transcribed`."""

    generation: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class ScoreEndpoint(Action):
    """Judge by the sound from `start_s` to the pause at `end_s` whether the turn is complete; answer with
    `EndpointScored`, or not at all where there is no model."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class JudgeWords(Action):
    """Judge whether a turn that says `text` is complete; answer with `WordsJudged`."""

    generation: int
    text: str


@dataclass(frozen=True)
class AskLlm(Action):
    """Ask for a reply to `transcript`; answer with `ReplyText`… and `ReplyFinished`."""

    generation: int
    transcript: Transcript


@dataclass(frozen=True)
class Hurry(Action):
    """The last clause there is is being heard: give the next as soon as there is one, and what is whole now."""

    generation: int


@dataclass(frozen=True)
class Synthesise(Action):
    """Make sound of a clause; answer with `AudioReady` and `AudioFinished`. Clauses are asked for in order."""

    generation: int
    clause: int
    text: str


@dataclass(frozen=True)
class Play(Action):
    """Let the sound of this generation out, now and as it comes."""

    generation: int


@dataclass(frozen=True)
class CloseAudio(Action):
    """No more sound will come for this generation; answer with `PlaybackFinished` once the last of it was heard."""

    generation: int


@dataclass(frozen=True)
class Pause(Action):
    """Fade out and keep the rest of the sound: the user may be interrupting."""

    generation: int


@dataclass(frozen=True)
class Resume(Action):
    """Go on from just before the pause: nobody interrupted."""

    generation: int


@dataclass(frozen=True)
class StopPlayback(Action):
    """Fade out and be silent; what was not heard is thrown away."""

    generation: int


@dataclass(frozen=True)
class Cancel(Action):
    """Whatever is still being made for this generation is no longer wanted; nor is the sound made, unless kept."""

    generation: int
    keep_audio: bool = False


@dataclass(frozen=True)
class Commit(Action):
    """Write the turn to the history: the user's words, and of the reply what was heard up to now."""

    generation: int
    transcript: Transcript
    interrupted: bool


@dataclass(frozen=True)
class Apologise(Action):
    """Say (from sound kept for this) that a stage failed, after what is already being said; as a last clause."""

    generation: int
    stage: Stage
    reason: str


@dataclass(frozen=True)
class WakeAt(Action):
    """Send `TimePassed` at this time if nothing else happens before."""

    at_s: float
