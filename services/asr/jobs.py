"""Recordings that are transcribed bit by bit: what is done outlives the request, its client and the service.

A job is a folder, named for the recording's bytes and the options that change its words. So the same recording with the
same options is the same job, and goes on where it was. There are two kinds:

*Followed*: its client has the recording and reads the results as they come. It runs while the client is there, and goes
on when the client brings the recording again. In its folder is a journal alone.

*On its own*: the recording is in the folder, too. It runs in the background, one after the other in a few threads, also
after a restart of the service, until it is done; the client asks for it when it likes.

One at a time works on a job, also of several services that share the folder: its lock file says so.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import queue
import re
import shutil
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from huiyin.configs.files import whole_file
from huiyin.configs.jobs_settings import JobsSettings
from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.http.request import Job
from huiyin.services.asr.journal import Contents, Journal, peek, read
from huiyin.services.asr.queue import Caller
from huiyin.services.asr.recogniser import Hints, join_texts
from huiyin.services.asr.serving import Serving
from huiyin.services.asr.transcribe import Part, Steps, transcribe
from huiyin.services.common.audio import AudioReader
from huiyin.services.common.errors import ApiError
from huiyin.services.common.pcm import PcmFormat
from huiyin.services.common.watch import ClientLeft

log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{32}")
_JOURNAL, _REQUEST, _RECORDING, _ERROR = "pieces.jsonl", "job.json", "recording", "error.json"
_POLL_S = 0.1  # how often one who waits for a job checks whether its client is still there
_STOP_LIMIT_S = 60.0  # for the piece in hand to be done
_DAY_S = 86_400.0
_SWEEP_S = 3600.0  # between two looks for what is too old


@dataclass
class _Run:
    """A job on its own that waits or runs in this process."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    running: bool = False
    position_s: float = 0.0
    known_s: float = 0.0
    """Up to where it was done when it began to run."""
    texts: list[str] = field(default_factory=list)
    """Of its segments so far: who asks for them again and again reads no journal."""

    def begin(self, contents: Contents) -> None:
        """It runs from now on, from where it was."""
        self.texts = [segment.text for segment in contents.segments]
        self.position_s = self.known_s = contents.position_s
        self.running = True

    def add(self, part: Part) -> None:
        """A part is done, or was already."""
        if part.position_s > self.known_s:
            self.texts += [segment.text for segment in part.segments]
            self.position_s = max(self.position_s, part.position_s)


class Jobs:
    """One for each service; used from all its threads."""

    def __init__(self, serving: Serving, settings: JobsSettings, asr: AsrSettings) -> None:
        """Goes on with the jobs that run on their own, and deletes those that are too old."""
        self._serving, self._settings, self._asr, self._folder = serving, settings, asr, settings.path
        self._runs: dict[str, _Run] = {}
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._delete_old()
        for job_id in self.ids():
            if self._status(job_id, peek(self._folder / job_id / _JOURNAL)) == "waiting":
                self._enqueue(job_id)
        for number in range(settings.at_once):
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True).start()

    # -- followed ----------------------------------------------------------------------------------------------------

    def followed(self, job: Job, caller: Caller) -> tuple[str, Steps]:
        """(id of the job, its steps from where it was). The id is '' where nothing may be kept. Raises ApiError."""
        key = job.key(caller.check)
        if key is None:
            return "", self._serving.steps(job, caller)
        job_id = _id_of(key)
        return job_id, self._follow(job_id, key, job, caller)

    def _follow(self, job_id: str, key: Hashable, job: Job, caller: Caller) -> Steps:
        with self._held(job_id, caller.check) as folder:
            try:
                with self._journal(folder) as journal:
                    if transcript := journal.contents.transcript:
                        yield transcript
                    else:
                        yield from self._serving.steps(job, caller, journal, key)
            except ApiError:
                if not peek(folder / _JOURNAL).pieces and not (folder / _REQUEST).exists():
                    shutil.rmtree(folder, ignore_errors=True)
                raise

    # -- on its own --------------------------------------------------------------------------------------------------

    def add(self, job: Job, caller: Caller) -> str:
        """Have it run on its own; gives its id. One that has failed is tried again; of one that is known the result is
        as it is wished now. Raises ApiError."""
        key = job.key(caller.check)
        if key is None:
            raise ApiError(422, "asr.job_not_kept")
        job_id = _id_of(key)
        if job_id in self._runs:
            _wish(self._folder / job_id, job)
        else:
            with self._held(job_id, caller.check) as folder, _on_disk(folder):
                if not (folder / _REQUEST).exists():
                    _write(folder, job, caller.check)
                _wish(folder, job)
                (folder / _ERROR).unlink(missing_ok=True)
            self._enqueue(job_id)
        return job_id

    def retry(self, job_id: str, check: Callable[[], object]) -> None:
        """Have one that has failed run once more; any other is left as it is. Raises ApiError 404, 409, 507."""
        if self.recording(job_id)[0] is None:
            raise ApiError(409, "asr.job_without_recording", job=job_id)
        if self._status(job_id, peek(self._folder / job_id / _JOURNAL)) == "failed":
            with self._held(job_id, check) as folder, _on_disk(folder):
                (folder / _ERROR).unlink(missing_ok=True)
            self._enqueue(job_id)

    def _enqueue(self, job_id: str) -> None:
        run = _Run()
        if self._runs.setdefault(job_id, run) is run:
            self._waiting.put(job_id)

    def _work(self) -> None:
        while True:
            try:
                job_id = self._waiting.get(timeout=_SWEEP_S)
            except queue.Empty:
                self._delete_old()
                continue
            try:
                self._run(job_id, self._runs[job_id])
            except ClientLeft:
                pass
            except ApiError as error:
                self._fail(job_id, error)
            except Exception:
                log.exception("unexpected error in a job")
                self._fail(job_id, ApiError(500, "services.internal_error"))
            del self._runs[job_id]

    def _run(self, job_id: str, run: _Run) -> None:
        while self._serving.host.state == "loading":
            with suppress(ApiError):
                self._serving.host.get()
        recogniser = self._serving.recogniser
        # It has waited for its place here already: it is never refused as one too many.
        caller = Caller(short=False, left=run.cancelled.is_set, accepted=True)
        with self._held(job_id, caller.check) as folder:
            if not (folder / _REQUEST).exists() or peek(folder / _JOURNAL).whole is not None:
                return
            _, hints, pcm = _read_request(folder)
            reader = AudioReader(folder / _RECORDING, self._asr.max_duration_s, pcm)
            with self._journal(folder) as journal:
                run.begin(journal.contents)
                for step in transcribe(recogniser, reader, recogniser.decided(hints, caller), caller, journal):
                    if isinstance(step, Part):
                        run.add(step)

    def _fail(self, job_id: str, error: ApiError) -> None:
        if self._serving.host.state == "ready":  # else it may go on when the service has been put right
            with suppress(OSError), whole_file(self._folder / job_id / _ERROR, private=True) as file:
                file.write(json.dumps({"status": error.status, **error.body()}).encode())

    # -- all ---------------------------------------------------------------------------------------------------------

    def ids(self) -> list[str]:
        """Of all jobs, the oldest first."""
        if not self._folder.is_dir():
            return []
        folders = [path for path in self._folder.iterdir() if _ID.fullmatch(path.name) and _touched(path)]
        return [path.name for path in sorted(folders, key=_touched)]

    def views(self) -> Iterator[dict[str, Any]]:
        """All jobs for JSON, without their texts, the oldest first."""
        for job_id in self.ids():
            with suppress(ApiError):  # deleted meanwhile
                yield self.view(job_id, text=False)

    def view(self, job_id: str, *, text: bool = True) -> dict[str, Any]:
        """A job for JSON, with its text so far. Raises ApiError 404."""
        folder = self._known(job_id)
        contents = peek(folder / _JOURNAL)
        status = self._status(job_id, contents)
        run = self._runs.get(job_id)
        position_s = max(contents.position_s, run.position_s if run else 0.0)
        length_s = contents.total_s
        if contents.whole:
            position_s = length_s or 0.0
        share = 1.0 if status == "done" else min(1.0, position_s / length_s) if length_s else None
        request = _json(folder / _REQUEST)
        error = _json(folder / _ERROR).get("error") if status == "failed" else None
        so_far = "" if not text else join_texts(list(run.texts)) if run and run.running else self.contents(job_id).text
        return {
            "id": job_id,
            "object": "transcription.job",
            "status": status,
            "title": request.get("title", ""),
            "created_at": request.get("created_at"),
            "position_s": round(position_s, 3),
            "duration_s": None if length_s is None else round(length_s, 3),
            "progress": None if share is None else round(share, 4),
            **({"text": so_far} if text else {}),
            "summary": contents.whole,
            "error": error,
        }

    def contents(self, job_id: str) -> Contents:
        """Its journal. Raises ApiError 404."""
        return read(self._known(job_id) / _JOURNAL)

    def recording(self, job_id: str) -> tuple[Path | None, PcmFormat | None, str]:
        """(the recording, its format where it is bare samples, its title); None where its client has it alone."""
        folder = self._known(job_id)
        if not (folder / _REQUEST).exists():
            return None, None, ""
        title, _, pcm = _read_request(folder)
        return folder / _RECORDING, pcm, title

    def wishes(self, job_id: str) -> Mapping[str, Any]:
        """`Job.wishes` of who has brought it; nothing where its client has the recording alone. Raises ApiError 404."""
        return dict(_json(self._known(job_id) / _REQUEST).get("wishes", {}))

    def delete(self, job_id: str, check: Callable[[], object]) -> None:
        """Stop it and delete all of it. Raises ApiError 404; 409 where it does not stop."""
        self._known(job_id)
        if run := self._runs.get(job_id):
            run.cancelled.set()
        self._delete(job_id, check)

    def _delete(self, job_id: str, check: Callable[[], object] = lambda: None, limit_s: float = _STOP_LIMIT_S) -> None:
        with self._held(job_id, check, limit_s) as folder:
            shutil.rmtree(folder, ignore_errors=True)

    def _known(self, job_id: str) -> Path:
        folder = self._folder / job_id
        if not _ID.fullmatch(job_id) or not _touched(folder):
            raise ApiError(404, "asr.job_not_found", job=job_id[:40])
        return folder

    def _status(self, job_id: str, contents: Contents) -> str:
        folder, run = self._folder / job_id, self._runs.get(job_id)
        if contents.whole is not None:
            return "done"
        if run:
            return "stopping" if run.cancelled.is_set() else "running" if run.running else "waiting"
        if (folder / _ERROR).exists():
            return "failed"
        return "waiting" if (folder / _REQUEST).exists() else "suspended"

    def _delete_old(self) -> None:
        """Old jobs that are not running and have not gone on for `keep_days`, and the locks of deleted ones."""
        since_s = time.time() - self._settings.keep_days * _DAY_S
        for folder in self._folder.glob("*"):  # one without a job is of a service that was killed in the beginning
            job_id = folder.name
            if _ID.fullmatch(job_id) and job_id not in self._runs and _touched(folder) < since_s:
                with suppress(ApiError):
                    self._delete(job_id, limit_s=0.0)
        for lock in self._folder.glob("*.lock"):
            with suppress(OSError):
                if lock.stat().st_mtime < since_s and not lock.with_suffix("").exists():
                    lock.unlink()

    def _journal(self, folder: Path) -> Journal:
        recogniser, asr = self._serving.recogniser, self._asr
        # What the pieces and their words depend on, besides what the job is named for.
        identity = {
            "engine": asr.engine,
            "model": recogniser.engine.model,
            "precision": asr.precision,
            "languages": list(asr.languages),
            "careful": asr.careful,
            "vad": recogniser.detectors().name,
            "piece_s": recogniser.plan.piece_s,
        }
        with _on_disk(folder):
            return Journal(folder / _JOURNAL, identity, recogniser.engine.model)

    @contextmanager
    def _held(self, job_id: str, check: Callable[[], object], limit_s: float = float("inf")) -> Iterator[Path]:
        """The folder of the job, locked against other threads and processes.

        `check` is called while another does, and may raise. Raises ApiError 409 after `limit_s`, 507.
        """
        folder = self._folder / job_id
        with _on_disk(folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self._folder / f"{job_id}.lock", thread_local=False)
            end_s = time.monotonic() + limit_s
            while not lock.is_locked:
                check()
                with suppress(Timeout):
                    lock.acquire(timeout=_POLL_S)
                if not lock.is_locked and time.monotonic() > end_s:
                    raise ApiError(409, "asr.job_busy", job=job_id, retry_after_s=_STOP_LIMIT_S)
        try:
            with _on_disk(folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            yield folder
        finally:
            lock.release()


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """Raises ApiError 507 for an OSError within."""
    try:
        yield
    except OSError as error:
        raise ApiError(507, "asr.journal_not_written", path=folder, why=error.strerror or error) from error


def _id_of(key: Hashable) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:32]


def _touched(folder: Path) -> float:
    """When a job went on last, in seconds since 1970; 0 for a folder without a job."""
    times = [file.stat().st_mtime for name in (_JOURNAL, _REQUEST) if (file := folder / name).exists()]
    return max(times, default=0.0)


def _write(folder: Path, job: Job, check: Callable[[], object]) -> None:
    """The recording first: where the request is, it is whole. Raises OSError, what `check` raises."""
    with whole_file(folder / _RECORDING, private=True, durable=True) as file, job.opened() as source:
        shutil.copyfileobj(source, file)
    try:
        check()  # one who has left meanwhile does not know the job's id
    except BaseException:
        (folder / _RECORDING).unlink()
        raise
    request = {
        "title": job.title,
        "created_at": round(time.time()),
        "hints": dataclasses.asdict(job.hints),
        "pcm": dataclasses.asdict(job.pcm) if job.pcm else None,
        "wishes": dict(job.wishes),
    }
    with whole_file(folder / _REQUEST, private=True, durable=True) as file:
        file.write(json.dumps(request, ensure_ascii=False).encode())


def _wish(folder: Path, job: Job) -> None:
    """Keep what its caller wants the result to be. Raises ApiError 507."""
    request = _json(folder / _REQUEST)
    wishes = {**request.get("wishes", {}), **job.wishes}
    if request and wishes != request.get("wishes", {}):
        with _on_disk(folder), whole_file(folder / _REQUEST, private=True, durable=True) as file:
            file.write(json.dumps({**request, "wishes": wishes}, ensure_ascii=False).encode())


def _json(path: Path) -> dict[str, Any]:
    """What is in a file; nothing where it is not there (any more)."""
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}


def _read_request(folder: Path) -> tuple[str, Hints, PcmFormat | None]:
    request: Mapping[str, Any] = json.loads((folder / _REQUEST).read_bytes())
    hints: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in request["hints"].items()
    }
    return request["title"], Hints(**hints), PcmFormat(**request["pcm"]) if request["pcm"] else None
