"""A door for the page's own tests: the page's files, and servers that answer by a script.

What `huiyin web` serves, without models: a Realtime session with the extensions, transcription, dictation, setup and
system. The user's turns are found by level; the voice is a tone. `Door.sessions` tells the tests what the page sent.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from tests.browser.fake_jobs import NOT_AUDIO, FakeJobs, is_sound
from tests.browser.fake_session import FakeSession
from tests.support import ROOT
from tests.support.aiohttp_server import serving

PAGE = ROOT / "assistant" / "faces" / "web" / "page"

SETUP: dict[str, Any] = {
    "version": "0.1.0",
    "personas": [
        {"name": "huiyin", "title": "回音 Huiyin", "language": "zh", "voice": "zf_xiaoxiao"},
        {"name": "tutor", "title": "林老师", "language": "zh", "voice": "zf_xiaoyi"},
        {"name": "echo", "title": "Echo", "language": "en", "voice": "heart"},
    ],
    "default_persona": "huiyin",
    "voices": [
        {"name": "zf_xiaoxiao", "language": "zh", "gender": "female", "engine": "kokoro"},
        {"name": "heart", "language": "en", "gender": "female", "engine": "hibari"},
    ],
    "limits": {"max_upload_mb": 1, "keep_days": 7, "max_sessions": 8},
    "languages": ["zh", "en", "yue", "ja", "ko"],
    "key_required": False,
    "services": {"asr": "ready", "llm": "ready", "tts": "ready"},
}
# As strict as the real door: nothing in the page may need more
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'"
}
SYSTEM: dict[str, Any] = {
    "services": {
        "asr": {"service": "asr", "engine": "sensevoice", "model": "sensevoice-small", "device": "cpu",
                "state": "ready", "load_s": 2.113, "rss_mb": 512.4, "threads": 2,
                "languages": ["zh", "en", "yue", "ja", "ko"],
                "queue": {"waiting": 0, "running": 1}, "versions": {"onnxruntime": "1.23.2", "av": "15.1.0"}},
        "llm": {"service": "llm", "model": "qwen2.5-1.5b-instruct-q4_k_m.gguf", "state": "ready", "load_s": 15.26,
                "rss_mb": 56.3, "upstreams": [{"name": "embedded", "device": "cpu", "context_tokens": 4096,
                                               "breaker": "closed", "last_failure": ""}]},
        "tts": {"service": "tts", "engine": "auto", "engines": ["hibari", "kokoro"], "device": "cpu",
                "state": "ready", "load_s": 19.06, "rss_mb": 603.3, "max_text_chars": 5000},
    },
    "web": {"python": "3.12.3", "versions": {"huiyin": "0.1.0", "aiohttp": "3.13.2", "flask": "3.1.2"},
            "sessions": {"open": 1, "limit": 8, "total": 42}},
    "machine": {"cpus": 16, "memory_gb": 31.3, "gpu": [{"name": "NVIDIA RTX 4070", "memory_gb": 12.0}]},
    "latency": {
        "histogram": [[400, 1], [500, 4], [600, 11], [700, 17], [800, 9], [900, 5], [1000, 2], [1200, 1]],
        "parts": {"hear": {"p50": 260, "p95": 410}, "asr": {"p50": 72, "p95": 120}, "llm": {"p50": 190, "p95": 380},
                  "tts": {"p50": 140, "p95": 230}, "total": {"p50": 690, "p95": 1010}},
    },
}  # fmt: skip
DOCTOR = [
    {"name": "python", "status": "ok", "text": "Python 3.12.3", "hint": ""},
    {"name": "memory", "status": "ok", "text": "31.3 GB of memory, 12 GB of it free", "hint": ""},
    {"name": "gpu", "status": "warn", "text": "a GPU is here, but onnxruntime cannot use it",
     "hint": "pip install onnxruntime-gpu"},
    {"name": "port", "status": "fail", "text": "port 7872 is taken by another program", "hint": "--set tts.port=7882"},
]  # fmt: skip
DOCTOR_ZH = [{"name": "port", "status": "fail", "text": "端口 7872 被别的程序占用", "hint": "--set tts.port=7882"}]


def segment(
    start_s: float, end_s: float, text: str, emotion: str, confidence: float, events: list[str]
) -> dict[str, Any]:
    """A segment of a transcript, as the speech service has it."""
    units = list(text) if any(c >= "\u4e00" for c in text) else text.split()
    step = (end_s - start_s) / len(units)
    words = [
        {"text": unit, "start_s": round(start_s + i * step, 3), "end_s": round(start_s + (i + 1) * step, 3)}
        for i, unit in enumerate(units)
    ]
    rest = round(1 - confidence, 2)
    return {
        "start_s": start_s, "end_s": end_s, "text": text, "confidence": 0.93, "words": words,
        "language": "zh" if len(units) == len(text) else "en",
        "emotion": {"label": emotion, "confidence": confidence, "scores": {emotion: confidence, "neutral": rest}},
        "events": [{"label": label, "start_s": start_s, "end_s": end_s, "confidence": 0.6} for label in events],
    }  # fmt: skip


SEGMENTS = [
    segment(0.4, 3.2, "今天终于把那个项目做完了。", "happy", 0.86, ["laughter"]),
    segment(3.9, 6.8, "不过昨天晚上改到三点，真的很累。", "sad", 0.64, []),
    segment(7.4, 10.6, "And the client called again this morning.", "angry", 0.55, []),
    segment(11.2, 13.9, "好在大家都没有放弃。", "neutral", 0.71, ["applause"]),
]


def transcript() -> dict[str, Any]:
    """A whole result of ``/asr``."""
    wave = [abs(((i * 37) % 100) / 100 - 0.3) * (0.2 if i % 29 < 6 else 0.9) for i in range(300)]
    srt = "1\n00:00:00,400 --> 00:00:03,200\n今天终于把那个项目做完了。\n\n"
    return {
        "text": "".join(s["text"] for s in SEGMENTS), "language": "zh", "duration_s": 14.4, "processing_s": 0.61,
        "rtf": 0.042, "model": "sensevoice-small", "confidence": 0.93, "warnings": [], "segments": SEGMENTS,
        "emotion": {"label": "happy", "confidence": 0.41, "scores": {"happy": 0.41, "neutral": 0.3, "sad": 0.29}},
        "events": [event for s in SEGMENTS for event in s["events"]], "subtitles": srt,
        "waveform": {"step_s": 0.048, "peaks": [round(x, 3) for x in wave]},
    }  # fmt: skip


class Door:
    """The routes, and what the tests ask them."""

    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []
        self.asr_forms: list[dict[str, str]] = []
        self.uploads: list[tuple[str, bytes]] = []
        self.jobs = FakeJobs(self._upload, transcript, lambda: self.down)
        self.down = False  # as if the network were gone: no new connection
        self.setup = dict(SETUP)
        self._sockets: set[web.WebSocketResponse] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def cut(self) -> None:
        """All connections break, and none comes about until `down` is False."""
        self.down = True
        assert self._loop is not None
        for socket in list(self._sockets):
            asyncio.run_coroutine_threadsafe(socket.close(code=1012), self._loop).result(5)

    def tell(self, event: dict[str, Any]) -> None:
        """Send the newest session's client an event."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self.sessions[-1].socket.send_json(event), self._loop).result(5)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/", self._index)
        app.router.add_get("/page/{name}", self._file)
        app.router.add_get("/api/setup", self._json(lambda: self.setup))
        app.router.add_get("/api/system", self._json(lambda: SYSTEM))
        app.router.add_get("/api/doctor", self._doctor)
        app.router.add_get("/v1/realtime", self._realtime)
        app.router.add_get("/v1/stream", self._dictation)
        app.router.add_post("/asr", self._asr)
        self.jobs.add_to(app)
        return app

    async def _doctor(self, request: web.Request) -> web.Response:
        return web.json_response(DOCTOR_ZH if request.query.get("language") == "zh" else DOCTOR)

    def _json(self, make: Callable[[], Any]) -> Callable[[web.Request], Any]:
        async def answer(_: web.Request) -> web.Response:
            return web.json_response(make(), status=503 if self.down else 200)

        return answer

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html", headers=HEADERS)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = PAGE / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Content-Type": mimetypes.guess_type(path.name)[0] or "text/plain"})

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(protocols=("realtime",), max_msg_size=20 * 2**20, compress=False)
        await socket.prepare(request)
        self._loop = asyncio.get_running_loop()
        self._sockets.add(socket)
        session = FakeSession(socket)
        self.sessions.append(session)
        try:
            await session.run()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _dictation(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "ready", "model": "sensevoice-small", "rate": int(request.query["rate"])})
        received = 0
        async for message in socket:
            if message.type == web.WSMsgType.BINARY:
                before, received = received, received + len(message.data)
                for i, done in enumerate(SEGMENTS):
                    at = 30_000 * (i + 1)
                    if before < at - 15_000 <= received:
                        half = done["text"][: len(done["text"]) // 2]
                        await socket.send_json({"type": "partial", "text": half, "stable": half[:4], "language": "zh"})
                    if before < at <= received:
                        await socket.send_json({"type": "final", "segment": done, "processing_s": 0.1})
            else:
                await socket.send_json({"type": "done", "result": transcript()})
                await socket.close()
        return socket

    async def _upload(self, request: web.Request) -> tuple[str, bytes]:
        """(name, bytes) of the file that is sent; it and the form's fields are kept."""
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        self.asr_forms.append({key: str(value) for key, value in form.items() if key != "file"})
        self.uploads.append((upload.filename, upload.file.read()))
        return self.uploads[-1]

    async def _asr(self, request: web.Request) -> web.StreamResponse:
        _, sound = await self._upload(request)
        if not is_sound(sound):
            return web.json_response({"error": NOT_AUDIO}, status=415)
        if self.asr_forms[-1].get("format") == "html":
            return web.Response(text="<!doctype html><title>report</title>", content_type="text/html")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for done in SEGMENTS:
            part = {"type": "segments", "segments": [done], "position_s": done["end_s"], "total_s": 14.4}
            await response.write(f"data: {json.dumps(part)}\n\n".encode())
        await response.write(f"data: {json.dumps({'type': 'done', 'result': transcript()})}\n\n".encode())
        return response


@contextmanager
def running(door: Door, port: int = 0) -> Iterator[str]:
    """The door's address, while it is open."""
    with serving(door.app(), port) as served_at:
        yield f"http://127.0.0.1:{served_at}"


if __name__ == "__main__":
    with running(Door(), 8123) as address:
        print(address, flush=True)
        threading.Event().wait()
