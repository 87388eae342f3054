"""Speex's echo canceller with its residual-echo and noise suppression coupled, through ctypes on libspeexdsp.

Settings as measured in simulated rooms: frame 256, tail 4096 (256 ms), suppression -60 dB (-40 dB while the
user speaks), denoise on: without it residual suppression does nothing (17 -> 25 dB of echo removed).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from huiyin.assistant.ears.echo.canceller import CancellerMissing, checked
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

_FRAME = 256  # samples
_TAIL = 4096  # samples of room response the filter can learn
_SUPPRESS_DB = -60  # of residual echo
_SUPPRESS_ACTIVE_DB = -40  # likewise, while the user speaks

# Requests, by their numbers in speex_echo.h and speex_preprocess.h.
_ECHO_SET_SAMPLING_RATE = 24
_PP_SET_DENOISE = 0
_PP_SET_ECHO_SUPPRESS = 20
_PP_SET_ECHO_SUPPRESS_ACTIVE = 22
_PP_SET_ECHO_STATE = 24


def _names() -> Iterator[str]:
    yield from {
        "linux": ["libspeexdsp.so.1"],
        "darwin": [
            "libspeexdsp.1.dylib",
            "/opt/homebrew/lib/libspeexdsp.1.dylib",
            "/usr/local/lib/libspeexdsp.1.dylib",
        ],
        "win32": ["libspeexdsp-1.dll", "speexdsp.dll"],
    }.get(sys.platform, [])
    if found := ctypes.util.find_library("speexdsp"):  # starts a program: only where the usual names do not do
        yield found


def _library() -> Any:
    for name in _names():
        try:
            return _declare(ctypes.CDLL(name))
        except OSError:
            continue
    raise CancellerMissing("ports.no_speexdsp")


def _declare(library: Any) -> Any:
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    for name, result, arguments in (
        ("speex_echo_state_init", pointer, [integer, integer]),
        ("speex_echo_state_destroy", None, [pointer]),
        ("speex_echo_cancellation", None, [pointer] * 4),
        ("speex_echo_ctl", integer, [pointer, integer, pointer]),
        ("speex_preprocess_state_init", pointer, [integer, integer]),
        ("speex_preprocess_state_destroy", None, [pointer]),
        ("speex_preprocess_run", integer, [pointer, pointer]),
        ("speex_preprocess_ctl", integer, [pointer, integer, pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class SpeexCanceller:
    """One canceller; not thread-safe."""

    name = "speex"
    frame = _FRAME
    needs_alignment = True

    def __init__(self) -> None:
        self._lib = _library()
        self._echo = self._lib.speex_echo_state_init(_FRAME, _TAIL)
        self._post = self._lib.speex_preprocess_state_init(_FRAME, SAMPLE_RATE)
        self._lib.speex_echo_ctl(self._echo, _ECHO_SET_SAMPLING_RATE, ctypes.byref(ctypes.c_int(SAMPLE_RATE)))
        for request, value in (
            (_PP_SET_DENOISE, 1),
            (_PP_SET_ECHO_SUPPRESS, _SUPPRESS_DB),
            (_PP_SET_ECHO_SUPPRESS_ACTIVE, _SUPPRESS_ACTIVE_DB),
        ):
            self._lib.speex_preprocess_ctl(self._post, request, ctypes.byref(ctypes.c_int(value)))
        self._lib.speex_preprocess_ctl(self._post, _PP_SET_ECHO_STATE, self._echo)

    def process(self, mic: Pcm16, far_end: Pcm16) -> Pcm16:
        """256 samples each; returns the near end. Raises ValueError on any other length."""
        mic, far_end = checked(self, mic, far_end)
        out = np.empty(_FRAME, np.int16)
        self._lib.speex_echo_cancellation(self._echo, mic.ctypes.data, far_end.ctypes.data, out.ctypes.data)
        self._lib.speex_preprocess_run(self._post, out.ctypes.data)
        return out

    def learn(self, mic: Pcm16, far_end: Pcm16) -> None:
        """Adapt the filter to 256 samples each without giving anything out: for sound heard before."""
        mic, far_end = checked(self, mic, far_end)
        out = np.empty(_FRAME, np.int16)
        self._lib.speex_echo_cancellation(self._echo, mic.ctypes.data, far_end.ctypes.data, out.ctypes.data)

    def __del__(self) -> None:
        if getattr(self, "_post", None):
            self._lib.speex_preprocess_state_destroy(self._post)
            self._lib.speex_echo_state_destroy(self._echo)
