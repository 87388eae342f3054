"""Asleep, nothing is heard but the wake phrase; then the rest of the sentence is the turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.phrase_listener import (
    CLEAR,
    DOUBTFUL,
    IS_NEAR,
    NEAR,
    PHRASE_END_S,
    SURE,
    PhraseListener,
)
from huiyin.assistant.conversation.stages import Parts, TurnSoFar
from huiyin.assistant.conversation.waking import WakingEar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ears.listener import SpeechChange
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns import events as ev
from tests.support.talk import SETTINGS, Talk

SLEEP_AFTER_S = 10.0


class _Ear:
    """Speech at stated times."""

    def __init__(self, *changes: SpeechChange) -> None:
        self._changes, self._samples = list(changes), 0

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        self._samples += len(mic)
        now = self._samples / 16_000
        due = [change for change in self._changes if change.at_s + 0.1 <= now]
        self._changes = [change for change in self._changes if change not in due]
        return due

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        return np.zeros(round((end_s - start_s) * 16_000), np.int16)

    def be_alert(self, *, alert: bool) -> None:
        self.alert = [*getattr(self, "alert", []), (round(self._samples / 16_000, 1), alert)]


class Sleeper(Talk):
    """A talk that sleeps. `speech`: (from, to, words), seconds; `tried`: the spans that were looked at asleep."""

    def __init__(self, *speech: tuple[float, float, str], replies: Sequence[str] = ()) -> None:
        super().__init__(*([reply] for reply in replies))
        self.speech, self.tried = speech, list[tuple[float, float]]()
        self.phrase_end_s: float | None = None  # in what is looked at, where that is known
        self.first_words = ""  # of what is looked at first, where they are others
        self.awake_words: dict[float, str] = {}  # begin of a turn -> its words, where they are others
        changes = [
            SpeechChange(kind, at_s)  # type: ignore[arg-type]
            for start_s, end_s, _ in speech
            for kind, at_s in (("started", start_s), ("paused", end_s))
        ]
        self.ear = WakingEar(self.world, _Ear(*changes), self, self, WakePhrase("你好回音"), SLEEP_AFTER_S)
        session = self.session
        session._ear = self.ear  # the desk makes sessions that hear by events
        session._stages._parts = replace(Parts(self, self, self), recogniser=self.ear)
        self.ear.join(session)

    def transcribe(self, turn: TurnSoFar) -> Source[ev.Transcript]:
        if turn.generation == 0:
            self.tried.append((round(turn.start_s, 1), round(turn.end_s, 1)))
            if self.first_words and len(self.tried) == 1:
                return Plan([(0.1, ev.Transcript(self.first_words, "zh", facts={IS_NEAR: True}))], 0.1)
        elif words := self.awake_words.get(round(turn.start_s, 1)):
            return Plan([(0.1, ev.Transcript(words, "zh"))], 0.1)
        facts = {} if self.phrase_end_s is None else {PHRASE_END_S: self.phrase_end_s}
        words = next(words for start_s, _, words in self.speech if start_s >= turn.start_s - 0.1)
        return Plan([(0.1, ev.Transcript(words, "zh", facts=facts))], 0.1)


class Scored(Services):
    """A recogniser that gives the phrase a score, or has none; its words are 你好回音。"""

    def __init__(self, score: float | ServiceError | None, microphone: float | None = None) -> None:
        """`microphone`: of the second sound that it is asked about."""
        super().__init__(SETTINGS)
        self._score, self._microphone, self.asked = score, microphone, list[str]()

    def phrase(
        self, samples: Pcm16, phrase: str, language: str, *, timeout_s: float
    ) -> Stream[tuple[float | None, float]]:
        async def give() -> AsyncGenerator[tuple[float | None, float], None]:
            self.asked.append("score")
            if isinstance(self._score, ServiceError):
                raise self._score
            yield self._microphone if len(self.asked) > 1 else self._score, 1.25

        return Stream(give)

    def transcribe(self, samples: Pcm16, *, timeout_s: float, language: str = "") -> Stream[ev.Transcript]:
        async def give() -> AsyncGenerator[ev.Transcript, None]:
            self.asked.append("words")
            yield ev.Transcript("你好回音。", language)

        return Stream(give)


CANNOT = ServiceError("clients.broke_off")


@pytest.mark.parametrize(
    ("score", "asked", "text"),
    [(SURE, "score", "你好回音"), (SURE - 0.1, "score words", "你好回音。"), (DOUBTFUL - 0.1, "score", ""),
     (None, "score", ""), (CANNOT, "score words", "你好回音。")],
)  # fmt: skip
def test_the_phrase_is_found_by_its_score_and_in_doubt_by_the_words(
    score: float | ServiceError | None, asked: str, text: str
) -> None:
    services = Scored(score)
    turn = TurnSoFar(0, 1.0, 2.7, lambda: np.zeros(27_200, np.int16))
    (found,) = PhraseListener(services, WakePhrase("你好回音"), "zh").transcribe(turn)  # type: ignore[misc]
    assert (services.asked, found.text) == (asked.split(), text)
    assert found.facts.get(PHRASE_END_S) == (1.25 if score == SURE else None)


@pytest.mark.parametrize(
    ("score", "microphone", "found", "is_near"),
    [(SURE - 4, SURE + 6, True, None), (SURE + 2, SURE - 20, False, True), (NEAR - 0.1, SURE + 40, False, False),
     (CLEAR, SURE - 40, True, None)],
)  # fmt: skip
def test_in_doubt_the_microphone_itself_is_asked_too(
    score: float, microphone: float, found: bool, is_near: bool | None
) -> None:
    def sound() -> Pcm16:
        return np.zeros(27_200, np.int16)

    services = Scored(score, microphone)
    turn = TurnSoFar(0, 1.0, 2.7, sound, microphone=sound)
    (transcript,) = PhraseListener(services, WakePhrase("你好回音"), "zh").transcribe(turn)  # type: ignore[misc]
    assert (bool(transcript.text), transcript.facts.get(IS_NEAR)) == (found, is_near)
    assert len(services.asked) == (2 if NEAR <= score < CLEAR else 1)


def test_the_rest_of_the_sentence_is_the_turn() -> None:
    talk = Sleeper((1.0, 3.5, "你好回音，今天星期几？"), replies=["星期四。"])
    (turn,) = talk.committed(1)
    assert turn.transcript.text == "今天星期几？" and turn.turn.heard == "星期四。"
    assert talk.tried == [(1.0, 2.2)]


def test_where_noise_garbles_the_phrase_the_turn_is_what_comes_after_it() -> None:
    talk = Sleeper((1.0, 3.5, "你好回音，今天星期几？"), replies=["星期四。"])
    talk.phrase_end_s, talk.awake_words = 1.25, {1.0: "您好些，今天星期几？", 2.2: "今天星期几？"}
    (turn,) = talk.committed(1)
    assert turn.transcript.text == "今天星期几？"


def test_the_phrase_alone_wakes_and_gets_no_answer() -> None:
    talk = Sleeper((1.0, 2.0, "你好回音。"), (4.0, 6.0, "今天星期几？"), replies=["星期四。"])
    (turn,) = talk.committed(1)
    assert turn.transcript.text == "今天星期几？"
    assert [len(messages) for messages, *_ in talk.asked] == [2]


def test_the_beginning_of_other_speech_is_tried_and_is_nothing_to_anyone() -> None:
    talk = Sleeper((1.0, 20.0, "欢迎收看今天的新闻。"), (22.0, 22.2, "嗯"), (24.0, 30.0, "下面请看天气。"))
    talk.listen(40)
    assert talk.tried == [(1.0, 2.2), (24.0, 25.2)]
    assert talk.asked == [] and not talk.all(on.SpeechHeard) and not talk.all(on.Recognised)


def test_it_sleeps_again_after_silence() -> None:
    talk = Sleeper(
        (1.0, 2.0, "你好回音。"), (4.0, 5.0, "你是谁？"), (40.0, 42.0, "现在几点？"), replies=["我是回音。", "九点。"]
    )
    talk.committed(1)
    talk.listen(60)
    assert len(talk.asked) == 1 and not talk.ear.is_awake
    assert [notice.text for notice in talk.all(on.Notice)] == ["awake", "asleep until “你好回音” is heard"]


def test_good_night_sends_it_to_sleep_at_once() -> None:
    talk = Sleeper((1.0, 2.6, "你好回音，晚安。"), (7.0, 9.0, "现在几点？"), replies=["晚安。", "九点。"])
    talk.committed(1)
    assert not talk.ear.is_awake
    talk.listen(20)
    assert len(talk.asked) == 1


def test_what_it_says_unasked_may_be_answered() -> None:
    talk = Sleeper((4.0, 5.5, "好的，知道了，谢谢你提醒我。"), replies=["不客气。"])
    talk.session.say(["提醒你：吃药。"])
    talk.committed(2)
    assert talk.ear.is_awake


def test_a_phrase_that_is_said_slowly_is_heard_at_the_second_look() -> None:
    talk = Sleeper((1.0, 3.5, "你好回音，今天星期几？"), replies=["星期四。"])
    talk.first_words = "你好"
    (turn,) = talk.committed(1)
    assert turn.transcript.text == "今天星期几？"
    assert talk.tried == [(1.0, 2.2), (1.0, 2.7)]


def test_a_pause_within_the_phrase_does_not_end_it() -> None:
    talk = Sleeper((1.0, 1.4, "你好"), (1.7, 2.1, "回音"))
    talk.listen(3)
    assert talk.tried == [(1.0, 1.5), (1.0, 2.2)]


def test_a_noise_just_before_the_phrase_does_not_hide_it() -> None:
    talk = Sleeper((1.0, 1.4, "嗯"), (2.1, 2.9, "你好回音"))
    talk.listen(4)
    assert talk.tried == [(1.0, 1.5), (2.1, 3.0)] and talk.ear.is_awake


def test_a_television_keeps_no_core_busy() -> None:
    speech = [(1.0 + 0.7 * i, 1.5 + 0.7 * i, "新闻") for i in range(40)]
    talk = Sleeper(*speech)
    talk.listen(40)
    assert len(talk.tried) <= 29, "at most one look a second"


def test_asleep_the_ear_is_alert_and_awake_from_the_first_pause_it_is_not() -> None:
    talk = Sleeper((1.0, 3.5, "你好回音，今天星期几？"), replies=["星期四。"])
    talk.committed(1)
    talk.listen(60)
    (asleep, is_alert), (awake, is_still), (again, is_again) = talk.ear._ear.alert  # type: ignore[attr-defined]
    assert (asleep, is_alert, is_still, is_again) == (0.0, True, False, True)
    assert 3.5 <= awake <= 3.7 and again > awake + SLEEP_AFTER_S


@pytest.mark.parametrize("setting", ["talk.sleep_after_s=1", "talk.sleep_after_s=never"])
def test_settings_are_checked(setting: str) -> None:
    from huiyin.configs.settings import SettingsError, load

    with pytest.raises(SettingsError):
        load(environ={}, overrides=[setting])
    assert SETTINGS.talk.wake == ""
