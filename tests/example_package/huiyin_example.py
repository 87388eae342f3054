"""A recogniser, a voice and a judge in a package of their own: all that such a package needs."""

import numpy as np

from huiyin.services.asr.recogniser import Recognition, Segment
from huiyin.services.tts.voice_engine import Voice


class ExampleRecogniser:
    """Hears the same word in everything."""

    model, device, languages, max_piece_s = "example", "cpu", ("en", "zh"), 30.0
    batch_s, workers, uses_hotwords, translates = 0.0, 1, False, False

    def recognise(self, pieces, hints):
        return [Recognition((Segment(0.0, len(piece) / 16_000, "hello", "en", 1.0),)) for piece in pieces]


def load_recogniser(settings, find_model):
    return ExampleRecogniser()


class ExampleVoice:
    """A tone for each letter."""

    name, version, sample_rate, remote = "example", "1", 24_000, False
    voices = (Voice("beep", "example", "en-US", "female", frozenset({"en", "zh"})),)

    def __init__(self, settings):
        self.warm_up = self.pieces = lambda *text: list(text)

    def voice(self, name):
        return next((voice for voice in self.voices if voice.name == name), None)

    def synthesise(self, text, voice, prosody):
        yield (0.3 * np.sin(np.arange(2400 * len(text)) / 9)).astype(np.float32)


def load_judge():
    """The turn is complete where its last tenth of a second is quieter than its loudest."""
    return lambda samples: float(np.abs(samples[-1600:]).max(initial=0) < np.abs(samples).max(initial=0))
