"""What of a recording is worth a look, or to be heard again, besides what is said."""

SOUNDS = ("laughter", "applause", "crying", "singing")
"""Labels of events."""
EMOTIONS = ("angry",)
"""Labels of emotions."""
