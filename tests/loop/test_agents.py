"""An agent that is only heard: what is told of it, and that each fault of a bad one is seen."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.scenario.agents.line import AgentError
from huiyin.assistant.scenario.agents.pipecat_frames import decode, encode
from huiyin.assistant.scenario.agents.targets import target_of
from huiyin.assistant.scenario.api import NotPlayable, check_playable, parse
from huiyin.assistant.scenario.result import Result
from tests.support.simple_agent import SimpleAgent, bad, good
from tests.support.virtual_agent import play_to

STORY = {"user": "Tell me a long story, please."}
QUESTION = {"user": "Sorry, how tall was that lighthouse?", "after": "reply starts + 2500 ms"}


def played(*turns: dict[str, object], agent: str = "bad") -> Result:
    """What comes of a script."""
    return play_to((bad() if agent == "bad" else good()).exchange, parse({"turns": list(turns)}))


def names(result: Result) -> list[str]:
    """The moments of the assistant, in order."""
    return [moment.name for moment in result.log.moments if moment.name.startswith("reply")]


def test_a_reply_is_what_sounds_between_two_silences() -> None:
    result = played(STORY, agent="good")
    assert names(result) == ["reply starts", "reply ends"]
    starts, ends = (next(result.log.named(name)).at_s for name in ("reply starts", "reply ends"))
    assert ends - starts == pytest.approx(9.0, abs=0.35)
    assert result.figures["takeover rate"] == 1


@pytest.mark.parametrize(("agent", "least", "most"), [("bad", 2000, 2300), ("good", 600, 900)])
def test_latency_is_measured_from_the_users_last_sound(agent: str, least: float, most: float) -> None:
    latency_ms = played(STORY, agent=agent).figures["response latency ms"]
    assert latency_ms is not None
    assert least < latency_ms < most


def test_who_stops_for_a_question_and_answers_it_is_told_from_who_talks_on() -> None:
    stops, goes_on = played(STORY, QUESTION, agent="good"), played(STORY, QUESTION)
    assert names(stops) == ["reply starts", "reply stops", "reply starts", "reply ends"]
    assert stops.figures["yield rate"] == 1
    assert (stops.figures["stop latency p50 ms"] or 9999) < 150
    assert goes_on.figures["yield rate"] == 0
    assert goes_on.figures["takeover rate"] == 0.5  # it never answers what it could not hear


def test_who_stops_for_a_listening_word_is_told_from_who_does_not() -> None:
    word = {"user": "mm-hmm", "means": "backchannel", "after": "reply starts + 2500 ms"}
    stops = SimpleAgent(endpoint_s=1.8, is_half_duplex=False)
    assert played(STORY, word).figures["backchannel selectivity"] == 1
    assert play_to(stops.exchange, parse({"turns": [STORY, word]})).figures["backchannel selectivity"] == 0


def test_who_answers_into_a_pause_is_told_from_who_waits() -> None:
    pause = {"user": "I would like [1500 ms] a table for two, please."}
    assert played(pause).figures["cut-off rate"] == 0
    assert played(pause, agent="good").figures["cut-off rate"] == 1


def test_who_falls_silent_for_a_noise_and_goes_on_has_resumed() -> None:
    agent = good()
    blocks = iter(range(10_000))

    def hesitates(mic: np.ndarray) -> np.ndarray:
        sound = agent.exchange(np.zeros_like(mic) if agent.left_s else mic)
        is_silent = agent.left_s and 3.0 < agent.reply_s - agent.left_s < 4.2 and next(blocks) >= 0
        return np.zeros_like(mic) if is_silent else sound

    noise = {"sound": "cough", "after": "reply starts + 2800 ms"}
    result = play_to(hesitates, parse({"turns": [STORY, noise]}))
    assert names(result) == ["reply starts", "reply pauses", "reply resumes", "reply ends"]
    assert result.figures["resume rate"] == 1


def test_what_needs_the_inside_is_reported_and_not_judged() -> None:
    result = played({**STORY, "expect": [{"heard": "Tell"}, {"asked": "x"}, {"said": "y"}, {"event": "reply starts"}]})
    assert len(result.unseen) == 3
    assert result.passed
    assert "3 cannot be seen" in result.report()


def test_what_it_said_is_written_down_by_a_recogniser() -> None:
    script = parse({"turns": [{**STORY, "expect": {"said": {"contains": "once"}}}]})
    result = play_to(good().exchange, script, lambda sound: f"once upon {len(sound)}")
    assert result.passed
    assert result.log.history[0].user == "Tell me a long story, please."


@pytest.mark.parametrize("turn", [{"types": "Hello"}, {"key": "down"}, {"user": "a", "after": "asr answers"}])
def test_a_script_of_what_no_agent_hears_is_refused(turn: dict[str, object]) -> None:
    with pytest.raises(NotPlayable):
        check_playable(parse({"turns": [turn]}), "agent", real=True)


@pytest.mark.parametrize("text", ["", "command:", "pipecat:http://x", "realtime", "telnet:x"])
def test_what_is_no_agent_is_refused(text: str) -> None:
    with pytest.raises(AgentError):
        target_of(text)


def test_agents_are_named_as_on_the_command_line() -> None:
    assert str(target_of("command:python a.py --x")) == "command:python a.py --x"
    assert target_of("ws://127.0.0.1:1/v1/realtime").kind == "realtime"
    assert target_of("pipecat:ws://127.0.0.1:2").depth == "agent"


def test_who_hangs_up_does_not_wait_for_the_end_of_a_long_reply() -> None:
    word = {"user": "mm-hmm", "means": "backchannel", "after": "reply starts + 1000 ms"}
    script = parse({"hang_up": "user ends + 1500 ms", "turns": [STORY, word]})
    result = play_to(bad().exchange, script)
    assert names(result) == ["reply starts"]
    assert result.log.end_s - list(result.log.named("user ends"))[-1].at_s == pytest.approx(1.5, abs=0.05)
    assert result.passed


def test_pipecats_frames_are_its_protocol_buffers() -> None:
    sound = bytes.fromhex("1209 1a020100 20807d 2801")
    assert encode("audio", audio=b"\x01\x00", sample_rate=16_000, num_channels=1) == sound
    kind, frame = decode(sound)
    assert (kind, frame.audio, frame.sample_rate, frame.num_channels) == ("audio", b"\x01\x00", 16_000, 1)
    assert decode(bytes.fromhex("2a00"))[0] == "interruption"
    assert decode(bytes.fromhex("0a03 1a0141"))[0] == "", "a text, which no caller needs"
    with pytest.raises(ValueError, match="pars"):
        decode(b"\xff\xff")


def test_who_says_nothing_has_said_nothing() -> None:
    result = play_to(np.zeros_like, parse({"turns": [STORY]}), lambda sound: "words")
    assert names(result) == [] and result.log.history == []
    assert result.figures["takeover rate"] == 0


def test_an_agent_that_plays_aloud_hears_its_own_echo() -> None:
    heard: list[float] = []

    def listens(mic: np.ndarray) -> np.ndarray:
        heard.append(float(np.abs(mic.astype(np.int32)).max()) if agent.left_s else 0.0)
        return agent.exchange(mic)

    loudest = []
    for aloud in (False, True):
        agent = bad()
        play_to(listens, parse({"turns": [STORY]}), aloud=aloud)
        loudest.append(max(heard))
        heard.clear()
    assert loudest[0] < 100 < 1000 < loudest[1]
