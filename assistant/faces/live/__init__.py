"""OpenAI's Live protocol, in which the server owns the turns, over a conversation: docs/live_protocol.md."""
