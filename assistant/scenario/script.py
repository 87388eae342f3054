"""What a scenario is, once read: who says what and when, how the services behave, and what must follow.

`grammar` makes these out of YAML. A default here is what leaving the key out means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.scenario.scripted_tools import ScriptedTool, ToolAnswer
from huiyin.assistant.turns.events import Stage
from huiyin.services.common.text import count_han

Depth = Literal["text", "room", "live", "realtime", "agent"]
"""`realtime`: by the client of a Realtime server; `agent`: to any agent, of which only the sound is known. These are
asked for on the command line, never by a file."""
Kind = Literal["user", "audio", "types", "key", "sound", "device"]
Means = Literal["turn", "backchannel", "stop", "noise"]
How = Literal["error", "stall", "disconnect", "slow", "garbage"]

DEPTHS: tuple[Depth, ...] = ("text", "room", "live")
MADE_VOICE = "formants"
HOWS: tuple[How, ...] = get_args(How)
DEFAULT_REPLIES = {"en": "I see. Tell me more about it.", "zh": "我知道了。再跟我说说吧。"}

# A pause written into what is said: "I would like [600 ms] a coffee", or [0.6 s].
PAUSE = re.compile(r"\[\s*(\d+(?:\.\d+)?\s*m?s)\s*\]")
_ZH_CHAR_S = 0.2  # to say a Chinese character
_EN_WORD_S = 0.32  # to say an English word
_SHORTEST_S = 0.3  # of any text
_EN_WORD = re.compile(r"[A-Za-z0-9]+(?:['’.-][A-Za-z0-9]+)*")


def seconds(time: str) -> float:
    """'600 ms' or '0.6 s' in seconds."""
    return float(time[:-2]) / 1000 if time.endswith("ms") else float(time[:-1])


def speech_s(text: str) -> float:
    """How long it takes to say `text`, seconds."""
    return max(_SHORTEST_S, count_han(text) * _ZH_CHAR_S + len(_EN_WORD.findall(text)) * _EN_WORD_S)


@dataclass(frozen=True)
class When:
    """`delay_s` after a moment, a name of `moments.NAMES`."""

    moment: str
    delay_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.moment} + {self.delay_s * 1000:.0f} ms" if self.delay_s else self.moment


@dataclass(frozen=True)
class Words:
    """What a text must be. Case, marks and spaces do not count, unless nothing else is looked for."""

    exactly: str | None = None
    contains: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    begins: str | None = None


@dataclass(frozen=True)
class HistoryTurn:
    """One exchange as it must be remembered."""

    user: Words
    assistant: Words
    interrupted: bool | None = None


@dataclass(frozen=True)
class Expectation:
    """Something that must be so. `line`: its place in the file; `depth`: where alone it must, '' everywhere."""

    line: int
    depth: Literal["", "text", "room"] = field(default="", kw_only=True)

    def holds_at(self, depth: Depth) -> bool:
        """Whether it must be so at this depth. Room, live and what is played to an agent are all in sound."""
        return self.depth in ("", "text" if depth == "text" else "room")


@dataclass(frozen=True)
class Happens(Expectation):
    """A moment comes (`times` times, where given), `not_before_s` to `within_s` after another."""

    moment: str
    since: str | None = None  # None: the natural one, see grammar
    not_before_s: float = 0.0
    within_s: float | None = None
    times: int | None = None


@dataclass(frozen=True)
class Absent(Expectation):
    """A moment does not come: at all, or from `since` on for `within_s`."""

    moment: str
    since: str | None = None
    within_s: float | None = None


@dataclass(frozen=True)
class Spoken(Expectation):
    """The last reply is spoken in this style."""

    style: str


@dataclass(frozen=True)
class Calls(Expectation):
    """A tool is called, with these arguments among its own, so many times; `times` 0: it is not."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None


@dataclass(frozen=True)
class Says(Expectation):
    """A text: what was transcribed, asked of the model (its last message, or all of them), or said by the assistant."""

    what: Literal["heard", "asked", "prompt", "said"]
    words: Words


@dataclass(frozen=True)
class Meaning(Expectation):
    """The last reply means this, as a language model judges it."""

    claim: str


@dataclass(frozen=True)
class Remembers(Expectation):
    """What the history holds, turn by turn."""

    turns: tuple[HistoryTurn, ...]


@dataclass(frozen=True)
class Loudness(Expectation):
    """Level at the loudspeaker from `since` on for `for_s`, dBFS."""

    since: When
    for_s: float = 0.2
    above_dbfs: float | None = None
    below_dbfs: float | None = None


@dataclass(frozen=True)
class Bound(Expectation):
    """A metric within a bound: 'voice-to-voice p50 ms <= 700'."""

    metric: str
    operator: Literal["<", "<=", ">", ">=", "=="]
    value: float


@dataclass(frozen=True)
class Call:
    """The model calls a tool."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Fault:
    """A service fails while it works on a turn.

    `after_tokens` (llm) and `after_s` (tts: seconds of sound of clause `clause`) are how far it comes before. `times`:
    so many calls fail, then it works again; None: all of this turn. `slower`: a slow one takes so many times as long.
    """

    how: How | None = None  # None: it does not
    slower: float = 10.0
    after_tokens: float = 0.0
    after_s: float = 0.0
    clause: int = 0
    times: int | None = None

    @property
    def ends_early(self) -> bool:
        """Whether the rest of the answer does not come."""
        return self.how in ("error", "stall", "disconnect")

    @property
    def pace(self) -> float:
        """Times as long as usual."""
        return self.slower if self.how == "slow" else 1.0


NO_FAULT = Fault()


@dataclass(frozen=True)
class ServiceTimes:
    """What the simulated services take. Seconds, but for rates."""

    asr_s: float = 0.070
    asr_per_s: float = 0.0  # more for each second of speech
    endpoint_s: float = 0.060
    words_s: float = 0.100  # to judge by the words whether a turn is complete
    voice_s: float = 0.050  # to tell a voice
    llm_first_s: float = 0.150
    llm_tokens_per_s: float = 40.0
    tts_first_s: float = 0.100
    tts_real_time_factor: float = 0.2


@dataclass(frozen=True)
class Step:
    """One thing that happens outside: something said, typed, pressed or making a noise."""

    number: int  # from 1
    line: int
    kind: Kind
    content: str  # text, file, 'down'/'up', the name of a sound or of a fault of the sound device
    means: Means = "turn"
    after: When | None = None  # None: the first at 500 ms, others 700 ms after it is quiet again
    speaker: str = "user"
    heard: str | None = None  # what the recogniser returns; None: what was said
    language: str = ""
    emotion: tuple[str, float] | None = None
    events: tuple[str, ...] = ()
    complete: tuple[float, ...] = ()  # how complete it sounds, 0..1, at its end; before it, at its last pauses
    complete_words: tuple[float, ...] = ()  # how complete its words are, likewise
    alike: tuple[float, ...] = ()  # how like the enrolled voice it sounds, judgement by judgement
    level_db: float = 0.0
    lasts_s: float | None = None
    calls: tuple[tuple[Call, ...], ...] = ()  # what the model calls before `reply`: in its first answer, its second, …
    says: str = ""  # what it says beside its first calls
    reply: str | None = None
    tool: Mapping[str, ToolAnswer] = field(default_factory=dict)  # how tools answer from here on
    fails: Mapping[Stage, Fault] = field(default_factory=dict)
    expect: tuple[Expectation, ...] = ()

    @property
    def takes_floor(self) -> bool:
        """Whether a new turn begins with it."""
        return self.means in ("turn", "stop")

    @property
    def text(self) -> str:
        """What is said, without the marks of pauses."""
        return " ".join(PAUSE.sub(" ", self.content).split()) if self.kind in ("user", "types") else ""

    @property
    def words(self) -> str:
        """What the recogniser returns for the whole step."""
        return self.text if self.heard is None else self.heard

    @property
    def spoken_language(self) -> str:
        """'zh' or 'en'."""
        return self.language or language_of(self.words)

    def label(self) -> str:
        """The step in a few words, for a report."""
        content = Path(self.content).name if self.kind == "audio" else self.content
        return f"{self.kind if self.speaker == 'user' else self.speaker}: {content}"


@dataclass(frozen=True)
class Scenario:
    """A scripted conversation."""

    name: str
    path: Path | None = None
    about: str = ""
    depths: tuple[Depth, ...] = ("text",)
    seed: int = 1
    settings: tuple[str, ...] = ()  # 'section.key=value', as on the command line
    services: ServiceTimes | None = None  # None: as usual
    room: Mapping[str, float] = field(default_factory=dict)  # keys of `RoomSettings`
    tools: tuple[ScriptedTool, ...] = ()
    voice: str = ""  # '': MADE_VOICE, or where services are real one of theirs
    steps: tuple[Step, ...] = ()
    hang_up: When | None = None  # after the last step has begun; None: when all is quiet
    expect: tuple[Expectation, ...] = ()

    @property
    def all_expectations(self) -> tuple[Expectation, ...]:
        """Those of its turns, then its own."""
        return (*(each for step in self.steps for each in step.expect), *self.expect)

    @property
    def needs_judge(self) -> bool:
        """Whether a language model has to judge a reply."""
        return any(isinstance(each, Meaning) for each in self.all_expectations)

    @property
    def needs_words(self) -> bool:
        """Whether it expects something of what the assistant says."""
        return any(isinstance(each, (Says, Meaning)) for each in self.all_expectations)

    @property
    def folder(self) -> Path:
        """Where the sound files it names are looked for."""
        return self.path.parent if self.path else Path()
