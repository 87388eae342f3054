"""A sound card of software: PulseAudio with a loudspeaker that is heard by the microphone, and a conversation on it.

`VirtualCard` runs a PulseAudio of its own in a private folder; an `Air` carries the loudspeaker's sound to the
microphone and gives the card its clock. On a busy machine that clock goes slower, and nothing is lost.

Run as a program (`python -m tests.support.virtual_card FOLDER OUT`, with the environment the card gives) this holds a
conversation on it, through PortAudio, and saves what happened.
"""

from __future__ import annotations

import fcntl
import os
import queue
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.limits import PATIENCE_S, until

RATE = 16_000
STORY = "Once upon a time there was a lighthouse on a small island, far away from the coast. "
USER = "Wait a moment, I have a question for you."
_PROGRAMS = ("pulseaudio", "pactl")
_POLL_S = 0.002

_BLOCK = 320  # samples that cross the air at once
_BLOCK_S = _BLOCK / RATE
_SOME_BLOCKS = 50  # a device that gave them works
_AHEAD = 3  # blocks that the card may be ahead of those who hear it; the loudspeaker's buffer holds five
_LOST_AFTER_S = 5.0  # a block that nothing was heard of for so long
_CHANNELS = 2  # of the loudspeaker, in float32: the pipe's 4096 bytes are 32 ms
_PIPE_BYTES = 4096  # the least that Linux grants

_ASOUND = "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n"
_MODULES = f"""\
load-module module-native-protocol-unix socket={{folder}}/native auth-anonymous=1
load-module module-pipe-sink sink_name=spk file={{folder}}/spk format=float32le rate={RATE} channels={_CHANNELS}
load-module module-pipe-source source_name=mic file={{folder}}/mic format=s16le rate={RATE} channels=1
set-default-sink spk
set-default-source mic
"""


class NoCard(Exception):
    """The virtual card cannot be had here; the message says why."""


class VirtualCard:
    """Use as a context manager; `environment` is for programs that are to use the card. Raises NoCard."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{folder}/native",
            "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        }

    def __enter__(self) -> VirtualCard:
        missing = [name for name in _PROGRAMS if shutil.which(name) is None]
        if missing:
            raise NoCard(f"not installed: {', '.join(missing)}")
        self._folder.chmod(0o700)
        (self._folder / "asound.conf").write_text(_ASOUND)
        (self._folder / "room.pa").write_text(_MODULES.format(folder=self._folder))
        self._log = (self._folder / "log").open("wb")
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--realtime=no", "--high-priority=no"]
        self._process = subprocess.Popen(
            [*command, "-F", str(self._folder / "room.pa")], env=self.environment, stdout=self._log, stderr=self._log
        )
        limit = time.monotonic() + PATIENCE_S
        while subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode:
            if self._process.poll() is not None or time.monotonic() > limit:
                self.__exit__()
                said = (self._folder / "log").read_text(errors="replace").splitlines()
                raise NoCard(f"PulseAudio does not start: {said[-1] if said else 'it says nothing'}")
            time.sleep(0.05)
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._log.close()


class Air:
    """Between the loudspeaker and the microphone of the card in `folder`: what one plays the other hears, and `say`.

    It is the card's clock, too: a block crosses every 20 ms at the most, and where `done` counts the blocks that have
    been dealt with, no sooner than that is kept up with. Use as a context manager while the card runs.
    """

    def __init__(self, folder: Path, done: Callable[[], int] = lambda: 0) -> None:
        self._pace = _Pace(done)
        self._speaker = os.open(folder / "spk", os.O_RDWR)
        self._microphone = os.open(folder / "mic", os.O_RDWR)
        _shorten(self._speaker)
        _shorten(self._microphone)
        self._plays = self._records = False  # PulseAudio does neither where no program does
        self._voice: queue.SimpleQueue[np.ndarray | threading.Event] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="air", daemon=True)

    def __enter__(self) -> Air:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopped.set()
        self._thread.join(PATIENCE_S)
        os.close(self._speaker)
        os.close(self._microphone)

    def say(self, sound: np.ndarray) -> None:
        """Someone in the room speaks (int16, 16 kHz); returns when all of it has crossed the air."""
        for at in range(0, len(sound), _BLOCK):
            block = sound[at : at + _BLOCK]
            self._voice.put(np.pad(block, (0, _BLOCK - len(block))))
        crossed = threading.Event()
        self._voice.put(crossed)
        assert crossed.wait(PATIENCE_S + len(sound) / RATE), "the card stands still"

    def _carry(self) -> None:
        due_s = time.monotonic()
        while not self._stopped.is_set():
            self._record(self._played() + self._spoken())
            due_s = max(due_s + _BLOCK_S, time.monotonic())
            while time.monotonic() < due_s or not self._pace.may_go_on():
                if self._stopped.wait(_POLL_S):
                    return

    def _spoken(self) -> np.ndarray:
        with suppress(queue.Empty):
            while isinstance(block := self._voice.get_nowait(), threading.Event):
                block.set()
            return block
        return np.zeros(_BLOCK, np.int16)

    def _record(self, sound: np.ndarray) -> None:
        limit_s = _LOST_AFTER_S if self._records else 0
        self._records = bool(select.select([], [self._microphone], [], limit_s)[1])
        if self._records:
            os.write(self._microphone, np.clip(sound, -32768, 32767).astype(np.int16).tobytes())

    def _played(self) -> np.ndarray:
        wanted, data = _BLOCK * _CHANNELS * 4, b""
        while len(data) < wanted:
            self._plays = bool(select.select([self._speaker], [], [], _LOST_AFTER_S if self._plays else 0)[0])
            if not self._plays:
                break
            data += os.read(self._speaker, wanted - len(data))
        return np.frombuffer(data.ljust(wanted, b"\0"), np.float32).reshape(-1, _CHANNELS)[:, 0] * 32768


class _Pace:
    """Lets blocks through while `done` keeps up with them; where it has not moved for seconds there is no one to wait
    for: the device is not open, or not yet again."""

    def __init__(self, done: Callable[[], int]) -> None:
        self._done = done
        self._count, self._since_s = done(), float("-inf")
        self._limit = 0  # given blocks of which no more are let through
        self._given = 0

    def may_go_on(self) -> bool:
        """Whether another block may cross; counts it."""
        count, now_s = self._done(), time.monotonic()
        is_watched = now_s - self._since_s < _LOST_AFTER_S
        if count != self._count:
            if not is_watched:  # what is on its way when the first is dealt with stays on its way
                self._limit = self._given + _AHEAD
            else:
                self._limit += count - self._count
            self._count, self._since_s, is_watched = count, now_s, True
        if is_watched and self._given >= self._limit:
            return False
        self._given += 1
        return True


def _shorten(pipe: int) -> None:
    """Empty `pipe` and leave it room for a few milliseconds alone."""
    os.set_blocking(pipe, False)
    while fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) > _PIPE_BYTES:
        with suppress(BlockingIOError):
            os.read(pipe, 1 << 16)
        with suppress(OSError):  # it has been filled again meanwhile
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    os.set_blocking(pipe, True)


def blocks_heard() -> Callable[[], int]:
    """How many blocks the listeners of this program have dealt with from now on."""
    from huiyin.assistant.ears.listener import Listener

    push, blocks = Listener.push, 0

    def counting(*arguments: Any) -> Any:
        nonlocal blocks
        changes = push(*arguments)
        blocks += 1
        return changes

    Listener.push = counting  # type: ignore[method-assign]
    return lambda: blocks


def play(folder: Path, scenario: Path, overrides: Sequence[str]) -> int:
    """Play a scenario on the card, with these settings; prints the report. 1 where it fails."""
    from huiyin.assistant.conversation.prepared_speech import PreparedSpeech
    from huiyin.assistant.scenario.api import simulate
    from huiyin.configs.settings import load

    PreparedSpeech._keep = staticmethod(lambda *known: None)  # type: ignore[assignment]
    with Air(folder, blocks_heard()):
        result = simulate(scenario, "live", settings=load(overrides=overrides, environ={}), place="card")
    print(result.report())
    return not result.passed


def converse(folder: Path, out: Path) -> None:
    """The assistant tells a story; four seconds into it the user cuts in. Saves (npz) the port's two streams, the
    user's sound and the longest that went to the recogniser."""
    from huiyin.assistant.clients.services import Services
    from huiyin.assistant.conversation.assemble import make_vad
    from huiyin.assistant.conversation.events import ReplyStarted
    from huiyin.assistant.conversation.http_stages import http_parts
    from huiyin.assistant.conversation.loop import Conversation
    from huiyin.assistant.conversation.persona_files import load_persona
    from huiyin.assistant.conversation.session import Session
    from huiyin.assistant.conversation.world import RealWorld
    from huiyin.assistant.ears.echo import make_echo_path
    from huiyin.assistant.ears.listener import Listener
    from huiyin.assistant.ears.vad import SpeechTracker
    from huiyin.assistant.ports import desktop
    from huiyin.assistant.ports.local import LocalPort
    from huiyin.configs.settings import load
    from tests.support.speech_clips import english
    from tests.support.streams import stream_of
    from tests.support.stub_services import Stub

    story = (english(STORY) * 32767).astype(np.int16)
    user = (english(USER) * 32767).astype(np.int16)
    heard: list[np.ndarray] = []

    class Speaking(Services):
        def speak(self, text, voice, **how):  # type: ignore[no-untyped-def]
            return stream_of([story])

        def transcribe(self, samples, **how):  # type: ignore[no-untyped-def]
            heard.append(samples)
            return super().transcribe(samples, **how)

    class Logged(desktop.DesktopDevice):
        streams: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])

        def start(self, exchange):  # type: ignore[no-untyped-def]
            def both(mic: np.ndarray) -> np.ndarray:
                played = exchange(mic)
                self.streams[0].append(mic.copy())
                self.streams[1].append(played.copy())
                return played

            super().start(both)

    path = make_echo_path("both")[0]
    vad = make_vad(load(environ={}))
    replies = threading.Semaphore(0)

    def note(at_s: float, event: object) -> None:
        if isinstance(event, ReplyStarted):
            replies.release()

    desktop._DEAD_AFTER_S = 2 * _LOST_AFTER_S  # this card stands still while the machine is busy
    device = Logged(latency_s=0.1)
    listener, blocks = Listener(path, vad, SpeechTracker()), blocks_heard()
    with Stub(heard=[USER], reply=STORY * 6) as stub, Air(folder, blocks) as air:
        services, persona = Speaking(stub.settings()), load_persona("huiyin")
        world, port = RealWorld(), LocalPort(device)
        parts = http_parts(services, persona.voice, session="card", speak=True, by_sound=None)
        conversation = Conversation(Session(world, port, listener, persona, parts, services.settings), world, port)
        conversation.observe(note, at_once=True)
        thread = threading.Thread(target=conversation.run, daemon=True)
        thread.start()
        conversation.type("Tell me a story.")
        assert replies.acquire(timeout=PATIENCE_S), "the story does not begin"
        until(lambda: blocks() > _SOME_BLOCKS)  # PortAudio may lose a card at the start; it is opened again
        air.say(np.concatenate([np.zeros(4 * RATE, np.int16), user]))  # the echo path has so long to learn the room
        assert replies.acquire(timeout=PATIENCE_S), "the user is not answered"
        conversation.stop()
        thread.join(PATIENCE_S)
    np.savez(
        out,
        mic=np.concatenate(device.streams[0]),
        played=np.concatenate(device.streams[1]),
        user=user,
        heard=max(heard, key=len, default=np.zeros(0, np.int16)),
    )


if __name__ == "__main__":
    converse(Path(sys.argv[1]), Path(sys.argv[2]))
