"""The three services as the loop sees them: HTTP with deadlines, streaming and cancellation."""
