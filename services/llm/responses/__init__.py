"""OpenAI's Responses API as chat completions: `request.py` on the way in, `writer.py` on the way out."""
