"""WAV files whose chunks do not follow each other as they should, made readable for FFmpeg.

A chunk of odd length is followed by a zero byte that its length does not count. Some programs leave that out, and
FFmpeg then looks for the next chunk a byte too late and finds no sound. Others write the format after the sound.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from huiyin.services.common.headers import bytes_left

_HEADER = 12  # "RIFF", length, "WAVE"
_CHUNK_HEADER = 8  # name, length
_MOST_CHUNKS = 1000
_LONGEST_FORMAT = 1024  # bytes; a usual one has 16 to 40


@dataclass(frozen=True)
class _Chunk:
    """Where a chunk's content is, in bytes from the start of the file."""

    name: bytes
    start: int
    length: int
    in_place: bool
    """A reader that follows the standard finds it."""


def readable(file: BinaryIO) -> BinaryIO:
    """`file`, or in its place a WAV with the same sound whose chunks are in order. Both stand where `file` stood."""
    chunks = {chunk.name: chunk for chunk in reversed(list(_chunks(file)))}
    form, data = chunks.get(b"fmt "), chunks.get(b"data")
    if not form or not data or form.length > _LONGEST_FORMAT:
        return file
    if form.in_place and data.in_place and form.start < data.start:
        return file
    here = file.tell()
    file.seek(form.start)
    content = file.read(form.length)
    file.seek(here)
    content += bytes(len(content) % 2)
    head = b"WAVEfmt " + _length(len(content)) + content + b"data" + _length(data.length)
    return cast(BinaryIO, _Behind(b"RIFF" + _length(len(head) + data.length) + head, file, data))


def _length(count: int) -> bytes:
    return min(count, 0xFFFFFFFF).to_bytes(4, "little")


def _chunks(file: BinaryIO) -> Iterator[_Chunk]:
    """The chunks of a WAV file up to the first that cannot be one, none of other files."""
    left = bytes_left(file)
    if left is None:
        return
    start = file.tell()
    try:
        header = file.read(_HEADER)
        if header[:4] != b"RIFF" or header[8:] != b"WAVE":
            return
        at, end, in_place = start + _HEADER, start + left, True
        for _ in range(_MOST_CHUNKS):
            file.seek(at)
            name, length = file.read(4), int.from_bytes(file.read(4), "little")
            at += _CHUNK_HEADER
            if len(name) < 4 or not _is_name(name) or at > end:
                return
            if name == b"data" and not length:  # written as a stream, to the end
                length = end - at
            yield _Chunk(name, at, min(length, end - at), in_place)
            at += length
            if length % 2:
                file.seek(at)
                padded = file.read(5)
                if _is_name(padded[:4]) and not _is_name(padded[1:]):
                    in_place = False  # the pad byte is missing
                else:
                    at += 1
    finally:
        file.seek(start)


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)


class _Behind(io.RawIOBase):
    """A header, and one chunk of a file behind it, as a file."""

    def __init__(self, head: bytes, file: BinaryIO, chunk: _Chunk) -> None:
        self._head, self._file, self._chunk = head, file, chunk
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._head) + self._chunk.length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the beginning of `buffer`; from the head or from the chunk, not from both."""
        behind = self._at - len(self._head)
        if behind < 0:
            data = self._head[self._at : self._at + len(buffer)]
        else:
            self._file.seek(self._chunk.start + behind)
            data = self._file.read(max(0, min(len(buffer), self._chunk.length - behind)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
