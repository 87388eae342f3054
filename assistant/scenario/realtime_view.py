"""A conversation as the client of a Realtime server sees it: messages in, the events of `conversation.events` out.

What is missing is what does not go over the wire: how a reply is prepared. The server's extensions also report
pauses, states and what was heard; a plain client infers the last two from what it played itself.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.realtime_player import PlayedReply, RealtimePlayer
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.transitions import State

Message = dict[str, Any]
_REPORT_EVERY = 5  # blocks: 100 ms


class RealtimeView:
    """Of one connection. All calls in the thread of its loop."""

    def __init__(self, send: Callable[[Message], None], tell: Callable[[on.Public], None]) -> None:
        """`send` passes a message to the server, `tell` is what happens."""
        self.player = RealtimePlayer()
        self.is_extended = self.is_ready = False
        self.errors: list[str] = []
        """What the server found wrong."""
        self._send, self._tell = send, tell
        self._state = State.LISTENING
        self._users: dict[str, str] = {}  # item -> what the user said, '' as long as it is not known
        self._asked: list[str] = []  # items of the user that no reply was committed for
        self._texts: dict[str, str] = {}  # item of a reply -> its words
        self._blocks = 0

    def receive(self, message: Message) -> None:
        """From the server."""
        match message:
            case {"type": "session.updated", "session": session}:
                self.is_extended, self.is_ready = bool((session.get("huiyin") or {}).get("enabled")), True
            case {"type": "error", "error": error}:
                problem = f"{error.get('code')}: {error.get('message')}"
                self.errors += [] if problem in self.errors else [problem]
            case {"type": "huiyin.state", "state": state}:
                self._floor(State(state))
            case {"type": "conversation.item.added", "item": {"type": "message", "role": "user", "id": item}}:
                self._users.setdefault(item, _text_of(message["item"]))
                self._asked.append(item)
            case {"type": str(kind)} if kind.startswith("input_audio_buffer") or ".input_audio_transcription." in kind:
                self._hear_user(message)
            case {"type": str(kind)} if kind.startswith(("response.", "conversation.", "huiyin.")):
                self._hear_reply(message)

    def step(self) -> Pcm16:
        """20 ms pass; what is played meanwhile, shape (BLOCK,)."""
        block, reply = self.player.step()
        self._blocks += 1
        if reply and reply.has_begun and not reply.is_over:
            self._tell(on.ClauseStarted(generation=reply.number, clause=0))
            self._report(reply)
        if reply and reply.is_over:
            self._report(reply)
            self._ended(reply)
        elif self._blocks % _REPORT_EVERY == 0 and (current := self.player.current):
            self._report(current)
        return block

    def _hear_user(self, message: Message) -> None:
        match message:
            case {"type": "input_audio_buffer.speech_started", "audio_start_ms": start_ms}:
                self._tell(on.SpeechHeard(onset_s=start_ms / 1000))
                for reply in self.player.replies:
                    self._stop(reply)
                self._infer(State.USER)
            case {"type": "input_audio_buffer.speech_stopped"}:
                self._infer(State.THINKING)
            case {"type": "conversation.item.input_audio_transcription.completed", "item_id": item}:
                self._users[item] = message["transcript"]
                self._tell(on.Recognised(transcript=Transcript(message["transcript"])))
                if not message["transcript"]:
                    self._infer(State.LISTENING)

    def _hear_reply(self, message: Message) -> None:
        match message:
            case {"type": "response.output_item.added", "item": {"type": "message", "id": item}}:
                reply = self.player.open(message["response_id"], item)
                self._tell(on.ReplyStarted(generation=reply.number))
                self._infer(State.SPEAKING)
            case {"type": "response.output_audio_transcript.delta", "item_id": item, "delta": delta}:
                self._texts[item] = self._texts.get(item, "") + delta
            case {"type": "response.output_audio.delta", "item_id": item, "delta": delta}:
                sound = np.frombuffer(base64.b64decode(delta), "<i2").astype(np.int16)
                self.player.open(message["response_id"], item).waiting.append(sound)
            case {"type": "response.done", "response": {"id": response, "status": status}}:
                for reply in self.player.replies:
                    if reply.response == response and status == "cancelled":
                        self._stop(reply)
                    reply.is_complete = reply.is_complete or reply.response == response
            case {"type": "conversation.item.truncated", "item_id": item} if not self.is_extended:
                self._send({"type": "conversation.item.retrieve", "item_id": item})
            case {"type": "conversation.item.retrieved", "item": item}:
                self._commit(_text_of(item), interrupted=True)
            case {"type": "huiyin.output.heard", "transcript": heard, "interrupted": interrupted}:
                self._commit(heard, interrupted=interrupted)
            case {"type": "huiyin.output.paused", "response_id": response}:
                if reply_paused := self.player.of_response(response):
                    self.player.pause(reply_paused)
                    self._report(reply_paused)
                    self._tell(on.ReplyPaused(reply_paused.number))
            case {"type": "huiyin.output.resumed", "response_id": response, "audio_ms": audio_ms}:
                if reply_resumed := self.player.of_response(response):
                    self.player.resume(reply_resumed, audio_ms * SAMPLE_RATE // 1000)
                    self._tell(on.ReplyResumed(reply_resumed.number))

    def _stop(self, reply: PlayedReply) -> None:
        """The user took the floor."""
        if reply.is_over:
            return
        self.player.stop(reply)
        self._report(reply)
        truncate = {"item_id": reply.item, "content_index": 0, "audio_end_ms": reply.heard_ms}
        self._send({"type": "conversation.item.truncate", **truncate})
        self._tell(on.ReplyStopped(reply.number))

    def _ended(self, reply: PlayedReply) -> None:
        self._tell(on.ReplyEnded(reply.number))
        if not self.is_extended:
            self._commit(self._texts.get(reply.item, ""), interrupted=False)
            self._infer(State.LISTENING)

    def _commit(self, heard: str, *, interrupted: bool) -> None:
        user = "\n".join(self._users[item] for item in self._asked)
        self._asked.clear()
        turn = Turn(user, heard, interrupted)
        self._tell(on.TurnCommitted(transcript=Transcript(user), turn=turn, messages=[]))

    def _report(self, reply: PlayedReply) -> None:
        if self.is_extended:
            self._send({"type": "huiyin.playback", "response_id": reply.response, "audio_ms": reply.heard_ms})

    def _infer(self, state: State) -> None:
        if not self.is_extended:
            self._floor(state)

    def _floor(self, state: State) -> None:
        before, self._state = self._state, state
        if state is not before:
            self._tell(on.FloorChanged(before=before, after=state))


def _text_of(item: Message) -> str:
    return "".join(part.get("transcript") or part.get("text") or "" for part in item.get("content") or [])
