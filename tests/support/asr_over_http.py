"""The speech-to-text service in a process of its own, and recordings for it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
import requests

from huiyin.services.common.audio import SAMPLE_RATE, decode
from tests.support.limits import PATIENCE_S
from tests.support.media import encode
from tests.support.scoring import error_rate
from tests.support.service_process import start_service
from tests.support.speech_clips import english, recorded

LIMIT_S = 60
UPLOAD_MB = 32
PCM = {"Content-Type": "audio/pcm;rate=16000"}  # headers
AS_PCM = {"content_type": PCM["Content-Type"]}  # for `post`
SENTENCES = (
    "The child almost hurt the small dog.",
    "Please open the window and let some fresh air into the room.",
    "We are going to the market tomorrow morning.",
)


@dataclass(frozen=True)
class Clip:
    """Some seconds of speech: float32 mono 16 kHz, and its text."""

    language: str
    text: str
    samples: np.ndarray


@functools.cache
def clips(language: str = "en") -> tuple[Clip, ...]:
    """The recorded clips where they are, else synthesised English."""
    matching = [
        Clip(spoken, text, decode(path, max_duration_s=LIMIT_S).samples)
        for path, spoken, text in recorded()
        if spoken == language
    ]
    if not matching and language == "en":
        matching = [Clip("en", text, np.pad(english(text), 4000)) for text in SENTENCES]
    return tuple(matching)


def short_clip() -> Clip:
    """A clear English sentence of about three seconds."""
    return min(clips(), key=lambda c: abs(len(c.samples) / SAMPLE_RATE - 2.9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the service may read, with a recording and ways out of it."""
    root = tmp_path_factory.mktemp("asr")
    allowed = root / "allowed"
    (allowed / "calls").mkdir(parents=True)
    (allowed / "calls" / "one.wav").write_bytes(encode(short_clip().samples))
    (allowed / "notes.txt").write_text("no sound\n" * 50)
    with (allowed / "sparse.wav").open("wb") as file:
        file.truncate(200 * 2**30)  # takes no room
    (root / "secret.wav").write_bytes(encode(short_clip().samples))
    (root / "allowed-not").mkdir()
    (root / "allowed-not" / "secret.wav").write_bytes(encode(short_clip().samples))
    (allowed / "link.wav").symlink_to(root / "secret.wav")
    (allowed / "loop").symlink_to(allowed / "loop")
    return allowed


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with start_service("asr", allowed_dir=folder, max_duration_s=LIMIT_S, max_upload_mb=UPLOAD_MB) as base:
        yield base


@pytest.fixture(scope="module")
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)


def post(url: str, data: bytes, content_type: str = "application/octet-stream", **options: Any) -> requests.Response:
    return requests.post(
        url + "/asr", data=data, params=options, headers={"Content-Type": content_type}, timeout=PATIENCE_S
    )


def text_of(response: requests.Response) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["text"])


def assert_words(text: str, clip: Clip) -> None:
    assert error_rate([(clip.text, text)], clip.language) <= 0.3, f"{text!r} for {clip.text!r}"


def refused(response: requests.Response, status: int, code: str) -> None:
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code), error
    assert error["message"] and "Traceback" not in response.text
