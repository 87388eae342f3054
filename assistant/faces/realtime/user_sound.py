"""The client's sound: to the ear where the server detects turns, into a buffer where the client does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from huiyin.assistant.conversation.stages import Recogniser, TurnSoFar
from huiyin.assistant.conversation.understood import Understand, mood_of
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.items import UserItem
from huiyin.assistant.faces.connections.audio import AudioFormat, Decoder, check_room
from huiyin.assistant.faces.connections.wire import WireError, new_id
from huiyin.assistant.faces.realtime.items import Items, WireItem
from huiyin.assistant.faces.realtime.user_turns import UserTurns
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote_stream import StreamMicrophone
from huiyin.assistant.turns.events import Transcript

_SHORTEST_S = 0.1  # of a commit; OpenAI's limit, too


class UserSound:
    """What the client appends, commits and clears."""

    def __init__(
        self, world: World, recogniser: Recogniser, microphone: StreamMicrophone, turns: UserTurns, items: Items,
        most_s: float, understand: Understand,
    ) -> None:  # fmt: skip
        """`most_s`: how much of it may wait to be committed, or to be heard. `understand`: see `Stages`."""
        self._understand = understand
        self._world, self._recogniser, self._microphone = world, recogniser, microphone
        self._turns, self._items, self._most_s = turns, items, most_s
        self.on_words: Callable[[WireItem, Transcript], None] = lambda item, transcript: None
        """Called when the client has been told the words of what it committed."""
        self._format = AudioFormat()
        self._decoder = Decoder(self._format)
        self._buffer: deque[Pcm16] = deque()
        self._buffered = 0  # samples
        self.is_buffered = False
        """The client says when a turn is over."""
        self.is_heard = True
        """The ear gets it."""

    def set_format(self, audio_format: AudioFormat) -> None:
        """Of what comes from now on."""
        if audio_format != self._format:
            self._format, self._decoder = audio_format, Decoder(audio_format)

    def append(self, audio: str) -> None:
        """More sound, base64. Raises WireError."""
        coming_s = self._format.seconds_of(audio)  # before it is decoded: a message may hold an hour
        if self.is_buffered and self.is_heard:
            self._drop_oldest(coming_s)
        check_room(max(self._buffered / SAMPLE_RATE, self._microphone.waiting_s), coming_s, self._most_s)
        self._take(self._decoder.feed(audio))

    def hear(self, samples: Pcm16) -> None:
        """More sound of a track, 16 kHz: it goes on for ever, so that what is too much is forgotten."""
        self._drop_oldest(len(samples) / SAMPLE_RATE)
        if self._microphone.waiting_s <= self._most_s:
            self._take(samples)

    def _take(self, samples: Pcm16) -> None:
        if self.is_buffered:
            self._buffer.append(samples)
            self._buffered += len(samples)
        if self.is_heard:
            self._microphone.receive(samples)

    def _drop_oldest(self, coming_s: float) -> None:
        """A client with a talk key need not commit what it sends."""
        while self._buffer and self._buffered / SAMPLE_RATE + coming_s > self._most_s:
            self._buffered -= len(self._buffer.popleft())

    def clear(self) -> None:
        """Forget what was appended."""
        self._buffer.clear()
        self._buffered = 0
        self._microphone.forget()

    def commit(self) -> None:
        """A user's item of what was appended. Raises WireError."""
        sound = np.concatenate([np.zeros(0, np.int16), *self._buffer, self._decoder.flush()])
        if len(sound) < _SHORTEST_S * SAMPLE_RATE:
            raise self.too_short(len(sound))
        self._buffer.clear()
        self._buffered = 0
        self.transcribe(self._turns.commit(new_id("item")), sound)

    @staticmethod
    def too_short(samples: int) -> WireError:
        """There is not enough sound to be committed."""
        return WireError(
            "realtime.input_audio_buffer_commit_empty", least_ms=round(_SHORTEST_S * 1000),
            ms=round(samples / SAMPLE_RATE * 1000),
        )  # fmt: skip

    def transcribe(self, item: WireItem, sound: Pcm16) -> None:
        """The words of an item that stands in the conversation are recognised; then it has its entry."""
        seconds = len(sound) / SAMPLE_RATE
        found: list[Transcript] = []
        release = self._items.hold()

        def take(transcript: Transcript) -> None:
            found.append(self._understand(transcript))

        def enter() -> None:
            if found and found[0].text.strip():
                self._items.enter(item, UserItem(found[0].text.strip(), mood_of(found[0])))

        def end(failure: Exception | None) -> None:
            if failure is not None or not found:
                self._turns.failed(item, str(failure or ""))
            else:
                self._turns.transcribed(item, found[0], seconds)
                self.on_words(item, found[0])
            release()

        self._items.when_settled(enter)
        turn = TurnSoFar(0, 0.0, seconds, lambda: sound)
        self._world.start(self._recogniser.transcribe(turn), take, end)
