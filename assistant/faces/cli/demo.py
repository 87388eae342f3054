"""`huiyin demo`: a whole conversation where there is no sound hardware.

A second voice plays the user through a simulated room, in real time, into the real loop and the real services.
"""

from __future__ import annotations

import argparse
import queue
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.conversation.assemble import assemble
from huiyin.assistant.conversation.events import Public, ReplyStarted, TurnCommitted
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.trace import Trace
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.demo_report import DemoReport, Line, write_report
from huiyin.assistant.faces.cli.peak_memory import MemoryWatch
from huiyin.assistant.faces.cli.shared import INTERRUPTED, CommandError
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from huiyin.configs.settings import Settings

_PAUSE_S = 0.8  # what people leave before they answer a stranger
_REPLY_LIMIT_S = 60.0
_USER_PEAK = 0.35  # of full scale
_TTS_LIMIT_S = 60.0

SCRIPT = (
    Line("你好，请介绍一下你自己。", "zm_yunxi"),
    Line("今天下班有点累，晚饭吃什么好呢？", "zm_yunxi"),
    Line("What is the capital of France?", "am_michael"),
    Line("Please tell me a short story about a lighthouse.", "am_michael"),
    Line("Sorry, how tall was that lighthouse?", "am_michael", interrupt_after_s=2.5),
)


@dataclass
class SecondVoice:
    """The user: says the script's lines when their time has come. `spoken` is (line, start, end) in room seconds."""

    room: SimulatedRoom
    lines: list[tuple[Line, Samples]]
    spoken: list[tuple[Line, float, float]] = field(default_factory=list)
    _events: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def __call__(self, at_s: float, event: Public) -> None:
        """Observes the conversation."""
        if isinstance(event, ReplyStarted):
            self._events.put("play")
        elif isinstance(event, TurnCommitted):
            self._events.put("committed")

    def run(self, conversation: Conversation) -> None:
        """Say every line, wait for the last reply, end the conversation."""
        try:
            for i, (line, sound) in enumerate(self.lines):
                time.sleep(_PAUSE_S if line.interrupt_after_s is None else line.interrupt_after_s)
                start, end = self.room.say(sound)
                self.spoken.append((line, start, end))
                following = self.lines[i + 1][0] if i + 1 < len(self.lines) else None
                interrupts = following is not None and following.interrupt_after_s is not None
                if not self._wait("play") or not (interrupts or self._wait("committed")):
                    return
        finally:
            time.sleep(_PAUSE_S)
            conversation.stop()

    def _wait(self, event: str) -> bool:
        """Whether it comes in time."""
        limit = time.monotonic() + _REPLY_LIMIT_S
        try:
            while self._events.get(timeout=max(0.0, limit - time.monotonic())) != event:
                pass
            return True
        except queue.Empty:
            return False


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Play the demo; write its files. Returns the exit status."""
    captions = Captions()
    persona = load_persona(args.persona or settings.talk.persona)  # a wrong name is reported before the services start
    args.out.mkdir(parents=True, exist_ok=True)  # so is a folder that cannot be made
    with Launcher(settings, args.service_arguments, captions.notice) as launcher, MemoryWatch() as memory:
        captions.notice("starting the services …")
        launcher.start(NAMES)
        captions.notice("the second voice learns its lines …")
        lines = [(line, user_sound(launcher.services, line.text, line.voice)) for line in SCRIPT]
        room = SimulatedRoom(RoomSettings(seed=args.seed))
        trace, user = Trace(), SecondVoice(room, lines)
        conversation = assemble(launcher.services, persona, LocalPort(room), captions.notice, patience_s=_TTS_LIMIT_S)
        for observer in (captions, trace, user):
            conversation.observe(observer)
        threading.Thread(target=user.run, args=(conversation,), name="second-voice", daemon=True).start()
        captions.notice(f"listening to a room with {len(lines)} lines to come\n")
        try:
            conversation.run()
        except KeyboardInterrupt:
            captions.notice("stopped")
            return INTERRUPTED
    report = DemoReport(trace, user.spoken, room.recording(), memory.peak_mb)
    files = write_report(report, args.out)
    print(f"\n{report.table()}\n\n{', '.join(map(str, files))}")
    if not report.complete(len(lines)):
        raise CommandError("cli.demo_incomplete", answered=len(report.turns), lines=len(lines))
    return 0


def user_sound(services: Services, text: str, voice: str) -> Samples:
    """`text` in the second voice: float32, 16 kHz, without silence around it."""
    sound = services.sound(text, voice, timeout_s=_TTS_LIMIT_S).astype(np.float32)
    sound = sound / max(1.0, float(np.abs(sound).max())) * _USER_PEAK
    loud = np.flatnonzero(np.abs(sound) > _USER_PEAK / 50)
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound[: SAMPLE_RATE // 10]
