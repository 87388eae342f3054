"""The voice for a text, the tidied sound, and failures of the network."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import edge_tts
import numpy as np
import pytest

from huiyin.services.common.errors import ApiError
from huiyin.services.tts.engines import edge, kokoro
from huiyin.services.tts.engines.hibari import HibariEngine
from huiyin.services.tts.sound import RATE, SpeechSpan, limited
from huiyin.services.tts.speaker import Speaker, Turns
from huiyin.services.tts.styles import STYLES
from huiyin.services.tts.voice_engine import PLAIN, Engine, Prosody, Sound, Speech, SynthesisFailed, Voice, WordTiming
from tests.support.fake_edge import WORD_S, FakeEdge, running
from tests.support.limits import PATIENCE_S, until
from tests.support.loudness import lufs
from tests.support.service_process import free_port

SILENT = 10 ** (-50 / 20)
EDGE_TIMEOUT_S = 0.25  # where it fails


class Tone:
    """An engine without a model: each portion is a tone between silences."""

    version = "1"
    sample_rate = RATE
    remote = False

    def __init__(self, name: str, voices: tuple[Voice, ...]) -> None:
        self.name, self.voices = name, voices
        self.asked: list[str] = []

    def voice(self, name: str) -> Voice | None:
        return next((v for v in self.voices if v.name == name), None)

    def pieces(self, text: str) -> list[str]:
        return re.findall("[^。]+。?", text)

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        self.asked.append(text)
        tone = 0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE // 2) / RATE)
        yield np.pad(tone, RATE // 4).astype(np.float32)

    def warm_up(self) -> None: ...


def only_sound(made: Iterator[Speech]) -> list[Sound]:
    return [each for each in made if not isinstance(each, WordTiming)]


def speaker(*names: str, default_voice: str = "") -> Speaker:
    """With the voices of the real engines, without models."""
    real = {"hibari": HibariEngine.voices, "kokoro": kokoro.VOICES}
    engines: list[Engine] = [edge.EdgeEngine(EDGE_TIMEOUT_S) if n == "edge" else Tone(n, real[n]) for n in names]
    return Speaker(engines, default_voice)


@pytest.mark.parametrize(
    ("engines", "text", "voice", "engine", "expected"),
    [
        # auto: the fast English voice, one Chinese voice for all that has Chinese in it
        ("hibari kokoro edge", "Hello.", "", "", "heart"),
        ("hibari kokoro edge", "你好。", "", "", "zf_xiaoxiao"),
        ("hibari kokoro edge", "用 Python 写。", "", "", "zf_xiaoxiao"),
        # a named voice keeps its engine, also for English
        ("hibari kokoro edge", "Hello.", "zf_xiaoxiao", "", "zf_xiaoxiao"),
        ("hibari kokoro edge", "Hello.", "am_michael", "", "am_michael"),
        ("hibari kokoro edge", "Hello.", "zh-CN-YunxiNeural", "", "zh-CN-YunxiNeural"),
        ("hibari kokoro edge", "Hallo.", "de-DE-KatjaNeural", "", "de-DE-KatjaNeural"),
        # a voice that cannot say it is replaced by one of its gender
        ("hibari kokoro edge", "你好。", "heart", "", "zf_xiaoxiao"),
        ("hibari kokoro edge", "你好。", "bm_george", "", "zm_yunxi"),
        # OpenAI's names
        ("hibari kokoro edge", "Hello.", "alloy", "", "heart"),
        ("hibari kokoro edge", "你好。", "onyx", "", "zm_yunxi"),
        # an engine asked for by name
        ("hibari kokoro edge", "Hello.", "", "kokoro", "af_heart"),
        ("hibari kokoro edge", "你好。", "", "edge", "zh-CN-XiaoxiaoNeural"),
        # only one engine there
        ("kokoro", "Hello.", "", "", "af_heart"),
        ("hibari", "Hello.", "echo", "", "heart"),
        ("edge hibari kokoro", "Hello.", "", "", "en-US-AriaNeural"),
        ("edge hibari kokoro", "你好。", "", "", "zh-CN-XiaoxiaoNeural"),
    ],
)
def test_voice_for_a_text(engines: str, text: str, voice: str, engine: str, expected: str) -> None:
    assert speaker(*engines.split()).choose(text, voice, engine).voice.name == expected


def test_default_voice_speaks_both_languages_unless_the_request_names_one() -> None:
    persona = speaker("hibari", "kokoro", default_voice="zf_xiaoyi")
    assert persona.choose("Hello.").voice.name == "zf_xiaoyi"
    assert persona.choose("Hello.", "heart").voice.name == "heart"


def test_unknown_voice_is_refused_with_the_right_names() -> None:
    with pytest.raises(ApiError) as refused:
        speaker("hibari", "kokoro").choose("Hello.", "zf_xiaoxao")
    assert refused.value.status == 400
    assert "zf_xiaoxiao" in refused.value.hint


def test_language_that_no_engine_speaks_is_refused() -> None:
    with pytest.raises(ApiError, match="no voice for this language"):
        speaker("hibari").choose("你好。")


def test_sound_starts_at_once_and_portions_are_apart() -> None:
    one = speaker("kokoro")
    sound = np.concatenate(only_sound(one.speak("一。二。", one.choose("一"))))
    loud = np.flatnonzero(np.abs(sound) > SILENT)
    assert loud[0] <= 0.03 * RATE
    longest_gap_s = np.diff(loud).max() / RATE
    assert 0.2 <= longest_gap_s <= 0.4
    assert np.abs(np.diff(sound)).max() < 0.05  # a tone of 200 Hz at this level moves 0.02 a sample: no clicks


@pytest.mark.parametrize("size", [1, 97, 576, 5000, 10**6])
def test_tidying_does_not_depend_on_how_the_sound_is_chunked(size: int) -> None:
    rng = np.random.default_rng(0)
    speech = np.concatenate([np.zeros(9000), rng.normal(0, 0.3, 4000), np.zeros(3000), rng.normal(0, 0.1, 4000)])
    sound = np.pad(speech, (0, 9000)).astype(np.float32)

    def tidied(step: int) -> Sound:
        span = SpeechSpan(gain=1.5)
        return np.concatenate([*(span.push(sound[i : i + step]) for i in range(0, len(sound), step)), span.finish()])

    whole = tidied(len(sound))
    assert np.array_equal(tidied(size), whole)
    assert 11_000 < len(whole) < 12_500  # the pause inside is kept, the silence around is not
    assert whole[0] == whole[-1] == 0


def test_silence_gives_nothing() -> None:
    span = SpeechSpan(1.0)
    assert len(span.push(np.zeros(5000, np.float32))) == len(span.finish()) == 0


def test_loud_sound_is_bent_not_clipped() -> None:
    ramp = np.linspace(-3, 3, 1001, dtype=np.float32)
    bent = limited(ramp)
    assert np.abs(bent).max() < 0.951
    assert (np.diff(bent) >= 0).all()
    assert np.array_equal(bent[np.abs(ramp) < 0.8], ramp[np.abs(ramp) < 0.8])


def test_callers_are_served_in_the_order_in_which_they_came() -> None:
    turns = Turns()
    served: list[int] = []

    def caller(number: int) -> None:
        with turns.turn():
            served.append(number)

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(5)]
    with turns.turn():
        for waiting, thread in enumerate(threads, 1):
            thread.start()
            until(lambda waiting=waiting: turns.waiting >= waiting)
    for thread in threads:
        thread.join(PATIENCE_S)
    assert served == [0, 1, 2, 3, 4]


def test_a_caller_waits_for_a_portion_of_another_not_for_its_whole_text() -> None:
    one = speaker("kokoro")
    choice = one.choose("一")
    long, short = one.speak("一。二。三。", choice), one.speak("四。", choice)
    next(long)
    next(short)
    assert isinstance(choice.engine, Tone)
    assert choice.engine.asked == ["一。", "四。"]


def test_caller_who_leaves_stops_the_work() -> None:
    one = speaker("kokoro")
    choice = one.choose("一")
    sound = one.speak("一。二。三。四。", choice)
    next(sound)
    sound.close()  # type: ignore[attr-defined]
    assert isinstance(choice.engine, Tone)
    assert choice.engine.asked == ["一。"]


@pytest.mark.parametrize("gain", [1.0, None])
def test_caller_who_leaves_frees_the_engine(gain: float | None) -> None:
    class Endless(Tone):
        running = 0

        def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
            self.running += 1
            try:
                while True:
                    yield from super().synthesise(text, voice, prosody)
            finally:
                self.running -= 1

    engine = Endless("kokoro", (Voice("v", "kokoro", "zh-CN", "female", frozenset({"zh"}), gain),))
    one = Speaker([engine])
    for _ in range(2):  # the second caller finds the engine free
        sound = one.speak("一。二。", one.choose("一", "v"))
        next(sound)
        assert engine.running == 1
        sound.close()  # type: ignore[attr-defined]
        assert engine.running == 0


# --- edge-tts -----------------------------------------------------------------------------------------------------

WORDS = ["One", "two", "three", "four", "five", "six"]
TEXT = "One two three, four five six."


def spoken_by_edge(address: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Sound], Tone]:
    """The sound of TEXT in one of edge's voices, and the local engine with its texts."""
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", address)
    local = Tone("hibari", HibariEngine.voices)
    both = Speaker([edge.EdgeEngine(PATIENCE_S), local])
    sound = only_sound(both.speak(TEXT, both.choose(TEXT)))
    return sound, local


def test_edge_voice_is_decoded_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeEdge(WORDS)
    with running(fake) as address:
        sound, local = spoken_by_edge(address, monkeypatch)
    assert not local.asked
    assert len(sound) > 10
    assert sum(map(len, sound)) / RATE == pytest.approx(len(WORDS) * WORD_S + 0.25, abs=0.15)
    assert "AriaNeural" in fake.ssml[0]
    assert TEXT in fake.ssml[0]


@pytest.mark.parametrize("failure", ["refused", "forbidden", "silent", "frozen", "no answer", "no dns", "slow dns"])
def test_edge_out_of_reach_is_replaced_and_not_tried_again_at_once(
    failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = threading.Event()

    def no_dns(*asked: object, **more: object) -> None:
        if failure == "slow dns":
            looked_up.wait(PATIENCE_S)
        raise socket.gaierror("no such host")

    fake = FakeEdge(
        WORDS, silent=failure == "silent", frozen=failure == "frozen", status=403 if "forb" in failure else 101
    )
    with running(fake) as address, socket.create_server(("127.0.0.1", 0)) as mute:
        if failure == "refused":
            address = f"ws://127.0.0.1:{free_port()}/?"
        if failure == "no answer":  # taken by the system, never by a program
            address = f"ws://127.0.0.1:{mute.getsockname()[1]}/?"
        if "dns" in failure:
            address = "ws://speech.example/?"
            monkeypatch.setattr(socket, "getaddrinfo", no_dns)
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", address)
        local = Tone("hibari", HibariEngine.voices)
        both = Speaker([edge.EdgeEngine(EDGE_TIMEOUT_S), local])
        tries, connect = [], edge_tts.Communicate
        monkeypatch.setattr(edge_tts, "Communicate", lambda *a, **more: tries.append(a) or connect(*a, **more))
        started_s = time.monotonic()
        for _ in range(6):
            sound = both.speak(TEXT, both.choose(TEXT, "en-US-AriaNeural"))
            first = next(each for each in sound if not isinstance(each, WordTiming))
            assert len(first)
        took_s = time.monotonic() - started_s
        looked_up.set()
    assert local.asked == [TEXT] * 6  # not a word is lost
    assert took_s < PATIENCE_S / 2  # 0.3; the operating system alone would wait for minutes, all the others for ever
    assert len(tries) == 1, "edge-tts is skipped from then on"


def test_edge_that_is_back_is_found_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", f"ws://127.0.0.1:{free_port()}/?")
    local = Tone("hibari", HibariEngine.voices)
    both = Speaker([edge.EdgeEngine(PATIENCE_S, cooldown_s=0.0), local])
    voice = both.choose(TEXT, "en-US-AriaNeural")
    list(both.speak(TEXT, voice))
    with running(FakeEdge(WORDS)) as address:
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", address)
        list(both.speak(TEXT, voice))
        assert len(local.asked) == 2, "this one does not wait for the trial"

        def is_local() -> bool:
            asked = len(local.asked)
            list(both.speak(TEXT, voice))
            return len(local.asked) > asked

        until(lambda: not is_local(), "edge-tts was back and is still skipped")


def test_voice_that_edge_does_not_have_does_not_open_the_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeEdge([])) as address:
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", address)
        engine = edge.EdgeEngine(PATIENCE_S)
        with pytest.raises(SynthesisFailed):
            list(engine.synthesise(TEXT, "xx-XX-NobodyNeural"))
        with pytest.raises(SynthesisFailed, match="No audio"):
            list(engine.synthesise(TEXT, "en-US-AriaNeural"))  # it was asked again


def test_edge_gets_the_style_and_no_markup_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeEdge(WORDS)
    with running(fake) as address:
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", address)
        one = Speaker([edge.EdgeEngine(PATIENCE_S)])
        for style in ("neutral", "cheerful"):
            list(one.speak("One & two' </prosody>", one.choose("One", "en-US-GuyNeural"), 1.0, STYLES[style]))
    plain, cheerful = fake.ssml
    assert "pitch='+0Hz'" in plain
    assert "rate='+0%'" in plain
    assert "rate='+7%'" in cheerful
    assert "pitch='+9Hz'" in cheerful
    assert "&amp; two" in plain
    assert plain.count("</prosody>") == 1


@pytest.mark.parametrize("level", [0.03, 0.3, 0.9])
def test_edge_voice_is_brought_to_the_common_loudness(level: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeEdge(WORDS * 2, level=level)) as address:
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", address)
        one = Speaker([edge.EdgeEngine(PATIENCE_S)])
        for _ in range(2):
            sound = np.concatenate(only_sound(one.speak(TEXT, one.choose(TEXT))))
            assert lufs(sound, RATE) == pytest.approx(-20, abs=1)
            assert np.abs(sound).max() <= 0.95
            assert np.flatnonzero(np.abs(sound) > SILENT)[0] <= 0.03 * RATE


def test_edge_returns_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeEdge(WORDS)) as address:
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", address)
        one = Speaker([edge.EdgeEngine(PATIENCE_S)])
        words = [each for each in one.speak(TEXT, one.choose(TEXT)) if isinstance(each, WordTiming)]
    assert [TEXT[word.start : word.end] for word in words] == ["One", "two", "three", "four", "five", "six"]
    assert [word.end_s for word in words] == pytest.approx([WORD_S * (i + 1) for i in range(6)], abs=0.06)


def test_edge_that_breaks_off_loses_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeEdge(WORDS, break_after=3)) as address:
        sound, local = spoken_by_edge(address, monkeypatch)
    said_s = sum(map(len, sound)) / RATE
    assert [text.strip(" ,.") for text in local.asked] in (["four five six"], ["three, four five six"])
    assert said_s > 3 * WORD_S + 0.5


def test_edge_failure_without_a_local_voice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", f"ws://127.0.0.1:{free_port()}/?")
    alone = Speaker([edge.EdgeEngine(EDGE_TIMEOUT_S)])
    with pytest.raises(ApiError) as failed:
        list(alone.speak(TEXT, alone.choose(TEXT)))
    assert failed.value.status == 502
