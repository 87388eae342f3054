"""Bad input to the speech-to-text service gets a clear message, and the next request an answer."""

from __future__ import annotations

import random

import numpy as np
import pytest
import requests

from huiyin.services.common.audio import SAMPLE_RATE
from tests.support import asr_over_http
from tests.support.asr_over_http import PCM, UPLOAD_MB, assert_words, post, refused, short_clip, text_of
from tests.support.limits import PATIENCE_S
from tests.support.media import encode, float_wav

pytestmark = pytest.mark.slow
folder, url = asr_over_http.folder, asr_over_http.url  # fixtures


# --- bad input ---------------------------------------------------------------------------------------------------


def _nan() -> bytes:
    samples = short_clip().samples.copy()
    samples[777] = np.nan
    return float_wav(samples)


def _hour() -> bytes:
    """An hour of 8-bit 8 kHz silence, 29 MB."""
    data = bytearray(encode(np.zeros(160, np.float32), "wav", "pcm_u8", 8000))
    at = data.find(b"data")
    count = 3600 * 8000
    data[at + 4 : at + 8] = count.to_bytes(4, "little")
    return bytes(data[: at + 8]) + b"\x80" * count


BAD_BODIES = {
    "empty": (b"", 400, "empty_audio"),
    "header without samples": (encode(np.zeros(160, np.float32))[:44], 422, "not_audio"),
    "random bytes": (random.Random(5).randbytes(20_000), 422, "not_audio"),
    "text": ("这不是声音。\n".encode() * 100, 422, "not_audio"),
    "one sample": (encode(np.full(1, 0.5, np.float32)), 422, "audio_too_short"),
    "NaN": (_nan, 422, "invalid_samples"),
    "digital silence": (encode(np.zeros(2 * SAMPLE_RATE, np.float32)), 422, "silent_audio"),
    "an hour": (_hour, 413, "audio_too_long"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_recordings_get_a_message_and_the_next_request_an_answer(url: str, name: str) -> None:
    data, status, code = BAD_BODIES[name]
    body = data() if callable(data) else data
    for response in (post(url, body), requests.post(url + "/asr", files={"file": ("a.wav", body)}, timeout=PATIENCE_S)):
        refused(response, status, code)
    assert_words(text_of(post(url, encode(short_clip().samples))), short_clip())


def test_a_muted_microphone_is_named(url: str) -> None:
    response = post(url, bytes(2 * SAMPLE_RATE), "audio/pcm;rate=16000")
    refused(response, 422, "silent_audio")
    assert "muted" in response.json()["error"]["hint"]


def test_an_upload_over_the_limit_is_refused(url: str) -> None:
    for body in (b"\0" * (UPLOAD_MB * 2**20 + 1), iter([b"\0" * 2**20] * (UPLOAD_MB + 1))):
        refused(
            requests.post(url + "/asr", data=body, headers=PCM, timeout=PATIENCE_S),
            413,
            "too_large",
        )


@pytest.mark.parametrize(
    "name",
    [
        "../secret.wav",
        "calls/../../secret.wav",
        "link.wav",
        "/etc/passwd",
        "../allowed-not/secret.wav",
        "~/x.wav",
        "..",
    ],
)
def test_paths_outside_the_folder_are_refused(url: str, name: str) -> None:
    response = requests.post(url + "/asr", json={"filename": name}, timeout=PATIENCE_S)
    if name == "~/x.wav":  # a tilde is an ordinary letter
        refused(response, 404, "file_not_found")
    else:
        refused(response, 403, "outside_allowed_dir")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "missing_filename"),
        ({"filename": 7}, 400, "missing_filename"),
        ({"filename": ["calls/one.wav"]}, 400, "missing_filename"),
        ({"filename": "a\0.wav"}, 400, "missing_filename"),
        ({"filename": "a" * 5000}, 404, "file_not_found"),
        ({"filename": "loop/a.wav"}, 404, "file_not_found"),
        ({"filename": "none.wav"}, 404, "file_not_found"),
        ({"filename": "calls"}, 404, "file_not_found"),
        ({"filename": "notes.txt"}, 422, "not_audio"),
        ({"filename": "sparse.wav"}, 413, "too_large"),
        ({"filename": "calls/one.wav", "language": "klingon"}, 400, "unknown_language"),
        ({"filename": "calls/one.wav", "language": 5}, 400, "bad_language"),
        ({"filename": "calls/one.wav", "temperature": "hot"}, 400, "bad_temperature"),
        ({"filename": "calls/one.wav", "temperature": True}, 400, "bad_temperature"),
        ({"filename": "calls/one.wav", "prompt": {"a": 1}}, 400, "bad_prompt"),
        ({"filename": "calls/one.wav", "stream": "perhaps"}, 400, "bad_stream"),
        ([], 400, "bad_json"),
    ],
)
def test_wrong_fields_are_refused(url: str, body: object, status: int, code: str) -> None:
    refused(requests.post(url + "/asr", json=body, timeout=PATIENCE_S), status, code)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"response_format": "docx"}, 400, "bad_response_format"),
        ({"response_format": "srt", "stream": "true"}, 422, "bad_response_format"),
        ({"temperature": "2"}, 400, "bad_temperature"),
        ({"temperature": "nan"}, 400, "bad_temperature"),
        ({"language": "chinglish"}, 400, "unknown_language"),
        ({"timestamp_granularities[]": "letter"}, 400, "bad_granularity"),
    ],
)
def test_wrong_openai_fields_are_refused(url: str, fields: dict[str, str], status: int, code: str) -> None:
    files = {"file": encode(short_clip().samples)}
    refused(requests.post(url + "/v1/audio/transcriptions", data=fields, files=files, timeout=PATIENCE_S), status, code)


def test_other_requests_are_refused(url: str) -> None:
    refused(requests.post(url + "/v1/audio/transcriptions", json={"file": "x"}, timeout=PATIENCE_S), 415, "not_a_form")
    no_file = requests.post(url + "/v1/audio/transcriptions", files={"model": (None, "whisper-1")}, timeout=PATIENCE_S)
    refused(no_file, 400, "missing_file")
    refused(post(url, b"\0" * 999, "audio/pcm"), 400, "bad_pcm_format")
    broken = requests.post(url + "/asr", data=b"{", headers={"Content-Type": "application/json"}, timeout=PATIENCE_S)
    refused(broken, 400, "bad_json")
    refused(requests.get(url + "/asr", timeout=PATIENCE_S), 405, "method_not_allowed")


def test_a_cut_off_recording_is_transcribed_with_a_warning(url: str) -> None:
    data = encode(np.concatenate([short_clip().samples] * 2))
    result = post(url, data[: len(data) // 2]).json()
    assert_words(result["text"], short_clip())
    assert "cut off" in result["warnings"][0]
