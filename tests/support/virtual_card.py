"""A sound card of software: PulseAudio with a loudspeaker that is heard by the microphone, and a conversation on it.

`VirtualCard` runs a PulseAudio of its own in a private folder. Run as a program (`python -m tests.support.virtual_card
OUT`, with the environment the card gives) this holds a conversation on it, through PortAudio, and saves what happened.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

RATE = 16_000
STORY = "Once upon a time there was a lighthouse on a small island, far away from the coast. "
USER = "Wait a moment, I have a question for you."
_PROGRAMS = ("pulseaudio", "pactl", "pacat")
_START_LIMIT_S = 20.0  # it takes 0.2; on a busy machine, more

_ASOUND = "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n"
_MODULES = """\
load-module module-native-protocol-unix socket={folder}/native auth-anonymous=1
load-module module-null-sink sink_name=spk rate=48000 channels=2
load-module module-null-sink sink_name=room rate=48000 channels=1
load-module module-remap-source source_name=mic master=room.monitor
set-default-sink spk
set-default-source mic
load-module module-loopback source=spk.monitor sink=room latency_msec=20 adjust_time=0
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
        limit = time.monotonic() + _START_LIMIT_S
        while subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode:
            if self._process.poll() is not None or time.monotonic() > limit:
                self.__exit__()
                said = (self._folder / "log").read_text(errors="replace").splitlines()
                raise NoCard(f"PulseAudio does not start: {said[-1] if said else 'it says nothing'}")
            time.sleep(0.05)
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(_START_LIMIT_S)
        self._log.close()


def converse(out: Path) -> None:
    """The assistant tells a story; four seconds into it the user cuts in. Saves (npz) the port's two streams, the
    user's sound, the sound that went to the recogniser, and when the far end slipped."""
    from huiyin.assistant.clients.services import Services
    from huiyin.assistant.conversation.loop import Conversation
    from huiyin.assistant.conversation.persona_files import load_persona
    from huiyin.assistant.ears.echo import make_echo_path
    from huiyin.assistant.ears.listener import Listener
    from huiyin.assistant.ears.vad import SileroVad, SpeechTracker
    from huiyin.assistant.ports.desktop import DesktopDevice
    from huiyin.assistant.turns import actions as do
    from huiyin.configs.settings import load
    from huiyin.configs.store.model_store import ModelStore
    from tests.support.speech_clips import english
    from tests.support.streams import stream_of
    from tests.support.stub_services import Stub

    story = (english(STORY) * 32767).astype(np.int16)
    user = (english(USER) * 32767).astype(np.int16)
    heard: list[np.ndarray] = []

    class Speaking(Services):
        def speak(self, text, voice, **how):  # type: ignore[no-untyped-def]
            return stream_of([story])

        def transcribe(self, samples, *, timeout_s):  # type: ignore[no-untyped-def]
            heard.append(samples)
            return super().transcribe(samples, timeout_s=timeout_s)

    class Logged(DesktopDevice):
        streams: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])

        def start(self, exchange):  # type: ignore[no-untyped-def]
            def both(mic: np.ndarray) -> np.ndarray:
                played = exchange(mic)
                self.streams[0].append(mic.copy())
                self.streams[1].append(played.copy())
                return played

            super().start(both)

    path = make_echo_path("both")[0]
    vad = SileroVad(ModelStore(load(environ={}).store).ensure("silero_vad.onnx"))
    events = {kind: threading.Event() for kind in (do.Play, do.StopPlayback, do.Transcribe)}

    def note(at_s: float, what: object) -> None:
        if type(what) in events:
            events[type(what)].set()

    with Stub(heard=[USER], reply=STORY * 6) as stub:
        services = Speaking(stub.settings())
        port = Logged(latency_s=0.1)
        listener = Listener(path, vad, SpeechTracker())
        conversation = Conversation(services, load_persona("huiyin"), port, listener, apologies={})
        conversation.observe(note)
        thread = threading.Thread(target=conversation.run, daemon=True)
        thread.start()
        conversation.type("Tell me a story.")
        assert events[do.Play].wait(60)
        # From the beginning, since a new stream changes the card's latency: four seconds of silence, then the user.
        command = ["pacat", "-p", "-d", "room", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=30"]
        silence = np.zeros(4 * RATE, np.int16)
        subprocess.run(command, input=np.concatenate([silence, user]).tobytes(), check=True, timeout=20)
        events[do.Transcribe].wait(5)
        time.sleep(1.0)  # until the recogniser has been given all of it
        conversation.stop()
        thread.join(60)
    assert path.aligner is not None
    np.savez(
        out,
        mic=np.concatenate(port.streams[0]),
        played=np.concatenate(port.streams[1]),
        user=user,
        heard=heard[-1] if heard else np.zeros(0, np.int16),
        slips=np.array([[slip.at_s, slip.before or 0.0, slip.after] for slip in path.aligner.slips]),
        stopped=events[do.StopPlayback].is_set(),
    )


if __name__ == "__main__":
    converse(Path(sys.argv[1]))
