"""The echo path: taking the assistant's own voice out of what the microphone hears."""

from huiyin.assistant.ears.echo.canceller import CancellerMissing, EchoCanceller, NoCanceller
from huiyin.assistant.ears.echo.path import CHUNK, CHUNK_S, Cleaned, EchoPath, make_echo_path, rms

__all__ = [
    "CHUNK",
    "CHUNK_S",
    "CancellerMissing",
    "Cleaned",
    "EchoCanceller",
    "EchoPath",
    "NoCanceller",
    "make_echo_path",
    "rms",
]
