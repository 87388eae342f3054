"""What is said for a text: markup out, numbers and signs in the words of the language around them. Pure functions.

One file a concern: what is only there to be seen (`markup`, `formulas`, `addresses`), characters (`characters`),
numbers in words (`numbers`) and how each language reads them (`chinese`, `english`, `english_times`, `rules`).
docs/speech.md tells the choices.
"""

from __future__ import annotations

from huiyin.services.tts.spoken.reading import spoken

__all__ = ["spoken"]
