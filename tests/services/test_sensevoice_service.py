"""SenseVoice through the real service: responses, and that callers get their own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests

from tests.support.limits import PATIENCE_S
from tests.support.media import pcm16
from tests.support.service_process import start_service
from tests.support.tone_model import tone_folder
from tests.support.tone_network import Tones, sound, text

pytestmark = pytest.mark.slow
PCM = {"Content-Type": "audio/pcm;rate=16000"}
CALLS = 300


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with start_service("asr", engine="sensevoice", model=tone_folder(), vad="silero") as url:
        yield url


def ask(url: str, tones: Tones, seed: int = 0, **options: object) -> dict:
    samples = sound(tones, np.random.default_rng(seed))
    answer = requests.post(f"{url}/asr", data=pcm16(samples), headers=PCM, params=options, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_answer_has_language_emotion_and_events(service: str) -> None:
    answer = ask(service, Tones((1, 9, 4), "en", "sad", laughter=True))
    assert (answer["text"], answer["language"]) == ("one nine four.", "en")
    assert answer["emotion"]["label"] == "sad"
    assert answer["emotion"]["confidence"] == answer["emotion"]["scores"]["sad"] > 0.5
    assert [event["label"] for event in answer["events"]] == ["laughter"]
    assert answer["model"] == "sensevoice-tones"


def test_several_languages_may_be_allowed(service: str) -> None:
    assert ask(service, Tones((2,), "zh"), language="en,ko")["language"] in ("en", "ko")
    assert ask(service, Tones((2,), "zh"), language="en,zh")["text"] == "二。"


def test_hundreds_of_callers_get_their_own_answers(service: str) -> None:
    rng = np.random.default_rng(2)
    cases = [(tuple(rng.integers(0, 10, 3).tolist()), ("zh", "en")[i % 2]) for i in range(CALLS)]

    def one(i: int) -> str:
        digits, language = cases[i]
        return str(ask(service, Tones(digits), seed=i, language=language, itn=False)["text"])

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(CALLS))) == [text(digits, language, itn=False) for digits, language in cases]
