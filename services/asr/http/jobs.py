"""``/jobs``: long recordings, whose transcripts are made bit by bit (`services/asr/jobs.py`)."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request

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
        return jsonify(object="list", data=[jobs.view(job_id, text=False) for job_id in jobs.ids()])

    @app.get("/jobs/<job_id>")
    def job_state(job_id: str) -> Response:
        """A job: its status, how far it has come, and its text so far.

        The status is waiting, running, done, failed (see "error"), suspended (its client has left), or stopping.
        """
        return jsonify(jobs.view(job_id))

    @app.get("/jobs/<job_id>/result")
    def job_result(job_id: str) -> Response:
        """The result of a job that is done, in any format of POST /asr.

        409 `job_not_done` before that; the error of one that has failed.
        """
        check_once(request.args)
        options = options_of(request.args, serving.host.get().languages)
        transcript = jobs.contents(job_id).transcript
        if transcript is None:
            raise ApiError(409, "asr.job_not_done", job=job_id, status=jobs.view(job_id, text=False)["status"])
        recording, pcm, title = jobs.recording(job_id)
        job = Job(recording or b"", pcm, **{**options, "title": options["title"] or title})
        if recording is None and (job.response_format in _NEEDS_SOUND or job.peaks):
            raise ApiError(409, "asr.job_without_recording", job=job_id)
        return responses.response(transcript, job, settings.asr)

    @app.delete("/jobs/<job_id>")
    def delete_job(job_id: str) -> Response:
        """Stop a job, and delete all that is kept of it."""
        jobs.delete(job_id, Caller(left=client_left(request.environ)).check)
        return jsonify(id=job_id, object="transcription.job", deleted=True)
