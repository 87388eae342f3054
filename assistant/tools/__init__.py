"""What the assistant can do: tools of MCP servers, of Python packages, and a few built in.

Nothing here knows of a conversation: `conversation.hands` calls these and says what came of it.
"""
