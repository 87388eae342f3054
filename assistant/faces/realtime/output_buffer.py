"""Events about what a client hears over a track: a response begins to sound, has ended, was heard so far.

The client does not play it itself, so it cannot tell how far that was: the server does, as OpenAI's.
"""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.faces.connections.wire import ServerEvent
from huiyin.assistant.faces.realtime import wire
from huiyin.assistant.faces.realtime.items import WireItem
from huiyin.assistant.faces.realtime.playout import Playout
from huiyin.assistant.faces.realtime.translator import Translator
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.remote_messages import Clear, Message, Sound


class OutputBuffer:
    """`carry` comes after the translator's."""

    def __init__(
        self, send: Callable[[ServerEvent], None], translator: Translator, playout: Playout,
        stop: Callable[[], None],
    ) -> None:  # fmt: skip
        """`stop`: the assistant is silent at once."""
        self._send, self._translator, self._playout, self._stop = send, translator, playout, stop
        self._sounding: tuple[int, str] | None = None  # the reply, and the response as which it is sent
        playout.drained = self._end
        translator.when_cut = self._cut

    def carry(self, message: Message) -> None:
        """What the loudspeaker sends."""
        self._playout.carry(message)
        generation = self._sounding[0] if self._sounding else 0
        if isinstance(message, Sound) and message.generation != generation:
            response = self._translator.reply(message.generation).response
            if response:
                self._sounding = message.generation, response.id
                self._send(wire.OutputStarted(response.id))
        elif isinstance(message, Clear) and self._sounding and message.generation == generation:
            response_id = self._sounding[1]
            self._sounding = None
            self._send(wire.OutputCleared(response_id))

    def clear(self) -> None:
        """Forget what sounds. A client may ask when it has just ended: that is no mistake."""
        if self._sounding:
            self._stop()

    def _cut(self, message: WireItem, samples: int, heard: str) -> None:
        """The user interrupted: of this message so much was heard."""
        message.body["content"] = [{"type": "output_audio", "transcript": heard}]
        self._send(wire.ItemTruncated(message.id, 0, round(samples / SAMPLE_RATE * 1000)))

    def _end(self, generation: int) -> None:
        if self._sounding and self._sounding[0] == generation:
            response_id = self._sounding[1]
            self._sounding = None
            self._send(wire.OutputStopped(response_id))
