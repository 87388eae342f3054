"""The stages of a reply: words become clauses while the model writes, these are spoken in order, and what was cancelled
never arrives. Then: how the voice over HTTP makes the embedded model wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation.http_stages import HttpVoice
from huiyin.assistant.conversation.stages import Parts, Speech, Stages, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source, VirtualWorld
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns import events as ev
from huiyin.configs.settings import load
from tests.support.streams import stream_of

LETTER = np.full(SAMPLE_RATE // 10, 1000, np.int16)  # 0.1 s of sound
TOWER = [(0.2, "A lighthouse is a tall tower, with a light. It wa"), (0.5, "rns ships, and people, too")]
BROKE_OFF = ServiceError("clients.broke_off")
ASKED: list[Message] = [{"role": "user", "content": "What is a lighthouse?"}]


class Reply:
    """Stages whose model writes `pieces`, and whose voice takes 0.1 s for a clause and speaks 0.1 s a letter."""

    def __init__(self, pieces: Iterable[tuple[float, str]] = TOWER, ends: Exception | None = None) -> None:
        self.plan = Plan(list(pieces), 1.0, ends)
        self.judged: Source[float | None] = Plan([(0.1, 0.7)], 0.1)
        self.spoken: list[tuple[float, Speech]] = []
        self.events: list[ev.Event] = []
        self.world, self.player = VirtualWorld(), Player()
        parts = Parts(self, self, self, by_sound=self, by_words=self)
        self.stages = Stages(self.world, parts, self.player, lambda start_s, end_s: LETTER, self.events.append)

    def transcribe(self, turn: TurnSoFar) -> Source[ev.Transcript]:
        return Plan([(0.1, ev.Transcript(f"{len(turn.sound())} samples"))], 0.1)

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        return self.judged

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        return self.plan

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Source[str]:
        return Plan([], 5.0)

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        return self.plan

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        self.spoken.append((self.world.now, speech))
        return Plan([(0.1, LETTER) for _ in speech.text], 0.1)

    def at(self, at_s: float, do: Any, *arguments: object) -> None:
        self.world.at(at_s, lambda: do(*arguments))

    def say(self, at_s: float, *clauses: str) -> None:
        for number, text in enumerate(clauses):
            self.at(at_s, self.stages.synthesise, 1, number, text, "neutral")

    def run(self) -> list[ev.Event]:
        self.world.run()
        return self.events

    @property
    def clauses(self) -> list[tuple[float, str]]:
        return [(event.at_s, event.text) for event in self.events if isinstance(event, ev.ReplyText)]


def test_words_become_clauses_while_the_model_writes() -> None:
    reply = Reply()
    reply.stages.ask(1, ASKED)
    assert reply.run()[-1] == ev.ReplyFinished(1.0, 1)
    assert reply.clauses[0] == (0.2, "A lighthouse is a tall tower,")
    assert "".join(text for _, text in reply.clauses).endswith("people, too")


def test_what_is_whole_is_spoken_before_the_model_fails() -> None:
    reply = Reply(TOWER[:1], BROKE_OFF)
    reply.stages.ask(1, ASKED)
    assert reply.run() == [
        ev.ReplyText(0.2, 1, 0, "A lighthouse is a tall tower,"),
        ev.ReplyText(1.0, 1, 1, "with a light."),
        ev.StageFailed(1.0, 1, "llm", "the answer broke off before its end"),
    ]


def test_a_voice_that_has_nothing_to_say_is_given_what_there_is() -> None:
    reply = Reply()
    reply.stages.ask(1, ASKED)
    reply.at(0.3, reply.stages.hurry, 1)
    reply.at(0.4, reply.stages.hurry, 2)  # a reply that is not being written
    reply.at(0.5, reply.stages.hurry, 1)
    reply.run()
    assert reply.clauses[1:3] == [(0.3, "with a light."), (0.5, "It warns ships,")]


def test_clauses_are_spoken_one_after_the_other() -> None:
    reply = Reply()
    reply.say(0.0, "One.", "Two.", "Three.")
    events = [(round(event.at_s, 3), type(event), event.clause) for event in reply.run()]  # type: ignore[attr-defined]
    assert events == [
        (0.1, ev.AudioReady, 0), (0.1, ev.AudioFinished, 0),
        (0.2, ev.AudioReady, 1), (0.2, ev.AudioFinished, 1),
        (0.3, ev.AudioReady, 2), (0.3, ev.AudioFinished, 2),
    ]  # fmt: skip
    spans = reply.player.heard(1)[1]
    assert [(span.clause, span.end // len(LETTER), span.ended) for span in spans] == [
        (0, 4, True), (1, 8, True), (2, 14, True),
    ]  # fmt: skip


def test_the_voice_is_in_a_hurry_while_little_sound_is_ahead_and_the_model_writes() -> None:
    reply = Reply()
    reply.stages.ask(1, ASKED)
    reply.say(0.3, "It is no", "on.", "Go")  # 0.8 s are soon over
    reply.say(1.1, "Late.")
    reply.run()
    urgent = {speech.text: speech.is_urgent for _, speech in reply.spoken}
    assert urgent == {"It is no": True, "on.": True, "Go": False, "Late.": False}


def test_what_comes_for_a_cancelled_reply_never_arrives() -> None:
    reply = Reply()
    reply.stages.transcribe(1, 0.0, 1.0)
    reply.stages.ask(1, ASKED)
    reply.say(0.0, "One.", "Two.")
    reply.stages.transcribe(2, 0.0, 1.0)
    reply.at(0.05, reply.stages.cancel, 1)
    reply.at(0.06, reply.stages.synthesise, 1, 2, "Three.", "neutral")
    assert reply.run() == [ev.Transcribed(0.1, 2, ev.Transcript("1600 samples"))]
    assert [speech.text for _, speech in reply.spoken] == ["One."]
    assert reply.player.heard(1) == (0, [])


def test_a_clause_of_which_there_is_sound_is_not_continued_when_the_reply_is_cancelled() -> None:
    reply = Reply()
    reply.say(0.0, "One.", "Two.", "Three.")
    reply.at(0.15, reply.stages.cancel, 1)
    assert [type(event) for event in reply.run()] == [ev.AudioReady, ev.AudioFinished]
    assert [speech.text for _, speech in reply.spoken] == ["One.", "Two."]


def test_both_judges_are_asked_and_one_that_fails_cannot_tell() -> None:
    reply = Reply()
    reply.stages.transcribe(1, 0.0, 1.0)
    reply.stages.score(0.0, 1.0)
    reply.stages.judge_words(1, "so")
    reply.run()
    assert reply.events[1:] == [ev.EndpointScored(0.1, 1.0, 0.7), ev.WordsJudged(0.1, 1, 0.7)]
    reply.judged = Plan([], 0.2, BROKE_OFF)
    reply.stages.score(0.0, 2.0)
    reply.stages.judge_words(1, "so")
    reply.run()
    assert [event.probability for event in reply.events[3:]] == [None, None]  # type: ignore[attr-defined]


def test_a_recogniser_that_fails_is_named_and_why() -> None:
    reply = Reply()
    reply.transcribe = lambda turn: Plan([], 0.3, ServiceError("clients.no_sound"))  # type: ignore[method-assign]
    reply.stages.transcribe(1, 0.0, 1.0)
    (failed,) = reply.run()
    assert isinstance(failed, ev.StageFailed) and (failed.stage, failed.at_s) == ("asr", 0.3)


def test_a_voice_without_sound_has_failed() -> None:
    reply = Reply()
    reply.say(0.0, "")
    assert reply.run() == [ev.StageFailed(0.1, 1, "tts", "tts returned no sound")]


def test_a_prefix_being_read_gives_way_to_a_question() -> None:
    reply = Reply()
    ended: list[str] = []
    reply.stages.warm(ASKED)
    warming = reply.stages._alone["warm"]
    warming.stops_by(lambda: ended.append("stopped"))
    reply.stages.ask(1, ASKED)
    assert ended == ["stopped"] and warming.is_cancelled


def test_a_summary_that_breaks_off_is_none() -> None:
    summaries: list[str] = []
    for ends in (None, BROKE_OFF):
        reply = Reply([(0.1, "The user "), (0.2, "asks.")], ends)
        reply.stages.summarise(ASKED, summaries.append)
        reply.run()
    assert summaries == ["The user asks.", ""]


def test_nothing_arrives_after_the_end() -> None:
    reply = Reply()
    reply.stages.transcribe(1, 0.0, 1.0)
    reply.stages.judge_words(1, "so")
    reply.stages.score(0.0, 1.0)
    reply.stages.ask(2, ASKED)
    reply.stages.summarise(ASKED, pytest.fail)
    reply.say(0.0, "One.")
    reply.at(0.05, reply.stages.close)
    assert reply.run() == []


# -- the voice over HTTP


class Speaker(Services):
    """What is asked of the services, in order; the voice gives a piece for each letter."""

    def __init__(self, *overrides: str) -> None:
        super().__init__(load(overrides=overrides, environ={}))
        self.did: list[str] = []

    def for_request(self, name: str) -> Speaker:
        assert name == "me.1"
        return self

    def speak(self, text: str, voice: str, **how: Any) -> Stream[Pcm16 | list[HeardUntil]]:
        return stream_of(self._spoken(text))

    def _spoken(self, text: str) -> Iterable[Pcm16 | list[HeardUntil]]:
        yield [(1600, 1)]
        for letter in text:
            self.did.append(letter)
            yield LETTER
        if text == "?":
            raise BROKE_OFF

    def hold(self, seconds: float, **how: Any) -> Stream[None]:
        assert how["session"] == "me"
        self.did.append("suspended" if seconds else "resumed")
        return stream_of([None])

    def says(self, text: str, *, is_urgent: bool = True) -> list[str]:
        """What was done to synthesise `text`."""
        speech = Speech(1, 0, text, "neutral", is_urgent)
        for _ in HttpVoice(self, "heart", "me").speak(speech):  # type: ignore[union-attr]
            pass
        return self.did


def test_the_model_is_suspended_until_the_voice_has_its_first_sound() -> None:
    assert Speaker().says("It") == ["suspended", "I", "resumed", "t"]


def test_a_voice_that_is_in_no_hurry_does_not_suspend_the_model() -> None:
    assert Speaker().says("It", is_urgent=False) == ["I", "t"]


def test_a_model_that_runs_elsewhere_is_not_suspended() -> None:
    assert Speaker("llm.upstreams=http://127.0.0.1:9/v1").says("It") == ["I", "t"]


def test_a_voice_that_fails_resumes_the_model() -> None:
    speaker = Speaker()
    assert speaker.says("") == ["suspended", "resumed"], "no sound at all"
    with pytest.raises(ServiceError):
        speaker.says("?")
    assert speaker.did[2:] == ["suspended", "?", "resumed"]


def test_a_model_that_cannot_be_suspended_does_not_keep_the_voice_from_speaking() -> None:
    class Busy(Speaker):
        def hold(self, seconds: float, **how: Any) -> Stream[None]:
            async def refuse() -> AsyncGenerator[None, None]:
                raise BROKE_OFF
                yield

            return Stream(refuse)

    assert Busy().says("It") == ["I", "t"]


@pytest.mark.parametrize("when", ["suspends the model", "waits for sound"])
def test_a_voice_that_is_cancelled_resumes_the_model(when: str) -> None:
    begun = asyncio.Event()

    async def never() -> AsyncGenerator[Any, None]:
        begun.set()
        await asyncio.Event().wait()
        yield

    class Slow(Speaker):
        def hold(self, seconds: float, **how: Any) -> Stream[None]:
            done = super().hold(seconds, **how)
            return Stream(never) if seconds and when == "suspends the model" else done

        def speak(self, text: str, voice: str, **how: Any) -> Stream[Pcm16 | list[HeardUntil]]:
            return Stream(never)

    async def cancelled(speaker: Speaker) -> list[str]:
        async def listen() -> None:
            async for _ in HttpVoice(speaker, "heart", "me").speak(Speech(1, 0, "It", "neutral", True)):  # type: ignore[union-attr]
                pass

        task = asyncio.ensure_future(listen())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return speaker.did

    assert asyncio.run(cancelled(Slow())) == ["suspended", "resumed"]
