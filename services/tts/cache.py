"""Speech of short texts on disk: a greeting or an apology is not synthesised a second time.

One file a text, named by the hash of all that its sound depends on. Files are written whole and renamed, so several
processes can share the folder. Above the limit the least recently used are deleted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from huiyin.configs.files import whole_file
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import Sound, Speech, WordTiming

log = logging.getLogger(__name__)

LONGEST_CHARS = 100  # of a text: longer ones are rarely said twice
LONGEST_S = 240.0
"""Of the sound of an entry: a hundred letters spelt out at a quarter of the usual speed take less."""
_MOST_SAMPLES = round(LONGEST_S * RATE)
_MOST_BYTES = 2 * _MOST_SAMPLES + 2**16  # of a file: the samples, and the words with their times
_FORMAT = 1  # increased when the processing of an engine's sound changes
_SHARE_AFTER = 0.9  # of the limit that is used after files were deleted, so that the next ones fit
_INT16_MAX = 32767
_SUFFIX = ".npz"


class SpeechCache:
    """Thread-safe, and safe between processes. A file that cannot be read or written counts as missing."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """`folder` holds about `limit_bytes` at most; 0 switches the cache off."""
        self._folder, self._limit = folder, limit_bytes
        self.hits = self.misses = 0
        """Texts asked for that were stored, and that were not."""
        self._lock = threading.Lock()

    def wants(self, text: str) -> bool:
        """Whether a text is short enough to be stored."""
        return self._limit > 0 and len(text) <= LONGEST_CHARS

    def cached(self, key: Sequence[object], speech: Iterator[Speech], *, may_store: bool = True) -> Iterator[Speech]:
        """The speech stored under `key`; else `speech`, which is stored at its end where it may be."""
        stored = self.get(key, note_use=may_store)
        if stored is not None:
            self.hits += 1
            yield from stored
            return
        self.misses += 1
        whole: list[Speech] = []
        for each in speech:
            whole.append(each)
            yield each
        if may_store:
            self.put(key, whole)

    def get(self, key: Sequence[object], *, note_use: bool = True) -> list[Speech] | None:
        """The speech stored under `key`, words before the sound; None without one. `note_use`: it is needed still."""
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as file:
                if sum(part.file_size for part in file.zip.infolist()) > _MOST_BYTES:
                    raise ValueError("it unpacks to more than any speech")
                samples = file["sound"]
                if samples.dtype != np.int16 or samples.ndim != 1:
                    raise ValueError("not samples of 16 bits")
                sound: Sound = samples.astype(np.float32) / _INT16_MAX
                words = [WordTiming(int(a), int(b), float(c), float(d)) for a, b, c, d in file["words"]]
            if note_use:
                os.utime(path)
        except FileNotFoundError:
            return None
        except Exception as error:  # a broken file: zipfile, numpy and the system raise different ones
            log.warning("stored speech cannot be read (%s) and is synthesised again", str(error))
            return None
        return [*words, sound]

    def put(self, key: Sequence[object], speech: Sequence[Speech]) -> None:
        """Store the speech of a whole text."""
        sounds = [each for each in speech if not isinstance(each, WordTiming)]
        words = [(w.start, w.end, w.start_s, w.end_s) for w in speech if isinstance(w, WordTiming)]
        if not sounds or sum(map(len, sounds)) > _MOST_SAMPLES:
            return
        samples = np.round(np.concatenate(sounds) * _INT16_MAX).astype(np.int16)
        path = self._path(key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path, private=True) as file:
                np.savez(file, sound=samples, words=np.array(words, np.float64).reshape(-1, 4))
        except OSError as error:
            log.info("speech cannot be stored in %s: %s", self._folder, str(error))
            return
        with self._lock, suppress(OSError):  # another process may tidy at the same time; what was stored is stored
            self._make_room()

    def _path(self, key: Sequence[object]) -> Path:
        name = json.dumps([_FORMAT, *key], ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self._folder / (hashlib.sha256(name).hexdigest()[:32] + _SUFFIX)

    def _make_room(self) -> None:
        """Delete the least recently used files, including parts left by a process that died."""
        files = []
        for entry in os.scandir(self._folder):
            if entry.name.endswith((_SUFFIX, ".part")):
                with suppress(FileNotFoundError):
                    stat = entry.stat()
                    files.append((stat.st_mtime, stat.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        if total <= self._limit:
            return
        for _, size, path in sorted(files):
            if total <= _SHARE_AFTER * self._limit:
                break
            total -= size
            Path(path).unlink(missing_ok=True)
