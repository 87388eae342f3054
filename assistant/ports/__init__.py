"""Sound in and out: ports, playback, voice activity, the echo path. 16 kHz mono throughout."""

SAMPLE_RATE = 16_000  # Hz; what the recogniser, the voice-activity model and the cancellers work at
BLOCK = 320  # samples a port exchanges at once: 20 ms
