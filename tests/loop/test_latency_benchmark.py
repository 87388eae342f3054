"""The latency benchmark: simulated services keep their delays, recordings have pauses, figures mean what they say."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openai import OpenAI
from PIL import Image

from benchmarks import latency_peer, latency_sides
from benchmarks.latency_report import Measurement, draw, measurement, outcome, percentile, report, row
from benchmarks.latency_services import Delays, Recording, SimulatedServices, tokens
from benchmarks.latency_sides import Answer, Headset, Huiyin
from benchmarks.latency_simulated import Simulated
from benchmarks.latency_speech import REPLIES, BenchmarkUtterance, pauses_in, shortened, speech_in, with_pause
from huiyin.assistant.clients.services import Services
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.configs.settings import load
from tests.support.limits import PATIENCE_S, until
from tests.support.speech_clips import english

RATE = 16_000


@pytest.fixture
def simulated() -> Iterator[SimulatedServices]:
    services = SimulatedServices()
    services.start()
    yield services
    services.stop()


def _clients(port: int) -> tuple[Services, OpenAI]:
    settings = load(environ={})
    at = {name: replace(getattr(settings, name), port=port) for name in ("asr", "llm", "tts")}
    return Services(replace(settings, **at)), OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1")


def _noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 0.1).astype(np.float32)


def _int16(sound: np.ndarray) -> np.ndarray:
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def test_the_simulated_recogniser_knows_the_words_of_the_part_it_is_sent(simulated: SimulatedServices) -> None:
    sound = _noise(3.0)
    simulated.delays = replace(simulated.delays, asr_s=0.0)
    simulated.playing = Recording(
        sound, [(0.0, 1.0), (1.0, 3.0)], {"0-0": "one", "1-1": "two", "0-1": "one two"}, "en", REPLIES["en"][0]
    )
    own, theirs = _clients(simulated.port)
    parts = {"one": sound[:RATE], "two": sound[RATE:], "one two": np.pad(sound, RATE // 2)}
    for words, part in parts.items():
        assert own.transcribe(_int16(part), timeout_s=5).one().text == words
        file = ("audio.wav", wav_bytes(_int16(part), RATE))
        assert theirs.audio.transcriptions.create(model="any", file=file).text == words


@pytest.mark.slow
def test_both_routes_wait_the_fixed_delays(simulated: SimulatedServices) -> None:
    simulated.playing = Recording(_noise(1.0), [(0.0, 1.0)], {"0-0": "hello"}, "en", "Sure, I can do that for you.")
    own, theirs = _clients(simulated.port)
    delays = simulated.delays

    def took_s(first: Callable[[], object]) -> float:
        began_s = time.monotonic()
        assert first()
        return time.monotonic() - began_s

    messages = [{"role": "user", "content": "hello"}]
    for first_token in (
        lambda: next(iter(own.ask(messages, timeout_s=5))),
        lambda: next(iter(theirs.chat.completions.create(model="any", messages=messages, stream=True))),  # type: ignore[call-overload]
    ):
        assert took_s(first_token) >= delays.llm_first_s
    assert took_s(lambda: len(next(iter(own.speak("Hello.", "", timeout_s=5))))) >= delays.tts_first_s
    sound = theirs.audio.speech.create(model="any", voice="alloy", input="Hello.", response_format="pcm").content
    assert len(sound) == 2 * round(len("Hello.") * delays.en_char_s * 24_000)  # OpenAI's pcm has 24 kHz
    assert abs(np.frombuffer(sound[:2], "<i2")[0]) > 3000  # it begins with a sound


@pytest.mark.parametrize("reply", [line for lines in REPLIES.values() for line in lines])
def test_tokens_are_the_reply(reply: str) -> None:
    assert "".join(tokens(reply)) == reply


def test_the_first_clause_comes_with_its_own_tokens() -> None:
    delays = Delays()
    assert delays.clause_s("Sure. Why not?", "Sure.") == pytest.approx(0.150 + 1 / 40)
    assert delays.clause_s("好的，我来。", "好的，我来。") == pytest.approx(0.150 + 3 / 40)


def test_a_reply_before_the_user_is_done_is_a_cut_off_and_has_no_latency() -> None:
    assert outcome([2.0, 2.01, 3.5], end_s=3.0) == (True, None)
    assert outcome([], end_s=3.0) == (False, None)
    is_cut_off, latency_s = outcome([3.6, 3.61], end_s=3.0)
    assert not is_cut_off and latency_s == pytest.approx(0.6)


def _heard(run: int, side: str, name: str, latency_s: float | None, *, cut_off: bool = False) -> Measurement:
    return Measurement(
        run, side, name, "en", cut_off, latency_s, limit_s=0.5 if side == "huiyin" else None, wait_s=0.25
    )


def test_figures_are_medians_over_runs() -> None:
    heard = [_heard(run, "huiyin", f"u{i}", (0.5, 0.6, 0.9)[run] + i / 10) for run in range(3) for i in range(3)]
    assert row(heard, "huiyin", "all").p50_s == pytest.approx(0.7)
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5


def test_the_report_has_cut_offs_beside_the_latency_and_says_which_targets_are_missed() -> None:
    heard = [_heard(0, "huiyin", f"u{i}", 0.52) for i in range(9)]
    heard += [_heard(0, "pipecat", f"u{i}", 1.0) for i in range(10)]
    good = report([*heard, _heard(0, "huiyin", "u9", 0.52)])
    assert "× the limit (500 ms) | 1.04 | reached |" in good and "× pipecat's, with no more cut-offs | 0.52;" in good
    assert "NOT reached" not in good
    bad = report([*heard, _heard(0, "huiyin", "u9", None, cut_off=True)])
    assert "10.0 %" in bad and bad.count("NOT reached") == 2  # too many cut-offs, and more than pipecat's
    picture = Image.open(io.BytesIO(draw(heard, "latency")))
    assert picture.format == "PNG" and len(picture.convert("RGB").getcolors(1 << 20) or []) > 20


def test_the_report_sets_client_page_and_peers_beside_one_another() -> None:
    p50_s = {"huiyin": 0.50, "realtime": 0.55, "page": 0.67, "livekit": 0.70, "pipecat-ws": 0.80}
    heard = [_heard(0, side, f"u{i}", value_s) for side, value_s in p50_s.items() for i in range(3)]
    text = report(heard, {"page": "packets of 20 ms are captured"})
    assert "realtime p50 ≤ huiyin's + 60 ms | +50 ms | reached |" in text
    assert "page p50 ≤ huiyin's + 160 ms | +170 ms | NOT reached |" in text
    assert "realtime p50 ≤ 0.70 × pipecat-ws's, with no more cut-offs | 0.69; 0.0 % against 0.0 % | reached |" in text
    assert "realtime p50 ≤ 0.70 × livekit's, with no more cut-offs | 0.79; 0.0 % against 0.0 % | NOT reached |" in text
    assert "| p50, as a share of | livekit | pipecat-ws |" in text and "| page | 0.96 | 0.84 |" in text
    assert "page: packets of 20 ms are captured" in text


def test_a_lost_connection_is_unanswered_and_no_cut_off() -> None:
    utterance = BenchmarkUtterance("u0", "en", _noise(1.0), (), "Sure.")
    lost = measurement(0, "pipecat-ws", utterance, Answer([0.2], is_lost=True))
    assert (lost.is_cut_off, lost.latency_s) == (False, None)
    figures = row([lost, _heard(0, "pipecat-ws", "u1", None, cut_off=True)], "pipecat-ws", "all")
    assert (figures.cut_offs, figures.unanswered) == (0.5, 1)


def test_a_peer_whose_connection_ends_says_that_it_was_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _noise(0.5).tofile(tmp_path / "said")
    order = {"say": str(tmp_path / "said"), "silence_s": 0.05, "limit_s": 5.0}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(order) + "\n"))
    monkeypatch.setattr(latency_peer, "_LOAD_S", 0.0)

    async def converse() -> None:
        speech, played = latency_peer.Speech(-66.0), latency_peer.Played()

        async def connection() -> None:
            async for audio in speech.blocks():
                if speech.begun.is_set():
                    played.add(_int16(np.full(RATE, 0.5, np.float32)).tobytes(), RATE)
                    raise ConnectionResetError(len(audio))

        await latency_peer.obey(speech, played, "it", [asyncio.create_task(connection())])

    asyncio.run(converse())
    ready, answer = map(json.loads, capsys.readouterr().out.splitlines())
    assert ready == {"about": "it"}
    assert answer == {"lost": "ConnectionResetError(640)"}


def test_what_a_peer_has_not_played_yet_is_not_heard_and_can_go_on_later() -> None:
    played, sound = latency_peer.Played(), _int16(np.full(10 * RATE, 0.5, np.float32)).tobytes()
    played.add(sound, RATE)
    ((rest, rate),) = played.stop()
    heard_s = 10 - len(rest) / 2 / rate
    assert len(played.audible) == pytest.approx(heard_s / latency_peer.STEP_S, abs=1.1)
    played.add(rest, rate)
    assert len(played.audible) == pytest.approx(10 / latency_peer.STEP_S, abs=3)


def test_a_client_that_wants_no_more_words_is_no_error(
    simulated: SimulatedServices, caplog: pytest.LogCaptureFixture
) -> None:
    simulated.playing = Recording(_noise(1.0), [(0.0, 1.0)], {"0-0": "hello"}, "en", "Sure, I can do that. " * 20)
    own, _ = _clients(simulated.port)
    words = iter(own.ask([{"role": "user", "content": "hello"}], timeout_s=5))
    assert next(words)
    del words
    assert next(iter(own.ask([{"role": "user", "content": "hello"}], timeout_s=5)))  # several tokens later
    assert not [record for record in caplog.records if record.name == "aiohttp.server"]


def test_a_pause_has_its_stated_length_and_none_is_longer_than_700_ms() -> None:
    sound = np.sin(2 * np.pi * 200 * np.arange(3 * RATE) / RATE).astype(np.float32) * 0.5
    sound[RATE : RATE + RATE // 10] = 0  # a quiet place at one third
    for asked_s, pause_s in ((0.3, 0.3), (2.0, 0.7)):
        ((start_s, end_s),) = pauses_in(shortened(with_pause(sound, 0.36, asked_s)))
        assert start_s == pytest.approx(1.0, abs=0.03) and end_s - start_s == pytest.approx(pause_s, abs=0.03)
    assert len(with_pause(sound, 0.36, 0.05)) == len(sound)  # it is a longer one already


def test_noise_and_a_click_around_it_are_no_speech() -> None:
    noise = _noise(3.0) * 0.02
    sound = noise.copy()
    sound[RATE : 2 * RATE] += np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
    sound[round(2.6 * RATE) : round(2.61 * RATE)] += 0.5
    assert len(speech_in(sound)) == pytest.approx(RATE, abs=0.02 * RATE)


def test_the_headset_tells_when_something_was_audible_after_what_was_said() -> None:
    headset, said = Headset(), np.full(RATE // 10, 0.3, np.float32)
    headset.start(lambda mic: np.where(np.abs(mic) > 3000, 9000, 0).astype(np.int16))  # answers at once
    headset.say(said)
    until(lambda: len(headset.audible) >= 10)
    headset.stop()
    first_s = headset.audible[0] - headset.began_s
    assert first_s >= 0.019, "not before the first block was over"
    assert len(headset.audible) == pytest.approx(10, abs=2)


@pytest.mark.slow
def test_the_live_loop_answers_an_utterance_and_tells_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine only makes the answer later: what is bounded from above, virtual time tells (below)."""
    monkeypatch.setattr(latency_sides, "ANSWER_LIMIT_S", PATIENCE_S)
    services = SimulatedServices()
    services.start()
    sound = english()
    utterance = BenchmarkUtterance("time", "en", sound, (), "It is noon. The sun is high.")
    services.playing = Recording(sound, utterance.spans, {"0-0": "What is the time, please?"}, "en", utterance.reply)
    huiyin = Huiyin(load(environ={}), services.port, services.delays)
    try:
        answer = huiyin.answer(utterance)
    finally:
        huiyin.close()
        services.stop()
    is_cut_off, latency_s = outcome(answer.audible, utterance.duration_s)
    assert not is_cut_off and latency_s is not None and answer.limit_s is not None
    assert answer.limit_s * 0.5 < latency_s, "the conversation's clock is that of the device, which may lag"
    assert list(answer.parts) == ["hear", "asr", "llm", "tts", "hold", "play"]
    assert sum(answer.parts.values()) >= latency_s - 0.001, "they explain all of it"


@pytest.mark.slow
def test_virtual_time_gives_the_same_latency_every_time_and_obeys_settings() -> None:
    utterance = BenchmarkUtterance("time", "en", english(), (), "It is noon. The sun is high.")
    recorded = {"time": Recording(utterance.sound, utterance.spans, {"0-0": "What is the time, please?"})}

    def latency_s(*overrides: str) -> float:
        settings = load(environ={}, overrides=overrides)
        answer = Simulated(settings, overrides, recorded, Delays(), lambda text: 0.9).answer(utterance)
        is_cut_off, latency_s = outcome(answer.audible, utterance.duration_s)
        assert not is_cut_off and latency_s is not None and answer.limit_s is not None
        assert answer.limit_s - 0.1 <= latency_s < answer.limit_s + 0.3, "it may begin before 96 ms of silence"
        return latency_s

    usual = latency_s()
    assert usual == latency_s()
    assert latency_s("turns.endpoint_complete_s=1.5") > usual + 0.3


@pytest.mark.slow
def test_in_virtual_time_a_prefix_has_the_words_and_marks_that_the_recogniser_gave_it() -> None:
    half = len(english()) // 2
    sound = np.concatenate([english()[:half], np.zeros(round(0.6 * RATE), np.float32), english()[half:]])
    utterance = BenchmarkUtterance("time", "en", sound, tuple(pauses_in(sound)), "It is noon.")
    texts = {"0-0": "What time?", "0-1": "What is the time, please?", "1-1": "Please."}
    judged: list[str] = []

    def judge(text: str) -> float:
        judged.append(text)
        return 0.0

    recorded = {"time": Recording(sound, utterance.spans, texts)}
    Simulated(load(environ={}), (), recorded, Delays(), judge).answer(utterance)
    assert judged[0] == "What time?" and judged[-1] == "What is the time, please?"
