"""A response beside the conversation: asked of the model, spoken, and not kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from huiyin.assistant.conversation.stages import Parts, Stages
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.faces.realtime.replies import Reply
from huiyin.assistant.faces.realtime.response import Response
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import End, Sound
from huiyin.assistant.ports.remote_messages import Message as PortMessage
from huiyin.assistant.turns import events as ev

_GENERATION = 1  # of its stages, which are its own


class OutOfBand:
    """One such response. Its sound is paced as any other's."""

    def __init__(self, world: World, parts: Parts, response: Response, done: Callable[[], None]) -> None:
        """`done` is called when it is over."""
        self.response = response
        self._done = done
        self._reply = Reply(_GENERATION)
        self._loudspeaker = RemoteLoudspeaker(self._carry, assumed_latency_s=0.0, keeps_sound=True)
        self._loudspeaker.start(world, lambda: None)
        self._stages = Stages(world, parts, self._loudspeaker, lambda start_s, end_s: np.zeros(0, np.int16), self._take)
        self._spoken = 0  # clauses whose sound is whole
        self._is_written = False

    def start(self, messages: Sequence[Message]) -> None:
        """Ask the model."""
        self._loudspeaker.open(_GENERATION)
        self._stages.ask(_GENERATION, messages)

    def end(self, status: str, reason: str | None = None, error: dict[str, object] | None = None) -> None:
        """Nothing more of it comes."""
        self._stages.close()
        self._loudspeaker.drop(_GENERATION)
        self._loudspeaker.halt()
        self.response.finish(status, reason, error)
        self._done()

    def _take(self, event: ev.Event) -> None:
        """What its stages answer."""
        if self.response.is_over:
            return
        match event:
            case ev.ReplyText(clause=clause, text=text):
                self._reply.texts[clause] = text
                if self.response.config.speaks:
                    self._stages.synthesise(_GENERATION, clause, text, "neutral")
                else:
                    self._spoken += 1
                    self._reply.say(self.response, clause)
            case ev.ReplyFinished(calls=calls):
                self._reply.calls = tuple(call for call in calls if isinstance(call, CalledTool))
                self._is_written = True
            case ev.AudioFinished():
                self._spoken += 1
            case ev.StageFailed(reason=reason):
                self.end("failed", error={"type": "server_error", "code": "service_failed", "message": reason})
                return
        if self._is_written and self._spoken == len(self._reply.texts):
            self._loudspeaker.close(_GENERATION)

    def _carry(self, message: PortMessage) -> None:
        if isinstance(message, Sound):
            self._say_until(message.position + len(message.samples))
            self.response.sound(message.samples, message.position)
        elif isinstance(message, End):
            self._say_until(message.length + 1)
            for call in self._reply.calls:
                self.response.call(call.call_id, call.name, call.arguments)
            self.end("completed")

    def _say_until(self, until: int) -> None:
        self._reply.say_until(self.response, self._loudspeaker.heard(_GENERATION)[1], until)
