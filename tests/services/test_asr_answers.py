"""The responses of the speech-to-text service in every format."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from flask import Flask, Response, jsonify, request
from openai.types.audio import TranscriptionVerbose
from werkzeug.datastructures import FileStorage

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.http import responses
from huiyin.services.asr.http.request import Job, openai_job, own_job
from huiyin.services.asr.recogniser import Hints
from huiyin.services.asr.text.chapters import CHAPTERS
from huiyin.services.asr.text.formats import DOCUMENTS, FORMATS, as_verbose
from huiyin.services.asr.transcribe import Part
from huiyin.services.common import errors, forms
from huiyin.services.common.audio import SAMPLE_RATE
from huiyin.services.common.errors import ApiError
from huiyin.services.common.model_names import ModelNames
from tests.support.html_page import Page
from tests.support.media import encode
from tests.support.transcripts import feeling, segment, spoken, transcript

# --- over HTTP ---------------------------------------------------------------------------------------------------

RECORDING = transcript(
    segment(0.2, 1.0, "Good morning.", emotion=feeling("happy"), events=["laughter"], words=spoken("Good morning.")),
    segment(1.2, 2.0, "再见。", "zh", feeling("sad")),
    duration_s=2.0,
)
WAV = encode((np.sin(np.arange(2 * SAMPLE_RATE) / 9) * 0.3).astype(np.float32))


@pytest.fixture
def app() -> Flask:
    """The two addresses with a stated transcript behind them instead of a model."""
    flask, settings = Flask("reports"), AsrSettings()
    errors.install(flask)
    forms.install()

    @flask.post("/asr")
    def own() -> Response:
        job = own_job(request, settings, ("en", "zh"))
        if job.stream:
            steps = [Part(RECORDING.segments, 2.0, 2.0), RECORDING]
            return jsonify([json.loads("".join(blocks)) for blocks in responses.events(steps, job, settings)])
        return responses.response(RECORDING, job, settings)

    @flask.post("/v1/audio/transcriptions")
    def openai_address() -> Response:
        return jsonify(
            dataclasses.asdict(openai_job(request, "m", ModelNames(strict=True), ("en",)))["response_format"]
        )

    return flask


def post(app: Flask, **query: object) -> Response:
    upload = FileStorage(io.BytesIO(WAV), "calls/one.wav")
    return app.test_client().post("/asr", data={"file": upload, **query}, content_type="multipart/form-data")


@pytest.mark.parametrize("form", [*DOCUMENTS])
def test_the_service_answers_in_every_format(app: Flask, form: str) -> None:
    answer = post(app, format=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and answer.mimetype == DOCUMENTS[form]
    assert ("laughter" if form in CHAPTERS else "Good morning.") in text
    streamed = post(app, format=form, stream="1").get_json()
    assert [e["type"] for e in streamed[:1]] == ["segments"] and streamed[-1]["type"] == "done"
    assert "".join(e["text"] for e in streamed[1:-1]) == ("" if form == "json" else text)
    assert streamed[-1]["result"]["text"] == RECORDING.text


def test_a_report_over_http_has_by_default_the_uploads_name_and_its_sound(app: Flask) -> None:
    html = post(app, format="html").get_data(as_text=True)
    assert Page(html).texts["h1"] == ["one.wav"] and len(Page(html).all("audio")) == 1
    html = post(app, format="html", embed_audio="false", title="Monday's call").get_data(as_text=True)
    assert Page(html).texts["h1"] == ["Monday's call"] and not Page(html).all("audio")


def test_a_long_recording_is_embedded_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = AsrSettings()
    for length_s, embed_audio, embedded in (
        (4.0, None, True),
        (6.0, None, False),
        (6.0, True, True),
        (4.0, False, False),
    ):
        monkeypatch.setattr(responses, "_EMBED_UP_TO_S", 5.0)
        wav = encode(np.full(round(length_s * SAMPLE_RATE), 0.1, np.float32))
        job = Job(wav, None, Hints(), False, "html", embed_audio=embed_audio)
        assert ("<audio" in "".join(responses.document(RECORDING, job, settings))) == embedded


def test_tags_waveform_and_subtitles_come_with_the_result(app: Flask) -> None:
    result = post(app, subtitles="srt", tags="true", peaks="50").get_json()
    assert "[laughter] (happy) Good morning." in result["subtitles"] and "(悲伤) 再见。" in result["subtitles"]
    waveform = result["waveform"]
    assert 25 <= len(waveform["peaks"]) <= 50 and max(waveform["peaks"]) == pytest.approx(0.3, abs=0.01)
    assert waveform["step_s"] * len(waveform["peaks"]) == pytest.approx(2.0, abs=0.1)
    assert "waveform" not in post(app).get_json() and "[laughter]" not in post(app, format="vtt").get_data(as_text=True)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"format": "docx"}, "bad_format"),
        ({"peaks": "1"}, "bad_peaks"),
        ({"peaks": "4001"}, "bad_peaks"),
        ({"peaks": "many"}, "bad_peaks"),
        ({"tags": "perhaps"}, "bad_tags"),
        ({"embed_audio": "perhaps"}, "bad_embed_audio"),
    ],
)
def test_wrong_options_are_refused(app: Flask, query: dict[str, str], code: str) -> None:
    answer = post(app, **query)
    assert answer.status_code == 400 and answer.get_json()["error"]["code"] == code


def test_an_option_that_is_there_twice_is_refused_wherever_it_stands(app: Flask) -> None:
    upload = form((b'name="file"; filename="a.wav"', WAV), (b'name="peaks"', b""), (b'name="peaks"', b"100"))
    for path in ("/asr", "/v1/audio/transcriptions"):
        error = app.test_client().post(path, **upload).get_json()["error"]
        assert (error["code"], error["message"][:5]) == ("bad_peaks", "peaks"), path
    assert app.test_client().post("/asr?tags=&tags=1", data=WAV).get_json()["error"]["code"] == "bad_tags"
    assert app.test_client().post("/asr?hotwords=a&hotwords=b", data=WAV).status_code == 200


def form(*parts: tuple[bytes, bytes], kind: str = "multipart/form-data; boundary=X") -> dict[str, object]:
    """A request with a form of these (parameters of a part, content), byte for byte."""
    body = b"".join(b"--X\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % part for part in parts)
    return {"data": body + b"--X--\r\n", "content_type": kind}


@pytest.mark.parametrize(
    "parameters",
    [
        b'name="file"; filename="a.wav"',
        b'name="audio"; filename="a.wav"',
        b'name="file[]"; filename="a.wav"',
        b'name="file"; filename=""',
        b'name="file"; filename="caf\xe9.wav"',
        'name="file"; filename="你好.wav"'.encode("gbk"),
        'name="file"; filename="你好.wav"'.encode(),
    ],
    ids=["usual", "another field", "a list", "no name", "Latin-1", "GBK", "UTF-8"],
)
def test_an_upload_counts_however_it_is_named(app: Flask, parameters: bytes) -> None:
    answer = app.test_client().post("/asr?format=html", **form((parameters, WAV)))
    assert answer.status_code == 200 and "Good morning." in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("request_", "code", "word"),
    [
        (form((b'name="file"', b"a.wav")), "missing_file", "filename"),
        (form((b'name="a"; filename="a"', WAV), (b'name="b"; filename="b"', WAV)), "missing_file", "'file'"),
        (form((b'name="file"; filename="a"', WAV), kind="multipart/form-data"), "form_without_boundary", "boundary"),
    ],
    ids=["text", "two others", "no boundary"],
)
def test_a_form_without_the_file_says_what_is_wrong(
    app: Flask, request_: dict[str, object], code: str, word: str
) -> None:
    answer = app.test_client().post("/asr", **request_)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (400, code) and word in error["message"]


def test_options_of_a_form_may_stand_in_the_address(app: Flask) -> None:
    upload = form((b'name="file"; filename="a.wav"', WAV))
    assert app.test_client().post("/asr?format=srt", **upload).get_data(as_text=True).startswith("1\n00:00:01,000 --> ")
    refused = app.test_client().post("/asr?language=klingon", **upload)
    assert refused.get_json()["error"]["code"] == "unknown_language"


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ({"temperature": "0.5"}, "bad_temperature"),
        ({"peaks": "100"}, "bad_peaks"),
        ({"deadline_s": True}, "bad_deadline_s"),
        ({"tags": " true "}, "bad_tags"),
        ({"itn": 2}, "bad_itn"),
    ],
)
def test_json_is_taken_at_its_types(tmp_path: Path, option: dict[str, object], code: str) -> None:
    settings = AsrSettings(allowed_dir=str(tmp_path))
    with (
        Flask("types").test_request_context("/asr", json={"filename": "a.wav", **option}),
        pytest.raises(ApiError) as refused,
    ):
        own_job(request, settings, ("en",))
    assert (refused.value.status, refused.value.code) == (400, code)


def test_options_of_json_may_stand_in_the_address(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(WAV)
    settings = AsrSettings(allowed_dir=str(tmp_path))
    body = {"filename": "a.wav", "format": "srt", "peaks": 100.0}
    with Flask("address").test_request_context("/asr?format=vtt&tags=1", json=body):
        job = own_job(request, settings, ("en",))
    assert (job.response_format, job.tags, job.peaks) == ("srt", True, 100)


def test_a_list_of_languages_may_have_empty_places() -> None:
    upload = {"file": (io.BytesIO(WAV), "a.wav"), "languages[]": ["", "en", "", "zh-CN"]}
    with Flask("list").test_request_context("/v1/audio/transcriptions", method="POST", data=upload):
        job = openai_job(request, "m", ModelNames(strict=False), ("en", "zh"))
    assert job.hints.languages == ("en", "zh")


def test_hotwords_and_keywords_of_a_form_count_together() -> None:
    upload = {"file": (io.BytesIO(WAV), "a.wav"), "hotwords": "Huiyin, 回音", "keywords[]": ["Hibari", "Kokoro"]}
    with Flask("words").test_request_context("/v1/audio/transcriptions", method="POST", data=upload):
        job = openai_job(request, "m", ModelNames(strict=False), ("en", "zh"))
    assert job.hints.hotwords == ("Huiyin", "回音", "Hibari", "Kokoro")


def test_null_in_json_is_as_if_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(WAV)
    settings = AsrSettings(allowed_dir=str(tmp_path))
    names = ("language", "stream", "hotwords", "title", "peaks", "temperature", "itn", "prompt", "words", "careful")
    options = dict.fromkeys(names)
    with Flask("null").test_request_context("/asr", json={"filename": "a.wav", **options}):
        job = own_job(request, settings, ("en",))
    assert (job.stream, job.hints, job.title) == (False, Hints(), "a.wav")


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        ("/v1/audio/transcriptions", {"timestamp_granularities[]": "word", "response_format": "verbose_json"}, True),
        ("/v1/audio/transcriptions", {"response_format": "srt"}, True),
        ("/v1/audio/transcriptions", {}, False),
        ("/asr", {"subtitles": "vtt"}, True),
        ("/asr", {"format": "srt"}, True),
        ("/asr", {"words": "true"}, True),
        ("/asr", {}, False),
    ],
)
def test_times_of_words_are_made_where_they_are_shown(path: str, form: dict[str, str], words: bool) -> None:
    data = {"file": FileStorage(io.BytesIO(WAV), "a.wav"), **form}
    with Flask("words").test_request_context(path, method="POST", data=data):
        own = path == "/asr"
        job = (
            own_job(request, AsrSettings(), ("en",))
            if own
            else openai_job(request, "m", ModelNames(strict=True), ("en",))
        )
    assert job.hints.words is words


def test_half_a_character_in_json_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(WAV)
    settings = AsrSettings(allowed_dir=str(tmp_path))
    with Flask("half").test_request_context("/asr", json={"filename": "a.wav", "title": "\ud800", "prompt": "\ud800"}):
        job = own_job(request, settings, ("en",))
    assert job.title.encode() and job.hints.prompt.encode()
    with Flask("half").test_request_context("/asr", json={"filename": "\ud800.wav"}), pytest.raises(ApiError) as caught:
        own_job(request, settings, ("en",))
    assert caught.value.status == 404


def test_openais_address_keeps_openais_formats(app: Flask) -> None:
    for form in ("csv", "html"):
        data = {"file": FileStorage(io.BytesIO(WAV), "a.wav"), "response_format": form}
        answer = app.test_client().post("/v1/audio/transcriptions", data=data, content_type="multipart/form-data")
        assert answer.get_json()["error"]["code"] == "bad_response_format"
        assert form not in FORMATS


def test_strict_openai_clients_understand_it() -> None:
    answer = TranscriptionVerbose.model_validate(json.loads(json.dumps(as_verbose(RECORDING, words=True))))
    assert answer.words and (answer.words[0].word, answer.words[0].start) == ("Good", 1.0)


def test_unreadable_recordings_are_an_error_before_the_report_begins() -> None:
    job = Job(b"no sound" * 100, None, Hints(), False, "html")
    with pytest.raises(ApiError, match="not a sound file"):
        responses.document(RECORDING, job, AsrSettings())


@pytest.mark.parametrize("form", ["json", "text", "srt", "csv"])
def test_hesitation_is_left_out_in_every_form_where_that_is_asked(form: str) -> None:
    said = transcript(segment(0.2, 1.0, "Um."), segment(1.2, 2.0, "Well, I I agree."))
    job = Job(b"", None, Hints(), False, form, clean=True)
    make = responses.result if form == "json" else responses.document
    text = "".join(make(said, job, AsrSettings()))
    assert "I agree." in text and "Um" not in text and "I I" not in text
