"""A form with a file in it, sent as it is read: nothing of a long recording is kept in memory."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from typing import BinaryIO

_READ = 2**16  # bytes


class FormUpload:
    """The body of a multipart/form-data request: `fields`, then `size` bytes of `file` as field 'file'."""

    def __init__(self, fields: Mapping[str, str], file: BinaryIO, size: int) -> None:
        boundary = secrets.token_hex(16)
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
        head += "Content-Type: application/octet-stream\r\n\r\n"
        self._before, self._file, self._after = head.encode(), file, f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.length = len(self._before) + size + len(self._after)

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """The body, piece by piece."""
        yield self._before
        while piece := self._file.read(_READ):
            yield piece
            await asyncio.sleep(0)  # a refusal that has come is read before more is sent
        yield self._after
