"""A reply cut short is remembered up to the last word that was heard whole."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.dialogue.history import HeardClause, heard_text
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.configs.settings import load

TEXT = "涨了3.5%，用 Python 写。"


@pytest.mark.parametrize(
    ("characters", "heard"),
    [
        (0, ""),
        (1, "涨"),
        (2, "涨了"),
        (3, "涨了"),  # half a number is not a number
        (6, "涨了3.5%，"),  # the mark after a word goes with it
        (8, "涨了3.5%，用"),
        (14, "涨了3.5%，用"),  # half a word
        (15, "涨了3.5%，用 Python"),
        (17, "涨了3.5%，用 Python 写。"),
    ],
)
def test_a_clause_ends_with_the_last_word_that_was_heard(characters: int, heard: str) -> None:
    assert heard_text([HeardClause("好的，", 1.0), HeardClause(TEXT, 0.9, characters)]) == "好的，" + heard


def test_a_quotation_mark_alone_is_not_remembered() -> None:
    assert heard_text([HeardClause("“你好”", 0.1, 0)]) == ""


def test_without_times_the_share_decides() -> None:
    assert heard_text([HeardClause("今天天气很好", 0.5)]) == "今天天"


def test_words_are_counted_as_they_reach_the_ear() -> None:
    player = Player()
    player.add_words(1, 0, [(1000, 1), (2000, 2)])  # before the sound, as the voice tells them
    player.add(1, 0, np.ones(2500, np.int16))
    player.end_clause(1, 0)
    player.add(1, 1, np.ones(1000, np.int16))
    player.add_words(1, 1, [(900, 3)])  # or after it
    player.open(1)
    seen = []
    for _ in range(7):
        player.read(500)
        heard, spans = player.heard(1)
        seen.append([span.characters(heard) for span in spans])
    assert seen == [[0, 0], [1, 0], [1, 0], [2, 0], [2, 0], [2, 0], [2, 3]]


def test_words_of_a_reply_that_was_dropped_are_dropped() -> None:
    player = Player()
    player.add(1, 0, np.ones(10, np.int16))
    player.drop(1)
    player.add_words(1, 0, [(10, 1)])
    assert player.heard(1) == (0, [])


class Voice(BaseHTTPRequestHandler):
    """A speech service that answers with `parts`."""

    parts: list[bytes]
    kind: str
    asked: dict[str, object]

    def do_POST(self) -> None:
        type(self).asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", self.kind)
        self.end_headers()
        for part in self.parts:
            self.wfile.write(part)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def services() -> Iterator[Services]:
    server = HTTPServer(("127.0.0.1", 0), Voice)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Services(load(overrides=[f"tts.port={server.server_port}"], environ={}))
    server.shutdown()
    server.server_close()


SOUND = np.arange(1000, dtype="<i2")


def events(*bodies: dict[str, object]) -> list[bytes]:
    return [b"data: " + json.dumps(body).encode() + b"\n\n" for body in bodies]


def said(services: Services, told: list[tuple[int, int]]) -> np.ndarray:
    items = list(services.speak("你好", "v", timeout_s=5, emotion="gentle", words=True))
    told.extend(word for item in items if isinstance(item, list) for word in item)
    return np.concatenate([item for item in items if not isinstance(item, list)])


DELTA: dict[str, object] = {"type": "speech.audio.delta", "audio": base64.b64encode(SOUND.tobytes()).decode()}
WORDS: dict[str, object] = {"type": "speech.audio.words", "words": [{"start": 0, "end": 2, "start_s": 0, "end_s": 0.5}]}
DONE: dict[str, object] = {"type": "speech.audio.done", "usage": {}}


def test_the_client_asks_for_times_and_tells_them(services: Services) -> None:
    Voice.kind, Voice.parts = "text/event-stream", events(WORDS, {"type": "something.new"}, DELTA, DONE)
    told: list[tuple[int, int]] = []
    assert np.array_equal(said(services, told), SOUND)
    assert told == [(SAMPLE_RATE // 2, 2)]
    assert Voice.asked["timings"] is True
    assert Voice.asked["emotion"] == "gentle"


def test_a_voice_that_knows_no_events_is_heard_as_well(services: Services) -> None:
    data = SOUND.tobytes()
    Voice.kind, Voice.parts = "audio/pcm", [data[:333], data[333:]]
    told: list[tuple[int, int]] = []
    assert np.array_equal(said(services, told), SOUND)
    assert not told


def test_events_that_break_off_are_an_error_not_a_short_clause(services: Services) -> None:
    Voice.kind, Voice.parts = "text/event-stream", events(DELTA)
    with pytest.raises(ServiceError, match="broke off"):
        said(services, [])
