"""Who speaks: a voice as a vector, and a recording divided among its speakers."""
