"""One response on the wire: what of it has begun, and the one place that ends it.

Whatever happens, each part, item and response ends once: `finish` ends all that is open, and after it nothing more of
the response is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from huiyin.assistant.dialogue.tokens import estimated_tokens
from huiyin.assistant.faces.connections.audio import Encoder
from huiyin.assistant.faces.connections.wire import Json, ServerEvent, new_id
from huiyin.assistant.faces.realtime import wire
from huiyin.assistant.faces.realtime.items import Items, Spoken, WireItem, new_body
from huiyin.assistant.faces.realtime.parts import Request
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

_AUDIO_TOKEN_S = 0.05  # OpenAI counts a token for so much of the assistant's sound
CONVERSATION_ID = "conv_default"


@dataclass
class Response:
    """In progress from `begin` to `finish`.

    `items` None: it is out of band, and its items stand in no conversation.
    """

    send: Callable[[ServerEvent], None]
    request: Request
    """What it is made from."""
    items: Items | None = None
    metadata: Json | None = None
    id: str = ""
    generation: int = 0
    """The reply of the conversation that is sent; 0: not known yet, or none."""
    message: WireItem | None = None
    """What it says; None: nothing so far."""
    is_over: bool = False
    text: str = ""
    """What it has said so far."""
    _output: list[Json] = field(default_factory=list)
    _message_index: int = 0
    _is_message_open: bool = False
    _encoder: Encoder | None = None  # None: no sound, or it goes over a track
    _output_tokens: int = 0

    @property
    def config(self) -> SessionConfig:
        """The session's settings, with its own."""
        return self.request.config

    def begin(self) -> None:
        """Tell the client that it begins."""
        self.id = new_id("resp")
        self.send(wire.ResponseCreated(self._body("in_progress")))

    def say(self, delta: str) -> None:
        """More of its text."""
        if self.is_over or not delta:
            return
        self._open_message()
        self.text += delta
        event = wire.TranscriptDelta if self.config.speaks else wire.TextDelta
        self.send(event(*self._place, delta))

    def sound(self, samples: Pcm16, position: int) -> None:
        """More of its sound, 16 kHz; `position`: of the first sample in all of it."""
        if not self.is_over and self.config.speaks:
            self._open_message()
            assert self.message and self.message.spoken
            self.message.spoken.samples = max(self.message.spoken.samples, position + len(samples))
            self._send_sound(samples)

    def sound_again(self, samples: Pcm16) -> None:
        """Sound that the client was told to forget, though the response is over."""
        if self.message:
            self._send_sound(samples)

    def begin_sound_anew(self) -> None:
        """What comes next does not follow what was sent."""
        if self._encoder:
            self._encoder.flush()

    def call(self, call_id: str, name: str, arguments: str) -> WireItem | None:
        """It calls a function, after what it said. The item, where it stands in the conversation."""
        if self.is_over:
            return None
        self._close_message("completed")
        body = new_body("function_call", status="in_progress", name=name, call_id=call_id, arguments="")
        index = len(self._output)
        item = self._add(body)
        place = (self.id, item.id, index, call_id)
        self.send(wire.ArgumentsDelta(*place, arguments))
        item.body.update(arguments=arguments, status="completed")
        self.send(wire.ArgumentsDone(*place, name, arguments))
        self._done(index, item)
        self._output_tokens += estimated_tokens(name + arguments)
        return item if self.items is not None else None

    def finish(self, status: str, reason: str | None = None, error: Json | None = None) -> None:
        """End all of it that is open: completed, cancelled, incomplete or failed."""
        if self.is_over:
            return
        self._close_message("completed" if status == "completed" else "incomplete")
        self.is_over = True
        details = None if status == "completed" else {"type": status, "reason": reason, "error": error}
        self.send(wire.ResponseDone(self._body(status, details)))

    @property
    def has_sound(self) -> bool:
        """Whether some has been sent."""
        return bool(self.message and self.message.spoken and self.message.spoken.samples)

    # -- its message

    @property
    def _place(self) -> tuple[str, str, int, int]:
        assert self.message
        return self.id, self.message.id, self._message_index, 0

    def _open_message(self) -> None:
        if self.message:
            return
        body = new_body("message", status="in_progress", role="assistant", content=[])
        self._message_index = len(self._output)
        self.message, self._is_message_open = self._add(body), True
        if self.config.speaks:
            self._encoder = Encoder(self.config.output_format) if self.config.sends_sound else None
            self.message.spoken = Spoken(generation=self.generation)
        self.send(wire.PartAdded(*self._place, self._part("")))

    def _close_message(self, status: str) -> None:
        if not self._is_message_open:
            return
        assert self.message
        self._is_message_open = False
        if self.config.speaks:
            if status == "completed" and self._encoder:
                self._send_delta(self._encoder.flush())
            self.send(wire.AudioDone(*self._place))
            self.send(wire.TranscriptDone(*self._place, self.text))
            content: Json = {"type": "output_audio", "transcript": self.text}
        else:
            self.send(wire.TextDone(*self._place, self.text))
            content = {"type": "output_text", "text": self.text}
        self.send(wire.PartDone(*self._place, self._part(self.text)))
        self.message.body.update(status=status, content=[content])
        self._done(self._message_index, self.message)
        self._output_tokens += estimated_tokens(self.text)

    def _part(self, text: str) -> Json:
        return {"type": "audio", "transcript": text} if self.config.speaks else {"type": "text", "text": text}

    def _send_sound(self, samples: Pcm16) -> None:
        if self._encoder:
            self._send_delta(self._encoder.feed(samples))

    def _send_delta(self, delta: str) -> None:
        if delta:
            self.send(wire.AudioDelta(*self._place, delta))

    # -- its items

    def _add(self, body: Json) -> WireItem:
        self._output.append(body)
        self.send(wire.OutputItemAdded(self.id, len(self._output) - 1, dict(body)))
        return WireItem(body) if self.items is None else self.items.add(body)

    def _done(self, index: int, item: WireItem) -> None:
        self.send(wire.OutputItemDone(self.id, index, dict(item.body)))
        if self.items is not None:
            self.items.done(item)

    # -- as the client sees it

    def _body(self, status: str, details: Json | None = None) -> Json:
        audio = self.config["audio"]["output"]
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [dict(item) for item in self._output],
            "conversation_id": None if self.items is None else CONVERSATION_ID,
            "output_modalities": list(self.config["output_modalities"]),
            "max_output_tokens": self.config["max_output_tokens"],
            "audio": {"output": {"format": dict(audio["format"]), "voice": self.config.voice}},
            "metadata": self.metadata,
            "usage": None if status == "in_progress" else self._usage(),
        }

    def _usage(self) -> Json:
        """Estimates: our models' own counts are not known here."""
        spoken = self.message.spoken if self.message else None
        sound = round(spoken.samples / SAMPLE_RATE / _AUDIO_TOKEN_S) if spoken else 0
        output = self._output_tokens + sound
        cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        return {
            "total_tokens": self.request.input_tokens + output,
            "input_tokens": self.request.input_tokens,
            "output_tokens": output,
            "input_token_details": {
                "text_tokens": self.request.input_tokens, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0,
                "cached_tokens_details": cached,
            },
            "output_token_details": {"text_tokens": self._output_tokens, "audio_tokens": sound},
        }  # fmt: skip
