"""A Realtime session in virtual time, with a client that plays what it is sent, and simulated stages.

Speech is sound of one value, by which the recogniser knows the words.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from huiyin.assistant.conversation.stages import Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source, VirtualWorld
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ears.listener import SpeechChange
from huiyin.assistant.faces.connections.connection import Talk
from huiyin.assistant.faces.connections.engines import Engines, Limits
from huiyin.assistant.faces.realtime.session import RealtimeSession
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import load
from tests.realtime.protocol import Event, Invariants

LIMIT_S = 120.0  # of virtual time, for what must happen
PACKET_S = 0.02
LIMITS = Limits()
_FRAMES = 3  # that make speech, or a pause
_LOUD = 100

PERSONA = Persona(
    "Test",
    "You are a test.",
    language="en",
    openers={"en": {"question": ("Well,",), "remark": ("I see,",)}},
    apologies={"en": dict.fromkeys(("asr", "llm", "tts"), "Sorry, I failed.")},
)


class LoudEar:
    """An ear that takes for speech what is loud."""

    def __init__(self, threshold: float, *, has_echo: bool = False) -> None:
        self._sound: list[Pcm16] = []
        self._length = self._loud = self._quiet = 0
        self._is_speaking = False

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        changes = []
        frame = round(PACKET_S * SAMPLE_RATE)
        for begin in range(0, len(mic), frame):
            part = mic[begin : begin + frame]
            self._sound.append(part)
            self._length += len(part)
            is_loud = bool(np.abs(part.astype(np.int32)).mean() > _LOUD)
            self._loud, self._quiet = (self._loud + 1, 0) if is_loud else (0, self._quiet + 1)
            since_s = (self._length - _FRAMES * frame) / SAMPLE_RATE
            if not self._is_speaking and self._loud == _FRAMES:
                self._is_speaking = True
                changes.append(SpeechChange("started", max(0.0, since_s)))
            elif self._is_speaking and self._quiet == _FRAMES:
                self._is_speaking = False
                changes.append(SpeechChange("paused", max(0.0, since_s)))
        return changes

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        sound = np.concatenate([np.zeros(0, np.int16), *self._sound])
        return sound[max(0, round((start_s - 0.1) * SAMPLE_RATE)) : round((end_s + 0.1) * SAMPLE_RATE)]


class Stages:
    """Recogniser, model and voice. What they answer may be set; what they were asked is kept."""

    def __init__(self) -> None:
        self.words: dict[int, str] = {}  # value of a sound -> what is said
        self.replies: deque[Sequence[str | CalledTool | Exception]] = deque()
        self.asked: list[list[Message]] = []
        self.tools: list[tuple[Sequence[Tool], ToolChoice]] = []
        self.spoken: list[str] = []
        self.asr_s, self.llm_s, self.tts_s = 0.05, 0.1, 0.1
        self.asr_error: Exception | None = None
        self.second_per_character = 0.05
        self.piece_s = 0.02  # from one piece of a reply to the next

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        if self.asr_error:
            return Plan([], self.asr_s, self.asr_error)
        values = turn.sound().astype(np.int32)
        said = [words for value, words in self.words.items() if np.count_nonzero(np.abs(values - value) < 30) > 500]
        said.sort(key=lambda words: int(np.argmax(np.abs(values - self._value(words)) < 30)))
        return Plan([(self.asr_s, Transcript(" ".join(said), "en"))], self.asr_s)

    def _value(self, words: str) -> int:
        return next(value for value, known in self.words.items() if known == words)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        self.asked.append(list(messages))
        self.tools.append((tuple(tools), tool_choice))
        pieces = (
            self.replies.popleft() if self.replies else ["This is the first sentence. ", "And here is another one."]
        )
        items: list[tuple[float, str | CalledTool]] = []
        at_s = self.llm_s
        for piece in pieces:
            if isinstance(piece, Exception):
                return Plan(items, at_s, piece)
            items.append((at_s, piece))
            at_s += self.piece_s
        return Plan(items, at_s)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        return None

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        return Plan([], 0.0)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        self.spoken.append(speech.text)
        sound = np.full(round(len(speech.text) * self.second_per_character * SAMPLE_RATE), 5000, np.int16)
        words: list[HeardUntil] = []
        for end, character in enumerate(speech.text, 1):
            if not character.isalnum() and speech.text[end - 2].isalnum():
                words.append((round((end - 1) * self.second_per_character * SAMPLE_RATE), end - 1))
        return Plan([(self.tts_s, words), (self.tts_s, sound)], self.tts_s)


class ClientRig:
    """A client of a session in virtual time. The clock stands still between calls."""

    APPEND: ClassVar[str]
    """The type of the event that carries sound."""
    session: Talk

    def __init__(self, *, hears: bool = True) -> None:
        self.world, self.stages = VirtualWorld(), Stages()
        self.events: list[Event] = []
        self.times: list[float] = []
        self._awaited: Callable[[Event], bool] | None = None
        self._found: Event | None = None
        self._packets: deque[Pcm16] = deque()
        self.hears = hears

    def engines(self) -> Engines:
        """Those of the session."""
        prepared = {text: np.full(SAMPLE_RATE, 5000, np.int16) for text in PERSONA.all_prepared()}
        return Engines(
            Parts(self.stages, self.stages, self.stages), lambda wishes: self.stages, LoudEar,
            lambda persona: prepared,
        )  # fmt: skip

    def send(self, kind: str, **fields: Any) -> None:
        self.session.receive(json.dumps({"type": kind, **fields}))

    def append(self, sound: Pcm16) -> None:
        """Send sound, 24 kHz."""
        self.send(self.APPEND, audio=encoded(sound))

    def close(self) -> None:
        self.session.close()

    def check(self, event: Event) -> None:
        """An event has come."""

    def speech(self, words: str, seconds: float = 1.0) -> Pcm16:
        """Sound that says this, at 24 kHz."""
        known = {text: value for value, text in self.stages.words.items()}
        value = known.setdefault(words, 1000 + 200 * len(known))
        self.stages.words[value] = words
        return np.full(round(seconds * 24_000), value, np.int16)

    def say(self, words: str, seconds: float = 1.0) -> None:
        """The user speaks from now on."""
        sound = self.speech(words, seconds)
        self._packets.extend(np.array_split(sound, max(1, round(seconds / PACKET_S))))

    def quiet(self) -> None:
        """The user says no more."""
        self._packets.clear()

    # -- time

    def wait(self, kind: str, since: int | None = None, **fields: Any) -> Event:
        """Go on until such an event comes, from number `since` on (default: a new one); it."""
        start = len(self.events) if since is None else since

        def fits(event: Event) -> bool:
            return event["type"] == kind and all(event.get(name) == value for name, value in fields.items())

        found = next((event for event in self.events[start:] if fits(event)), None)
        self._found, self._awaited = found, fits
        limit_s = self.world.now + LIMIT_S
        self.world.at(limit_s, self.world.stop)
        while self._found is None:
            assert self.world.now < limit_s, f"no {kind} {fields} in {self.kinds(start)}"
            self.world.run()
        self._awaited = None
        return self._found

    def go_on(self, seconds: float) -> None:
        """Let so much time pass."""
        until_s = self.world.now + seconds
        self.world.at(until_s, self.world.stop)
        while self.world.now < until_s:
            self.world.run()

    # -- what came

    def kinds(self, since: int = 0, *, deltas: bool = False) -> list[str]:
        """Types of the events, each run of deltas once."""
        kinds = [event["type"] for event in self.events[since:]]
        return [kind for at, kind in enumerate(kinds) if deltas or not (kind.endswith(".delta") and kind in kinds[:at])]

    def all(self, kind: str, since: int = 0) -> list[Event]:
        return [event for event in self.events[since:] if event["type"] == kind]

    def errors(self) -> list[Event]:
        return [event["error"] for event in self.all("error")]

    def _take(self, text: str) -> None:
        event = json.loads(text)
        self.events.append(event)
        self.times.append(self.world.now)
        self.check(event)
        if self._awaited and self._awaited(event):
            self._found = self._found or event
            self.world.stop()

    def _microphone(self) -> None:
        """Sends a packet every 20 ms: what the user says, else silence."""
        if self.hears:
            self.append(self._packets.popleft() if self._packets else np.zeros(round(PACKET_S * 24_000), np.int16))
        self.world.after(PACKET_S, self._microphone)


class Rig(ClientRig):
    """A Realtime session, and its client. Each of its `events` has been checked."""

    APPEND = "input_audio_buffer.append"
    session: RealtimeSession

    def __init__(self, *, limits: Limits = LIMITS, overrides: Sequence[str] = (), hears: bool = True) -> None:
        super().__init__(hears=hears)
        self.rules = Invariants()
        config = SessionConfig(
            "sess_1",
            kind="realtime",
            model="huiyin",
            persona=replace(PERSONA, voice="alloy"),
            personas={"test": PERSONA},
            expires_at=2_000_000_000,
        )
        settings = load(environ={}, overrides=overrides)
        self.session = RealtimeSession(self.world, self.engines(), config, settings, self._take, limits)
        self.session.start()
        self._microphone()

    # -- the client

    def update(self, **session: Any) -> Event:
        before = len(self.all("session.updated"))
        self.send("session.update", session={"type": "realtime", **session})
        (updated,) = self.all("session.updated")[before:]
        return updated

    def manual(self, **session: Any) -> None:
        """The client says when a turn is over; it wants the words."""
        self.update(audio={"input": {"turn_detection": None, "transcription": {"model": "w"}}}, **session)

    def wants_words(self, **detection: Any) -> None:
        audio_input: dict[str, Any] = {"transcription": {"model": "w"}}
        if detection:
            audio_input["turn_detection"] = detection
        self.update(audio={"input": audio_input})

    def type(self, text: str) -> None:
        """A user's text, to be answered."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.send("response.create")

    def sent_s(self, response_id: str) -> float:
        """Seconds of sound that were sent of a response."""
        deltas = [e["delta"] for e in self.all("response.output_audio.delta") if e["response_id"] == response_id]
        return sum(len(base64.b64decode(delta)) for delta in deltas) / 2 / 24_000

    def check(self, event: Event) -> None:
        self.rules.take(event)


def encoded(sound: Pcm16) -> str:
    """As base64."""
    return base64.b64encode(sound.astype("<i2").tobytes()).decode()


def a_rig(**options: Any) -> Iterator[Rig]:
    """For fixtures: at the end all that began has ended."""
    rig = Rig(**options)
    yield rig
    rig.close()
