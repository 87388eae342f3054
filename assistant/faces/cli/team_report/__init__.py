"""``huiyin transcribe --report``: many recordings on one page."""
