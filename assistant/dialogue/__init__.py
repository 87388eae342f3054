"""What is said: the history of what the user heard, the persona, and the way from text to clauses. Pure."""
