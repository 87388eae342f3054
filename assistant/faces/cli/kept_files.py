"""What is kept on this machine of those who talk here, to be shown and to be deleted.

Only files whose name or beginning is that of our own: a folder of the settings may hold others, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from huiyin.assistant.conversation.prepared_speech import prepared_folder
from huiyin.assistant.conversation.session_store import is_session, sessions_folder
from huiyin.assistant.ears.voiceprint import voice_file
from huiyin.assistant.tools.memory import memory_file
from huiyin.assistant.tools.reminders import reminders_file
from huiyin.configs.settings import Settings

_SPEECH = re.compile(r"\.?[0-9a-f]{32}\.npz(?:\..+\.part)?")
_PREPARED = re.compile(r"\.?[0-9a-f]{24}\.pcm(?:\..+\.part)?")
# The files of a job lie in a folder of its own (`services/asr/jobs.py`), beside which its lock is.
_JOB = re.compile(r"[0-9a-f]{32}")
_OF_A_JOB = re.compile(r"(?:pieces\.jsonl|\.?(?:job\.json|error\.json|recording)(?:\..+\.part)?)")
_BEFORE_0_2 = "apologies"  # what `prepared` was called
_OF_A_DATABASE = ("", "-journal", "-wal", "-shm")  # what SQLite adds to the name of its files


@dataclass(frozen=True)
class Kept:
    """One kind of what is kept."""

    name: str  # key of its name, in `configs/messages/privacy.toml`
    folders: tuple[Path, ...]  # they may not exist
    is_ours: Callable[[Path], bool]
    deep: bool = False  # in folders below these, too

    def files(self) -> Iterator[Path]:
        """Those there are."""
        for folder in self.folders:
            if folder.is_dir():
                inside = folder.rglob("*") if self.deep else folder.iterdir()
                yield from sorted(path for path in inside if path.is_file() and self.is_ours(path))


def kinds(settings: Settings) -> list[Kept]:
    """Everything that is kept of people, with these settings."""
    prepared = prepared_folder(settings.store)
    return [
        Kept("privacy.conversations", (sessions_folder(settings.talk),), is_session),
        Kept("privacy.memory", (memory_file().parent,), _database(memory_file())),
        Kept("privacy.reminders", (reminders_file().parent,), _database(reminders_file())),
        Kept("privacy.voice", (voice_file().parent,), lambda path: path.name == voice_file().name),
        Kept("privacy.spoken", (settings.tts.cache_path,), _named(_SPEECH)),
        Kept("privacy.prepared", (prepared, prepared.with_name(_BEFORE_0_2)), _named(_PREPARED)),
        Kept("privacy.recordings", (settings.jobs.path,), _is_of_a_job, deep=True),
    ]


def _is_of_a_job(path: Path) -> bool:
    if _JOB.fullmatch(path.parent.name):
        return _OF_A_JOB.fullmatch(path.name) is not None
    return path.suffix == ".lock" and _JOB.fullmatch(path.stem) is not None


def _database(file: Path) -> Callable[[Path], bool]:
    names = {file.name + ending for ending in _OF_A_DATABASE}
    return lambda path: path.name in names


def _named(pattern: re.Pattern[str]) -> Callable[[Path], bool]:
    return lambda path: pattern.fullmatch(path.name) is not None
