"""A transcript as one page that can be sent to somebody: what was said, how it sounded, and when."""
