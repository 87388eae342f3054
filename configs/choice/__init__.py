"""Which models this machine uses: ladders of candidates, facts of the machine, a choice between them, its record."""
