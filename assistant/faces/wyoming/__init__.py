"""The door for Home Assistant: the Wyoming protocol (PyPI `wyoming`), for recogniser, voice and assistant."""
