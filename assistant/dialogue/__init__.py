"""What is said: the history of what was heard, the persona, and the way from text to speakable clauses. Pure."""
