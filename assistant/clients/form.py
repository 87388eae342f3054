"""A form with a file in it, sent as it is read: nothing of a long recording is kept in memory."""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping
from typing import BinaryIO


class FormUpload:
    """Reads as the body of a multipart/form-data request: `fields`, then `size` bytes of `file` as field 'file'."""

    def __init__(self, fields: Mapping[str, str], file: BinaryIO, size: int) -> None:
        boundary = secrets.token_hex(16)
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
        head += "Content-Type: application/octet-stream\r\n\r\n"
        before, after = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self._parts: list[BinaryIO] = [io.BytesIO(before), file, io.BytesIO(after)]
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.length = len(before) + size + len(after)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; b'' at the end."""
        while self._parts:
            if data := self._parts[0].read(size):
                return data
            del self._parts[0]
        return b""
