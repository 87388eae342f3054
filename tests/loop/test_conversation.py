"""A conversation with real services: spoken to through a simulated room, answered by real models."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES, Name
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.assemble import prepare
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.prepared_speech import PreparedSpeech
from huiyin.assistant.ports.level import at_speech_level
from huiyin.assistant.ports.port import Samples
from huiyin.configs.settings import load
from tests.support.desk import Desk, at_desk
from tests.support.scoring import error_rate
from tests.support.service_process import free_port

pytestmark = pytest.mark.slow

TELLING = 8  # characters of a reply


def kill(name: Name) -> None:
    """As a crash would: without warning."""
    (service,) = (child for child in psutil.Process().children() if name in child.cmdline())
    for victim in [service, *service.children(recursive=True)]:
        victim.kill()


def spoken(launcher: Launcher, text: str, voice: str) -> Samples:
    """A user's line in a voice of the service."""
    return at_speech_level(launcher.services.sound(text, voice, timeout_s=60) / np.float32(32768))


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """All three services, on ports of their own."""
    overrides = [f"{name}.port={free_port()}" for name in NAMES]
    overrides += ["talk.max_reply_tokens=60", "turns.llm_timeout_s=100", "turns.tts_timeout_s=60"]
    overrides += ["llm.first_token_timeout_s=100"]  # on a busy machine
    arguments = [part for item in overrides for part in ("--set", item)]
    with Launcher(load(overrides=overrides, environ={}), arguments) as launcher:
        launcher.start(NAMES)
        yield launcher


@pytest.fixture(scope="module")
def prepared(launcher: Launcher) -> PreparedSpeech:
    made = prepare(launcher.services, load_persona("huiyin"), launcher.tell)
    assert isinstance(made, PreparedSpeech) and made.ready.wait(120)
    return made


@pytest.fixture
def desk(launcher: Launcher, prepared: PreparedSpeech) -> Iterator[Desk]:
    with at_desk(launcher.services, prepared=prepared) as desk:
        yield desk


@pytest.mark.parametrize(
    ("question", "voice", "language", "expected"),
    [
        ("请用一句完整的话告诉我，法国的首都是哪个城市？", "zm_yunxi", "zh", "巴黎"),
        ("Hello, what is the capital of France?", "am_michael", "en", "paris"),
    ],
)
def test_spoken_question_is_answered_in_its_language_and_the_answer_can_be_understood(
    desk: Desk, launcher: Launcher, question: str, voice: str, language: str, expected: str
) -> None:
    desk.say(spoken(launcher, question, voice))
    committed = desk.turn()
    assert error_rate([(question, committed.transcript.text)], language) < 0.35
    assert re.search(expected, committed.turn.heard.lower())
    heard = launcher.services.transcribe(desk.room.recording()[1], timeout_s=30).one()
    assert heard.text
    if len(committed.turn.heard) >= TELLING:  # 巴黎 alone the recogniser hears as anything
        # The voice is a Chinese one: "capital of France" may be heard as "capital French".
        assert error_rate([(committed.turn.heard, heard.text)], language) <= 0.5, "what was played is what was said"


def test_killed_service_is_survived_with_a_spoken_apology_and_the_next_turn_works(
    desk: Desk, launcher: Launcher
) -> None:
    question = spoken(launcher, "What is the capital of France?", "am_michael")
    desk.say(question)
    desk.wait(on.RecognitionAsked)  # the words are on their way
    kill("llm")
    apology = desk.wait(on.Apologised)[0]
    assert apology.stage == "llm"
    committed = desk.turn()
    assert "sorry" in committed.turn.heard.lower()
    launcher.start(["llm"])
    desk.say(question)
    assert "paris" in desk.turn(1).turn.heard.lower()
