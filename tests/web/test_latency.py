"""The latency of the turns so far, as the page shows it."""

from __future__ import annotations

from huiyin.assistant.conversation import events as on
from huiyin.assistant.faces.web.latency import Latencies
from huiyin.assistant.turns.events import Transcript


def test_nothing_is_shown_before_the_first_turn() -> None:
    assert Latencies().facts() == {"turns": 0, "histogram": [], "parts": {}}


def test_turns_are_counted_by_length_and_parts_have_their_middle() -> None:
    latencies = Latencies()
    for total_ms in (300, 301, 600, 60_000):
        latencies.add({"asr": total_ms / 10, "llm": 100}, total_ms)
    facts = latencies.facts()
    assert facts["turns"] == 4
    assert [pair for pair in facts["histogram"] if pair[1]] == [[300, 1], [600, 2], [10_000, 1]]
    assert facts["parts"]["llm"] == {"p50": 100, "p95": 100}
    assert facts["parts"]["total"]["p50"] == (301 + 600) / 2
    assert list(facts["parts"]) == ["asr", "llm", "total"]


def test_old_turns_are_forgotten() -> None:
    latencies = Latencies()
    for _ in range(1500):
        latencies.add({}, 400)
    assert latencies.facts()["turns"] == 1000


def test_the_turns_of_a_conversation_are_added_as_they_are_answered() -> None:
    class Conversation:
        """Passes on to its observers what a test says."""

        def observe(self, observer: on.Observer) -> None:
            self.tell = observer

    latencies, conversation = Latencies(), Conversation()
    latencies.watch(conversation)  # type: ignore[arg-type]
    for generation, start_s in ((1, 10.0), (2, 20.0), (3, 30.0)):
        for after_s, event in (
            (0.1, on.RecognitionAsked(generation, start_s=start_s - 2, end_s=start_s)),
            (0.3, on.Recognised(generation, transcript=Transcript("hello"))),
            (0.7, on.ClauseWritten(generation, clause=0, text="Hi.")),
            (0.8, on.TurnEnded(generation, start_s=start_s - 2, end_s=start_s)),
            (0.9, on.SpeechBegun(generation, clause=0)),
            (1.0, on.ReplyCancelled(generation) if generation == 2 else on.ReplyStarted(generation)),
        ):
            conversation.tell(start_s + after_s, event)
    facts = latencies.facts()
    assert facts["turns"] == 2, "one was not answered"
    middle = {name: round(shares["p50"]) for name, shares in facts["parts"].items()}
    assert middle == {"hear": 100, "asr": 200, "llm": 400, "tts": 200, "hold": 100, "total": 1000}
