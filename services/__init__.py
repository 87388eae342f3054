"""Three programs that know nothing of the assistant: speech recognition, LLM proxy, speech synthesis."""

if __name__ != "huiyin.services":
    raise ImportError(
        "import huiyin.services, not services; a service runs as `python -m huiyin.services asr|llm|tts`, "
        "any other module as `python -m huiyin.services.…`"
    )

import huiyin.configs  # noqa: F401 -- first: it keeps libraries from reporting
