"""Headerless PCM, which a dialogue loop sends for a turn, and its Content-Type."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.services.common.errors import ApiError

RATES_HZ = (1_000, 768_000)  # sample rates that exist; anything else is a broken header
MAX_CHANNELS = 64


@dataclass(frozen=True)
class PcmFormat:
    """Headerless 16-bit PCM as a Content-Type describes it."""

    rate: int
    channels: int = 1
    big_endian: bool = False


def pcm_format(content_type: str) -> PcmFormat | None:
    """The format of ``audio/pcm;rate=16000`` or ``audio/L16;rate=16000;channels=1``, None for other types.

    Samples are little-endian without ``endianness=big-endian``: L16 is big-endian by RFC 2586, but speech clients send
    little-endian under that name. Raises ApiError 400 for a missing or unusable parameter.
    """
    kind, *rest = (part.strip().lower() for part in content_type.split(";"))
    if kind not in ("audio/pcm", "audio/l16"):
        return None
    pairs = (part.split("=", 1) for part in rest if "=" in part)
    parameters = {name.strip(): value.strip(' "') for name, value in pairs}
    try:
        rate, channels = int(parameters["rate"]), int(parameters.get("channels", 1))
    except (KeyError, ValueError):
        rate = channels = 0
    if not RATES_HZ[0] <= rate <= RATES_HZ[1] or not 1 <= channels <= MAX_CHANNELS:
        raise ApiError(400, "services.bad_pcm_format", content_type=content_type)
    return PcmFormat(rate, channels, parameters.get("endianness") == "big-endian")
