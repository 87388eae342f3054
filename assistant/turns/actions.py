"""What the turn machine asks for. Data only: the loop (or a simulator) carries it out."""

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
class JudgeVoice(Action):
    """Compare the voice of the speech over a reply from `start_s` to `end_s` with the enrolled one; answer with
    `VoiceScored`."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class AskLlm(Action):
    """Ask for a reply to `transcript`, None: to the history as it stands; answer with `ReplyText`… and
    `ReplyFinished`."""

    generation: int
    transcript: Transcript | None


@dataclass(frozen=True)
class Open(Action):
    """The reply will not be there in time: answer with `Opened` where there is an opener that suits, or not at all.

    One that takes longer than `fits_s` delays the reply; where all do, the shortest does least.
    """

    generation: int
    transcript: Transcript
    fits_s: float


@dataclass(frozen=True)
class Hurry(Action):
    """The voice has no sound, or soon none: give what is complete by now, the next clause as soon as there is one."""

    generation: int


@dataclass(frozen=True)
class Synthesise(Action):
    """Make sound of a clause; answer with `AudioReady` and `AudioFinished`. Clauses are asked for in order."""

    generation: int
    clause: int
    text: str


@dataclass(frozen=True)
class Play(Action):
    """Play the sound of this generation, now and as it comes."""

    generation: int


@dataclass(frozen=True)
class CloseAudio(Action):
    """No more sound will come for this generation; answer with `PlaybackFinished` once the last of it was played."""

    generation: int


@dataclass(frozen=True)
class Pause(Action):
    """Fade out and keep the rest of the sound: the user may be interrupting."""

    generation: int


@dataclass(frozen=True)
class Resume(Action):
    """Go on from just before the pause: it was no interruption."""

    generation: int


@dataclass(frozen=True)
class StopPlayback(Action):
    """Fade out and throw away what was not played."""

    generation: int


@dataclass(frozen=True)
class Cancel(Action):
    """Stop whatever is being made for this generation, and throw its sound away unless `keep_audio`."""

    generation: int
    keep_audio: bool = False


@dataclass(frozen=True)
class EndTurn(Action):
    """Tell that what the user says from `start_s` to `end_s` is their whole turn: its words are those that are
    recognised for this generation. Told again, of another generation, where they go on before a reply has begun."""

    generation: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class CallTools(Action):
    """Call the tools that this reply calls: its text is complete, and it has begun or says nothing."""

    generation: int
    calls: tuple[object, ...]


@dataclass(frozen=True)
class Commit(Action):
    """Write the turn to the history: the user's words, of the reply what was heard up to now, and the tools called."""

    generation: int
    transcript: Transcript
    interrupted: bool


@dataclass(frozen=True)
class Apologise(Action):
    """Say that a stage failed: answer with `Say` of this generation. It is spoken after what is already there."""

    generation: int
    stage: Stage
    reason: str


@dataclass(frozen=True)
class WakeAt(Action):
    """Send `TimePassed` at this time if nothing else happens before."""

    at_s: float
