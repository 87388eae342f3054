"""A transcript as one page to send: what was said, how it sounded, and when."""
