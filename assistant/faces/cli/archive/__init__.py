"""``huiyin transcribe --ray``: many recordings on several machines."""
