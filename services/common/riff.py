"""WAV files that FFmpeg would misread, made readable for it.

- A chunk of odd length is followed by a zero byte that its length does not count. Some programs leave that out, and
  FFmpeg then looks for the next chunk a byte too late. Nor does it expect an empty LIST or a format after the sound.
- Of PCM with fewer bits in use than a sample has (24 of 32) it reads noise, and so with a false block size.
- Of big-endian files (RIFX) it swaps no bytes.

Such a file gets a plain header before its sound: that of a WAV, or for big-endian numbers of an AU file.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from huiyin.services.common.errors import ApiError
from huiyin.services.common.headers import bytes_left

_HEADER = 12  # "RIFF", length, "WAVE"
_CHUNK_HEADER = 8  # name, length
_MOST_CHUNKS = 1000
_LONGEST_FORMAT = 1024  # bytes; a usual one has 16 to 40
_SHORTEST_LIST = 4  # bytes: the kind of list

_PCM, _EXTENSIBLE = 1, 0xFFFE
_PCM_GUID = struct.pack("<I", _PCM) + bytes.fromhex("00001000800000aa00389b71")
_AU_ENCODINGS = {2: 3, 3: 4, 4: 5}  # by bytes a sample


@dataclass(frozen=True)
class _Chunk:
    """Where a chunk's content is, in bytes from the start of the file."""

    name: bytes
    start: int
    length: int
    in_place: bool
    """FFmpeg finds it."""


def readable(file: BinaryIO) -> BinaryIO:
    """`file`, or in its place one with the same sound that FFmpeg reads. It stands where `file` stood.

    Raises ApiError 422 for PCM whose header contradicts itself: it would become noise.
    """
    chunks = {chunk.name: chunk for chunk in reversed(list(_chunks(file)))}
    form, data = chunks.get(b"fmt "), chunks.get(b"data")
    if not form or not data or form.length > _LONGEST_FORMAT:
        return file
    here = file.tell()
    big_endian = file.read(4) == b"RIFX"
    file.seek(form.start)
    content = file.read(form.length)
    file.seek(here)
    plain = _plain(content, ">" if big_endian else "<")
    if big_endian and (plain is None or plain.width > 1):
        return _au(plain, file, data) if plain else file
    in_order = form.in_place and data.in_place and form.start < data.start
    if in_order and (plain is None or plain.header == content[: len(plain.header)]):
        return file
    header = plain.header if plain else content + bytes(len(content) % 2)
    head = b"WAVEfmt " + _length(len(header)) + header + b"data" + _length(data.length)
    return cast(BinaryIO, _Behind(b"RIFF" + _length(len(head) + data.length) + head, file, data))


@dataclass(frozen=True)
class _Plain:
    """PCM as its format chunk describes it."""

    channels: int
    rate: int
    width: int
    """Bytes a sample."""

    @property
    def header(self) -> bytes:
        """A format chunk without contradictions."""
        block = self.channels * self.width
        return struct.pack("<HHIIHH", _PCM, self.channels, self.rate, self.rate * block % 2**32, block, 8 * self.width)


def _plain(content: bytes, order: str) -> _Plain | None:
    """None for anything but PCM. Raises ApiError."""
    if len(content) < struct.calcsize("<HHIIHH"):
        return None
    tag, channels, rate, _, block, bits = struct.unpack_from(f"{order}HHIIHH", content)
    if tag != _PCM and not (tag == _EXTENSIBLE and content[24:40] == _PCM_GUID):
        return None
    width = -(-bits // 8)
    if not 1 <= width <= 8 or not channels or (bits % 8 and block != channels * width):
        raise ApiError(422, "services.not_audio")
    return _Plain(channels, rate, width) if channels * width < 2**16 else None


def _au(plain: _Plain, file: BinaryIO, data: _Chunk) -> BinaryIO:
    if plain.width not in _AU_ENCODINGS:
        raise ApiError(422, "services.not_audio")
    size = min(data.length, 0xFFFFFFFF)
    head = struct.pack(">4s5I", b".snd", 24, size, _AU_ENCODINGS[plain.width], plain.rate, plain.channels)
    return cast(BinaryIO, _Behind(head, file, data))


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
        if header[:4] not in (b"RIFF", b"RIFX") or header[8:] != b"WAVE":
            return
        at, end, in_place = start + _HEADER, start + left, True
        for _ in range(_MOST_CHUNKS):
            file.seek(at)
            name = file.read(4)
            length = int.from_bytes(file.read(4), "little" if header[:4] == b"RIFF" else "big")
            at += _CHUNK_HEADER
            if not _is_name(name) or at > end:
                return
            if name == b"data" and not length:  # written as a stream, to the end
                length = end - at
            yield _Chunk(name, at, min(length, end - at), in_place)
            in_place = in_place and not (name == b"LIST" and length < _SHORTEST_LIST)
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
