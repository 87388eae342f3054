"""The command itself: which recordings, where their results go, and what the user sees meanwhile."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from huiyin.assistant.clients.ray_cluster import connected
from huiyin.assistant.faces.cli.archive.stores import Stored, find_stored, is_url
from huiyin.assistant.faces.cli.archive.worker import Failed, Order, Task
from huiyin.assistant.faces.cli.shared import STDIN, CommandError, UsageError, read_hotwords, read_phrases
from huiyin.assistant.faces.cli.transcribe_files import SCREEN, Named, find, opened, with_targets
from huiyin.assistant.faces.cli.transcribe_one import Position, Transcribed, options_of
from huiyin.assistant.faces.cli.transcribe_summary import Summary, print_line, print_problem
from huiyin.configs.messages import language, said
from huiyin.configs.packages.extras import check_present
from huiyin.configs.settings import Settings, as_arguments

HIDDEN = ".huiyin"
"""The folder, within that of the results, with what is kept of unfinished recordings."""
_JOBS, _MARK, _LOCK = "jobs", "run", "lock"
_BAR = "{desc}: {percentage:3.0f}%|{bar:20}| {elapsed}<{remaining}"
_LINE_EVERY_S = 30.0  # where there is no terminal for a bar


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Transcribe them. Returns 0, or 1 when one of them could not be."""
    if args.out in (None, SCREEN) or STDIN in args.file:
        raise UsageError("cli.ray_files_only")
    if args.report or args.summary or args.clips:
        raise UsageError("cli.ray_no_report")
    check_present(["ray"])
    hotwords, phrases = read_hotwords(args.hotwords), read_phrases(args.phrases)
    found: list[Named] = []
    for name in args.file:
        found += (find_stored if is_url(name) else _find)(name, recursive=args.recursive)
    found = with_targets(found, args.format, args.out, several=True)
    with Summary(len(found), shown=True) as summary, _hidden(Path(args.out).resolve()) as folder:
        if tasks := _tasks(found, folder, summary, force=args.force):
            keep = [] if settings.jobs.dir else [f"jobs.dir={folder / _JOBS}"]
            mark, text = folder / _MARK, secrets.token_hex()
            mark.write_text(text)
            options = options_of(args, settings, hotwords, phrases)
            profile = as_arguments(args.profile, ())[-1] if args.profile else None  # a file's path in full
            order = Order(profile, (*args.set, *keep), args.format, options, language(), str(mark), text)
            with connected(args.ray):
                _work(order, tasks, settings, summary)
        if not summary.left:
            shutil.rmtree(folder / _JOBS, ignore_errors=True)
    return 1 if summary.failures else 0


def _find(name: str, *, recursive: bool) -> list[Named]:
    return find([name], recursive=recursive)


def _tasks(found: Sequence[Named], folder: Path, summary: Summary, *, force: bool) -> list[Task]:
    """Those that are to be done and can be, as far as is known here. Pipes are copied into `folder`."""
    tasks = []
    for named in found:
        assert named.target is not None
        target = str(named.target.resolve())
        if not force and named.is_done:
            summary.done_before()
        elif isinstance(named, Stored):
            tasks.append(Task(named.label, named.url, named.size or 0, target))
        else:
            try:
                recording = opened(named, folder)
                tasks.append(Task(named.label, str(recording.path.resolve()), recording.size, target))
            except (CommandError, OSError) as error:
                summary.failed(named.label, getattr(error, "strerror", None) or error)
    return tasks


@contextmanager
def _hidden(out: Path) -> Iterator[Path]:
    """Its hidden folder, which no other run uses meanwhile; it goes when nothing is unfinished. Raises CommandError."""
    folder = out / HIDDEN
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            try:
                yield folder
            finally:
                if not any(path.is_dir() for path in (folder / _JOBS).glob("*")):
                    shutil.rmtree(folder, ignore_errors=True)
    except Timeout as error:
        raise CommandError("cli.ray_other_run", folder=out) from error


def _work(order: Order, tasks: Sequence[Task], settings: Settings, summary: Summary) -> None:
    from huiyin.assistant.faces.cli.archive.pool import Again, Pool  # needs Ray

    gpus = int(settings.asr.device.startswith("cuda"))
    pool = Pool(order, tasks, settings.asr.threads, gpus, lambda line: print_line(line, sys.stderr))
    with _Progress(tasks, summary) as progress:
        try:
            for happened in pool.steps():
                if happened is not None:
                    task, step = happened
                    if isinstance(step, Again):
                        print_line(said("cli.ray_again", label=task.label, why=step.why), sys.stderr)
                    progress.put(task, step)
                progress.show(pool.size)
        finally:
            pool.close()


class _Progress:
    """A bar for all recordings by their bytes, or a line now and then; a line for each that is done."""

    def __init__(self, tasks: Sequence[Task], summary: Summary) -> None:
        self._summary, self._count, self._done = summary, len(tasks), 0
        self._bytes, self._whole = 0.0, sum(task.size for task in tasks)
        self._under_way: dict[str, float] = {}  # bytes of each that is in hand
        self._began_s = self._shown_s = time.monotonic()
        self._bar: tqdm[Any] = tqdm(total=self._whole, disable=None, bar_format=_BAR, leave=False, file=sys.stderr)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def put(self, task: Task, step: object) -> None:
        """What has happened to a recording."""
        if isinstance(step, Position):
            self._under_way[task.target] = step.share * task.size
            return
        self._under_way.pop(task.target, None)
        if isinstance(step, Transcribed):
            for remark in step.remarks:
                print_problem(task.label, remark)
            print_line(f"{task.label} -> {task.target}", sys.stderr)
            self._summary.transcribed(step.duration_s)
        elif isinstance(step, Failed):
            self._summary.failed(task.label, step.why)
        else:
            return
        self._done += 1
        self._bytes += task.size

    def show(self, workers: int) -> None:
        """Where it is now."""
        took_s = time.monotonic() - self._began_s
        facts = {"done": self._done, "count": self._count, "workers": workers}
        line = said("cli.ray_progress", **facts, speed=self._summary.sound_s / max(took_s, 1e-3))
        if not self._bar.disable:
            self._bar.set_description_str(line, refresh=False)
            self._bar.update(min(self._whole, self._bytes + sum(self._under_way.values())) - self._bar.n)
        elif time.monotonic() > self._shown_s + _LINE_EVERY_S:
            self._shown_s = time.monotonic()
            print_line(line, sys.stderr)
