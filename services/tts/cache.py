"""Short texts that were spoken before, kept on disk: a greeting or an apology comes at once the second time.

One file a text, named by the hash of all that its sound depends on. Files are written whole and renamed, so that any
number of processes can share the folder; the least recently used go when there are too many bytes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from huiyin.configs.files import whole_file
from huiyin.services.tts.voice_engine import Sound, Speech, WordTiming

log = logging.getLogger(__name__)

LONGEST_CHARS = 100  # of a text worth keeping: longer ones are rarely said twice
_FORMAT = 1  # counted up when what is made of an engine's sound changes
_KEPT_SHARE = 0.9  # of the limit, after files had to go: the next ones do not have to at once
_INT16_MAX = 32767
_SUFFIX = ".npz"


class SpeechCache:
    """Thread-safe, and safe between processes. What cannot be read or written is as if it were not there."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """At most about `limit_bytes` are kept in `folder`; 0: nothing is."""
        self._folder, self._limit = folder, limit_bytes
        self._lock = threading.Lock()

    def wants(self, text: str) -> bool:
        """Whether a text is short enough to be kept."""
        return self._limit > 0 and len(text) <= LONGEST_CHARS

    def cached(self, key: Sequence[object], speech: Iterator[Speech]) -> Iterator[Speech]:
        """What was kept under `key`; else `speech`, which is kept when it has come to its end."""
        stored = self.get(key)
        if stored is not None:
            yield from stored
            return
        whole: list[Speech] = []
        for each in speech:
            whole.append(each)
            yield each
        self.put(key, whole)

    def get(self, key: Sequence[object]) -> list[Speech] | None:
        """What was kept under `key`, words before the sound; None when there is nothing."""
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as file:
                sound: Sound = file["sound"].astype(np.float32) / _INT16_MAX
                words = [WordTiming(int(a), int(b), float(c), float(d)) for a, b, c, d in file["words"]]
            os.utime(path)
        except FileNotFoundError:
            return None
        except Exception as error:  # a broken file: zipfile, numpy and the system have an error each for it
            log.warning("speech that was kept cannot be read (%s): it is made again", error)
            return None
        return [*words, sound]

    def put(self, key: Sequence[object], speech: Sequence[Speech]) -> None:
        """Keep what was made of a text from its beginning to its end."""
        sounds = [each for each in speech if not isinstance(each, WordTiming)]
        words = [(w.start, w.end, w.start_s, w.end_s) for w in speech if isinstance(w, WordTiming)]
        if not sounds:
            return
        samples = np.round(np.concatenate(sounds) * _INT16_MAX).astype(np.int16)
        path = self._path(key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path, private=True) as file:
                np.savez(file, sound=samples, words=np.array(words, np.float64).reshape(-1, 4))
            with self._lock:
                self._make_room()
        except OSError as error:
            log.info("speech cannot be kept in %s: %s", self._folder, error)

    def _path(self, key: Sequence[object]) -> Path:
        named = json.dumps([_FORMAT, *key], ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self._folder / (hashlib.sha256(named).hexdigest()[:32] + _SUFFIX)

    def _make_room(self) -> None:
        """Delete the least recently used files, what a process that died left behind among them."""
        files = []
        for entry in os.scandir(self._folder):
            if entry.name.endswith((_SUFFIX, ".part")):
                facts = entry.stat()
                files.append((facts.st_mtime, facts.st_size, entry.path))
        size = sum(file[1] for file in files)
        if size <= self._limit:
            return
        for _, each, path in sorted(files):
            if size <= _KEPT_SHARE * self._limit:
                break
            size -= each
            Path(path).unlink(missing_ok=True)
