"""The OpenAI Realtime protocol, in its GA form, over a conversation: docs/realtime.md."""
