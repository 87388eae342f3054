"""How fast this machine runs our models."""

from __future__ import annotations

from dataclasses import dataclass

MOST_OF_OTHERS = 0.25
"""Share of the processors that other programs may use while a machine is measured."""
_GAIN_OF_SMALLER = 0.6
"""Exponent: on two cores a model of 0.44 of the bytes wrote 1.5 times as fast, not 2.3 times (docs/models.md)."""


@dataclass(frozen=True)
class Speed:
    """Measured by `huiyin.services.measure` with one language model; others are reckoned from it."""

    model: str
    model_bytes: int
    read_tokens_s: float
    """Tokens of a prompt a second."""
    write_tokens_s: float
    """Tokens of a reply a second, nothing else running."""
    write_with_voice_tokens_s: float
    """The same while a voice is made at the pace at which it is heard."""
    voice_rtf: float
    """Real-time factor of the voice: seconds of work a second of speech."""
    others: float = 0.0
    """Share of the processors, 0 to 1, that other programs used just before."""

    @property
    def is_provisional(self) -> bool:
        """Whether other programs took so much that the machine may be faster."""
        return self.others > MOST_OF_OTHERS

    def tokens_s(self, model_bytes: int) -> float:
        """Tokens a second that a model of that size will write while a voice is made; rather too few than too many.

        Each token reads all weights; what does not grow with them keeps a smaller model from being faster in
        proportion.
        """
        ratio = self.model_bytes / model_bytes
        return self.write_with_voice_tokens_s * (ratio**_GAIN_OF_SMALLER if ratio > 1 else ratio)
