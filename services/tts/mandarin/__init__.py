"""How Chinese characters are read in a sentence. Pure functions over dictionaries that load once.

`cutting` finds the words, `dictionary` knows how words are read, `names` and `context` (tables `names.toml` and
`context.toml`) decide for characters that no word decides for, and `tones` changes tones as they change in speech.
"""
