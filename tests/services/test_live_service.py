"""Live transcription: through the service's own server, with a recogniser that reads tones."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from simple_websocket import Client, ConnectionClosed
from simple_websocket.errors import ConnectionError as Refused

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.transcription_stream import LiveTranscription
from huiyin.assistant.faces.cli import main
from huiyin.configs.settings import load
from tests.support import ROOT
from tests.support.limits import PATIENCE_S, until
from tests.support.media import encode
from tests.support.service_process import free_port, start_service
from tests.support.speech_clips import english
from tests.support.tones import pcm, say
from tests.support.virtual_card import Air, NoCard, VirtualCard

pytestmark = pytest.mark.slow

LIMIT_S = 20
STREAMS = 2
PROGRAM = ("-m", "tests.support.tones")
RATE = 16_000
BLOCK = RATE // 25 * 2  # bytes, 40 ms
END = json.dumps({"type": "end"})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with start_service("asr", program=PROGRAM, max_duration_s=LIMIT_S, service__threads=4 * STREAMS) as base:
        yield base


class LiveClient(Client):  # type: ignore[misc]
    """The library leaves what comes together with the server's handshake until more comes."""

    def handshake(self) -> None:
        super().handshake()
        self._handle_events()


@contextmanager
def stream(url: str, headers: dict[str, str] | None = None, **options: Any) -> Iterator[Client]:
    query = "&".join(f"{key}={value}" for key, value in options.items())
    client = LiveClient.connect(f"{url.replace('http', 'ws', 1)}/v1/stream?{query}", headers=headers or {})
    try:
        yield client
    finally:
        with suppress(ConnectionClosed):
            client.close()


def events_of(client: Client) -> list[dict[str, Any]]:
    """Up to the end of the stream."""
    events = []
    try:
        while (message := client.receive(timeout=PATIENCE_S)) is not None:
            events.append(json.loads(message))
    except ConnectionClosed:
        return events
    raise AssertionError(f"the stream did not end; its messages: {events}")


def texts(events: list[dict[str, Any]]) -> list[str]:
    return [event["segment"]["text"] for event in events if event["type"] == "final"]


def transcribe(url: str, sound: bytes, block: int = BLOCK, **options: Any) -> list[dict[str, Any]]:
    with stream(url, **options) as client:
        for i in range(0, len(sound), block):
            client.send(sound[i : i + block])
        client.send(END)
        return events_of(client)


def all_free(url: str) -> bool:
    """Once no place for a stream is taken."""
    until(lambda: requests.get(url + "/system", timeout=PATIENCE_S).json()["streams"] == {"open": 0, "most": STREAMS})
    return True


# --- messages ----------------------------------------------------------------------------------------------------


def test_partials_then_finals_then_everything(url: str) -> None:
    with stream(url) as client:
        sound, early, sent = pcm(say("123456 65 ")), [], 0
        # A first partial comes with 0.6 s of speech, however little follows, another in the pause after 1.4 s. (The
        # test does not wait for "ready" alone: this client overlooks what comes with the handshake, until more comes.)
        for end, count in ((15 * BLOCK, 2), (43 * BLOCK, 1)):
            for at in range(sent, end, BLOCK):
                client.send(sound[at : at + BLOCK])
            sent = end
            early += [json.loads(client.receive(timeout=PATIENCE_S) or "{}") for _ in range(count)]
        client.send(sound[sent:])
        client.send(END)
        ready, *events = [*early, *events_of(client)]
    assert (ready["type"], ready["model"], ready["rate"]) == ("ready", "tones", RATE)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "partial" and kinds[-1] == "done" and kinds.count("partial") >= 2
    partial = events[0]
    assert "123456".startswith(partial["text"].replace(" ", "")) and partial["text"]
    assert partial["language"] == "en" and partial["start_s"] == 0
    assert texts(events) == ["1 2 3 4 5 6", "6 5"]
    result = events[-1]["result"]
    assert result["text"] == "1 2 3 4 5 6 6 5" and result["emotion"]["label"] == "happy"
    assert [s for s in result["segments"]] == [e["segment"] for e in events if e["type"] == "final"]
    assert result["segments"][1]["start_s"] == pytest.approx(6 * 0.24 + 0.7, abs=0.05)


@pytest.mark.parametrize(("rate", "block"), [(16_000, 333), (8_000, 641), (48_000, 1921)])
def test_odd_messages_and_other_rates(url: str, rate: int, block: int) -> None:
    events = transcribe(url, pcm(say("271828 1", rate)), block, rate=rate)
    assert texts(events) == ["2 7 1 8 2 8", "1"] and events[-1]["type"] == "done"
    assert events[-1]["result"]["duration_s"] == pytest.approx(7 * 0.24 + 1, abs=0.01)


def test_silence_and_no_sound_at_all_end_with_an_empty_result(url: str) -> None:
    for sound in (bytes(4 * RATE), b""):
        _, done = transcribe(url, sound)
        assert done["type"] == "done" and done["result"]["text"] == "" and done["result"]["segments"] == []
        assert done["result"]["duration_s"] == len(sound) / 2 / RATE


def test_two_streams_at_once_have_their_own_texts(url: str) -> None:
    results: dict[str, list[str]] = {}

    def one(digits: str) -> None:
        results[digits] = texts(transcribe(url, pcm(say(digits)), partial_ms=200))

    threads = [threading.Thread(target=one, args=(digits,)) for digits in ("13131 13131 13131", "24242 24242 24242")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {s: [" ".join(part) for part in s.split()] for s in ("13131 13131 13131", "24242 24242 24242")}


def test_the_language_is_that_of_the_request(url: str) -> None:
    events = transcribe(url, pcm(say("5")), language="zh", partial_ms=0)
    assert [event["type"] for event in events] == ["ready", "final", "done"]
    assert events[1]["segment"]["language"] == "zh"


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["hello", "{", "[1]", '{"type": "start"}', "[" * 5000, "null"])
def test_an_unknown_text_message_is_answered_with_an_error(url: str, message: str) -> None:
    with stream(url) as client:
        client.send(message)
        *_, error = events_of(client)
    assert error["type"] == "error" and error["error"]["code"] == "bad_message" and error["error"]["hint"]
    assert client.close_reason == 1008


def test_a_stream_that_is_too_long_ends_with_its_text_so_far(url: str) -> None:
    sound = pcm(np.concatenate([np.zeros(RATE * (LIMIT_S - 1), np.float32), say("12345678")]))
    with stream(url) as client:
        client.send(sound)
        events = events_of(client)
    assert texts(events) and "1 2 3 4 5 6 7 8".startswith(texts(events)[0][:5])
    assert events[-1]["error"]["code"] == "audio_too_long" and "asr.max_duration_s" in events[-1]["error"]["hint"]


def test_a_client_far_ahead_of_the_model_gets_the_error_too(url: str) -> None:
    with stream(url) as client:
        with suppress(OSError, ConnectionClosed):  # the service closes in the middle of it
            for _ in range(8):
                client.send(bytes(2**19))  # 16 s
        *_, error = events_of(client)
    assert error["error"]["code"] == "audio_too_long"
    assert all_free(url)


def test_a_message_that_is_too_big_is_refused(url: str) -> None:
    with stream(url) as client:
        client.send(bytes(2**20 + 1))
        *_, error = events_of(client)
    assert error["error"]["code"] == "message_too_big" and client.close_reason == 1009


def test_an_error_of_the_recogniser_shows_no_secrets(url: str) -> None:
    *_, error = transcribe(url, pcm(say("99")))
    assert error["error"]["code"] == "internal_error" and "secret" not in json.dumps(error)
    assert all_free(url)


def test_an_error_that_comes_together_with_a_message_ends_the_stream(url: str) -> None:
    """A race: the server gives up waiting for the client's next message just as that comes."""
    for _ in range(100):
        assert transcribe(url, pcm(say("99")))[-1]["error"]["code"] == "internal_error"


def test_a_client_that_vanishes_frees_its_place(url: str) -> None:
    for _ in range(2 * STREAMS):
        client = LiveClient.connect(f"{url.replace('http', 'ws', 1)}/v1/stream")
        client.send(pcm(say("123")))
        client.sock.shutdown(2)  # no goodbye
        assert all_free(url)


def test_a_place_is_free_when_the_client_knows_that_its_stream_is_over(url: str) -> None:
    for message in (END, "nonsense"):
        for _ in range(2 * STREAMS):
            with ExitStack() as open_streams:
                clients = [open_streams.enter_context(stream(url)) for _ in range(STREAMS)]
                for client in clients:
                    client.send(message)
                    assert events_of(client)[-1]["type"] in ("done", "error")


def test_bytes_that_are_no_websocket_frame_end_the_stream(url: str) -> None:
    client = LiveClient.connect(f"{url.replace('http', 'ws', 1)}/v1/stream")
    client.sock.send(b"GET / HTTP/1.1\r\n\r\n" * 10)
    assert [event["type"] for event in events_of(client)] in (["ready"], [])
    assert all_free(url)


def test_no_more_streams_than_leave_the_server_free(url: str) -> None:
    with stream(url), stream(url):
        with pytest.raises(ServiceError, match=f"no more than {STREAMS} live streams") as caught:
            LiveTranscription(services_at(url), {})
        assert caught.value.status == 429
        assert requests.get(url + "/ready", timeout=PATIENCE_S).ok
        assert requests.post(url + "/asr", data=encode(say("77")), timeout=PATIENCE_S).json()["text"] == "7 7"
    assert all_free(url)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"rate": 1}, "bad_rate"), ({"partial_ms": 10}, "bad_partial_ms"), ({"language": "xx"}, "unknown_language")],
)
def test_a_bad_address_is_refused_before_the_handshake(url: str, options: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        LiveTranscription(services_at(url), options)
    assert caught.value.status == 400 and caught.value.body["error"]["code"] == code  # type: ignore[index]


def test_a_plain_get_and_pages_of_other_sites_are_refused(url: str) -> None:
    answer = requests.get(url + "/v1/stream", timeout=PATIENCE_S)
    assert answer.status_code == 426 and "ws://" in answer.json()["error"]["hint"]
    with pytest.raises(Refused) as caught:
        Client.connect(f"{url.replace('http', 'ws', 1)}/v1/stream", headers={"Origin": "https://evil.example"})
    assert caught.value.status_code == 403
    with stream(url, headers={"Origin": "http://localhost:3000"}) as client:
        client.send(END)
        assert events_of(client)[-1]["type"] == "done"


def test_the_key_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIYIN_SERVICE_API_KEY", "s3cret")
    with start_service("asr", program=PROGRAM, wait_ready=False) as url:
        for key in ("", "wrong"):
            with pytest.raises(ServiceError, match="wants a key") as caught:
                LiveTranscription(services_at(url, key=key), {})
            assert caught.value.status == 401
        with closing(LiveTranscription(services_at(url, key="s3cret"), {})) as live:
            assert next(live.events())["type"] == "ready"


# --- the example, and the command --------------------------------------------------------------------------------


def services_at(url: str, *, key: str = "") -> Services:
    return Services(load(None, [f"asr.port={url.rpartition(':')[2]}"], {"HUIYIN_SERVICE_API_KEY": key}))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("live") / "digits.wav"
    path.write_bytes(encode(say("12 3")))
    return path


def test_the_example_of_the_documentation_works(url: str, recording: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "live.md").read_text(encoding="utf-8"), re.DOTALL)
    program = tmp_path / "client.py"
    program.write_text(code.replace("127.0.0.1:7870", url.removeprefix("http://")))
    done = subprocess.run([sys.executable, program, recording], capture_output=True, text=True, timeout=PATIENCE_S)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].startswith("ready") and "final 1 2" in lines and lines[-1] == "1 2 3"
    assert any(line.startswith("partial 1") for line in lines)


def test_the_command_on_a_recording(
    url: str, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = ["--set", f"asr.port={url.rpartition(':')[2]}"]
    (tmp_path / "short.wav").write_bytes(encode(say("123")))
    assert main.main(["transcribe", "--live", str(tmp_path / "short.wav"), *port]) == 0
    assert capsys.readouterr().out == "1 2 3\n", "no partials without a terminal"
    assert main.main(["transcribe", "--live", str(recording), "--format", "json", "--language", "zh", *port]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["type"] == "ready" and events[-1]["type"] == "done" and texts(events) == ["1 2", "3"]
    assert events[-1]["result"]["language"] == "zh"


def test_ctrl_c_keeps_the_text_of_a_service_of_its_own(tmp_path: Path) -> None:
    recording = tmp_path / "long.wav"
    sentence = np.pad(english("Please open the window and let some fresh air into the room."), 4000)
    recording.write_bytes(encode(np.concatenate([sentence, sentence])))
    command = [
        sys.executable,
        "-m",
        "huiyin.assistant.faces.cli.main",
        "transcribe",
        "--live",
        str(recording),
        "--format",
        "json",
    ]
    command += ["--set", f"asr.port={free_port()}"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1]["type"] == "partial" and "window" in events[-1]["text"]:
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
                break
        events += [json.loads(line) for line in process.stdout]
        assert process.wait(PATIENCE_S) == 0, process.stderr.read()
    assert "window" in texts(events)[0] and events[-1]["type"] == "done"


def test_the_microphone(tmp_path: Path, url: str) -> None:
    """On a virtual sound card; the room's microphone records what is played into the room."""
    folder = tmp_path / "card"
    folder.mkdir()
    port = url.rpartition(":")[2]
    command = [
        sys.executable,
        "-m",
        "huiyin.assistant.faces.cli.main",
        "transcribe",
        "--live",
        "--format",
        "json",
        "--set",
        f"asr.port={port}",
    ]
    try:
        with (
            VirtualCard(folder) as card,
            Air(folder) as air,
            subprocess.Popen(
                command, cwd=ROOT, env=card.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as process,
        ):
            assert process.stdout is not None and process.stderr is not None
            events = [json.loads(process.stdout.readline())]
            air.say((say("314 ") * 32767).astype(np.int16))
            for line in process.stdout:
                events.append(json.loads(line))
                if events[-1]["type"] == "final":
                    process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0, process.stderr.read()
    except NoCard as error:
        pytest.skip(f"no virtual sound card: {error}")
    assert "3 1 4" in texts(events) and events[-1]["type"] == "done"


def test_what_cannot_be_transcribed_live_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir")
    wrong = {
        ("--format", "srt"): (2, "text or json"),
        ("--tags",): (2, "whole recordings"),
        ("--out", str(tmp_path / "x.txt")): (2, "redirect"),
        (str(letter), str(letter)): (2, "one recording"),
        (str(letter),): (1, "letter.txt"),
        ("nowhere.wav",): (1, "nowhere.wav"),
        ("--device", "no such microphone"): (1, "microphone"),
    }
    for words, (status, message) in wrong.items():
        assert main.main(["transcribe", "--live", *words, "--set", f"asr.port={free_port()}"]) == status
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1, error
