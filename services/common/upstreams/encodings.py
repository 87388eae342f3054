"""Compressed bodies, piece by piece. No request asks for one, yet some gateways send them."""

from __future__ import annotations

import http.client
import zlib
from collections.abc import Iterator

_GZIP = b"\x1f\x8b"
_EITHER = 32 + zlib.MAX_WBITS  # zlib's number for a gzip or zlib header
_RAW = -zlib.MAX_WBITS  # and for none
_MOST = 65536  # bytes given at once: what is compressed may be a thousand times as much
_KNOWN = frozenset(("gzip", "x-gzip", "deflate"))


class EncodingError(http.client.HTTPException):
    """A body in an encoding that is not known here, or not in the one that its header names."""


class BodyDecoder:
    """Of one response. `encoding`: its Content-Encoding, '' for none. Raises EncodingError for an unknown one."""

    def __init__(self, encoding: str) -> None:
        names = [name for name in encoding.lower().replace(" ", "").split(",") if name not in ("", "identity")]
        if len(names) > 1 or not _KNOWN.issuperset(names):
            raise EncodingError(encoding)
        self._is_encoded = bool(names)
        self._start: bytes | None = b""  # None: it is known how the body begins
        self._inflate: zlib._Decompress | None = None

    def decode(self, piece: bytes) -> Iterator[bytes]:
        """What `piece` completes, in parts that are not empty; b"" is the end of the body. Raises EncodingError."""
        if self._start is not None:
            piece = self._start + piece
            if len(piece) < len(_GZIP) and (self._is_encoded or piece == _GZIP[:1]) and len(piece) > len(self._start):
                self._start = piece
                return  # what it begins, the next piece says
            if piece.startswith(_GZIP) or (self._is_encoded and piece):  # gzip may come without its header, too
                self._inflate = zlib.decompressobj(_EITHER if _has_header(piece) else _RAW)
            self._start = None if piece else b""
        if self._inflate:
            yield from self._inflated(piece)
        elif piece:
            yield piece

    def _inflated(self, piece: bytes) -> Iterator[bytes]:
        inflate = self._inflate
        while inflate and piece and not inflate.eof:
            try:
                text = inflate.decompress(piece, _MOST)
            except zlib.error as error:
                raise EncodingError(str(error)) from error
            if text:
                yield text
            piece = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if inflate.eof and piece.startswith(_GZIP):  # another member; anything else is padding
                self._inflate = inflate = zlib.decompressobj(_EITHER)


def _has_header(piece: bytes) -> bool:
    """Whether it begins as gzip or zlib (RFC 1950, 2.2); some send deflate without."""
    is_zlib = piece[0] & 0x0F == zlib.DEFLATED and int.from_bytes(piece[:2].ljust(2, b"\0"), "big") % 31 == 0
    return piece.startswith(_GZIP) or is_zlib
