"""The tools that come with Huiyin, a file for each kind."""
