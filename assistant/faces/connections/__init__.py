"""What the servers of OpenAI's protocols share: connections, sessions at once, keys, sound on the wire, checks."""
