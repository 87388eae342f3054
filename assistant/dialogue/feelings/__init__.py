"""What a user's own words say of how they feel, where their voice cannot tell. Pure; lexicon and rules are tables."""
