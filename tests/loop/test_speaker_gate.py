"""Only the voice that was enrolled is answered."""

from __future__ import annotations

import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.speaker_gate import GatedRecogniser, VoiceJudge, knowing
from huiyin.assistant.conversation.stages import Parts, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.ears.voiceprint import Voiceprint, VoiceprintError
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import TurnsSettings, load
from tests.support.talk import Talk

OWN = Voiceprint((1.0, 0.0), "model", 10.0)
GUEST = Voiceprint((0.1, 0.99), "model", 2.0)
STRANGE = Voiceprint((0.0, 1.0), "another model", 2.0)
LEAST = TurnsSettings().least_likeness


class Words:
    """A recogniser."""

    def __init__(self, source: Source[Transcript]) -> None:
        self._source = source

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        return self._source


def turn(length_s: float) -> TurnSoFar:
    return TurnSoFar(1, 2.0, 2.0 + length_s, lambda: np.zeros(round(length_s * 16_000), np.int16))


def answer(*items: Transcript | Voiceprint | ServiceError) -> Stream:
    async def give() -> AsyncGenerator:
        for item in items:
            if isinstance(item, ServiceError):
                raise item
            yield item

    return Stream(give)


def transcripts(voice: Stream, length_s: float = 2.0, words: Stream | None = None, **how: bool) -> list[Transcript]:
    said = words or answer(Transcript("what time is it", "en"))
    return list(GatedRecogniser(Words(said), lambda turn: voice, OWN, LEAST, **how).transcribe(turn(length_s)))  # type: ignore[arg-type]


def heard(voice: Stream, length_s: float = 2.0, words: Stream | None = None) -> list[str]:
    return [transcript.text for transcript in transcripts(voice, length_s, words)]


def test_another_voice_has_no_words() -> None:
    assert heard(answer(OWN)) == ["what time is it"]
    assert heard(answer(GUEST)) == [""]


def test_what_cannot_be_judged_is_let_through() -> None:
    assert heard(answer(GUEST), length_s=0.6) == ["what time is it"], "too short to know a voice by"
    assert heard(answer(ServiceError("clients.broke_off"))) == ["what time is it"]
    assert heard(answer(STRANGE)) == ["what time is it"]


def test_or_it_has_its_words_with_a_mark() -> None:
    for voice, is_marked in ((OWN, False), (GUEST, True), (STRANGE, False)):
        (transcript,) = transcripts(answer(voice), marks=True)
        assert (transcript.text, transcript.other_voice) == ("what time is it", is_marked)


def test_a_judge_tells_how_alike_two_voices_are() -> None:
    def judged(voice: Stream) -> list[float | None]:
        return list(VoiceJudge(lambda turn: voice, OWN).judge(turn(0.8)))  # type: ignore[arg-type]

    assert judged(answer(GUEST)) == [pytest.approx(0.1)]
    assert judged(answer(STRANGE)) == judged(answer(ServiceError("clients.broke_off"))) == [None]


def test_a_recogniser_that_fails_still_says_so() -> None:
    with pytest.raises(ServiceError):
        heard(answer(OWN), words=answer(ServiceError("clients.broke_off")))


def test_in_virtual_time_the_later_of_both_counts() -> None:
    said = Plan([(0.1, Transcript("yes", "en"))], 0.1)
    gate = GatedRecogniser(Words(said), lambda turn: Plan([(0.3, GUEST)], 0.3), OWN, LEAST)
    plan = gate.transcribe(turn(2.0))
    assert isinstance(plan, Plan)
    assert [(due_s, transcript.text) for due_s, transcript in plan.items] == [(0.3, "")] and plan.ends_s == 0.3


class Guests(Talk):
    """A talk in which the turns of some times are another voice's."""

    def __init__(self, *replies: str) -> None:
        super().__init__(*([reply] for reply in replies))
        self.guest = False
        settings = load(environ={}, overrides=["talk.other_voices=unanswered"])
        parts = knowing(OWN, self.voice_of, Parts(self, self, self), settings)
        self.session._stages._parts = parts
        self.session._machine._judges = parts.judges

    def voice_of(self, turn: TurnSoFar) -> Source[Voiceprint]:
        return Plan([(0.1, GUEST if self.guest else OWN)], 0.1)


def test_a_guest_gets_no_answer() -> None:
    talk = Guests("It is nine.", "Sunny.")
    talk.guest = True
    talk.user_speaks(3.0)
    talk.listen(6)
    assert not talk.all(on.TurnCommitted)
    talk.guest = False
    talk.user_speaks(3.0)
    talk.committed(1)


def test_a_guest_over_a_reply_gets_no_answer_and_does_not_stop_it() -> None:
    talk = Guests("Once there was a king who had three daughters, and the youngest was called Cordelia by all.")
    talk.lasts_s = 4.0
    talk.user_speaks(3.0)
    talk.listen(2.5)
    talk.guest = True
    talk.user_speaks(3.0)
    (turn,) = talk.committed(1)
    talk.listen(8)
    assert not turn.turn.interrupted and len(talk.all(on.TurnCommitted)) == 1
    assert talk.all(on.VoiceJudged)[0].likeness == pytest.approx(0.1)
    assert len(talk.all(on.ReplyResumed)) == 1


def test_a_voice_is_kept_for_the_users_eyes_alone(tmp_path: Path) -> None:
    path = tmp_path / "huiyin" / "voice.json"
    with pytest.raises(VoiceprintError, match="enrol"):
        Voiceprint.read(path)
    OWN.keep(path)
    assert Voiceprint.read(path) == OWN
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    path.write_text('{"model": "model"}')
    with pytest.raises(VoiceprintError, match="no voice"):
        Voiceprint.read(path)
