"""The assistant talks for two minutes to nobody, through the real loop: it never interrupts itself."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ears.vad import SileroVad, SpeechTracker
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.player import HeardUntil
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from tests.support.desk import Desk
from tests.support.speech_clips import english
from tests.support.streams import stream_of
from tests.support.stub_services import Stub

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1]),
]

SENTENCES = (
    "Once upon a time there was a lighthouse on a small island, far away from the coast.",
    "Nobody had lived in it for many years, and the lamp had long been dark.",
    "One evening a young woman came in a small boat, climbed the stairs, and lit the lamp again.",
    "The fishermen saw the light from far away, and could not believe their eyes.",
)
ROOMS = {
    "small": RoomSettings(rt60_s=0.25, delay_ms=40, distance_m=0.3, echo_db=-8, seed=11),
    "living": RoomSettings(rt60_s=0.45, delay_ms=120, distance_m=0.6, drift_ppm=60, drive=0.6, seed=12),
    "bare": RoomSettings(rt60_s=0.6, delay_ms=240, distance_m=1.0, drift_ppm=-100, noise_dbfs=-55, seed=13),
}
LONG_S = 120.0


class Hurried(SimulatedRoom):
    """A room whose time goes as fast as the loop keeps up with it, once nobody waits for a service any more."""

    hurries = False

    def _run(self) -> None:
        while self._running:
            self.step()
            if not self.hurries:
                time.sleep(BLOCK / SAMPLE_RATE)


class Storyteller(Services):
    """Voices every clause with the next sentence of the story."""

    told = 0

    def speak(self, text: str, voice: str, **how: Any) -> Stream[Pcm16 | list[HeardUntil]]:
        sentence = SENTENCES[self.told % len(SENTENCES)]
        self.told += 1
        return stream_of([np.pad(english(sentence) * 32767, (0, SAMPLE_RATE // 5)).astype(np.int16)])


@pytest.mark.parametrize("room", ROOMS)
def test_it_never_interrupts_itself(room: str) -> None:
    for sentence in SENTENCES:
        english(sentence)  # synthesised now, so that no clause is late in hurried time
    settings = load(environ={})
    vad = SileroVad(ModelStore(settings.store).ensure("silero_vad.onnx"))
    hurried = Hurried(ROOMS[room])
    log: list[type] = []
    with Stub(reply=" ".join(SENTENCES * 12)) as stub:
        services = Storyteller(stub.settings())
        listener = Listener(make_echo_path(settings.audio.echo)[0], vad, SpeechTracker())
        persona = load_persona("huiyin")
        conversation = Conversation(services, persona, hurried, listener, apologies={}, lockstep=True)
        conversation.observe(lambda at_s, what: log.append(type(what)))
        with Desk(conversation, hurried) as desk:
            conversation.type("Tell me a story.")
            desk.wait(do.Play)
            hurried.hurries = True
            desk.listen(LONG_S)
            spoken = np.abs(hurried.recording()[1].astype(np.int32))
    assert np.count_nonzero(spoken > 300) > 0.3 * LONG_S * SAMPLE_RATE, "it did speak all the time"
    assert ev.PlaybackFinished not in log
    for happened in (ev.SpeechStarted, do.Pause, do.StopPlayback):
        assert happened not in log, f"{happened.__name__} in the {room} room"
