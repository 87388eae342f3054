"""The recogniser's ``/jobs`` for the page's own tests: each job is a step further whenever they are listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

NOT_AUDIO = {"code": "not_audio", "message": "this is no recording; send WAV, MP3", "hint": "send WAV, MP3"}
_NEXT = {"waiting": "running", "running": "done"}


def is_sound(data: bytes) -> bool:
    return data[:4] in (b"RIFF", b"OggS")


@dataclass
class _Job:
    title: str
    sound: bytes
    status: str = "waiting"


class FakeJobs:
    """`upload` reads a request's file; `result` makes a transcript; while `is_down`, nothing is answered well."""

    def __init__(
        self,
        upload: Callable[[web.Request], Awaitable[tuple[str, bytes]]],
        result: Callable[[], dict[str, Any]],
        is_down: Callable[[], bool],
    ) -> None:
        self._upload, self._result, self._is_down = upload, result, is_down
        self.jobs: dict[str, _Job] = {}

    def add_to(self, app: web.Application) -> None:
        router = app.router
        router.add_post("/jobs", self._add)
        router.add_get("/jobs", self._list)
        router.add_get("/jobs/{id}", self._state)
        router.add_delete("/jobs/{id}", self._delete)
        router.add_post("/jobs/{id}/retry", self._retry)
        router.add_get("/jobs/{id}/result", self._transcript)
        router.add_get("/jobs/{id}/recording", self._recording)

    def _job(self, request: web.Request) -> tuple[str, _Job]:
        if self._is_down():
            raise web.HTTPServiceUnavailable
        job_id = request.match_info["id"]
        if job_id not in self.jobs:
            raise web.HTTPNotFound
        return job_id, self.jobs[job_id]

    def _view(self, job_id: str, job: _Job) -> dict[str, Any]:
        length_s = self._result()["duration_s"]
        share = {"running": 0.25, "done": 1.0}.get(job.status)
        return {
            "id": job_id, "status": job.status, "title": job.title, "position_s": length_s * (share or 0),
            "duration_s": length_s, "progress": share, "summary": self._result() if job.status == "done" else None,
            "error": NOT_AUDIO if job.status == "failed" else None,
        }  # fmt: skip

    async def _add(self, request: web.Request) -> web.Response:
        if self._is_down():
            raise web.HTTPServiceUnavailable
        job = _Job(*await self._upload(request))
        job_id = f"job-{len(self.jobs)}"
        self.jobs[job_id] = job
        return web.json_response(self._view(job_id, job), status=202)

    async def _list(self, _: web.Request) -> web.Response:
        if self._is_down():
            raise web.HTTPServiceUnavailable
        for job in self.jobs.values():
            job.status = _NEXT.get(job.status, job.status) if is_sound(job.sound) else "failed"
        return web.json_response({"object": "list", "data": [self._view(*item) for item in self.jobs.items()]})

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response({**self._view(*self._job(request)), "text": self._result()["text"][:12]})

    async def _delete(self, request: web.Request) -> web.Response:
        job_id, _ = self._job(request)
        del self.jobs[job_id]
        return web.json_response({"id": job_id, "deleted": True})

    async def _retry(self, request: web.Request) -> web.Response:
        job_id, job = self._job(request)
        job.status = "waiting"
        return web.json_response(self._view(job_id, job), status=202)

    async def _transcript(self, request: web.Request) -> web.Response:
        self._job(request)
        if request.query.get("format") == "html":
            return web.Response(text="<!doctype html><title>report</title>", content_type="text/html")
        return web.json_response(self._result())

    async def _recording(self, request: web.Request) -> web.Response:
        return web.Response(body=self._job(request)[1].sound, content_type="audio/wav")
