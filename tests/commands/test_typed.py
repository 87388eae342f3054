"""A conversation that is typed at a terminal, as it looks there."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

from huiyin.assistant.conversation import events as on
from huiyin.assistant.faces.cli.typed import TypedCaptions, TypedLines
from huiyin.assistant.turns.transitions import State
from tests.support.talk import Talk

READY = on.FloorChanged(before=State.SPEAKING, after=State.LISTENING)


class Typed:
    """A conversation whose replies are over when the test says so."""

    def __init__(self) -> None:
        self.quiet = threading.Event()
        self.quiet.set()
        self.did: list[str] = []
        self.has_typed = threading.Semaphore(0)
        self.out = io.StringIO()
        self.captions = TypedCaptions(self.out, prompts=True)

    def type(self, text: str) -> None:
        self.quiet.clear()
        self.did.append(text)
        self.has_typed.release()

    def interrupt(self) -> None:
        self.did.append("(interrupted)")
        self.quiet.set()

    def stop_when_quiet(self) -> None:
        self.did.append("(over)")

    def read(self, lines: Iterator[str], *, has_user: bool = True) -> None:
        TypedLines(self, self.captions).read(lines, has_user=has_user)


def test_a_reply_is_one_paragraph_that_grows() -> None:
    out, talk = io.StringIO(), Talk(["Once upon a time, ", "there was a lighthouse. ", "Nobody lived in it."])
    captions = TypedCaptions(out, prompts=False)
    talk.session.observe(captions, at_once=True)
    captions.note_turn("A story, please.", has_waited=False)
    talk.session.type("A story, please.")
    talk.committed(1)
    talk.listen(0.1)
    assert out.getvalue() == (
        "   you: A story, please.\nhuiyin: Once upon a time, there was a lighthouse. Nobody lived in it.\n"
    )


def test_the_lines_of_a_reply_stand_below_its_words() -> None:
    out = io.StringIO()
    captions = TypedCaptions(out, prompts=True)
    captions(0.0, on.ReplyStarted(generation=1))
    for number, text in enumerate(["Three rivers:\n", "1. the Rhine\n2. the Po"]):
        captions(0.0, on.SpeechAsked(generation=1, clause=number, text=text))
    assert out.getvalue() == "huiyin: Three rivers:\n        1. the Rhine\n        2. the Po"


def test_a_line_of_the_programs_own_leaves_the_prompt_and_the_paragraph_whole() -> None:
    out = io.StringIO()
    captions = TypedCaptions(out, prompts=True)
    captions(0.0, READY)
    captions.notice("asr is back")
    captions.note_enter()
    captions.note_turn("Well?", has_waited=False)
    captions(0.0, on.ReplyStarted(generation=1))
    captions(0.0, on.SpeechAsked(generation=1, clause=0, text="Yes,"))
    captions.notice("tts is back")
    captions(0.0, on.SpeechAsked(generation=1, clause=1, text="it is."))
    captions(0.0, READY)
    lines = ["   you: ", "· asr is back", "   you: huiyin: Yes,", "· tts is back", "        it is.", "   you: "]
    assert out.getvalue().splitlines() == lines  # the terminal shows the user's line behind the second prompt


def test_a_line_typed_during_a_reply_waits_for_its_end_and_is_shown_again() -> None:
    talk = Typed()

    def lines() -> Iterator[str]:
        yield "First.\n"
        talk.has_typed.acquire()
        yield "Second.\n"
        assert talk.did == ["First."] and "Enter alone" in talk.out.getvalue()
        talk.captions(0.0, READY)
        talk.quiet.set()
        talk.has_typed.acquire()
        talk.quiet.set()

    talk.read(lines())
    assert talk.did == ["First.", "Second.", "(over)"]
    assert "   you: Second.\n" in talk.out.getvalue()


def test_enter_alone_ends_the_reply_and_so_does_an_order_for_silence() -> None:
    talk = Typed()

    def lines() -> Iterator[str]:
        yield "First.\n"
        talk.has_typed.acquire()
        yield "stop\n"
        yield "\n"

    talk.read(lines())
    assert talk.did == ["First.", "stop", "(interrupted)", "(over)"]


def test_lines_of_a_pipe_are_a_turn_each() -> None:
    talk = Typed()

    def answer() -> None:
        for _ in range(2):
            talk.has_typed.acquire()
            talk.quiet.set()

    answering = threading.Thread(target=answer)
    answering.start()
    talk.read(iter(["One\n", "\n", "Two\n"]), has_user=False)
    answering.join()
    assert talk.did == ["One", "Two", "(over)"]
