"""The assistant talks for two minutes to nobody, through a real session: it never interrupts itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation import events as on
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from tests.support.desk import at_desk
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


class Storyteller(Services):
    """Voices every clause with the next sentence of the story."""

    told = 0

    def speak(self, text: str, voice: str, **how: Any) -> Stream[Pcm16 | list[HeardUntil]]:
        sentence = SENTENCES[self.told % len(SENTENCES)]
        self.told += 1
        return stream_of([np.pad(english(sentence) * 32767, (0, SAMPLE_RATE // 5)).astype(np.int16)])


@pytest.mark.parametrize("room", ROOMS)
def test_it_never_interrupts_itself(room: str) -> None:
    stub = Stub(reply=" ".join(SENTENCES * 12))
    with stub, at_desk(Storyteller(stub.settings()), room=SimulatedRoom(ROOMS[room])) as desk:
        desk.session.type("Tell me a story.")
        desk.wait(on.ReplyStarted)
        desk.listen(LONG_S)
        spoken = np.abs(desk.room.recording()[1].astype(np.int32))
    assert np.count_nonzero(spoken > 300) > 0.3 * LONG_S * SAMPLE_RATE, "it did speak all the time"
    for kind in (on.ReplyEnded, on.SpeechHeard, on.ReplyPaused, on.ReplyStopped):
        assert not desk.all(kind), f"{kind.__name__} in the {room} room"
