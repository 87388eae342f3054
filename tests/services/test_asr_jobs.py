"""Long recordings at ``/jobs``: what is done of them outlives their clients, the service and power cuts."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from werkzeug.test import TestResponse

from huiyin.configs.settings import load
from huiyin.services.asr import serving
from huiyin.services.asr.app import make_app
from huiyin.services.asr.http import jobs
from huiyin.services.asr.journal import read
from huiyin.services.asr.recogniser import Hints, Recognition
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from tests.support.asr_fakes import FakeEngine, LoudnessDetector, fingerprint, speech
from tests.support.limits import until
from tests.support.media import encode, film

SEED = 18


class Killed(BaseException):
    """Nothing of the service catches it."""


class Engine(FakeEngine):
    """Counts its pieces; `before` is called with the number of each."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: Counter[str] = Counter()
        self.before: Callable[[int], object] = lambda number: None

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        self.before(self.pieces.total())
        recognitions = super().recognise(pieces, hints)
        self.pieces.update(map(fingerprint, pieces))
        return recognitions


class Service:
    """A service that can be started again over the same folder, its engine counting on."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder, self.engine = folder, engine
        self.start()

    def start(self) -> None:
        settings = load(overrides=[f"jobs.dir={self.folder}", "asr.cache_entries=0"])
        self.client = make_app(settings).test_client()

    def post(self, sound: bytes, **options: object) -> TestResponse:
        fields = {"file": (BytesIO(sound), "talk.wav"), **{key: str(value) for key, value in options.items()}}
        return self.client.post("/jobs", data=fields, content_type="multipart/form-data")

    def follow(self, sound: bytes, **options: object) -> dict[str, Any]:
        """The last event of a job that is followed to its end."""
        lines = self.post(sound, stream=True, **options).get_data(as_text=True).strip().split("\n\n")
        return dict(json.loads(lines[-1].removeprefix("data: ")))

    def state(self, job: str) -> dict[str, Any]:
        return dict(self.client.get(f"/jobs/{job}").get_json())

    def until(self, job: str, status: str) -> dict[str, Any]:
        until(lambda: self.state(job)["status"] == status, f"the job is not {status}")
        return self.state(job)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    engine = Engine()
    monkeypatch.setattr(serving, "load_engine", lambda *_: engine)
    monkeypatch.setattr(serving, "load_detectors", lambda *_: LoudnessDetector)
    return Service(tmp_path / "jobs", engine)


def recording(number: int = 0, pieces: int = 5) -> bytes:
    """Speech in so many pieces, another one for each number."""
    lengths = [5.0 + (number * 7 + i * 3) % 5 for i in range(pieces)]
    return encode(speech(*lengths) * np.float32(1 - number / 100))


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in ("processing_s", "rtf", "cached")}


def test_nothing_is_no_recording(service: Service) -> None:
    answer = service.client.post("/jobs", data=b"")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "empty_audio")


def test_a_followed_job_answers_as_the_service_does_and_is_gone_when_it_is_deleted(service: Service) -> None:
    sound = recording()
    plain = service.client.post("/asr", data={"file": (BytesIO(sound), "a.wav")}).get_json()
    done = service.follow(sound)
    assert done["type"] == "done" and without_times(done["result"]) == without_times(plain)
    assert [job["id"] for job in service.client.get("/jobs").get_json()["data"]] == [done["job"]]
    if os.name == "posix":
        assert not any(path.stat().st_mode & 0o077 for path in (service.folder, service.folder / done["job"]))
    assert service.client.delete(f"/jobs/{done['job']}").get_json()["deleted"]
    assert service.client.get(f"/jobs/{done['job']}").status_code == 404
    assert not [path for path in service.folder.iterdir() if path.is_dir()]


def test_killed_at_any_moment_a_service_loses_one_piece_at_most_and_its_results_are_the_same(service: Service) -> None:
    sounds = [recording(number, pieces=2 + number % 4) for number in range(8)]
    undisturbed = [without_times(service.follow(sound)["result"]) for sound in sounds]
    pieces = service.engine.pieces
    for job in service.client.get("/jobs").get_json()["data"]:
        service.client.delete(f"/jobs/{job['id']}")

    chance, kills = random.Random(SEED), 0
    service.engine.pieces = Counter()
    results: list[dict[str, Any]] = []
    while len(results) < len(sounds):
        last = service.engine.pieces.total() + chance.randrange(4)

        def kill(number: int, last: int = last) -> None:
            if number == last:
                raise Killed

        service.engine.before = kill
        try:
            results.append(without_times(service.follow(sounds[len(results)])["result"]))
        except Killed:
            kills += 1
            _tear(service.folder, chance)
            service.start()
    assert results == undisturbed
    assert set(service.engine.pieces) == set(pieces)
    assert kills > 5 and service.engine.pieces.total() <= pieces.total() + kills


def _tear(folder: Path, chance: random.Random) -> None:
    """What a power cut may leave of the last line that was written."""
    journal = max(folder.glob("*/pieces.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    data = journal.read_bytes()
    last = len(data.rstrip(b"\n").rpartition(b"\n")[2]) + 1
    journal.write_bytes(data[: len(data) - chance.choice([0, 0, 1, chance.randrange(last)])])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_on_its_own_goes_on_after_a_restart_and_its_result_has_every_form(service: Service) -> None:
    sound = recording(pieces=6)
    undisturbed = without_times(service.client.post("/asr", data={"file": (BytesIO(sound), "a.wav")}).get_json())
    service.engine.pieces = Counter()

    def kill(number: int) -> None:
        if number == 3:
            raise Killed

    service.engine.before = kill
    answer = service.post(sound, title="Monday's call")
    assert answer.status_code == 202
    job = answer.get_json()["id"]
    assert answer.headers["Location"] == f"/jobs/{job}"
    until(lambda: len(read(service.folder / job / "pieces.jsonl").pieces) == 3)
    halfway = service.state(job)
    assert 0 < halfway["progress"] < 1 and halfway["text"] and undisturbed["text"].startswith(halfway["text"])
    assert service.client.get(f"/jobs/{job}/result").get_json()["error"]["code"] == "job_not_done"

    service.engine.before = lambda number: None
    service.start()
    state = service.until(job, "done")
    assert state["progress"] == 1 and state["text"] == undisturbed["text"] and state["title"] == "Monday's call"
    assert service.engine.pieces.most_common(1)[0][1] == 1, "no piece twice"
    assert without_times(service.client.get(f"/jobs/{job}/result").get_json()) == undisturbed
    for form, sign in (("srt", "-->"), ("text", undisturbed["text"][:12]), ("html", "Monday&#39;s call")):
        assert sign in service.client.get(f"/jobs/{job}/result?format={form}").get_data(as_text=True)
    again = service.post(sound)
    assert again.get_json()["id"] == job, "the same recording with the same options is the same job"
    service.until(job, "done")
    assert service.engine.pieces.most_common(1)[0][1] == 1


def test_what_a_job_was_asked_for_counts_for_its_result_too(service: Service) -> None:
    quiet = np.random.default_rng(1).uniform(-0.001, 0.001, 5 * SAMPLE_RATE).astype(np.float32)
    one = speech(4.4)
    sound = film("wav", "pcm_s16le", np.stack([np.concatenate([one, quiet]), np.concatenate([quiet, one])]))
    asked = {"speakers": "channels", "speaker_names": "Ann,Ann", "phrases": "sorry", "format": "text"}
    job = service.post(sound, **asked).get_json()["id"]
    service.until(job, "done")
    service.start()
    result = f"/jobs/{job}/result"
    text = service.client.get(result).get_data(as_text=True)
    assert text.startswith("Ann: ")
    named = service.client.get(f"{result}?format=json&speaker_names=Bob,Di").get_json()
    assert [segment["speaker"] for segment in named["segments"]] == ["Bob", "Di"] and named["phrases"] == []
    assert "phrases" not in service.client.get(f"{result}?format=json&phrases=").get_json()
    assert service.post(sound, **asked | {"speaker_names": "Cleo"}).get_json()["id"] == job
    assert service.client.get(result).get_data(as_text=True).startswith("Cleo: "), "what is asked for last counts"


def test_a_job_that_is_deleted_stops(service: Service) -> None:
    deleted: list[int] = []

    def delete(number: int) -> None:
        if number == 1:
            (job,) = service.client.get("/jobs").get_json()["data"]
            assert job["status"] == "running"
            client = service.client.application.test_client()
            threading.Thread(target=lambda: deleted.append(client.delete(f"/jobs/{job['id']}").status_code)).start()
            service.until(job["id"], "stopping")

    service.engine.before = delete
    job = service.post(recording()).get_json()["id"]
    until(lambda: deleted == [200], "it was not deleted")
    assert service.client.get(f"/jobs/{job}").status_code == 404
    assert service.client.get("/jobs").get_json()["data"] == []
    assert service.engine.pieces.total() == 2, "the piece in hand was the last"


def test_a_recording_that_cannot_be_read_fails_with_the_reason_and_may_be_tried_again(service: Service) -> None:
    job = service.post(b"Dear Sir or Madam" * 50).get_json()["id"]
    state = service.until(job, "failed")
    assert "sound file" in state["error"]["message"]
    assert service.post(b"Dear Sir or Madam" * 50).get_json()["id"] == job
    service.until(job, "failed")
    assert "error" in service.follow(b"To whom it may concern" * 50)
    assert len(service.client.get("/jobs").get_json()["data"]) == 1, "nothing is kept of one that was followed"


def test_one_that_failed_is_tried_again_without_its_client(service: Service) -> None:
    job = service.post(b"Dear Sir or Madam" * 50).get_json()["id"]
    service.until(job, "failed")
    assert service.client.post(f"/jobs/{job}/retry").status_code == 202
    service.until(job, "failed")
    done = service.follow(recording())
    refused = service.client.post(f"/jobs/{done['job']}/retry")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "job_without_recording")
    assert service.client.post(f"/jobs/{'0' * 32}/retry").status_code == 404


def test_its_recording_can_be_played_from_anywhere(service: Service) -> None:
    sound = recording()
    job = service.post(sound).get_json()["id"]
    part = service.client.get(f"/jobs/{job}/recording", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data, part.content_type) == (206, sound[100:200], "audio/wav")
    assert service.client.get(f"/jobs/{job}/recording").data == sound
    service.until(job, "done")


def test_how_far_a_job_is_takes_the_ends_of_its_journal_alone(service: Service) -> None:
    job = service.post(recording(pieces=6)).get_json()["id"]
    done = service.until(job, "done")
    result = service.client.get(f"/jobs/{job}/result").get_json()
    assert done["summary"] == {name: result[name] for name in done["summary"]} and "text" not in done["summary"]
    journal = service.folder / job / "pieces.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], *(b"?" * (2**17) + b"\n" for _ in lines[1:-1]), lines[-1]]))
    service.start()
    (listed,) = service.client.get("/jobs").get_json()["data"]
    assert listed == {name: value for name, value in done.items() if name != "text"}


@pytest.mark.parametrize("torn", [0, 7])
def test_the_last_whole_line_says_how_far_it_is(service: Service, torn: int) -> None:
    done = service.follow(recording())
    journal = service.folder / done["job"] / "pieces.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:4]) + lines[4][:torn])
    (job,) = service.client.get("/jobs").get_json()["data"]
    assert job["status"] == "suspended" and job["position_s"] == round(read(journal).position_s, 3) > 0


def test_a_client_who_leaves_before_it_knows_the_id_leaves_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "client_left", lambda _: lambda: any(service.folder.glob("*/recording")))
    service.post(recording())
    assert list(service.folder.glob("*/*")) == [] and service.client.get("/jobs").get_json()["data"] == []


def test_what_a_service_killed_at_the_beginning_of_a_job_left_is_deleted(service: Service) -> None:
    left = service.folder / ("0" * 32)
    left.mkdir(parents=True)
    (left / "recording").write_bytes(b"half")
    service.start()
    assert not left.exists()


def test_pieces_of_another_recogniser_are_not_used(service: Service) -> None:
    sound = recording()
    service.follow(sound)
    before = service.engine.pieces.total()
    service.engine.model = "another"
    service.start()
    assert service.follow(sound)["result"]["model"] == "another"
    assert service.engine.pieces.total() == 2 * before


def test_nothing_is_kept_of_what_must_not_be(service: Service) -> None:
    form = {"file": (BytesIO(recording()), "a.wav"), "stream": "true"}
    private = service.client.post("/jobs", data=form, headers={"Cache-Control": "no-store"})
    assert '"type": "done"' in private.get_data(as_text=True)
    refused = service.client.post(
        "/jobs", data={"file": (BytesIO(recording()), "a.wav")}, headers={"Cache-Control": "no-store"}
    )
    assert refused.get_json()["error"]["code"] == "job_not_kept"
    assert service.client.get("/jobs").get_json()["data"] == []


def test_a_job_that_nobody_asks_for_is_deleted_when_it_is_old(service: Service) -> None:
    done = service.follow(recording())
    old = time.time() - 8 * 86_400
    os.utime(service.folder / done["job"] / "pieces.jsonl", (old, old))
    service.start()
    assert service.client.get("/jobs").get_json()["data"] == []
