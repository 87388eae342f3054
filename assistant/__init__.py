"""The conversation loop and its commands."""

if __name__ != "huiyin.assistant":
    raise ImportError("import huiyin.assistant, not assistant; to run a module: python -m huiyin.assistant.…")

import huiyin.configs  # noqa: F401 -- first: it keeps libraries from reporting
