"""An archive by ``huiyin transcribe --ray``, and by two workers run by hand."""
