"""The length of sound files by their headers, where FFmpeg does not pass it on."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

_RIFF_UNKNOWN = 0x7FFF0000  # sizes from here on mean "written as a stream, length unknown"
_ID3_HEADER = 10
_MP3_TAG_WITHIN = 256  # bytes from the first frame's start
_MP3_TAGS = (b"Xing", b"Info", b"VBRI")


def bytes_left(file: BinaryIO) -> int | None:
    """Bytes from here to the end, None when the stream cannot seek."""
    try:
        here = file.tell()
        file.seek(0, os.SEEK_END)
        end = file.tell()
        file.seek(here)
    except (OSError, AttributeError, io.UnsupportedOperation):
        return None
    return end - here


def riff_bytes(file: BinaryIO) -> int:
    """The file size by a WAV header, 0 for other files and where it is unknown.

    FFmpeg takes the length of PCM from the size of the file: a cut-off WAV would look whole.
    """
    header = _peek(file, 0, 12)
    size = int.from_bytes(header[4:8], "little")
    is_wav = header[:4] == b"RIFF" and header[8:] == b"WAVE"
    return size + 8 if is_wav and 0 < size < _RIFF_UNKNOWN else 0


def mp3_has_frame_count(file: BinaryIO) -> bool:
    """Whether an mp3's first frame has the number of frames; else FFmpeg guesses the length from one bit rate."""
    id3 = _peek(file, 0, _ID3_HEADER)
    start = 0
    if id3[:3] == b"ID3" and len(id3) == _ID3_HEADER:
        start = _ID3_HEADER + sum(byte << shift for byte, shift in zip(id3[6:], (21, 14, 7, 0), strict=True))
    return any(tag in _peek(file, start, _MP3_TAG_WITHIN) for tag in _MP3_TAGS)


def _peek(file: BinaryIO, offset: int, count: int) -> bytes:
    """Bytes from `offset` on, without moving; none when the stream cannot seek."""
    if bytes_left(file) is None:
        return b""
    here = file.tell()
    file.seek(here + offset)
    data = file.read(count)
    file.seek(here)
    return data
