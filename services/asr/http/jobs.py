"""``/jobs``: long recordings, whose transcripts are made bit by bit (`services/asr/jobs.py`)."""

from __future__ import annotations

from pathlib import PurePath

from flask import Flask, Response, jsonify, request, send_file

from huiyin.configs.settings import Settings
from huiyin.services.asr.http import responses
from huiyin.services.asr.http.fields import check_once
from huiyin.services.asr.http.request import Job, options_of, own_job
from huiyin.services.asr.jobs import Jobs
from huiyin.services.asr.queue import Caller
from huiyin.services.asr.serving import Serving
from huiyin.services.common.errors import ApiError
from huiyin.services.common.watch import client_left

JOB_HEADER = "X-Huiyin-Job"
_NEEDS_SOUND = ("html",)
_BYTES = "application/octet-stream"
_SOUND = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".flac": "audio/flac",
    ".ogg": "audio/ogg", ".opus": "audio/ogg", ".oga": "audio/ogg", ".webm": "audio/webm", ".mp4": "video/mp4",
    ".mov": "video/quicktime", ".mkv": "video/x-matroska",
}  # fmt: skip
"""Content types of recordings by their names: browsers play what is called sound."""


def add_jobs(app: Flask, settings: Settings, serving: Serving) -> None:
    """Add ``/jobs`` to `app`."""
    jobs = Jobs(serving, settings.jobs, settings.asr)

    @app.post("/jobs")
    def create_job() -> tuple[Response, int] | Response:
        """Transcribe a long recording, bit by bit.

        Takes what POST /asr takes, and answers 202 at once: the job runs on its own, also after a restart of the
        service; ask GET /jobs/ID for it. With stream=true it runs while its client follows the events, which are those
        of POST /asr, and goes on where it was when the client sends the same recording with the same options again;
        the last event names the job, to be deleted. Nothing is recognised twice.
        """
        caller = Caller(left=client_left(request.environ))
        job = own_job(request, settings.asr, serving.host.get().languages)
        if job.stream:
            job_id, steps = jobs.followed(job, caller)
            response = responses.event_stream(responses.events(steps, job, settings.asr, job_id))
            response.headers[JOB_HEADER] = job_id
            return response
        job_id = jobs.add(job, caller)
        accepted = jsonify(jobs.view(job_id))
        accepted.headers.update({"Location": f"/jobs/{job_id}", JOB_HEADER: job_id})
        return accepted, 202

    @app.get("/jobs")
    def list_jobs() -> Response:
        """The jobs there are, the one that has waited longest first; without their texts."""
        return jsonify(object="list", data=list(jobs.views()))

    @app.get("/jobs/<job_id>")
    def job_state(job_id: str) -> Response:
        """A job: its status, how far it has come, and its text so far.

        The status is waiting, running, done (see "summary"), failed (see "error"), suspended (its client has left), or
        stopping.
        """
        return jsonify(jobs.view(job_id))

    @app.get("/jobs/<job_id>/result")
    def job_result(job_id: str) -> Response:
        """The result of a job that is done, in any format of POST /asr.

        What was asked for with POST /jobs counts (format, phrases, speaker_names, clean, ...), unless the address says
        something else. 409 `job_not_done` before that; the error of one that has failed.
        """
        check_once(request.args)
        options = options_of({**jobs.wishes(job_id), **request.args}, serving.host.get().languages)
        transcript = jobs.contents(job_id).transcript
        if transcript is None:
            raise ApiError(409, "asr.job_not_done", job=job_id, status=jobs.view(job_id, text=False)["status"])
        recording, pcm, title = jobs.recording(job_id)
        job = Job(recording or b"", pcm, **{**options, "title": options["title"] or title})
        if recording is None and (job.response_format in _NEEDS_SOUND or job.peaks):
            raise ApiError(409, "asr.job_without_recording", job=job_id)
        return responses.response(transcript, job, settings.asr)

    @app.get("/jobs/<job_id>/recording")
    def job_recording(job_id: str) -> Response:
        """The recording of a job that runs on its own, as it was sent, also in part (`Range`).

        409 `job_without_recording` where its client has it alone.
        """
        recording, _, title = jobs.recording(job_id)
        if recording is None:
            raise ApiError(409, "asr.job_without_recording", job=job_id)
        return send_file(recording, mimetype=_SOUND.get(PurePath(title).suffix.lower(), _BYTES), conditional=True)

    @app.post("/jobs/<job_id>/retry")
    def retry_job(job_id: str) -> tuple[Response, int]:
        """Have a job that has failed run once more, from where it was; any other is left as it is.

        409 `job_without_recording` where its client has the recording alone: it sends that again.
        """
        jobs.retry(job_id, Caller(left=client_left(request.environ)).check)
        return jsonify(jobs.view(job_id)), 202

    @app.delete("/jobs/<job_id>")
    def delete_job(job_id: str) -> Response:
        """Stop a job, and delete all that is kept of it."""
        jobs.delete(job_id, Caller(left=client_left(request.environ)).check)
        return jsonify(id=job_id, object="transcription.job", deleted=True)
