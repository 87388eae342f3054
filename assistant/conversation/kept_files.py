"""What is kept on this machine of those who talk here, to be shown and to be deleted.

Only files whose name or beginning is that of our own: a folder of the settings may hold others, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from huiyin.assistant.conversation.session_store import is_session, sessions_folder
from huiyin.configs.settings import Settings

_SPEECH = re.compile(r"\.?[0-9a-f]{32}\.npz(?:\..+\.part)?")
_PREPARED = re.compile(r"\.?[0-9a-f]{24}\.pcm(?:\..+\.part)?")
_BEFORE_0_2 = "apologies"  # what `prepared` was called


@dataclass(frozen=True)
class Kept:
    """One kind of what is kept."""

    name: str
    folders: tuple[Path, ...]  # they may not exist
    is_ours: Callable[[Path], bool]

    def files(self) -> Iterator[Path]:
        """Those there are."""
        for folder in self.folders:
            if folder.is_dir():
                yield from sorted(path for path in folder.iterdir() if path.is_file() and self.is_ours(path))


def kinds(settings: Settings) -> list[Kept]:
    """Everything that is kept of people, with these settings."""
    prepared = settings.store.prepared_path
    return [
        Kept("conversations", (sessions_folder(settings.talk),), is_session),
        Kept("spoken sentences", (settings.tts.cache_path,), _named(_SPEECH)),
        Kept("sentences of personas", (prepared, prepared.with_name(_BEFORE_0_2)), _named(_PREPARED)),
    ]


def _named(pattern: re.Pattern[str]) -> Callable[[Path], bool]:
    return lambda path: pattern.fullmatch(path.name) is not None
