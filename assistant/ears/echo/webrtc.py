"""WebRTC's echo canceller AEC3 with its noise suppression, from the pywebrtc-audio wheel.

It learns at once where Speex needs seconds, but suppresses most of the user with the echo (STOI in
docs/performance.md). So it decides whether there is speech, and Speex gives the speech.
"""

from __future__ import annotations

from huiyin.assistant.ears.echo.canceller import CancellerMissing, checked
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

_FRAME = 160  # samples: WebRTC works on 10 ms
_NOISE_LEVEL = 1  # of 0..3: 12 dB


class WebrtcCanceller:
    """One canceller; not thread-safe. It finds the bulk delay (up to some 0.25 s) by itself."""

    name = "webrtc"
    frame = _FRAME
    needs_alignment = False

    def __init__(self) -> None:
        try:
            from pywebrtc_audio import AudioProcessor
        except ImportError as error:
            raise CancellerMissing("ports.no_webrtc") from error
        self._aec = AudioProcessor(
            SAMPLE_RATE, 1, echo_cancellation=True, noise_suppression=True, ns_level=_NOISE_LEVEL
        )

    def process(self, mic: Pcm16, far_end: Pcm16) -> Pcm16:
        """160 samples each; returns the near end. Raises ValueError on any other length."""
        mic, far_end = checked(self, mic, far_end)
        out: Pcm16 = self._aec.process(mic, far_end)
        return out

    def learn(self, mic: Pcm16, far_end: Pcm16) -> None:
        """As `process`, for sound heard before."""
        self.process(mic, far_end)
