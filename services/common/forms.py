"""Forms whose file names are not UTF-8: the file counts, not the letters of its name."""

from __future__ import annotations

from werkzeug import formparser
from werkzeug.datastructures import Headers
from werkzeug.sansio.multipart import MultipartDecoder


class TolerantDecoder(MultipartDecoder):
    """Replaces what is not UTF-8 in the header of a part; Werkzeug then drops the whole form without a word."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        return super()._parse_headers(data.decode("utf-8", "replace").encode())


def install() -> None:
    """Werkzeug reads forms with it from now on; it has no setting for that."""
    formparser.MultipartDecoder = TolerantDecoder  # type: ignore[misc]
